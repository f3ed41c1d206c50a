"""Webhooks for staff: which there are, a new one, one with its log, its secrets, trying it and sending again."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from shop.clock import now
from shop.errors import Conflict, Invalid
from shop.outbox.envelope import published_kinds
from shop.web.lists import Filters, View, Word, load_filters
from shop.web.staff import StaffEntry, needs
from shop.webhook.delivering import send_test
from shop.webhook.forms import ButtonForm, DeliveryForm, EndpointForm
from shop.webhook.models import EndpointState
from shop.webhook.queries import count_off, get_endpoint, list_attempts, list_endpoints, salts_of
from shop.webhook.services import (
    NewSecret,
    change_endpoint,
    create_endpoint,
    drop_old_secret,
    pause_endpoint,
    remove_endpoint,
    resend_delivery,
    resend_given_up,
    resume_endpoint,
    rotate_secret,
)

staff = Blueprint("webhook_staff", __name__, url_prefix="/webhooks")
ENTRIES = [StaffEntry("admin.webhook_staff.list_webhooks", _l("Webhooks"), 82, icon="bolt", count=count_off)]
MAY = "webhooks.manage"
SIGNS: dict[EndpointState, tuple[str, Any]] = {
    EndpointState.ACTIVE: ("full", _l("Active")),
    EndpointState.PAUSED: ("ring", _l("Paused")),
    EndpointState.OFF: ("wedge", _l("Switched off")),
}


class Tried(StrEnum):
    """Which attempts are shown."""

    FAILED = "failed"


class AttemptFilters(Filters):
    """``?state=failed``."""

    state = Word(Tried, load_default=None)


@staff.app_template_global("webhook_sign")
def sign_of(endpoint: Any) -> tuple[str, str]:
    """The shape and the words of an address's state."""
    if endpoint.state is EndpointState.ACTIVE and endpoint.failures:
        return "half", str(_("Fails, will be tried again"))
    shape, words = SIGNS[endpoint.state]
    return shape, str(words)


@staff.get("")
@needs(MAY)
def list_webhooks() -> ResponseReturnValue:
    """Every address, and the form of a new one."""
    return _list(EndpointForm(formdata=None, kinds="order.*"))


@staff.post("")
@needs(MAY)
def add_webhook() -> ResponseReturnValue:
    """A new address; its secret is shown in this answer and never again."""
    form = EndpointForm()
    if not form.validate_on_submit():
        return _list(form, 422)
    try:
        made = create_endpoint(**form.values, at=now())  # type: ignore[arg-type]
    except Invalid as problem:
        form.show_errors(problem)
        return _list(form, 422)
    except Conflict as problem:
        form.form_errors.append(problem.detail)
        return _list(form, 409)
    return _show(made.id, made=made)


def _list(form: EndpointForm, status: int = 200) -> ResponseReturnValue:
    known = published_kinds(current_app)
    return render_template("webhook/admin/list_webhooks.html", endpoints=list_endpoints(), form=form, known=known), status


@staff.get("/<int:endpoint_id>")
@needs(MAY)
def show_webhook(endpoint_id: int) -> ResponseReturnValue:
    """One address with its log."""
    return _show(endpoint_id)


def _show(
    endpoint_id: int, form: EndpointForm | None = None, *, made: NewSecret | None = None, problem: str = "", status: int = 200
) -> ResponseReturnValue:
    endpoint = get_endpoint(endpoint_id)
    chosen = load_filters(AttemptFilters())
    values = {"url": endpoint.url, "kinds": endpoint.kinds, "note": endpoint.note}
    page = render_template(
        "webhook/admin/show_webhook.html",
        endpoint=endpoint,
        form=form or EndpointForm(formdata=None, data=values),
        button=ButtonForm(formdata=None),
        page=list_attempts(endpoint_id, only_failed=chosen["state"] is Tried.FAILED, cursor=chosen["cursor"]),
        views=[
            View(_("All"), _url(endpoint_id), is_current=chosen["state"] is None),
            View(_("Failed"), _url(endpoint_id, state="failed"), is_current=chosen["state"] is Tried.FAILED),
        ],
        chosen=chosen,
        log_url=lambda **place: _url(endpoint_id, state=chosen["state"], **place),
        made=made,
        has_two_secrets=len(salts_of(endpoint, at=now())) > 1,
        problem=problem,
    )
    return page, status


@staff.post("/<int:endpoint_id>")
@needs(MAY)
def change_webhook(endpoint_id: int) -> ResponseReturnValue:
    """Another address, other events."""
    get_endpoint(endpoint_id)
    form = EndpointForm()
    if not form.validate_on_submit():
        return _show(endpoint_id, form, status=422)
    try:
        change_endpoint(endpoint_id, **form.values, at=now())  # type: ignore[arg-type]
    except Invalid as problem:
        form.show_errors(problem)
        return _show(endpoint_id, form, status=422)
    flash(_("Saved."), "success")
    return redirect(_url(endpoint_id), 303)


