"""The verb that everything leads to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from shop.cart.looked import Buyer
from shop.cart.models import Cart, CartState
from shop.cart.quotes import CartView, quote_cart
from shop.cart.services import CartClosed, Owner, close_cart
from shop.catalog.listing import refresh_availability
from shop.checkout.obstacles import tell_obstacle
from shop.checkout.shown import dump_quote
from shop.checkout.wanted import Checkout
from shop.db import connection, transaction
from shop.errors import CartEmpty, Invalid, OutOfStock, QuoteChanged
from shop.inventory.refusals import tell_refusal
from shop.inventory.services import take_stock
from shop.order.models import ORDER_COLUMNS, Order, PaymentState
from shop.order.placing import Agreement, write_order
from shop.order.services import record_payment_state
from shop.payment.services import record_attempt
from shop.pricing.queries import Rules, get_rules
from shop.pricing.quote import Quote
from shop.pricing.vat import VatJudgment, judge_vat_number
from shop.promotion.offers import Offer, list_offers
from shop.promotion.uses import UsesTaken, claim_uses


def place_order(cart_id: int, wanted: Checkout, *, at: datetime) -> Order:
    """Turn the open cart into an order, exactly as it was shown, or change nothing. The same cart again gives the same order.

    The rules of prices are read before the transaction, the goods within it; the fingerprint covers both. Where somebody else took the last use of a
    promotion this moment, nothing is ordered: the quote without it is asked again.

    Raises:
        CartEmpty: there is nothing to order.
        QuoteChanged: price, promotions, stock, tax or delivery differ from ``wanted.shown``; carries the new quote.
        OutOfStock: fewer pieces than wanted, or somebody else was faster; names the lines.
        Invalid: the way to deliver or to pay is not offered.
        CartClosed: the cart was merged into another.
    """
    vat = judge_vat_number(wanted.vat_number, wanted.destination, at=at)
    rules, offers = _rules(wanted, vat, at), list_offers(wanted.locale)
    try:
        return _place(cart_id, wanted, vat, rules, offers, at=at)
    except UsesTaken:
        raise QuoteChanged(_("Look at what changed, then order again."), quote=dump_quote(_quote_anew(cart_id, wanted, at))) from None
    except CartClosed:
        first = find_order_of_cart(cart_id)
        if first is None:
            raise
        return first


def _rules(wanted: Checkout, vat: VatJudgment, at: datetime) -> Rules:
    currency = current_app.extensions["config"].currency
    is_reversed = vat.is_reverse_charged
    return get_rules(wanted.destination, currency=currency, locale=wanted.locale, at=at, is_reverse_charged=is_reversed)


def _place(cart_id: int, wanted: Checkout, vat: VatJudgment, rules: Rules, offers: Sequence[Offer], *, at: datetime) -> Order:
    """Twelve statements at most, however many lines; three more when promotions count, and four when something has become few."""
    with transaction():
        close_cart(cart_id, CartState.ORDERED, at=at)
        view = _quote(cart_id, wanted, at, rules, offers)
        _check(view, wanted)
        quote = view.quote
        order = write_order(quote, _agreement(cart_id, wanted, vat), at=at)
        pieces = [(line.item.variant_id, line.item.quantity) for line in quote.lines]
        left = take_stock(pieces, reference=order.number, actor="customer", at=at)
        if quote.total_minor:
            record_attempt(order.id, gateway=wanted.payment_method, amount_minor=quote.total_minor, currency=quote.currency, at=at)
        else:
            record_payment_state(order.id, PaymentState.PAID, by="shop", at=at)
        few = {stock.variant_id for stock in left if stock.is_few}
        refresh_availability({line.item.product_id for line in quote.lines if line.item.variant_id in few}, at=at)
        claim_uses(
            order.id, view.uses, email=wanted.email, user_id=wanted.user_id, at=at
        )  # last: who waits for a use waits until the commit
    return order


def _quote(cart_id: int, wanted: Checkout, at: datetime, rules: Rules | None = None, offers: Sequence[Offer] | None = None) -> CartView:
    return quote_cart(
        cart_id,
        country=wanted.destination,
        delivery_code=wanted.shipping_method,
        locale=wanted.locale,
        at=at,
        rules=rules,
        offers=offers,
        buyer=Buyer(wanted.email, wanted.user_id),
    )


def _quote_anew(cart_id: int, wanted: Checkout, at: datetime) -> Quote:
    """With what is known this moment, and not a second ago."""
    current_app.extensions["kept"].look_again()
    vat = judge_vat_number(wanted.vat_number, wanted.destination, at=at)
    return _quote(cart_id, wanted, at, _rules(wanted, vat, at)).quote


def _check(view: CartView, wanted: Checkout) -> None:
    if view.is_empty:
        raise CartEmpty(_("Put something in first."))
    quote = view.quote
    if view.needs_delivery and (quote.delivery is None or quote.delivery.code != wanted.shipping_method) and view.obstacle:
        raise Invalid(tell_obstacle(view, wanted.locale))
    if wanted.shown is not None and quote.fingerprint != wanted.shown:
        raise QuoteChanged(_("Look at what changed, then order again."), quote=dump_quote(quote))
    short = [
        {"variant_id": line.variant_id, "wanted": line.wanted, "available": line.quantity}
        for line in view.lines
        if line.quantity < line.wanted
    ]
    if not quote.lines or (short and wanted.shown is None):
        tell_refusal("checkout", (line["variant_id"] for line in short))
        raise OutOfStock(_("Not everything is there any more. Look at your cart, please."), lines=short)
    if (quote.delivery.code if quote.delivery else "") != (wanted.shipping_method if view.needs_delivery else ""):
        raise Invalid({"/shipping_method": [_("Choose how it shall come.")]})
    if not view.can_be_ordered:
        raise Invalid({"": [_("This is more than one order can hold. Please take some pieces out.")]})


def _agreement(cart_id: int, wanted: Checkout, vat: VatJudgment) -> Agreement:
    return Agreement(
        email=wanted.email,
        locale=wanted.locale,
        name=wanted.name,
        payment_method=wanted.payment_method,
        shipping_address=wanted.shipping_address,
        billing_address=wanted.billing_address,
        cart_id=cart_id,
        user_id=wanted.user_id,
        note=wanted.note,
        vat_number=vat.number,
        vat_check_id=vat.check_id,
        is_demo=wanted.is_demo,
    )


def find_order_of_cart(cart_id: int) -> Order | None:
    """The order that this cart became."""
    found = connection().execute(select(*ORDER_COLUMNS).where(Order.cart_id == cart_id)).first()
    return Order(**found._asdict()) if found else None


def find_own_order(owner: Owner, *, since: datetime) -> Order | None:
    """The newest order that this visitor placed since then: a member's, or the one that the guest's cart became."""
    whose = Order.user_id == owner.user_id if owner.user_id is not None else Cart.key == owner.key
    newest = select(*ORDER_COLUMNS).join(Cart, Cart.id == Order.cart_id).where(whose, Order.placed_at >= since)
    found = connection().execute(newest.order_by(Order.placed_at.desc(), Order.id.desc()).limit(1)).first()
    return Order(**found._asdict()) if found else None
