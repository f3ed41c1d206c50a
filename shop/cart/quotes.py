"""The one door to what a cart costs: cart page, checkout, JSON and ``place_order`` all get their numbers here.

What can be bought of a line may be less than what was put in: ``quantity`` is what counts (0 when nothing is left), ``wanted`` what was put in.
A line says by ``notices`` what changed. The price notice compares with the price that was seen when the line was last put in or changed; looking
at the cart writes nothing, so the notice stays until the line is changed or the order is placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Row

from shop.cart.looked import SOMEBODY, Buyer, read_looked
from shop.cart.missed import say_missed
from shop.cart.models import MAX_QUANTITY
from shop.cart.queries import list_cart_lines
from shop.media.urls import ImageView, image_view
from shop.money import MAX_MINOR, Money, format_minor
from shop.pricing.delivery import Basket, Delivery, Obstacle, find_obstacle, that_take
from shop.pricing.goods import Item, basket_of
from shop.pricing.places import Destination
from shop.pricing.queries import Rules, get_rules, reachable_countries
from shop.pricing.quote import Quote, make_quote
from shop.promotion.offers import Looked, Offer, list_offers, pick_promotions, shop_zone
from shop.promotion.uses import Use


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about a line or the cart. ``code`` is for programs; ``kind`` is ``good``, ``warning`` or ``bad``."""

    code: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line of a cart as it stands now. ``quantity`` counts, ``wanted`` was put in; ``unit_price`` is None where it is not sold any more."""

    id: int
    variant_id: int
    product_id: int
    sku: str
    name: str
    options: str
    slug: str
    image: ImageView | None
    wanted: int
    quantity: int
    most: int
    unit_price: Money | None
    seen_price: Money
    before: Money | None
    total: Money
    total_before: Money | None
    is_gone: bool
    notices: tuple[Notice, ...]

    @property
    def shown_price(self) -> Money:
        """The price of one piece; of what is gone the one that was last seen."""
        return self.seen_price if self.unit_price is None else self.unit_price

    @property
    def can_be_bought(self) -> bool:
        return self.quantity > 0


@dataclass(frozen=True, slots=True)
class CartCodeView:
    """A code that was typed. ``text`` says why it does not count, or what would give more; "" where it simply counts."""

    code: str
    label: str
    counts: bool
    saving: Money
    text: str


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart with its quote. ``lines`` are all lines; the quote holds those that can be bought, in the pieces that there are.

    ``cart_id`` is None when it is empty. ``notices`` are about the cart as a whole; ``deliveries`` are the ways to deliver;
    ``quote.delivery`` is the chosen one, else the cheapest to the door. ``all_deliveries`` lead to ``place`` too, but may not take so much.
    ``looked`` are its codes, and promotions with a limit, as they stood.
    """

    cart_id: int | None
    lines: tuple[CartLine, ...]
    notices: tuple[Notice, ...]
    quote: Quote
    deliveries: tuple[Delivery, ...]
    country: str
    place: Destination
    all_deliveries: tuple[Delivery, ...]
    locale: str
    looked: tuple[Looked, ...] = ()

    @property
    def count(self) -> int:
        """How many pieces can be bought."""
        return sum(line.quantity for line in self.lines)

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def needs_delivery(self) -> bool:
        return any(line.item.requires_shipping for line in self.quote.lines)

    @property
    def basket(self) -> Basket:
        """What deliveries look at."""
        return basket_of([line.item for line in self.quote.lines])

    @property
    def obstacle(self) -> Obstacle | None:
        """Why nothing of this can come to the door, where it must be sent."""
        if not self.needs_delivery:
            return None
        is_reached = self.country in reachable_countries()
        return find_obstacle(self.place, self.all_deliveries, self.basket, is_country_reached=is_reached)

    @property
    def until_free(self) -> Money | None:
        """For how much more goods the delivery would cost nothing, where that is possible."""
        delivery, subtotal = self.quote.delivery, self.quote.subtotal_minor
        is_free = not any(part.shown_minor for part in self.quote.adjustments)
        if delivery is None or is_free or delivery.free_from_minor is None:
            return None
        return Money(delivery.free_from_minor - subtotal, self.quote.currency)

    @property
    def codes(self) -> list[CartCodeView]:
        """The codes in the cart, each with what it does. Not inside transactions: the names of goods come from memory."""
        typed = [one.code for one in self.looked if one.code is not None]
        counting = {discount.code: discount for discount in self.quote.discounts if discount.code}
        missed = {one.code: one for one in self.quote.missed if one.code}
        return [
            CartCodeView(
                code,
                counting[code].label if code in counting else missed[code].label if code in missed else "",
                code in counting,
                Money(counting[code].amount_minor if code in counting else 0, self.quote.currency),
                say_missed(missed[code], self.locale) if code in missed else "",
            )
            for code in typed
        ]

    @property
    def within_reach(self) -> list[str]:
        """What automatic promotions would count if a little more were put in, as sentences. Not inside transactions."""
        return [say_missed(one, self.locale) for one in self.quote.missed if one.code is None and one.is_reachable]

    @property
    def uses(self) -> list[Use]:
        """What an order of this would use up."""
        code_ids = {one.promotion_id: one.code_id for one in self.looked}
        return [Use(discount.promotion_id, code_ids.get(discount.promotion_id)) for discount in self.quote.discounts]

    @property
    def can_be_ordered(self) -> bool:
        """Is there anything to buy, for an amount that an order can hold?"""
        return bool(self.quote.lines) and self.quote.total_minor <= MAX_MINOR


