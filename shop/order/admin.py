"""Orders for staff: the list that is worked through, one order with everything about it, and the acts that move it along."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from shop.clock import now
from shop.errors import IllegalMove, Invalid, StaleVersion
from shop.mail.queries import list_mails_about
from shop.order.documents.queries import list_documents
from shop.order.models import FulfillmentState, OrderState, PaymentState
from shop.order.queries import OrderView, get_order, get_trace
from shop.order.seen import act_if_unchanged
from shop.order.services import cancel_order, mark_delivered, mark_packed, record_entry, ship_order
from shop.order.staff import money_signs_of, moves_of, sentence_of, sign_of
from shop.order.staff_forms import ActForm, CancellationForm, NoteForm, ParcelForm, parcel_form, seen_of
from shop.order.timeline import entry_words, timeline_of
from shop.order.why import explain
from shop.order.worklist import Task, Wanted, count_work, find_neighbors, list_carriers, list_work
from shop.web.lists import Day, Filters, Word, here_with, load_filters, view_of
from shop.web.locale import current_locale
from shop.web.staff import StaffEntry, needs

staff = Blueprint("order_staff", __name__, url_prefix="/orders")
ENTRIES = [StaffEntry("admin.order_staff.list_orders", _l("Orders"), 10, icon="orders", count=lambda: _waiting())]
TABS = {
    Task.PACK: _l("To pack"),
    Task.SHIP: _l("To ship"),
    Task.COUNTER: _l("At the counter"),
    Task.TRANSFER: _l("Transfer awaited"),
    Task.CHECKING: _l("Payment unclear"),
    Task.UNDERWAY: _l("On their way"),
    Task.REFUND: _l("To give back"),
}
staff.add_app_template_global(sign_of, "order_sign")
staff.add_app_template_global(money_signs_of, "money_signs")


class OrderFilters(Filters):
    """``?task=pack&state=open&payment=paid&fulfillment=packed&since=2026-11-01&until=2026-11-21&q=ana``."""

    task = Word(Task, load_default=None)
    state = Word(OrderState, load_default=None)
    payment = Word(PaymentState, load_default=None)
    fulfillment = Word(FulfillmentState, load_default=None)
    since = Day(load_default=None)
    until = Day(load_default=None)


def _waiting() -> int:
    counted = count_work()
    return int(counted.pack + counted.ship)


# Looking


@staff.get("")
@needs("orders.view")
def list_orders() -> ResponseReturnValue:
    """The orders, newest first, by what is to be done."""
    chosen = load_filters(OrderFilters())
    filters = {name: chosen[name] for name in ("task", "state", "payment", "fulfillment", "since", "until")}
    page = list_work(Wanted(**filters, search=chosen["q"]), cursor=chosen["cursor"])
    counted = count_work()
    views = [view_of(_("All")), *(view_of(str(name), getattr(counted, task), task=task.value) for task, name in TABS.items())]
    choices = {kind: [(state.value, sign_of(state)[1]) for state in states] for kind, states in _kinds().items()}
    return render_template(
        "order/admin/list_orders.html",
        page=page,
        views=views,
        chosen=chosen,
        choices=choices,
        here_with=here_with,
        has_filters=any(filters.values()),
    )


def _kinds() -> dict[str, Any]:
    return {"state": OrderState, "payment": PaymentState, "fulfillment": FulfillmentState}


@staff.get("/<number>")
@needs("orders.view")
def show_order(number: str) -> ResponseReturnValue:
    """One order with everything about it."""
    return show(get_order(number))


@staff.get("/<number>/trace")
@needs("orders.view")
def show_trace(number: str) -> ResponseReturnValue:
    """Why an order costs what it costs."""
    order = get_order(number)
    trace = get_trace(order.id)
    names = {line.variant_id: line.name for line in order.lines if line.variant_id is not None}
    why = explain(trace, names, current_locale()) if trace else None
    return render_template("order/admin/show_trace.html", order=order, why=why)


def show(order: OrderView, *, problem: str = "", note_form: NoteForm | None = None, status: int = 200) -> ResponseReturnValue:
    """The page of an order; also what an act answers that was refused."""
    mails, documents = list_mails_about(f"order:{order.id}"), list_documents(order.id)
    page = render_template(
        "order/admin/show_order.html",
        order=order,
        sentence=sentence_of(order),
        moves=moves_of(order),
        form=ActForm(formdata=None, seen=seen_of(order)),
        note_form=note_form or NoteForm(formdata=None),
        days=timeline_of(order, mails, documents),
        mails=mails,
        documents=documents,
        neighbors=find_neighbors(order),
        problem=problem,
    )
    return page, status


# Acting


@staff.post("/<number>/packing")
@needs("orders.fulfill")
def pack(number: str) -> ResponseReturnValue:
    """The goods are wrapped."""
    order = get_order(number)
    return act(order, ActForm(), "packed", partial(mark_packed, order.id), _("Packed."))


@staff.get("/<number>/shipments")
@needs("orders.fulfill")
def show_shipping(number: str) -> ResponseReturnValue:
    """The form of the next parcel."""
    order = get_order(number)
    if not moves_of(order).can_ship:
        return show(order, problem=_("There is nothing to ship now."), status=409)
    return _shipping(order, parcel_form(order, fresh=True))


@staff.post("/<number>/shipments")
@needs("orders.fulfill")
def ship(number: str) -> ResponseReturnValue:
    """A parcel leaves, with some or all pieces."""
    order = get_order(number)
    form = parcel_form(order)
    parcel = (form.pieces, form.carrier.data or "", form.tracking_number.data or "", form.tracking_url.data or "")
    send = partial(ship_order, order.id, *parcel)
    return act(order, form, "shipped", send, _("The parcel is on its way."), refuse=lambda: _shipping(order, form, 422))


@staff.post("/<number>/delivery")
@needs("orders.fulfill")
def deliver(number: str) -> ResponseReturnValue:
    """Everything has arrived, or was collected."""
    order = get_order(number)
    return act(order, ActForm(), "delivered", partial(mark_delivered, order.id), _("Delivered."))


@staff.get("/<number>/cancellation")
@needs("orders.cancel")
def show_cancellation(number: str) -> ResponseReturnValue:
    """Ask once more, and why."""
    order = get_order(number)
    if not order.can_be_canceled:
        return show(order, problem=_("This order cannot be canceled any more."), status=409)
    return _cancellation(order, CancellationForm(formdata=None, seen=seen_of(order)))


@staff.post("/<number>/cancellation")
@needs("orders.cancel")
def cancel(number: str) -> ResponseReturnValue:
    """End the order; its stock goes back."""
    order, form = get_order(number), CancellationForm()
    end = partial(cancel_order, order.id, note=form.note.data or "")
    done = _("The order is canceled, the stock is back.")
    return act(order, form, "canceled", end, done, refuse=lambda: _cancellation(order, form, 422))


@staff.post("/<number>/notes")
@needs("orders.edit")
def add_note(number: str) -> ResponseReturnValue:
    """Write a note into the timeline, for the team alone."""
    order, form = get_order(number), NoteForm()
    if not form.validate_on_submit():
        return show(order, note_form=form, status=422)
    record_entry(order.id, "note", by=current_user.email, note=form.note.data or "", at=now())
    return redirect(url_for("admin.order_staff.show_order", number=order.number, _anchor="time"), 303)


def act(
    order: OrderView,
    form: ActForm,
    entry: str,
    verb: Callable[..., object],
    done: str,
    *,
    refuse: Callable[[], ResponseReturnValue] | None = None,
    guard: Callable[..., object] = act_if_unchanged,
) -> ResponseReturnValue:
    """Do ``verb`` if the order is as the page showed it, then show the order again.

    Pressed twice, the second press finds the first one's ``entry`` in the timeline and is content. Anything else that changed is shown (409).
    ``refuse`` shows the form again with what is wrong in it.
    """
    if form.version not in {0, order.version}:
        return _stale(order, form, entry)
    if not form.validate_on_submit():
        too_long = _("The page was open too long. Look at the order as it is now, and press again.")
        return refuse() if refuse else show(order, problem=too_long, status=422)
    try:
        guard(order.id, form.version, lambda: verb(by=current_user.email, at=now()))
    except StaleVersion:
        return _stale(get_order(order.number), form, entry)
    except IllegalMove as problem:
        return show(get_order(order.number), problem=problem.detail, status=409)
    except Invalid as problem:
        return show(get_order(order.number), problem=" ".join(str(text) for texts in problem.errors.values() for text in texts), status=422)
    flash(done, "success")
    return _to(order)


def _stale(order: OrderView, form: ActForm, entry: str) -> ResponseReturnValue:
    """What happened since the page was opened; or, if that was this very act by the same person, the order."""
    since = [one for one in order.entries if one.id > form.newest_entry]
    if any(one.kind == entry and one.actor == current_user.email for one in since):
        return _to(order)
    page = render_template("order/admin/show_stale.html", order=order, since=since, sentence=sentence_of(order), entry_words=entry_words)
    return page, 409


def _shipping(order: OrderView, form: ParcelForm, status: int = 200) -> ResponseReturnValue:
    return render_template("order/admin/show_shipping.html", order=order, form=form, carriers=list_carriers()), status


def _cancellation(order: OrderView, form: CancellationForm, status: int = 200) -> ResponseReturnValue:
    return render_template("order/admin/show_cancellation.html", order=order, form=form), status


def _to(order: OrderView) -> ResponseReturnValue:
    return redirect(url_for("admin.order_staff.show_order", number=order.number), 303)


from shop.order.changes import admin as changes_admin  # noqa: F401
from shop.order.documents import admin as documents_admin  # noqa: F401
