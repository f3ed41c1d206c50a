"""How an order looks to those who pack it: one sentence about where it stands, what can be done next, and why the rest cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from shop.money import Money as Amount
from shop.money import format_money
from shop.order.models import FulfillmentState as Goods
from shop.order.models import OrderState as Agreement
from shop.order.models import PaymentState as Money
from shop.order.queries import OrderView
from shop.order.standing import standing_of
from shop.order.states import AGREEMENT, GOODS, may_move
from shop.web.locale import current_locale

# The shape of each state (macros/staff.html, state) and its words in lists.
SIGNS: dict[Agreement | Money | Goods, tuple[str, Any]] = {
    Agreement.OPEN: ("half", _l("Open")),
    Agreement.COMPLETED: ("full", _l("Completed")),
    Agreement.CANCELED: ("square", _l("Canceled")),
    Money.UNPAID: ("ring", _l("Unpaid")),
    Money.CHECKING: ("half", _l("Being checked")),
    Money.AUTHORIZED: ("half", _l("Authorized")),
    Money.PAID: ("full", _l("Paid")),
    Money.PARTLY_REFUNDED: ("half", _l("Partly refunded")),
    Money.REFUNDED: ("square", _l("Refunded")),
    Goods.UNFULFILLED: ("ring", _l("To pack")),
    Goods.PACKED: ("half", _l("Packed")),
    Goods.PARTLY_SHIPPED: ("half", _l("Partly shipped")),
    Goods.SHIPPED: ("full", _l("Shipped")),
    Goods.DELIVERED: ("full", _l("Delivered")),
    Goods.RETURNED: ("square", _l("Returned")),
}
ENTRIES: dict[str, tuple[str, Any]] = {
    "packed": ("stock", _l("packed the goods")),
    "shipped": ("truck", _l("sent a parcel")),
    "delivered": ("check", _l("noted the delivery")),
    "canceled": ("x", _l("canceled the order; the stock went back")),
    "expired": ("clock", _l("canceled the order, since nobody paid in time; the stock went back")),
    "reopened": ("undo", _l("took the stock again for a payment that came late")),
    "paid_too_late": ("alert", _l("gives back a payment that came after the order had ended")),
    "paid_twice": ("alert", _l("gives back what was paid twice")),
    "payment_mismatch": ("alert", _l("learned that another amount came than was asked for")),
    "paid": ("card", _l("recorded the payment")),
    "checking": ("clock", _l("is checking the payment")),
    "payment_failed": ("alert", _l("learned that a payment did not work")),
    "refunded": ("undo", _l("gave the money back")),
    "partly_refunded": ("undo", _l("gave a part of the money back")),
    "refund_noted": ("alert", _l("noted a refund that somebody must send by hand")),
    "authorized": ("card", _l("learned that the payment is authorized")),
    "unpaid": ("card", _l("learned that nothing was paid")),
    "refund_failed": ("alert", _l("learned that the gateway refused a refund")),
    "dispute_open": ("alert", _l("learned that the customer’s bank asks for the money back")),
    "dispute_won": ("check", _l("won the dispute: the money stays")),
    "dispute_lost": ("alert", _l("lost the dispute: the money is gone")),
    "surplus_refunded": ("undo", _l("gave back what was paid twice")),
    "return_asked": ("undo", _l("asked to send something back")),
    "return_approved": ("undo", _l("approved the return")),
    "return_refused": ("undo", _l("refused the return")),
    "return_withdrawn": ("undo", _l("took the return back")),
    "return_received": ("undo", _l("received the return")),
    "withdrawal": ("undo", _l("withdrew from the contract")),
    "withdrawal_handled": ("check", _l("handled the withdrawal")),
    "edited": ("note", _l("changed the order")),
    "message": ("mail", _l("wrote to the customer")),
    "parcel_delivered": ("check", _l("noted that a parcel arrived")),
    "note": ("note", _l("wrote a note")),
}


OF_CANCELED: dict[Agreement | Money | Goods, tuple[str, Any]] = {
    Money.UNPAID: ("square", _l("Never paid")),
    Money.PAID: ("wedge", _l("To give back")),
    Goods.UNFULFILLED: ("square", _l("Not sent")),
    Goods.PACKED: ("square", _l("Not sent")),
}


def sign_of(state: Agreement | Money | Goods, *, is_canceled: bool = False) -> tuple[str, str]:
    """Shape and words of a state; what a canceled order will never come to asks for no work."""
    shape, words = (is_canceled and OF_CANCELED.get(state)) or SIGNS[state]
    return shape, str(words)


def money_signs_of(order: Any) -> list[tuple[str, str]]:
    """What a list says about an order's money, most pressing first: shapes and words, with the amount where the state alone does not tell it."""
    standing, signs = standing_of(order), []
    is_canceled = order.state is Agreement.CANCELED
    if standing.to_give_back:
        signs.append(("wedge", str(_("%(amount)s to give back", amount=_amount(standing.to_give_back)))))
    if standing.to_pay:
        signs.append(("wedge", str(_("%(amount)s still owed", amount=_amount(standing.to_pay)))))
    if order.payment_state is Money.PARTLY_REFUNDED:
        signs.append((SIGNS[Money.PARTLY_REFUNDED][0], str(_("%(amount)s given back", amount=_amount(standing.refunded)))))
    elif not signs or not is_canceled:
        signs.append(sign_of(order.payment_state, is_canceled=is_canceled))
    return signs


