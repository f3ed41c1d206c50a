"""Reading mails: for the development page, for staff, and for the page of what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from shop.db import row, rows
from shop.errors import NotFound
from shop.mail.models import Mail, MailAttempt

NEWEST = (
    select(Mail.id, Mail.recipient, Mail.subject, Mail.state, Mail.about, Mail.created_at, Mail.sent_at).order_by(Mail.id.desc()).limit(100)
)
ABOUT = NEWEST.where(Mail.about == bindparam("about"))
ONE = select(
    Mail.id, Mail.recipient, Mail.subject, Mail.text, Mail.html, Mail.locale, Mail.state, Mail.about, Mail.created_at, Mail.sent_at
).where(Mail.id == bindparam("id"))
ATTEMPTS = select(MailAttempt.at, MailAttempt.error).where(MailAttempt.mail_id == bindparam("id")).order_by(MailAttempt.id)


def list_newest_mails() -> Sequence[Row[Any]]:
    """The hundred newest, newest first."""
    return rows(NEWEST)


def list_mails_about(about: str) -> Sequence[Row[Any]]:
    """The mails about one subject, such as ``order:42``; newest first."""
    return rows(ABOUT, about=about)


def get_mail(mail_id: int) -> Row[Any]:
    """One mail with its bodies.

    Raises:
        NotFound: there is no such mail.
    """
    found = row(ONE, id=mail_id)
    if found is None:
        raise NotFound("There is no such mail.")
    return found


def list_attempts(mail_id: int) -> Sequence[Row[Any]]:
    """Every try to hand it over, oldest first."""
    return rows(ATTEMPTS, id=mail_id)
