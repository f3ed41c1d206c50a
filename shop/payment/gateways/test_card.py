"""A card gateway for trying out: it takes no money, behaves like a bank's hosted page, and does on demand what banks do at their worst.

``TestBank`` is the other side: it keeps its own books in its own file, knows nothing of the shop's tables, and could stand behind HTTP.
``TestCard`` is our side of the wire. In production the settings refuse it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from shop.payment.gateways.base import Answer, Asked, Gateway, NoAnswer, Truth
from shop.web.locale import path_in

SILENCE = timedelta(seconds=30)
OPEN = {Truth.WAITING, Truth.AUTHORIZED}
BOOKS = """
CREATE TABLE IF NOT EXISTS charges (
    key TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, number TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
    return_url TEXT NOT NULL, locale TEXT NOT NULL, truth TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', is_challenged INTEGER NOT NULL DEFAULT 0,
    silent_until TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refunds (key TEXT PRIMARY KEY, charge TEXT NOT NULL REFERENCES charges (key), amount_minor INTEGER NOT NULL) STRICT;
"""


class Overdrawn(Exception):
    """More is asked back than was taken."""


class TestBank:
    """The bank: charges and refunds by idempotency key, in an SQLite file of its own, for all workers."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_ready = False

    def open(self, asked: Asked, *, at: datetime) -> sqlite3.Row:
        """Open a charge, once per key."""
        with self._books() as books:
            books.execute(
                "INSERT INTO charges (key, reference, number, amount_minor, currency, return_url, locale, truth, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (
                    asked.key,
                    secrets.token_urlsafe(24),
                    asked.number,
                    asked.amount_minor,
                    asked.currency,
                    asked.return_url,
                    asked.locale,
                    Truth.WAITING,
                    at.isoformat(),
                ),
            )
            charge: sqlite3.Row = books.execute("SELECT * FROM charges WHERE key = ?", (asked.key,)).fetchone()
        return charge

    def find(self, key: str) -> sqlite3.Row | None:
        return self._one("SELECT * FROM charges WHERE key = ?", key)

    def find_by_reference(self, reference: str) -> sqlite3.Row | None:
        return self._one("SELECT * FROM charges WHERE reference = ?", reference)

    def decide(self, reference: str, truth: Truth, *, reason: str = "", silent_until: datetime | None = None) -> bool:
        """Approve or decline what is still open; False when it was decided before."""
        silence = silent_until.isoformat() if silent_until else ""
        with self._books() as books:
            done = books.execute(
                "UPDATE charges SET truth = ?, reason = ?, silent_until = ? WHERE reference = ? AND truth IN ('waiting', 'authorized')",
                (truth, reason, silence, reference),
            )
        return done.rowcount == 1

    def challenge(self, reference: str) -> None:
        """Ask the customer to confirm on a second page."""
        with self._books() as books:
            books.execute("UPDATE charges SET is_challenged = 1 WHERE reference = ? AND truth = 'waiting'", (reference,))

    def refund(self, key: str, amount_minor: int, refund_key: str) -> None:
        """Give back part of a charge, once per refund key, never more than was taken."""
        with self._books() as books:
            books.execute(
                "INSERT INTO refunds (key, charge, amount_minor) SELECT ?, ?, ? WHERE ? <= (SELECT amount_minor FROM charges"
                " WHERE key = ? AND truth = 'captured') - (SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE charge = ?)"
                " ON CONFLICT (key) DO NOTHING",
                (refund_key, key, amount_minor, amount_minor, key, key),
            )
            if books.execute("SELECT 1 FROM refunds WHERE key = ?", (refund_key,)).fetchone() is None:
                raise Overdrawn(refund_key)

    def totals(self) -> tuple[int, int]:
        """Everything taken, everything given back: for audits."""
        found = self._one(
            "SELECT (SELECT coalesce(sum(amount_minor), 0) FROM charges WHERE truth = 'captured') AS taken,"
            " (SELECT coalesce(sum(amount_minor), 0) FROM refunds) AS given"
        )
        return (found["taken"], found["given"]) if found else (0, 0)

    def _one(self, statement: str, *values: str) -> sqlite3.Row | None:
        with self._books() as books:
            found: sqlite3.Row | None = books.execute(statement, values).fetchone()
        return found

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        books = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        books.row_factory = sqlite3.Row
        try:
            if not self.is_ready:
                books.execute("PRAGMA journal_mode=WAL")
                books.executescript(BOOKS)
                self.is_ready = True
            books.execute("BEGIN IMMEDIATE")
            yield books
            books.execute("COMMIT")
        except BaseException:
            if books.in_transaction:
                books.execute("ROLLBACK")
            raise
        finally:
            books.close()


class TestCard(Gateway):
    """Our side: asks the bank, translates its answers."""

    __test__ = False
    code = "test_card"

    def __init__(self, bank: TestBank) -> None:
        self.bank = bank

    @property
    def name(self) -> Any:
        return _l("Test card")

    @property
    def note(self) -> Any:
        return _l("A bank’s page for trying out, right after this one. No money moves.")

    def start(self, asked: Asked, *, at: datetime) -> Answer:
        return self._answer(self.bank.open(asked, at=at))

    def look_up(self, key: str, *, at: datetime) -> Answer:
        charge = self.bank.find(key)
        if charge is None:
            return Answer(truth=Truth.UNHEARD)
        if charge["silent_until"] and at < datetime.fromisoformat(charge["silent_until"]):
            raise NoAnswer("the test bank is silent")
        return self._answer(charge)

    def capture(self, key: str, *, at: datetime) -> Answer:
        charge = self.bank.find(key)
        if charge is not None and charge["truth"] == Truth.AUTHORIZED:
            self.bank.decide(charge["reference"], Truth.CAPTURED)
        return self.look_up(key, at=at)

    def void(self, key: str, *, at: datetime) -> Answer:
        charge = self.bank.find(key)
        if charge is not None:
            self.bank.decide(charge["reference"], Truth.VOIDED)
        return self.look_up(key, at=at)

    def refund(self, key: str, amount_minor: int, *, refund_key: str, at: datetime) -> Answer:  # noqa: ARG002
        self.bank.refund(key, amount_minor, refund_key)
        return Answer(truth=Truth.CAPTURED, reference=refund_key, amount_minor=amount_minor)

    def _answer(self, charge: sqlite3.Row) -> Answer:
        truth = Truth(charge["truth"])
        page = path_in(charge["locale"], f"/payments/{charge['reference']}/test-card") if truth in OPEN else None
        return Answer(
            truth=truth,
            reference=charge["reference"],
            url=page,
            amount_minor=charge["amount_minor"],
            currency=charge["currency"],
            reason=charge["reason"],
        )