def _amount(amount: Amount) -> str:
    return format_money(amount, current_locale())


@dataclass(frozen=True, slots=True)
class Moves:
    """What may be done with an order now; what may not says why."""

    can_confirm_payment: bool
    can_pack: bool
    can_ship: bool
    can_deliver: bool
    can_cancel: bool
    pieces_left: int
    next: str
    why_not: tuple[tuple[str, str], ...]


def moves_of(order: OrderView) -> Moves:
    """Every move that the tables of ``states`` allow, and the one that is next: "payment", "pack", "ship", "deliver" or ""."""
    is_open, goods = order.state is Agreement.OPEN, order.fulfillment_state
    left = sum(line.left for line in order.lines)
    can_pay = order.payment_state in {Money.UNPAID, Money.CHECKING} and (is_open or order.expired_at is not None)
    can_pack = is_open and may_move(GOODS, goods, Goods.PACKED)
    can_ship = is_open and left > 0 and may_move(GOODS, goods, Goods.SHIPPED)
    can_deliver = is_open and may_move(GOODS, goods, Goods.DELIVERED) and (goods is not Goods.PACKED or order.is_pickup)
    return Moves(
        can_pay,
        can_pack,
        can_ship,
        can_deliver,
        order.can_be_canceled,
        left,
        _next(order, can_pay=can_pay and is_open, can_pack=can_pack, can_ship=can_ship, can_deliver=can_deliver),
        tuple(_why_not(order)),
    )


def _next(order: OrderView, *, can_pay: bool, can_pack: bool, can_ship: bool, can_deliver: bool) -> str:
    if can_pay:
        return "payment" if order.payment_method == "bank_transfer" else ""
    if can_pack:
        return "pack"
    if can_deliver:
        return "deliver"
    return "ship" if can_ship else ""


def _why_not(order: OrderView) -> list[tuple[str, str]]:
    reasons = []
    if order.state is Agreement.OPEN and not order.can_be_canceled:
        reasons.append((str(_("Cancel the order")), str(_("Something has left the house already. What comes back is a return."))))
    if order.state is Agreement.OPEN and order.fulfillment_state is Goods.PACKED and not order.is_pickup:
        reasons.append((str(_("Mark delivered")), str(_("It can arrive once it was shipped."))))
    if not may_move(AGREEMENT, order.state, Agreement.CANCELED):
        reasons.append((str(_("Pack, ship, cancel")), str(_("The order is at its end. Notes can always be added."))))
    return reasons


def sentence_of(order: OrderView) -> str:
    """Where the order stands, in one sentence or two: the money, then the goods."""
    if order.is_canceled:
        return _of_canceled(order)
    return f"{_of_money(order)} {_of_goods(order)}"


def _of_canceled(order: OrderView) -> str:
    if order.payment_state is Money.PAID:
        return str(_("Canceled, the stock is back. %(total)s are on their way back to the customer.", total=_written(order)))
    if order.payment_state in {Money.REFUNDED, Money.PARTLY_REFUNDED}:
        return str(_("Canceled, the stock and the money are back."))
    if order.expired_at is not None:
        return str(_("Nobody paid in time; the stock is back. A payment that comes late takes it again, or goes back."))
    return str(_("Canceled before it was paid; the stock is back. Nothing is left to do."))


def _of_money(order: OrderView) -> str:
    total = _written(order)
    if order.payment_state is Money.UNPAID and order.payment_method == "bank_transfer":
        return str(_("The transfer of %(total)s has not arrived yet.", total=total))
    words = {
        Money.UNPAID: _("%(total)s are not paid yet.", total=total),
        Money.CHECKING: _("The bank is still being asked whether %(total)s came through.", total=total),
        Money.AUTHORIZED: _("%(total)s are authorized and not captured yet.", total=total),
        Money.PAID: _("%(total)s are paid.", total=total),
        Money.PARTLY_REFUNDED: _("Paid, and partly given back."),
        Money.REFUNDED: _("The money was given back."),
    }
    return str(words[order.payment_state])


def _of_goods(order: OrderView) -> str:
    pieces = sum(line.quantity for line in order.lines)
    left = sum(line.left for line in order.lines)
    if order.fulfillment_state is Goods.UNFULFILLED:
        return str(ngettext("%(num)s piece is to pack.", "%(num)s pieces are to pack.", pieces))
    if order.fulfillment_state is Goods.PACKED:
        return str(_("It is packed and waits at the counter.") if order.is_pickup else _("It is packed and can leave."))
    if order.fulfillment_state is Goods.PARTLY_SHIPPED:
        return str(
            ngettext(
                "%(sent)s of %(pieces)s pieces left, %(num)s is still to ship.",
                "%(sent)s of %(pieces)s pieces left, %(num)s are still to ship.",
                left,
                sent=pieces - left,
                pieces=pieces,
            )
        )
    words = {
        Goods.SHIPPED: _("Everything is on its way."),
        Goods.DELIVERED: _("Everything has arrived."),
        Goods.RETURNED: _("The goods came back."),
    }
    return str(words[order.fulfillment_state])


def _written(order: OrderView) -> str:
    return _amount(order.total)
