"""What the shop told whom, who did what, and what must never be written down in plain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text

from shop.audit.rules import Finding, by_python, sql
from shop.db import connection, is_sqlite, scalar
from shop.errors import N_
from shop.trail.queries import broken_links

sql(
    "I12",
    N_("One mail per cause and recipient."),
    "SELECT cause || ' ' || recipient AS mail, count(*) AS mails FROM mails GROUP BY cause, recipient HAVING count(*) > 1",
)
sql(
    "I12b",
    N_("Each event is delivered, given up where a person sees it, or tried within the hour."),
    """
    SELECT id, consumer, subject, tries FROM deliveries
    WHERE state = 'waiting' AND due_at < :ago_1h AND (leased_until IS NULL OR leased_until < :ago_1h)
      AND NOT EXISTS (SELECT 1 FROM deliveries elder WHERE elder.subject = deliveries.subject AND elder.consumer = deliveries.consumer
                      AND elder.id < deliveries.id AND elder.state = 'waiting')
    """,
)
sql(
    "I12c",
    N_("No mail waits for more than an hour without a reason."),
    """
    SELECT m.id, m.recipient, m.state FROM mails m
    WHERE m.state IN ('waiting', 'sending') AND m.created_at < :ago_1h
      AND NOT EXISTS (SELECT 1 FROM mail_attempts a WHERE a.mail_id = m.id AND a.error <> '')
    """,
)
sql(
    "I12d",
    N_("Each order was told to the shop once, when it was placed."),
    """
    SELECT o.number, coalesce(e.events, 0) AS events FROM orders o
    LEFT JOIN (SELECT subject, count(*) AS events FROM events WHERE kind = 'order.placed' GROUP BY subject) e
      ON e.subject = 'order:' || CAST(o.id AS TEXT)
    WHERE NOT o.is_demo AND coalesce(e.events, 0) <> 1
    """,
)
sql(
    "I13",
    N_("Each message of a gateway is in once, and acted on, tried again, or given up where a person sees it."),
    """
    SELECT gateway || ' ' || event_id AS message, 'twice' AS what FROM gateway_messages GROUP BY gateway, event_id HAVING count(*) > 1
    UNION ALL
    SELECT gateway || ' ' || event_id, state FROM gateway_messages
    WHERE (state = 'received' AND received_at < :ago_15m AND coalesce(due_at, received_at) < :ago_15m)
       OR (state = 'handled' AND payment_id IS NULL)
    """,
)
sql(
    "I21",
    N_("Tokens are kept as hashes, passwords by argon2."),
    """
    SELECT 'log-in ' || CAST(id AS TEXT) AS ref, 'token' AS what FROM login_sessions WHERE length(token_hash) <> 64
    UNION ALL
    SELECT 'user ' || CAST(id AS TEXT), 'password' FROM users WHERE password_hash IS NOT NULL AND password_hash NOT LIKE '$argon2%'
    """,
)
sql(
    "I22",
    N_("Refunds, postings and the entries of orders have somebody who did them."),
    """
    SELECT 'refund ' || CAST(id AS TEXT) AS ref, created_at AS at FROM refunds WHERE trim(actor) = ''
    UNION ALL SELECT 'entry ' || CAST(id AS TEXT), at FROM order_entries WHERE trim(actor) = ''
    UNION ALL SELECT 'posting ' || CAST(id AS TEXT), at FROM postings WHERE trim(actor) = ''
    """,
)


@by_python("I22b", N_("The log of what staff did is whole: each act's hash covers it and the act before it."))
def chained_acts(at: datetime) -> Iterator[Finding]:  # noqa: ARG001
    for place, what in broken_links():
        yield Finding(place, {"it": what})


# Free texts of people and of gateways; a number of a card has no place there.
TEXTS = (
    ("orders", "note"),
    ("order_entries", "note"),
    ("payments", "error"),
    ("return_requests", "note"),
    ("mails", "subject"),
    ("order_addresses", "line1"),
    ("order_addresses", "line2"),
    ("carts", "key"),
)
DIGITS = re.compile(r"(?<!\d)[3-6]\d{12,18}(?!\d)")
CARDS = {13, 14, 15, 16, 19}


@by_python("I21b", N_("No text holds the number of a card."))
def card_numbers(at: datetime) -> Iterator[Finding]:  # noqa: ARG001
    for table, column in TEXTS:
        plain = f"replace(replace({column}, ' ', ''), '-', '')"
        looks_like = f"{plain} GLOB '*{'[0-9]' * 13}*'" if is_sqlite() else f"{plain} ~ '[0-9]{{13}}'"
        key = "order_id" if table == "order_addresses" else "id"
        statement = text(f"SELECT {key} AS id, {column} AS words FROM {table} WHERE length({column}) >= 13 AND {looks_like}")  # noqa: S608
        for found in connection().execute(statement):
            if holds_card_number(found.words):
                yield Finding(f"{table} {found.id}", {"column": column})


def holds_card_number(words: str) -> bool:
    """Is there a run of digits that is as long as a card's, begins as one, and has a right check digit?"""
    return any(len(run) in CARDS and passes_luhn(run) for run in DIGITS.findall(re.sub(r"(?<=\d)[ -](?=\d)", "", words)))


def passes_luhn(digits: str) -> bool:
    """Source: ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


@by_python("I23", N_("The database itself is whole: rows point to rows that exist, and its pages are in order."))
def whole_database(at: datetime) -> Iterator[Finding]:  # noqa: ARG001
    if is_sqlite():
        for broken in connection().execute(text("PRAGMA foreign_key_check")):
            yield Finding(f"{broken[0]} {broken[1]}", {"points_to": broken[2]})
        answer = scalar(text("PRAGMA quick_check"))
        if answer != "ok":
            yield Finding("database", {"quick_check": str(answer)})
        return
    unproven = text("SELECT conname, CAST(CAST(conrelid AS regclass) AS TEXT) AS name FROM pg_constraint WHERE NOT convalidated")
    for constraint in connection().execute(unproven):
        yield Finding(constraint.conname, {"table": constraint.name})