@staff.post("/<int:endpoint_id>/pause")
@needs(MAY)
def pause_webhook(endpoint_id: int) -> ResponseReturnValue:
    """Tell it nothing for a while."""
    return _press(endpoint_id, lambda: pause_endpoint(endpoint_id, at=now()), _("The webhook is paused. What happens waits for it."))


@staff.post("/<int:endpoint_id>/resumption")
@needs(MAY)
def resume_webhook(endpoint_id: int) -> ResponseReturnValue:
    """Tell it again."""
    return _press(endpoint_id, lambda: resume_endpoint(endpoint_id, at=now()), _("The webhook is active."))


@staff.post("/<int:endpoint_id>/secret")
@needs(MAY)
def rotate_webhook_secret(endpoint_id: int) -> ResponseReturnValue:
    """A new secret, shown in this answer and never again; the old one counts for another day."""
    get_endpoint(endpoint_id)
    if not ButtonForm().validate_on_submit():
        return _too_late(endpoint_id)
    return _show(endpoint_id, made=rotate_secret(endpoint_id, at=now()))


@staff.post("/<int:endpoint_id>/old-secret")
@needs(MAY)
def drop_webhook_secret(endpoint_id: int) -> ResponseReturnValue:
    """The receiver knows the new secret: the old one signs no more."""
    return _press(endpoint_id, lambda: drop_old_secret(endpoint_id, at=now()), _("The old secret signs no more."))


@staff.post("/<int:endpoint_id>/test")
@needs(MAY)
def test_webhook(endpoint_id: int) -> ResponseReturnValue:
    """Send a test message at once."""
    get_endpoint(endpoint_id)
    if not ButtonForm().validate_on_submit():
        return _too_late(endpoint_id)
    outcome = send_test(endpoint_id)
    if outcome.is_good:
        flash(_("The receiver answered %(status)s after %(ms)s ms.", status=outcome.status, ms=outcome.took_ms), "success")
    else:
        flash(_("The test failed: %(why)s.", why=outcome.why.rstrip(".")), "warning")
    return redirect(_url(endpoint_id), 303)


@staff.post("/<int:endpoint_id>/deliveries")
@needs(MAY)
def resend_webhook_delivery(endpoint_id: int) -> ResponseReturnValue:
    """Send one event again."""
    get_endpoint(endpoint_id)
    form = DeliveryForm()
    if not form.validate_on_submit():
        return _too_late(endpoint_id)
    return _press(
        endpoint_id, lambda: resend_delivery(endpoint_id, form.delivery_id.data or 0, at=now()), _("It will be sent again at once.")
    )


@staff.post("/<int:endpoint_id>/given-up")
@needs(MAY)
def resend_webhook_given_up(endpoint_id: int) -> ResponseReturnValue:
    """Send everything again that was given up."""
    get_endpoint(endpoint_id)
    if not ButtonForm().validate_on_submit():
        return _too_late(endpoint_id)
    try:
        count = resend_given_up(endpoint_id, at=now())
    except Conflict as problem:
        return _show(endpoint_id, problem=problem.detail, status=409)
    flash(ngettext("%(num)s event will be sent again.", "%(num)s events will be sent again.", count), "success")
    return redirect(_url(endpoint_id), 303)


@staff.post("/<int:endpoint_id>/removal")
@needs(MAY)
def remove_webhook(endpoint_id: int) -> ResponseReturnValue:
    """Forget it."""
    get_endpoint(endpoint_id)
    if not ButtonForm().validate_on_submit():
        return _too_late(endpoint_id)
    remove_endpoint(endpoint_id, at=now())
    flash(_("The webhook is removed."), "success")
    return redirect(url_for("admin.webhook_staff.list_webhooks"), 303)


def _press(endpoint_id: int, verb: Callable[[], object], done: str) -> ResponseReturnValue:
    get_endpoint(endpoint_id)
    if not ButtonForm().validate_on_submit():
        return _too_late(endpoint_id)
    try:
        verb()
    except Conflict as problem:
        return _show(endpoint_id, problem=problem.detail, status=409)
    flash(done, "success")
    return redirect(_url(endpoint_id), 303)


def _too_late(endpoint_id: int) -> ResponseReturnValue:
    return _show(endpoint_id, problem=_("The page was open too long. Look at it as it is now, and press again."), status=422)


def _url(endpoint_id: int, **more: Any) -> str:
    return url_for("admin.webhook_staff.show_webhook", endpoint_id=endpoint_id, **more)
