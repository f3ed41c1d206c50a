"""Changing an order that was placed: pieces taken off or added, another address. What was agreed stays; an edit appends to it under a revision.

What was paid too much goes back by ``shop.order.credits``; an order that is not paid yet asks for its new total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, func, insert, select, update

from shop.cart.queries import VARIANT
from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.customer.addresses import address_lines
from shop.customer.values import AddressValues
from shop.db import row, rows, scalar, transaction
from shop.errors import IllegalMove, Invalid
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock, take_stock
from shop.ledger.models import Cause
from shop.order.books import post_agreement
from shop.order.credits import owe_credit
from shop.order.documents.facts import read_order
from shop.order.documents.services import paper_revision
from shop.order.models import (
    AddressKind,
    Adjustment,
    AdjustmentKind,
    CreditKind,
    FulfillmentState,
    OrderAddress,
    OrderLine,
    OrderRevision,
    PaymentState,
)
from shop.order.placing import line_values
from shop.order.reckoning import LineAccount, reckon_lines
from shop.order.services import change_order, claim_open_order, tell
from shop.order.shares import Share, share_of
from shop.order.states import EDITABLE, word
from shop.pricing.goods import Item
from shop.pricing.places import Destination
from shop.pricing.queries import get_rules
from shop.pricing.quote import Quote, make_quote
from shop.pricing.tax import TaxNote

PAID = {PaymentState.PAID, PaymentState.PARTLY_REFUNDED}
lines_table = cast("Table", OrderLine.__table__)
LINES = select(lines_table).where(lines_table.c.order_id == bindparam("order_id")).order_by(lines_table.c.position)
TAKE_OFF = (
    update(lines_table)
    .where(lines_table.c.id == bindparam("line_id"))
    .values(canceled_quantity=lines_table.c.canceled_quantity + bindparam("pieces"))
)
SHIPPING_ADDRESS = select(cast("Table", OrderAddress.__table__)).where(
    OrderAddress.order_id == bindparam("order_id"), OrderAddress.kind == AddressKind.SHIPPING
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to be different: pieces by line (as they are to be then), pieces by variant that come new, where it goes, and why."""

    pieces: Mapping[int, int] = field(default_factory=dict)
    added: Sequence[tuple[int, int]] = ()
    address: AddressValues | None = None
    reason: str = ""


@dataclass(slots=True)
class _Change:
    """What an edit does to the sums of an order."""

    subtotal: int = 0
    discount: int = 0
    untaxed: int = 0
    tax: int = 0
    total: int = 0
    words: list[str] = field(default_factory=list)


def edit_order(order_id: int, edit: Edit, *, by: str, at: datetime) -> int:
    """Do it, give back or take the pieces, and settle the difference; gives the number of the revision.

    Raises:
        IllegalMove: everything has left, it is being paid right now, or a paid order would cost more.
        Invalid: nothing changes, a line is not of this order, pieces have left already, or nothing would remain.
        OutOfStock: fewer pieces are left than are to be added.
    """
    with transaction() as session:
        claimed = claim_open_order(order_id)
        _check_editable(claimed)
        order = read_order(order_id)
        revision, change = order.revision + 1, _Change()
        kept = _take_off(order, edit.pieces, revision, change, by=by, at=at)
        _add(order, edit.added, revision, change, by=by, at=at)
        if edit.address is not None:
            _move(order, edit.address, change, at=at)
        if not change.words:
            raise Invalid({"/lines": [_("Nothing is different.")]})
        if not kept and not edit.added:
            raise Invalid({"/lines": [_("Nothing would remain. Cancel the order instead.")]})
        if change.total > 0 and claimed.payment_state in PAID:
            raise IllegalMove(
                _("It is paid, and would cost more. Let the customer order the rest anew."), state=claimed.payment_state.value, legal=[]
            )
        amounts = {f"{name}_minor": getattr(order, f"{name}_minor") + getattr(change, name) for name in _SUMS}
        change_order(order_id, **amounts, revision=revision)
        about = {"order_id": order_id, "revision": revision, "actor": by, "reason": edit.reason, "at": at}
        session.execute(insert(OrderRevision).values(**about, before_minor=order.total_minor, after_minor=amounts["total_minor"]))
        if claimed.payment_state in PAID:
            post_agreement(order_id, Cause.REVISION, by=by, at=at)
            paper_revision(order_id, revision, at=at)
            if change.total < 0:
                owe_credit(order, CreditKind.EDIT, f"revision:{order_id}:{revision}", -change.total, note=edit.reason, by=by, at=at)
        _finish_goods(claimed)
        note = "; ".join([*change.words, *([edit.reason] if edit.reason else [])])
        tell(claimed, "edited", by=by, note=note[:2000], at=at, revision=revision, difference_minor=change.total)
        return revision


