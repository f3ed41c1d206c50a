"""What gateways said, for staff; and the press that asks one again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.clock import now
from shop.errors import IllegalMove
from shop.order.admin import show
from shop.order.queries import get_order
from shop.order.staff_forms import ActForm
from shop.payment.admin import SIGNS, get_own_attempt
from shop.payment.heard.queries import count_for_people, count_given_up, list_messages, list_mismatches
from shop.payment.inbox import revive_message
from shop.payment.models import MessageState
from shop.payment.recording import Did
from shop.payment.services import settle
from shop.web.fields import ShopForm
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("heard_staff", __name__)
ENTRIES = [StaffEntry("admin.heard_staff.list_heard", _l("Gateways"), 13, icon="webhook", is_sub=True, count=count_for_people)]
SAID = {
    MessageState.RECEIVED: ("half", _l("Came in")),
    MessageState.HANDLED: ("full", _l("Acted on")),
    MessageState.IGNORED: ("square", _l("Ignored")),
    MessageState.GIVEN_UP: ("wedge", _l("Given up")),
}


class HeardFilters(Filters):
    """``?state=ignored``."""

    state = Word(MessageState, load_default=None)


class TryAgain(ShopForm):
    """One press."""


@staff.get("/gateway-messages")
@needs("payments.edit")
def list_heard() -> ResponseReturnValue:
    """Amounts that do not fit, then what gateways said, newest first."""
    chosen = load_filters(HeardFilters())
    page = list_messages(state=chosen["state"], cursor=chosen["cursor"])
    views = [
        view_of(_("All")),
        view_of(_("Given up"), count_given_up(), state="given_up"),
        view_of(_("Ignored"), state="ignored"),
        view_of(_("Came in"), state="received"),
        view_of(_("Acted on"), state="handled"),
    ]
    return render_template(
        "payment/admin/list_heard.html",
        page=page,
        mismatches=list_mismatches(),
        views=views,
        signs=SAID,
        here_with=here_with,
        cursor=chosen["cursor"],
        form=TryAgain(formdata=None),
    )


@staff.post("/gateway-messages/<int:message_id>/attempts")
@needs("payments.edit")
def try_again(message_id: int) -> ResponseReturnValue:
    """Have a message that was given up acted on again."""
    if not TryAgain().validate_on_submit():
        flash(_("The page was open too long. Press again."), "warning")
        return redirect(url_for("admin.heard_staff.list_heard"), 303)
    try:
        revive_message(message_id, at=now())
        flash(_("The message is tried again at once."), "success")
    except IllegalMove as problem:
        flash(problem.detail, "warning")
    return redirect(url_for("admin.heard_staff.list_heard"), 303)


@staff.post("/orders/<number>/payments/<int:payment_id>/question")
@needs("payments.edit")
def ask_again(number: str, payment_id: int) -> ResponseReturnValue:
    """Ask the gateway how the attempt stands. Asking changes nothing by itself, so that the page may be an old one."""
    order = get_order(number)
    attempt = get_own_attempt(order, payment_id)
    if not ActForm().validate_on_submit():
        return show(order, problem=_("The page was open too long. Look at the order as it is now, and press again."), status=422)
    settled = settle(attempt.id, anew=True, at=now())
    _shape, words = SIGNS[settled.state]
    if settled.did in {Did.SILENT, Did.CHECKING}:
        flash(_("The gateway does not answer. It is asked again until it does."), "warning")
    elif settled.did is Did.NOTHING:
        flash(_("The gateway was asked. Nothing is new: %(state)s.", state=words), "success")
    else:
        flash(_("The gateway was asked. It says: %(state)s.", state=words), "warning" if settled.did is Did.MISMATCH else "success")
    return redirect(url_for("admin.order_staff.show_order", number=order.number), 303)
