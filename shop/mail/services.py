"""Writing mails down and handing them over: once per cause and recipient, tried again until a server takes them.

A mail is rendered and stored when its cause is delivered; handing it over is a delivery of its own, so that a server that is down delays nothing else.
If the process dies between handing over and writing that down, or the server falls silent after it got the whole mail, it becomes ``maybe_sent``
and is not sent again by itself: never twice is worth more than never late. Staff see it and may send it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, render_template
from sqlalchemy import select, update

from shop.clock import now
from shop.db import insert_missing, row, scalar, transaction
from shop.errors import IllegalMove, NotFound
from shop.mail.models import Mail, MailAttempt, MailState
from shop.mail.senders import Refused, Sender, Unsure
from shop.observe import count
from shop.observe.figures import MAILS
from shop.outbox import Happened
from shop.outbox.services import record_event
from shop.settings.queries import shop_texts
from shop.web.locale import speaking


def queue_mail(*, cause: str, recipient: str, locale: str, template: str, about: str, at: datetime, context: dict[str, Any]) -> int | None:
    """Render and store a mail and have it sent; gives its id, or None where this cause has written to this recipient already.

    ``template`` names three files, such as ``order/mail/placed`` for ``placed.subject.txt``, ``placed.txt`` and ``placed.html``; ``about`` is the
    subject whose page lists it, such as ``order:42``.
    """
    if scalar(select(Mail.id).where(Mail.cause == cause, Mail.recipient == recipient)) is not None:
        return None
    with speaking(locale):
        context = {**context, "shop": shop_texts(locale), "locale": locale}
        values = {
            "cause": cause,
            "recipient": recipient,
            "subject": " ".join(render_template(f"{template}.subject.txt", **context).split()),
            "text": render_template(f"{template}.txt", **context).strip() + "\n",
            "html": _with_styles(render_template(f"{template}.html", **context)),
            "locale": locale,
            "about": about,
            "state": MailState.WAITING,
            "created_at": at,
        }
    with transaction() as session:
        if not insert_missing(Mail, values):
            return None
        mail_id: int = session.execute(select(Mail.id).where(Mail.cause == cause, Mail.recipient == recipient)).scalar_one()
        record_event("mail.queued", f"mail:{mail_id}", {"mail_id": mail_id}, at=at)
    return mail_id


def _with_styles(html: str) -> str:
    import css_inline  # large, and only who writes mails needs it

    return css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False).inline(html)


def send_queued(event: Happened) -> None:
    """The consumer of ``mail.queued``: hand the mail over, or raise so that the courier comes back."""
    mail_id = event.payload["mail_id"]
    mail = _claim(mail_id)
    if mail is None:
        return
    attempt_id = _record_attempt(mail_id, at=now())
    sender: Sender = current_app.extensions["mail"]
    try:
        sender.send(mail)
    except Refused as refusal:
        _record_failure(mail_id, attempt_id, str(refusal), MailState.FAILED)
        count(MAILS, MailState.FAILED)
    except Unsure as doubt:
        _record_failure(mail_id, attempt_id, str(doubt), MailState.MAYBE_SENT)
        count(MAILS, MailState.MAYBE_SENT)
    except Exception as error:
        _record_failure(mail_id, attempt_id, f"{type(error).__name__}: {error}", MailState.WAITING)
        count(MAILS, MailState.WAITING)
        raise
    else:
        _record_sent(mail_id, at=now())
        count(MAILS, MailState.SENT)


def _claim(mail_id: int) -> Mail | None:
    """Take the mail in hand. One that an earlier courier died with may have left: it is marked so and left alone."""
    with transaction() as session:
        claimed = session.execute(update(Mail).where(Mail.id == mail_id, Mail.state == MailState.WAITING).values(state=MailState.SENDING))
        if claimed.rowcount == 0:  # type: ignore[attr-defined]
            session.execute(update(Mail).where(Mail.id == mail_id, Mail.state == MailState.SENDING).values(state=MailState.MAYBE_SENT))
            return None
        return session.get_one(Mail, mail_id, populate_existing=True)


def _record_attempt(mail_id: int, *, at: datetime) -> int:
    with transaction() as session:
        attempt = MailAttempt(mail_id=mail_id, at=at)
        session.add(attempt)
        session.flush()
        return attempt.id


def _record_sent(mail_id: int, *, at: datetime) -> None:
    with transaction() as session:
        session.execute(update(Mail).where(Mail.id == mail_id).values(state=MailState.SENT, sent_at=at))


def _record_failure(mail_id: int, attempt_id: int, error: str, state: MailState) -> None:
    with transaction() as session:
        session.execute(update(MailAttempt).where(MailAttempt.id == attempt_id).values(error=error[:2000]))
        session.execute(update(Mail).where(Mail.id == mail_id, Mail.state == MailState.SENDING).values(state=state))


def resend_mail(mail_id: int, *, at: datetime) -> None:
    """Staff send a mail again that failed, or that may never have left.

    Raises:
        NotFound: there is no such mail.
        IllegalMove: it waits or was sent.
    """
    with transaction() as session:
        if row(select(Mail.id).where(Mail.id == mail_id)) is None:
            raise NotFound("There is no such mail.")
        again = session.execute(
            update(Mail).where(Mail.id == mail_id, Mail.state.in_([MailState.FAILED, MailState.MAYBE_SENT])).values(state=MailState.WAITING)
        )
        if again.rowcount == 0:  # type: ignore[attr-defined]
            raise IllegalMove("Only a mail that failed, or that may not have left, can be sent again.")
        record_event("mail.queued", f"mail:{mail_id}", {"mail_id": mail_id}, at=at)
