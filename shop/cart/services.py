"""The verbs of carts. Each claims the cart's row first, so that two tabs, two devices or an order being placed never lose a line to each other."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, NamedTuple, cast

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Row, Table, and_, bindparam, delete, func, insert, select, update

from shop.cart.models import MAX_QUANTITY, Cart, CartItem, CartState
from shop.cart.queries import ON_SALE
from shop.catalog.models import Price, Product, Variant
from shop.catalog.prices import NEWEST_PRICE
from shop.db import after_commit, connection, insert_into, row, transaction
from shop.errors import N_, Conflict, Invalid, NotFound, OutOfStock
from shop.inventory.models import StockItem
from shop.inventory.refusals import tell_refusal
from shop.observe import count
from shop.observe.figures import CART_PUTS

MAX_LINES = 300

carts, lines = cast("Table", Cart.__table__), cast("Table", CartItem.__table__)


class CartClosed(Conflict):
    """The cart became an order, or part of another cart, meanwhile."""

    slug, title = "cart-closed", N_("This cart is closed")


class CartFull(Conflict):
    """More different goods than a cart holds."""

    slug, title = "cart-full", N_("The cart is full")


class NotForSale(Conflict):
    """The variant exists, but is not sold now."""

    slug, title = "not-for-sale", N_("This is not for sale")


class Owner(NamedTuple):
    """Whose cart it is: a member's by ``user_id``, else a guest's by the random ``key`` in their cookie."""

    key: str | None
    user_id: int | None


class ClaimedCart(NamedTuple):
    """An open cart that this transaction holds: nobody else changes it until the commit."""

    id: int
    key: str
    user_id: int | None
    currency: str
    version: int


class Put(NamedTuple):
    """Which line was put in or changed, and how many pieces it now has."""

    cart_id: int
    item_id: int
    quantity: int


class Held(NamedTuple):
    """An open cart and the key of its cookie."""

    id: int
    key: str


class Removed(NamedTuple):
    """What was taken out, so that it can be put back."""

    variant_id: int
    quantity: int


_CLAIM = (
    update(carts)
    .where(carts.c.state == CartState.OPEN)
    .values(version=carts.c.version + 1, updated_at=func.coalesce(bindparam("at", type_=carts.c.updated_at.type), carts.c.updated_at))
    .returning(carts.c.id, carts.c.key, carts.c.user_id, carts.c.currency, carts.c.version)
)
CLAIM = _CLAIM.where(carts.c.id == bindparam("cart"))
CLAIM_OF_GUEST = _CLAIM.where(carts.c.key == bindparam("owner_key"), carts.c.user_id.is_(None))
CLAIM_OF_MEMBER = _CLAIM.where(carts.c.user_id == bindparam("owner_id"))
CLOSE = (
    update(carts)
    .where(carts.c.id == bindparam("cart"), carts.c.state == CartState.OPEN)
    .values(state=bindparam("end"), updated_at=bindparam("at"))
)

_OFFER = (
    Variant.id.label("variant_id"),
    ON_SALE.label("is_on_sale"),
    Price.minor.label("price_minor"),
    func.coalesce(StockItem.is_tracked, False).label("is_tracked"),
    func.coalesce(StockItem.on_hand + StockItem.backorder_to, 0).label("on_hand"),
    CartItem.id.label("item_id"),
    func.coalesce(CartItem.quantity, 0).label("held"),
)


def _offer(statement: Any) -> Any:
    return (
        statement.join(Product, Product.id == Variant.product_id)
        .outerjoin(Price, Price.id == NEWEST_PRICE)
        .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    )


_LINE_COUNT = select(func.count()).where(lines.c.cart_id == bindparam("cart")).scalar_subquery()
OFFER = _offer(
    select(*_OFFER, _LINE_COUNT.label("lines"))
    .select_from(Variant)
    .outerjoin(CartItem, and_(CartItem.variant_id == Variant.id, CartItem.cart_id == bindparam("cart")))
).where(Variant.id == bindparam("variant"))
OFFER_OF_ITEM = _offer(select(*_OFFER).select_from(CartItem).join(Variant, Variant.id == CartItem.variant_id)).where(
    CartItem.id == bindparam("item"), CartItem.cart_id == bindparam("cart")
)
PUT = insert(lines).returning(lines.c.id)
CHANGE = update(lines).where(lines.c.id == bindparam("item")).values(quantity=bindparam("pieces"), seen_price_minor=bindparam("seen"))
REMOVE = (
    delete(lines)
    .where(lines.c.id == bindparam("item"), lines.c.cart_id == bindparam("cart"))
    .returning(lines.c.variant_id, lines.c.quantity)
)


def new_key() -> str:
    """A name for a guest's cart that nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


def claim_cart(cart_id: int, *, at: datetime | None = None) -> ClaimedCart:
    """Hold the cart until the end of the transaction: the first statement of every verb. ``at`` is noted as the moment of its last change.

    Raises:
        CartClosed: it is not open (any more).
    """
    found = row(CLAIM, cart=cart_id, at=at)
    if found is None:
        raise CartClosed(_("It was ordered already, or joined with another. Open your cart again."))
    return ClaimedCart(found.id, found.key, found.user_id, found.currency, found.version)


def open_cart(owner: Owner, *, at: datetime) -> Held:
    """The owner's open cart, made under a new key when there is none. Two at once on a member's devices get the same."""
    with transaction():
        return _claim_of(owner, at) or _make_cart(owner, at)


def put_into_cart(owner: Owner, variant_id: int, quantity: int, *, at: datetime) -> Held:
    """``add_to_cart`` for whoever may have no cart yet: it is made with its first line, or not at all."""
    with transaction():
        cart = open_cart(owner, at=at)
        _add(cart.id, variant_id, quantity, at)
        after_commit(lambda: count(CART_PUTS))
        return cart


