"""Returns for staff: what was asked, the decision, what came and what goes back."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from shop.clock import now
from shop.errors import IllegalMove
from shop.money import Money
from shop.order.admin import act, show
from shop.order.queries import OrderView, get_order
from shop.order.returns.amounts import check_amount, delivery_back, worth_of_pieces
from shop.order.returns.forms import DecisionForm, ReceiptForm, ReturnForm, StaffReturnForm, receipt_form, return_form
from shop.order.returns.models import ReturnReason, ReturnState
from shop.order.returns.queries import ReturnView, count_returns, get_return, list_return_work, list_returns, return_number, returnable
from shop.order.returns.services import ask_return, decide_return, receive_return
from shop.order.returns.states import REASONS, check_return_move
from shop.order.staff_forms import seen_of
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("return_staff", __name__)
ENTRIES = [
    StaffEntry(
        "admin.return_staff.list_return_requests", _l("Returns"), 12, icon="undo", is_sub=True, count=lambda: sum(count_returns().values())
    )
]
SIGNS: dict[ReturnState, tuple[str, Any]] = {
    ReturnState.ASKED: ("wedge", _l("Asked for")),
    ReturnState.APPROVED: ("half", _l("On its way back")),
    ReturnState.REFUSED: ("square", _l("Refused")),
    ReturnState.WITHDRAWN: ("square", _l("Taken back")),
    ReturnState.RECEIVED: ("half", _l("Here, money to go back")),
    ReturnState.REFUNDED: ("full", _l("Done")),
}


class ReturnFilters(Filters):
    """``?state=asked``."""

    state = Word(ReturnState, load_default=None)


@staff.app_template_global("return_sign")
def return_sign(state: ReturnState) -> tuple[str, str]:
    """Shape and words of a return's state."""
    shape, words = SIGNS[state]
    return shape, str(words)


@staff.app_template_global("return_reason")
def return_reason(reason: ReturnReason) -> str:
    return str(REASONS[reason])


@staff.app_template_global("staff_returns")
def staff_returns(order: OrderView) -> list[ReturnView]:
    """The returns on the page of an order; nothing is read while nothing has left."""
    return list_returns(order) if order.has_left else []


@staff.get("/returns")
@needs("orders.view")
def list_return_requests() -> ResponseReturnValue:
    """Returns, newest first, by what is to be done."""
    chosen = load_filters(ReturnFilters())
    counted = count_returns()
    views = [view_of(_("All"))] + [view_of(return_sign(state)[1], counted.get(state), state=state.value) for state in SIGNS]
    page = list_return_work(chosen["state"], cursor=chosen["cursor"])
    return render_template(
        "order/admin/list_return_requests.html", page=page, views=views, chosen=chosen, here_with=here_with, return_number=return_number
    )


@staff.get("/orders/<number>/returns/new")
@needs("orders.return")
def show_new_return(number: str) -> ResponseReturnValue:
    """Write a return down for a customer."""
    order = get_order(number)
    return _asking(order, return_form(order, returnable(order, at=now()), base=StaffReturnForm, fresh=True))


@staff.post("/orders/<number>/returns")
@needs("orders.return")
def ask_for_return(number: str) -> ResponseReturnValue:
    order = get_order(number)
    form: Any = return_form(order, returnable(order, at=now()), base=StaffReturnForm)
    ask = partial(ask_return, order.id, form.pieces, reason=form.reason.data, note=form.note.data or "")
    return act(order, form, "return_asked", ask, _("The return is written down."), refuse=lambda: _asking(order, form, 422))


@staff.get("/orders/<number>/returns/<int:place>")
@needs("orders.view")
def show_return(number: str, place: int) -> ResponseReturnValue:
    """One return: decide, or say what came."""
    order = get_order(number)
    return _page(order, get_return(order, place))


@staff.post("/orders/<number>/returns/<int:place>/decision")
@needs("orders.return")
def decide(number: str, place: int) -> ResponseReturnValue:
    """Approve or refuse."""
    order, form = get_order(number), DecisionForm()
    if request.form.get("approve") not in {"0", "1"}:
        abort(422)
    found, approves = get_return(order, place), request.form.get("approve") == "1"
    verb = partial(decide_return, found.id, approve=approves, answer=form.answer.data or "")
    done = _("The return is approved.") if approves else _("The return is refused.")
    entry = "return_approved" if approves else "return_refused"
    return act(order, form, entry, verb, done, refuse=lambda: _page(order, found, decision=form, status=422))


@staff.post("/orders/<number>/returns/<int:place>/receipt")
@needs("orders.return")
def receive(number: str, place: int) -> ResponseReturnValue:
    """It is here; its money goes back."""
    order = get_order(number)
    found = get_return(order, place)
    try:
        check_return_move(found.state, ReturnState.RECEIVED)
    except IllegalMove as problem:
        if found.state is not ReturnState.RECEIVED and found.state is not ReturnState.REFUNDED:
            return show(order, problem=problem.detail, status=409)
    form: Any = receipt_form(order, found, _worth(order, found))
    minor = form.refund.data.minor if form.refund.data else 0

    def verb(**who: Any) -> None:
        check_amount(order, found, form.received, minor, current_user)
        receive_return(found.id, form.received, refund_minor=minor, answer=form.answer.data or "", **who)

    return act(order, form, "return_received", verb, _("The goods are back."), refuse=lambda: _page(order, found, receipt=form, status=422))


def _page(
    order: OrderView, found: ReturnView, *, decision: DecisionForm | None = None, receipt: ReceiptForm | None = None, status: int = 200
) -> ResponseReturnValue:
    worth, delivery = _worth(order, found), _delivery(order, found)
    page = render_template(
        "order/admin/show_return.html",
        order=order,
        found=found,
        worth=worth,
        delivery=delivery,
        decision=decision or DecisionForm(formdata=None, seen=seen_of(order)),
        receipt=receipt or receipt_form(order, found, worth + delivery, fresh=True),
    )
    return page, status


def _asking(order: OrderView, form: ReturnForm, status: int = 200) -> ResponseReturnValue:
    allowed = returnable(order, at=now())
    return render_template("order/admin/show_new_return.html", order=order, form=form, allowed=allowed), status


def _worth(order: OrderView, found: ReturnView) -> Money:
    """What was paid for all that was asked back; once it came, for nothing more."""
    return worth_of_pieces(order, _expected(found))


def _delivery(order: OrderView, found: ReturnView) -> Money:
    """What of the delivery goes back with it, as the law asks."""
    return delivery_back(order, found, _expected(found)) if _expected(found) else Money.zero(order.total.currency)


def _expected(found: ReturnView) -> dict[int, int]:
    return {line.order_line_id: line.quantity for line in found.lines} if found.can_be_received or found.can_be_decided else {}
