"""What the shop knows of somebody, table by table; what they agreed to; the receipt of an erasure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select

from shop.content.models import PageText
from shop.db import row, rows
from shop.order.models import Order
from shop.privacy.holdings import HOLDINGS, Person, find_person
from shop.privacy.models import Consent, Erasure, TextVersion
from shop.privacy.services import MARKETING

MOST = 5000
GIVEN = (
    select(Consent.subject, Consent.is_given, Consent.at, TextVersion.body, TextVersion.hash, TextVersion.since, TextVersion.locale)
    .join(TextVersion, TextVersion.id == Consent.text_version_id)
    .where(Consent.user_id == bindparam("user_id"))
    .order_by(Consent.id.desc())
)
AGREED = (
    select(Consent.is_given)
    .where(Consent.user_id == bindparam("user_id"), Consent.subject == bindparam("subject"))
    .order_by(Consent.id.desc())
    .limit(1)
)
_since = (
    select(func.max(TextVersion.since))
    .where(TextVersion.subject == bindparam("terms"), TextVersion.locale == Order.locale, TextVersion.since <= Order.terms_accepted_at)
    .correlate(Order)
    .scalar_subquery()
)
TERMS = (
    select(Order.number, Order.terms_accepted_at, Order.locale, TextVersion.hash, TextVersion.since)
    .outerjoin(
        TextVersion,
        and_(TextVersion.subject == bindparam("terms"), TextVersion.locale == Order.locale, TextVersion.since == _since),
    )
    .where(Order.id.in_(bindparam("order_ids", expanding=True)))
    .order_by(Order.id.desc())
)
ERASURE = select(Erasure.reference, Erasure.at, Erasure.actor, Erasure.erased, Erasure.kept, Erasure.who)
LEGAL = select(PageText.page_id, PageText.locale, PageText.slug, PageText.title, PageText.body_html)


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one table that are somebody's."""

    table: str
    title: str
    rows: list[dict[str, Any]]


def list_sections(person: Person) -> list[Section]:
    """Everything that is handed over, section by section; those without a row are left out."""
    found = []
    for holding in HOLDINGS:
        if holding.is_shown:
            columns = [column for column in holding.columns.c if column.name not in holding.hidden]
            mine = rows(select(*columns).where(holding.theirs(person)).limit(MOST))
            if mine:
                names = [column.name for column in columns]
                found.append(Section(holding.table, str(holding.title), [_plain(names, one) for one in mine]))
    return found


def _plain(names: Sequence[str], found: Row[Any]) -> dict[str, Any]:
    return {name: _as_json(value) for name, value in zip(names, found, strict=True)}


def _as_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime | date) else value


def list_consents(user_id: int) -> Sequence[Row[Any]]:
    """What a member said yes to or took back, newest first, with the text that was read."""
    return rows(GIVEN, user_id=user_id)


def has_agreed(user_id: int, subject: str) -> bool:
    """Does the newest word say yes?"""
    found = row(AGREED, user_id=user_id, subject=subject)
    return bool(found and found.is_given)


def wants_marketing(user_id: int) -> bool:
    """May the shop write about new things?"""
    return has_agreed(user_id, MARKETING)


def list_terms(person: Person, terms: str = "terms") -> Sequence[Row[Any]]:
    """With each order: when its terms were accepted, and the version that stood then (None where none was kept yet)."""
    return rows(TERMS, order_ids=list(person.order_ids), terms=terms)


def dump_person(*, user_id: int | None = None, customer_id: int | None = None) -> dict[str, Any]:
    """Everything about somebody as JSON: sections by table, and consents with their texts."""
    person = find_person(user_id=user_id, customer_id=customer_id)
    terms = [
        {"order": one.number, "at": one.terms_accepted_at.isoformat(), "text": one.hash, "since": one.since and one.since.isoformat()}
        for one in list_terms(person)
    ]
    return {"sections": {section.table: section.rows for section in list_sections(person)}, "accepted_terms": terms}


def find_erasure(who: str) -> Row[Any] | None:
    """The newest receipt for this keyed hash of an address; see ``services.who_hash``."""
    return row(ERASURE.where(Erasure.who == who).order_by(Erasure.id.desc()).limit(1))


def get_receipt(reference: str) -> Row[Any] | None:
    """A receipt by its reference."""
    return row(ERASURE.where(Erasure.reference == reference))
