"""The outbox for staff: which events reached whom, what was given up and why, sending it again, and how the periodic tasks went."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from shop.clock import now
from shop.errors import IllegalMove
from shop.outbox.courier import MOST_TRIES, resend, resend_all
from shop.outbox.models import DeliveryState
from shop.outbox.periodic import list_tasks
from shop.outbox.queries import count_dead, count_retrying, get_delivery, list_deliveries
from shop.web.fields import ShopForm
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("outbox_staff", __name__, url_prefix="/outbox")
ENTRIES = [StaffEntry("admin.outbox_staff.list_all", _l("Outbox"), 81, icon="webhook", count=count_dead)]
SIGNS = {
    DeliveryState.WAITING: ("ring", _l("Waiting")),
    DeliveryState.DONE: ("full", _l("Delivered")),
    DeliveryState.DEAD: ("wedge", _l("Given up")),
}


class OutboxFilters(Filters):
    """``?state=dead&q=order.placed``."""

    state = Word(DeliveryState, load_default=None)


class SendAgain(ShopForm):
    """One press."""


@staff.app_template_global("delivery_sign")
def sign_of(state: DeliveryState, tries: int) -> tuple[str, str]:
    """The shape and the words of a delivery's state."""
    if state is DeliveryState.WAITING and tries:
        return "half", str(_("Will be tried again"))
    shape, words = SIGNS[state]
    return shape, str(words)


@staff.get("")
@needs("mails.view")
def list_all() -> ResponseReturnValue:
    """Deliveries, newest first."""
    chosen = load_filters(OutboxFilters())
    page = list_deliveries(state=chosen["state"], search=chosen["q"], cursor=chosen["cursor"])
    views = [
        view_of(_("All")),
        view_of(_("Given up"), count_dead(), state="dead"),
        view_of(_("Waiting"), state="waiting"),
        view_of(_("Delivered"), state="done"),
    ]
    return render_template(
        "outbox/admin/list_all.html",
        page=page,
        views=views,
        chosen=chosen,
        here_with=here_with,
        dead=count_dead(),
        retrying=count_retrying(),
        form=SendAgain(formdata=None),
    )


@staff.get("/tasks")
@needs("mails.view")
def list_periodic() -> ResponseReturnValue:
    """What the shop does by itself again and again: when it ran last and next, how long it took, and why it failed."""
    return render_template("outbox/admin/list_periodic.html", tasks=list_tasks())


@staff.post("/attempts")
@needs("mails.send")
def send_all_again() -> ResponseReturnValue:
    """Give all dead letters a new life, once what ended them is mended."""
    if not SendAgain().validate_on_submit():
        flash(_("The page was open too long. Press again."), "warning")
    elif count := resend_all(at=now()):
        flash(ngettext("%(num)s delivery is sent again at once.", "%(num)s deliveries are sent again at once.", count), "success")
    return redirect(url_for("admin.outbox_staff.list_all"), 303)


@staff.get("/<int:delivery_id>")
@needs("mails.view")
def show_delivery(delivery_id: int) -> ResponseReturnValue:
    """One delivery: the event, its consumer, the last error."""
    return _show(delivery_id)


@staff.post("/<int:delivery_id>/attempts")
@needs("mails.send")
def send_again(delivery_id: int) -> ResponseReturnValue:
    """Give a dead letter a new life."""
    get_delivery(delivery_id)
    if not SendAgain().validate_on_submit():
        return _show(delivery_id, _("The page was open too long. Press again."), 422)
    try:
        resend(delivery_id, at=now())
    except IllegalMove as problem:
        return _show(delivery_id, problem.detail, 409)
    flash(_("It will be delivered again at once."), "success")
    return redirect(url_for("admin.outbox_staff.show_delivery", delivery_id=delivery_id), 303)


def _show(delivery_id: int, problem: str = "", status: int = 200) -> ResponseReturnValue:
    delivery = get_delivery(delivery_id)
    page = render_template(
        "outbox/admin/show_delivery.html",
        delivery=delivery,
        can_send_again=delivery.state is DeliveryState.DEAD,
        form=SendAgain(formdata=None),
        most=MOST_TRIES,
        problem=problem,
    )
    return page, status
