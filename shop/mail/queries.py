"""Reading mails: for the development page, for staff, and for the page of what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select

from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.mail.models import Mail, MailAttempt, MailState
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
NEEDS_PERSON = (MailState.FAILED, MailState.MAYBE_SENT)

NEWEST = (
    select(Mail.id, Mail.recipient, Mail.subject, Mail.state, Mail.about, Mail.created_at, Mail.sent_at).order_by(Mail.id.desc()).limit(100)
)
ABOUT = NEWEST.where(Mail.about == bindparam("about"))
ONE = select(
    Mail.id, Mail.recipient, Mail.subject, Mail.text, Mail.html, Mail.locale, Mail.state, Mail.about, Mail.created_at, Mail.sent_at
).where(Mail.id == bindparam("id"))
_tries = select(func.count()).where(MailAttempt.mail_id == Mail.id).correlate(Mail).scalar_subquery()
LIST = select(
    Mail.id, Mail.recipient, Mail.subject, Mail.state, Mail.about, Mail.created_at, Mail.sent_at, Mail.locale, _tries.label("tries")
).order_by(Mail.id.desc())
COUNT = select(func.count()).select_from(Mail).where(Mail.state.in_(bindparam("states", expanding=True)))
ATTEMPTS = select(MailAttempt.at, MailAttempt.error).where(MailAttempt.mail_id == bindparam("id")).order_by(MailAttempt.id)


def list_newest_mails() -> Sequence[Row[Any]]:
    """The hundred newest, newest first."""
    return rows(NEWEST)


def list_all_mails(*, states: Sequence[MailState] = (), about: str = "", search: str = "", cursor: str | None = None) -> Page[Row[Any]]:
    """What the shop wrote, newest first: by state, by what it is about, by recipient (from its beginning) or words of the subject."""
    wanted = LIST.where(*([Mail.state.in_(states)] if states else []), *([Mail.about == about] if about else []))
    if search.strip():
        words = search.strip()
        wanted = wanted.where(
            or_(Mail.recipient.startswith(words.lower(), autoescape=True), Mail.subject.icontains(words, autoescape=True))
        )
    if cursor:
        wanted = wanted.where(Mail.id < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1))
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def count_mails(*states: MailState) -> int:
    """How many mails stand in these states."""
    return int(scalar(COUNT, states=list(states)))


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