_SUMS = ("subtotal", "discount", "untaxed", "tax", "total")


def _check_editable(order: Row[Any]) -> None:
    if order.fulfillment_state not in EDITABLE:
        raise IllegalMove(
            _("The order is %(state)s. It can be changed only until everything has left.", state=word(order.fulfillment_state)),
            state=order.fulfillment_state.value,
            legal=[],
        )
    waits_for_transfer = order.payment_state is PaymentState.UNPAID and order.payment_method == "bank_transfer"
    if order.payment_state not in PAID and not waits_for_transfer:
        raise IllegalMove(
            _("Its payment is under way: %(state)s. It can be changed once that is settled.", state=word(order.payment_state)),
            state=order.payment_state.value,
            legal=[],
        )


def _take_off(order: Row[Any], wanted: Mapping[int, int], revision: int, change: _Change, *, by: str, at: datetime) -> int:
    """Lower lines to the pieces that are wanted; gives how many pieces remain in all."""
    known = {line.id: line for line in rows(LINES, order_id=order.id)}
    accounts, back, left = reckon_lines(order.id), [], 0
    for line_id in wanted:
        if line_id not in known:
            raise Invalid({"/lines": [_("This line is not of this order.")]})
    for line in known.values():
        agreed = line.quantity - line.canceled_quantity
        new = wanted.get(line.id, agreed)
        left += new
        account = accounts[line.id]
        if not agreed - account.may_cancel <= new <= agreed:
            raise Invalid({"/lines": [_cannot_remain(line.name, account)]})
        if new < agreed:
            _take_pieces(order, line, new, revision, change, kept_minor=account.refunded_minor)
            if line.variant_id is not None:
                back.append((line.variant_id, agreed - new))
    if back:
        give_back_stock(back, reason=Reason.CANCELLATION, reference=order.number, actor=by, at=at)
        _refresh([variant_id for variant_id, _count in back], at)
    return left


def _cannot_remain(name: str, account: LineAccount) -> str:
    least = account.agreed - account.may_cancel
    if account.refunded > account.shipped:
        text = _(
            "Of %(name)s, %(least)s to %(agreed)s pieces can remain: %(back)s were paid back already.",
            name=name,
            least=least,
            agreed=account.agreed,
            back=account.refunded,
        )
    else:
        text = _("Of %(name)s, %(sent)s to %(agreed)s pieces can remain.", name=name, sent=least, agreed=account.agreed)
    return str(text)


def _take_pieces(order: Row[Any], line: Row[Any], new: int, revision: int, change: _Change, *, kept_minor: int) -> None:
    """``kept_minor`` was paid back for pieces that remain: a cent of rounding is not given twice."""
    of, agreed = {"prices_include_tax": order.prices_include_tax}, line.quantity - line.canceled_quantity
    rest = share_of(line, new, **of)
    short = max(0, kept_minor - rest.gross_minor)
    taken: Share = share_of(line, agreed, **of) - rest - Share(short, 0, 0)
    label = f"{agreed - new} × {line.name}"
    with transaction() as session:
        session.connection().execute(TAKE_OFF, {"line_id": line.id, "pieces": agreed - new})
        session.execute(
            insert(Adjustment).values(
                order_id=order.id,
                kind=AdjustmentKind.EDIT,
                revision=revision,
                order_line_id=line.id,
                source=f"line:{line.id}",
                label=label,
                net_minor=-taken.net_minor,
                tax_minor=-taken.tax_minor,
                gross_minor=-taken.gross_minor,
                tax_rate_ppm=line.tax_rate_ppm,
            )
        )
    base = line.unit_price_minor * (agreed - new)
    shown = taken.gross_minor if order.prices_include_tax else taken.net_minor
    off = taken.off_minor if order.tax_note else base - shown
    change.subtotal -= base
    change.discount -= off
    change.untaxed -= base - off - shown
    change.tax -= taken.tax_minor
    change.total -= taken.gross_minor
    change.words.append(f"− {label}")