def quote_cart(
    cart_id: int | None,
    *,
    country: str | Destination,
    delivery_code: str | None,
    locale: str,
    at: datetime,
    rules: Rules | None = None,
    offers: Sequence[Offer] | None = None,
    buyer: Buyer = SOMEBODY,
) -> CartView:
    """What the cart costs, delivered to ``country`` by the method ``delivery_code``; None, or one that is not offered, means the cheapest to the door.

    One statement, and no more when ``rules`` (``shop.pricing.queries.get_rules``) and ``offers`` (``list_offers``) were read before. Limits and groups
    of promotions are those of ``buyer``. Without a cart the view is empty.
    """
    found = list_cart_lines(cart_id, locale=locale, at=at, buyer=buyer) if cart_id is not None else ()
    return quote_lines(found, country=country, delivery_code=delivery_code, locale=locale, at=at, rules=rules, offers=offers, buyer=buyer)


def quote_lines(
    found: Sequence[Row[Any]],
    *,
    country: str | Destination,
    delivery_code: str | None,
    locale: str,
    at: datetime,
    rules: Rules | None = None,
    offers: Sequence[Offer] | None = None,
    buyer: Buyer = SOMEBODY,
) -> CartView:
    """``quote_cart`` for lines that were read before, for the same buyer."""
    currency = current_app.extensions["config"].currency
    rules = rules or get_rules(country, currency=currency, locale=locale, at=at)
    lines = tuple(_line(line, currency, locale) for line in found)
    items = [_item(raw, line.quantity) for raw, line in zip(found, lines, strict=True) if line.quantity]
    needs_delivery = any(item.requires_shipping for item in items)
    basket = basket_of(items)
    deliveries = tuple(that_take(rules.deliveries, basket)) if needs_delivery else ()
    looked = tuple(read_looked(found[0])) if found else ()
    picked = pick_promotions(
        list_offers(locale) if offers is None else offers, looked, is_member=buyer.user_id is not None, zone=shop_zone(), at=at
    )
    quote = make_quote(
        items,
        currency=currency,
        prices_include_tax=rules.prices_include_tax,
        tax_rates=rules.tax_rates,
        delivery=_choose(deliveries, delivery_code, basket),
        contained_rates=rules.contained_rates,
        tax_note=rules.tax_note,
        rounding=rules.rounding,
        promotions=picked.promotions,
        codes=[one.code for one in looked if one.code is not None],
        missed=picked.missed,
        groups=found[0].groups.split() if found else (),
    )
    place = Destination.of(country)
    return CartView(
        found[0].cart_id if found else None,
        lines,
        _about_all(lines, quote),
        quote,
        deliveries,
        place.country,
        place,
        tuple(rules.deliveries),
        locale,
        looked,
    )


def _choose(deliveries: Sequence[Delivery], code: str | None, basket: Basket) -> Delivery | None:
    """The wished method, else the cheapest that comes to the door, else the cheapest."""
    for delivery in deliveries:
        if delivery.code == code:
            return delivery
    return min(deliveries, key=lambda one: (one.is_pickup, one.price_for(basket)), default=None)


