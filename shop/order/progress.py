"""Where an order stands, for the person who waits for it: one sentence, and the steps behind and ahead."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.order.models import FulfillmentState as Goods
from shop.order.models import PaymentState as Money
from shop.order.queries import OrderView

Step = tuple[str, str, str]
WENT = (Goods.PACKED, Goods.PARTLY_SHIPPED, Goods.SHIPPED, Goods.DELIVERED, Goods.RETURNED)
CAME_BACK = {Money.PARTLY_REFUNDED, Money.REFUNDED}


SENTENCES: dict[Goods, Any] = {
    Goods.UNFULFILLED: _l("We wrap it now and write to %(email)s as soon as the parcel has left."),
    Goods.PACKED: _l("It is wrapped and leaves with the next courier."),
    Goods.PARTLY_SHIPPED: _l("A part of it is on its way to you; the rest follows."),
    Goods.SHIPPED: _l("It is on its way to you."),
    Goods.DELIVERED: _l("Everything is with you. We hope that you like it."),
    Goods.RETURNED: _l("It came back to us."),
}
AT_THE_COUNTER: dict[Goods, Any] = {
    Goods.UNFULFILLED: _l("We put it together now and write to %(email)s when you can collect it."),
    Goods.PACKED: _l("It waits for you at the counter."),
}


CANCELED: dict[Money, Any] = {
    Money.UNPAID: _l("The order is canceled. Nothing is left to do."),
    Money.CHECKING: _l("The order is canceled. We are checking with the bank whether anything was charged; if so, it goes back to you."),
    Money.AUTHORIZED: _l("The order is canceled. What your bank had promised us is not taken."),
    Money.PAID: _l("The order is canceled. Your money is on its way back to you."),
}


def next_sentence(order: OrderView) -> str:
    """What happens next, in one sentence."""
    return str(_sentence(order)).replace("%(email)s", order.email)


def _sentence(order: OrderView) -> Any:
    if order.expired_at is not None and order.payment_state is Money.UNPAID:
        return _("No payment came in time, so we keep nothing aside any more. You owe nothing; order again whenever you like.")
    if order.is_canceled:
        return CANCELED.get(order.payment_state, _l("The order is canceled, and your money went back to you."))
    if order.payment_state is Money.CHECKING:
        return _("We are checking with the bank whether your payment came through. You need not pay again; we write as soon as we know.")
    if order.payment_state is Money.UNPAID and order.fulfillment_state in {Goods.UNFULFILLED, Goods.PACKED}:
        if order.payment_method == "bank_transfer":
            return _("It is kept for you. We send it as soon as your transfer has arrived.")
        return _("It is kept for you. Please pay, so that we can send it.")
    words = {**SENTENCES, **AT_THE_COUNTER} if order.is_pickup else SENTENCES
    return words[order.fulfillment_state]


def steps(order: OrderView) -> list[Step]:
    """The timeline for the macro: (``done``, ``now`` or ``next``; title; note)."""
    if order.is_canceled:
        return [*_behind(order), ("done", _("Canceled"), _at(order.canceled_at)), *_given_back(order)]
    is_paid = order.payment_state not in {Money.UNPAID, Money.CHECKING, Money.AUTHORIZED}
    reached = WENT.index(order.fulfillment_state) + 1 if order.fulfillment_state in WENT else 0
    ahead = [("paid", is_paid, _("Paid") if is_paid else _("Payment"), _pay_note(order)), *_goods_steps(order, reached)]
    first_open = next((place for place, step in enumerate(ahead) if not step[1]), len(ahead))
    found: list[Step] = [("done", _("Ordered"), _at(order.placed_at))]
    for place, (kind, is_done, title, note) in enumerate(ahead):
        state = "done" if is_done else "now" if place == first_open else "next"
        found.append((state, title, (_at(order.happened_at(kind)) or note) if is_done else note))
    return [*found, *_given_back(order)]


def _goods_steps(order: OrderView, reached: int) -> list[tuple[str, bool, str, str]]:
    is_packed, has_left, is_there = reached >= 1, reached >= 3, reached >= 4
    if order.is_pickup:
        return [
            ("packed", is_packed, _("Ready at the counter"), _("We write when you can come")),
            ("delivered", is_there, _("Collected"), ""),
        ]
    is_partly = order.fulfillment_state is Goods.PARTLY_SHIPPED
    return [
        ("packed", is_packed, _("Wrapped") if is_packed else _("Being wrapped"), ""),
        ("shipped", has_left, _("On its way"), _("A part has left") if is_partly else _("You get the parcel’s number by e-mail")),
        ("delivered", is_there, _("With you"), ""),
    ]


def _behind(order: OrderView) -> list[Step]:
    found: list[Step] = [("done", _("Ordered"), _at(order.placed_at))]
    if paid_at := order.happened_at("paid"):
        found.append(("done", _("Paid"), _at(paid_at)))
    return found


def _given_back(order: OrderView) -> list[Step]:
    if order.payment_state in CAME_BACK:
        at = order.happened_at("refunded") or order.happened_at("partly_refunded")
        return [("done", _("Money given back"), _at(at))]
    return [("now", _("Money on its way back"), "")] if order.is_canceled and order.payment_state is Money.PAID else []


def _pay_note(order: OrderView) -> str:
    if order.payment_state is Money.CHECKING:
        return str(_("We are checking with the bank"))
    if order.payment_state is Money.AUTHORIZED:
        return str(_("Your bank has promised it; we take it when the parcel leaves"))
    return str(_("We wait for your transfer")) if order.payment_method == "bank_transfer" else ""


def _at(moment: datetime | None) -> str:
    return str(format_datetime(moment, "d MMMM, HH:mm")) if moment else ""