def _add(order: Row[Any], added: Sequence[tuple[int, int]], revision: int, change: _Change, *, by: str, at: datetime) -> None:
    """New lines at today's price and the order's tax, without promotions."""
    if not added:
        return
    quote = _quote(order, added, at=at)
    place = int(scalar(select(func.max(OrderLine.position)).where(OrderLine.order_id == order.id)) or 0) + 1
    with transaction() as session:
        take_stock([(line.item.variant_id, line.item.quantity) for line in quote.lines], reference=order.number, actor=by, at=at)
        session.execute(
            insert(OrderLine),
            [_new_line(order.id, place + at_place, revision, line) for at_place, line in enumerate(quote.lines)],
        )
        _refresh([line.item.variant_id for line in quote.lines], at)
    change.subtotal += quote.subtotal_minor
    change.untaxed += quote.untaxed_minor
    change.tax += quote.tax_minor
    change.total += quote.total_minor
    change.words += [f"+ {line.item.quantity} × {line.item.name}" for line in quote.lines]


def _quote(order: Row[Any], added: Sequence[tuple[int, int]], *, at: datetime) -> Quote:
    address = row(SHIPPING_ADDRESS, order_id=order.id)
    config = current_app.extensions["config"]
    place = Destination(address.country, address.region, address.postcode) if address else Destination.of(config.country)
    is_reverse = order.tax_note == TaxNote.REVERSE_CHARGE
    rules = get_rules(place, currency=order.currency, locale=order.locale, at=at, is_reverse_charged=is_reverse)
    items = []
    for variant_id, pieces in added:
        found = row(VARIANT, variant_id=variant_id, locale=order.locale, default_locale=config.locales[0], currency=order.currency, at=at)
        if found is None or found.price_minor is None or not found.is_on_sale or not 1 <= pieces <= 9999:
            raise Invalid({"/added": [_("These goods are not on sale.")]})
        items.append(_item(found, pieces))
    return make_quote(
        items,
        currency=order.currency,
        prices_include_tax=order.prices_include_tax,
        tax_rates=rules.tax_rates,
        delivery=None,
        contained_rates=rules.contained_rates,
        tax_note=order.tax_note,
        rounding=order.tax_rounding,
    )


def _item(found: Row[Any], pieces: int) -> Item:
    return Item(
        variant_id=found.variant_id,
        product_id=found.product_id,
        name=found.name,
        options=found.options,
        sku=found.sku,
        unit_price_minor=found.price_minor,
        compare_at_minor=None,
        quantity=pieces,
        tax_class=found.tax_class,
        weight_g=found.weight_g,
        requires_shipping=found.requires_shipping,
        image_id=found.image_id,
        slug=found.slug,
    )


def _new_line(order_id: int, position: int, revision: int, line: Any) -> dict[str, Any]:
    return {**line_values(order_id, position, line), "revision": revision}


def _move(order: Row[Any], address: AddressValues, change: _Change, *, at: datetime) -> None:
    """Another address, where the same taxes hold and the same delivery costs the same; the old one stays in the timeline."""
    before = row(SHIPPING_ADDRESS, order_id=order.id)
    if before is None:
        raise Invalid({"/address": [_("This order is not sent anywhere.")]})
    old = AddressValues(**{name: getattr(before, name) for name in AddressValues.__dataclass_fields__})
    if old == address:
        return
    places = [Destination(one.country, one.region, one.postcode) for one in (old, address)]
    rules = [get_rules(place, currency=order.currency, locale=order.locale, at=at) for place in places]
    agreed = [(one.tax_rates, [way for way in one.deliveries if way.code == order.shipping_method]) for one in rules]
    if old.country != address.country or agreed[0] != agreed[1]:
        raise Invalid({"/address": [_("There, other taxes and ways to deliver hold. Let the customer order anew.")]})
    with transaction() as session:
        session.execute(
            update(OrderAddress)
            .where(OrderAddress.order_id == order.id, OrderAddress.kind == AddressKind.SHIPPING)
            .values(**address.dump()),
            execution_options={"synchronize_session": False},
        )
    change.words.append(_("address before: %(address)s", address=", ".join(address_lines(old, order.locale))))


def _finish_goods(order: Row[Any]) -> None:
    """When what had not left yet was taken off, everything has left."""
    if order.fulfillment_state is not FulfillmentState.PARTLY_SHIPPED:
        return
    left = any(line.quantity - line.canceled_quantity > line.shipped_quantity for line in rows(LINES, order_id=order.id))
    if not left:
        change_order(order.id, fulfillment_state=FulfillmentState.SHIPPED)


def _refresh(variants: Sequence[int], at: datetime) -> None:
    with transaction() as session:
        products = session.execute(select(Variant.product_id).where(Variant.id.in_(variants)))
        refresh_availability(set(products.scalars()), at=at)
