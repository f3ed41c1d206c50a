"""Mails for staff: what the shop wrote to whom, whether it arrived, and sending it again."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.clock import now
from shop.errors import IllegalMove
from shop.mail.models import MailState
from shop.mail.queries import NEEDS_PERSON, count_mails, get_mail, list_all_mails, list_attempts
from shop.mail.services import resend_mail
from shop.mail.views import mail_policy
from shop.outbox.models import DeliveryState
from shop.outbox.queries import list_deliveries_about
from shop.web.fields import FlagText, ShopForm, Text
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("mail_staff", __name__, url_prefix="/mails")
ENTRIES = [StaffEntry("admin.mail_staff.list_mails", _l("Mails"), 80, icon="mail", count=lambda: count_mails(*NEEDS_PERSON))]
SIGNS = {
    MailState.WAITING: ("half", _l("On its way")),
    MailState.SENDING: ("half", _l("Being sent")),
    MailState.SENT: ("full", _l("Sent")),
    MailState.MAYBE_SENT: ("wedge", _l("Perhaps sent")),
    MailState.FAILED: ("wedge", _l("Refused")),
}


class MailFilters(Filters):
    """``?state=failed&about=order:42&q=ana@``."""

    state = Word(MailState, load_default=None)
    needs_person = FlagText(load_default=False)
    about = Text(maximum=80, load_default="")


class Resend(ShopForm):
    """One press."""


@staff.app_template_global("mail_sign")
def sign_of(state: MailState) -> tuple[str, str]:
    """The shape and the words of a mail's state."""
    shape, words = SIGNS[state]
    return shape, str(words)


@staff.get("")
@needs("mails.view")
def list_mails() -> ResponseReturnValue:
    """What the shop wrote, newest first."""
    chosen = load_filters(MailFilters())
    states = NEEDS_PERSON if chosen["needs_person"] else (chosen["state"],) if chosen["state"] else ()
    page = list_all_mails(states=states, about=chosen["about"], search=chosen["q"], cursor=chosen["cursor"])
    views = [
        view_of(_("All")),
        view_of(_("Need a person"), count_mails(*NEEDS_PERSON), needs_person=1),
        view_of(_("Refused"), state="failed"),
        view_of(_("Perhaps sent"), state="maybe_sent"),
        view_of(_("On their way"), count_mails(MailState.WAITING), state="waiting"),
        view_of(_("Sent"), state="sent"),
    ]
    return render_template("mail/admin/list_mails.html", page=page, views=views, chosen=chosen, here_with=here_with)


@staff.get("/<int:mail_id>")
@needs("mails.view")
def show_mail(mail_id: int) -> ResponseReturnValue:
    """One mail: why it was written, what it says, every try to hand it over."""
    return _show(mail_id)


@staff.get("/<int:mail_id>.html")
@needs("mails.view")
def show_mail_html(mail_id: int) -> ResponseReturnValue:
    """One mail as its reader sees it: a page of its own that may style itself and nothing else."""
    response = make_response(get_mail(mail_id).html)
    response.headers["Content-Security-Policy"] = mail_policy(ancestors="'self'")
    return response


@staff.post("/<int:mail_id>/attempts")
@needs("mails.send")
def send_again(mail_id: int) -> ResponseReturnValue:
    """Hand a mail over once more."""
    get_mail(mail_id)
    form = Resend()
    if not form.validate_on_submit():
        return _show(mail_id, _("The page was open too long. Press again."), 422)
    try:
        resend_mail(mail_id, at=now())
    except IllegalMove as problem:
        return _show(mail_id, problem.detail, 409)
    flash(_("The mail is on its way again."), "success")
    return redirect(url_for("admin.mail_staff.show_mail", mail_id=mail_id), 303)


def _show(mail_id: int, problem: str = "", status: int = 200) -> ResponseReturnValue:
    mail = get_mail(mail_id)
    page = render_template(
        "mail/admin/show_mail.html",
        mail=mail,
        attempts=list_attempts(mail_id),
        can_resend=mail.state in NEEDS_PERSON,
        form=Resend(formdata=None),
        problem=problem,
        given_up=next((one for one in list_deliveries_about(f"mail:{mail_id}") if one.state is DeliveryState.DEAD), None),
    )
    return page, status