def _line(raw: Row[Any], currency: str, locale: str) -> CartLine:
    is_gone = not raw.is_on_sale or raw.price_minor is None
    most = 0 if is_gone else min(raw.on_hand, MAX_QUANTITY) if raw.is_tracked else MAX_QUANTITY
    quantity = min(raw.quantity, most)
    price = None if is_gone else raw.price_minor
    before = _price_before(raw, price)
    return CartLine(
        id=raw.id,
        variant_id=raw.variant_id,
        product_id=raw.product_id,
        sku=raw.sku,
        name=raw.name,
        options=raw.options,
        slug=raw.slug if raw.is_on_sale else "",
        image=image_view(raw.image_hash, raw.image_width, raw.image_height, raw.image_widths),
        wanted=raw.quantity,
        quantity=quantity,
        most=most,
        unit_price=None if price is None else Money(price, currency),
        seen_price=Money(raw.seen_price_minor, currency),
        before=None if before is None else Money(before, currency),
        total=Money((price or 0) * quantity, currency),
        total_before=None if before is None or not quantity else Money(before * quantity, currency),
        is_gone=is_gone,
        notices=tuple(_notices(raw, is_gone=is_gone, quantity=quantity, currency=currency, locale=locale)),
    )


def _price_before(raw: Row[Any], price: int | None) -> int | None:
    """The former price to strike through: the shop's own, or the one that the visitor saw."""
    if price is None:
        return None
    higher = max(raw.compare_at_minor or 0, raw.seen_price_minor)
    return higher if higher > price else None


def _say_wait(raw: Row[Any], quantity: int) -> str:
    """So many are not on the shelf; when they ship."""
    missing = quantity - max(raw.on_shelf, 0)
    some = "" if missing == quantity else ngettext("One of them is not here yet.", "%(num)d of them are not here yet.", missing) + " "
    if not raw.lead_days:
        return f"{some}{_('Ships as soon as it is here again.')}"
    return f"{some}{ngettext('Ships in about one day.', 'Ships in about %(num)d days.', raw.lead_days)}"


def _notices(raw: Row[Any], *, is_gone: bool, quantity: int, currency: str, locale: str) -> list[Notice]:
    if is_gone:
        return [Notice("gone", "bad", _("This is no longer for sale. It is not in the total."))]
    if quantity == 0:
        return [Notice("sold_out", "bad", _("This is sold out. It is not in the total."))]
    notices = []
    if quantity < raw.quantity:
        left = ngettext("Only one is left.", "Only %(num)d are left.", quantity)
        kept = _("You wanted %(wanted)d; we kept %(kept)d for you.", wanted=raw.quantity, kept=quantity)
        notices.append(Notice("less_in_stock", "warning", f"{left} {kept}"))
    if raw.is_tracked and quantity > raw.on_shelf:
        notices.append(Notice("ships_later", "warning", _say_wait(raw, quantity)))
    if raw.price_minor != raw.seen_price_minor:
        prices = {"now": format_minor(raw.price_minor, currency, locale), "before": format_minor(raw.seen_price_minor, currency, locale)}
        if raw.price_minor < raw.seen_price_minor:
            text = _("It became cheaper since you put it here: %(now)s instead of %(before)s.", **prices)
            notices.append(Notice("price_lower", "good", text))
        else:
            text = _("It became dearer since you put it here: %(now)s instead of %(before)s.", **prices)
            notices.append(Notice("price_higher", "warning", text))
    return notices


def _about_all(lines: Sequence[CartLine], quote: Quote) -> tuple[Notice, ...]:
    notices = []
    out = sum(not line.can_be_bought for line in lines)
    if out:
        text = ngettext("One line cannot be ordered now.", "%(num)d lines cannot be ordered now.", out)
        notices.append(Notice("not_orderable", "warning", text))
    if quote.total_minor > MAX_MINOR:
        notices.append(Notice("too_much", "bad", _("This is more than one order can hold. Please take some pieces out.")))
    return tuple(notices)


def _item(raw: Row[Any], quantity: int) -> Item:
    return Item(
        variant_id=raw.variant_id,
        product_id=raw.product_id,
        name=raw.name,
        options=raw.options,
        sku=raw.sku,
        unit_price_minor=raw.price_minor,
        compare_at_minor=raw.compare_at_minor,
        quantity=quantity,
        tax_class=raw.tax_class,
        weight_g=raw.weight_g,
        requires_shipping=raw.requires_shipping,
        image_id=raw.image_id,
        slug=raw.slug,
        category_ids=frozenset(int(id_) for id_ in raw.shelves.split("/") if id_),
    )