def add_to_cart(cart_id: int, variant_id: int, quantity: int, *, at: datetime) -> Put:
    """Put pieces of a variant into the cart, to those that lie there already. The price counts as seen.

    Raises:
        NotFound: there is no such variant.
        NotForSale: it is archived, not published, or has no price in the shop's currency.
        OutOfStock: together they are more than there are; says how many are left. The cart stays as it was.
        Invalid: together they are more than a line holds.
        CartFull: the cart has ``MAX_LINES`` different goods already.
        CartClosed: it is not open (any more).
    """
    with transaction():
        after_commit(lambda: count(CART_PUTS))
        return _add(claim_cart(cart_id, at=at).id, variant_id, quantity, at)


def set_quantity(cart_id: int, item_id: int, quantity: int, *, at: datetime) -> Put | Removed:
    """Change how many pieces a line has; 0 takes it out. The current price counts as seen.

    Raises:
        NotFound: this cart has no such line.
        NotForSale, OutOfStock, CartClosed: as ``add_to_cart``.
    """
    with transaction():
        claim_cart(cart_id, at=at)
        if quantity == 0:
            return _remove(cart_id, item_id)
        offer = row(OFFER_OF_ITEM, cart=cart_id, item=item_id, **_market(at))
        if offer is None:
            raise NotFound(_("This line is not in the cart any more."))
        _check(offer, quantity, held=0)
        connection().execute(CHANGE, {"item": item_id, "pieces": quantity, "seen": offer.price_minor})
        return Put(cart_id, item_id, quantity)


def remove_item(cart_id: int, item_id: int, *, at: datetime) -> Removed:
    """Take a line out.

    Raises:
        NotFound: this cart has no such line.
        CartClosed: it is not open (any more).
    """
    with transaction():
        claim_cart(cart_id, at=at)
        return _remove(cart_id, item_id)


def close_cart(cart_id: int, state: CartState, *, at: datetime) -> None:
    """The cart has become an order, or part of another cart.

    Raises:
        CartClosed: it was closed before.
    """
    with transaction():
        closed = connection().execute(CLOSE, {"cart": cart_id, "end": state, "at": at})
        if closed.rowcount == 0:
            raise CartClosed(_("It was ordered already, or joined with another. Open your cart again."))


def _claim_of(owner: Owner, at: datetime) -> Held | None:
    is_member = owner.user_id is not None
    found = row(CLAIM_OF_MEMBER, owner_id=owner.user_id, at=at) if is_member else row(CLAIM_OF_GUEST, owner_key=owner.key, at=at)
    return Held(found.id, found.key) if found else None


def _make_cart(owner: Owner, at: datetime) -> Held:
    """Under a new key: the old one may name a cart that was ordered. A member who has one by now, from another device, gets that."""
    values = {"key": new_key(), "user_id": owner.user_id, "currency": current_app.extensions["config"].currency}
    made = insert_into(carts).values(**values, state=CartState.OPEN, version=1, created_at=at, updated_at=at)
    found = connection().execute(made.on_conflict_do_nothing().returning(carts.c.id, carts.c.key)).first()
    cart = Held(found.id, found.key) if found else _claim_of(owner, at)
    if cart is None:
        raise CartClosed(_("It was ordered already, or joined with another. Open your cart again."))
    return cart


def _add(cart_id: int, variant_id: int, quantity: int, at: datetime) -> Put:
    offer = row(OFFER, cart=cart_id, variant=variant_id, **_market(at))
    if offer is None:
        raise NotFound(_("There is no such thing in the shop."))
    total = offer.held + quantity
    _check(offer, total, held=offer.held)
    if offer.item_id is not None:
        connection().execute(CHANGE, {"item": offer.item_id, "pieces": total, "seen": offer.price_minor})
        return Put(cart_id, offer.item_id, total)
    if offer.lines >= MAX_LINES:
        raise CartFull(_("A cart holds %(count)d different goods. Order these first, please.", count=MAX_LINES))
    values = {"cart_id": cart_id, "variant_id": variant_id, "quantity": total, "seen_price_minor": offer.price_minor, "added_at": at}
    return Put(cart_id, int(connection().execute(PUT, values).scalar_one()), total)


def _check(offer: Row[Any], total: int, *, held: int) -> None:
    """May the line hold ``total`` pieces?"""
    if not offer.is_on_sale or offer.price_minor is None:
        raise NotForSale(_("This is no longer for sale."))
    if total < 1 or total > MAX_QUANTITY:
        raise Invalid({"quantity": [_("Write a whole number from %(low)s to %(high)s.", low=1, high=MAX_QUANTITY - held)]})
    if offer.is_tracked and total > offer.on_hand:
        tell_refusal("cart", [offer.variant_id])
        raise OutOfStock(
            _say_left(offer.on_hand, held), lines=[{"variant_id": offer.variant_id, "wanted": total, "available": offer.on_hand}]
        )


def _say_left(on_hand: int, held: int) -> str:
    if on_hand <= 0:
        return str(_("This is sold out."))
    left: str = ngettext("Only one is left.", "Only %(num)d are left.", on_hand)
    if not held:
        return left
    return f"{left} {ngettext('One is in your cart already.', '%(num)d are in your cart already.', held)}"


def _remove(cart_id: int, item_id: int) -> Removed:
    gone = row(REMOVE, cart=cart_id, item=item_id)
    if gone is None:
        raise NotFound(_("This line is not in the cart any more."))
    return Removed(gone.variant_id, gone.quantity)


def _market(at: datetime) -> dict[str, Any]:
    return {"currency": current_app.extensions["config"].currency, "at": at}
