"""The books of the test bank: charges, refunds, and a ledger of every movement, in an SQLite file of its own (or in memory), for all workers.

Every act names an idempotency key. The same key with other parameters is an error; with the same ones it does nothing more.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shop.payment.gateways.base import Asked, NoAnswer, Truth

SILENCE = timedelta(seconds=30)
IN_MEMORY = Path(":memory:")
TABLES = """
CREATE TABLE IF NOT EXISTS charges (
    key TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, number TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
    return_url TEXT NOT NULL, notify_url TEXT NOT NULL, locale TEXT NOT NULL, captures_at_once INTEGER NOT NULL, truth TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '', is_challenged INTEGER NOT NULL DEFAULT 0, silent_until TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refunds (
    key TEXT PRIMARY KEY, charge TEXT NOT NULL REFERENCES charges (key), reference TEXT NOT NULL UNIQUE, amount_minor INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge);
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('capture', 'refund')), reference TEXT NOT NULL, "order" TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, key TEXT NOT NULL, charge TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, wanted TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, kind TEXT NOT NULL, charge TEXT NOT NULL, at TEXT NOT NULL) STRICT;
"""


class Overdrawn(Exception):
    """More is asked back than was taken."""


class KeyReused(Exception):
    """The idempotency key was used before, for something else."""


@dataclass(frozen=True, slots=True)
class PaidBack:
    """A refund in the bank's books."""

    key: str
    reference: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge in the bank's books, with what went back of it. ``is_silent``: the bank gives no answer about it at the moment."""

    key: str
    reference: str
    number: str
    amount_minor: int
    currency: str
    return_url: str
    notify_url: str
    locale: str
    truth: Truth
    reason: str
    is_challenged: bool
    refunds: tuple[PaidBack, ...] = ()
    url: str = ""

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, values: dict[str, Any]) -> Charge:
        refunds = tuple(PaidBack(**found) for found in values.pop("refunds"))
        return cls(**{**values, "truth": Truth(values["truth"])}, refunds=refunds)


class TestBank:
    """The bank itself. Times are handed in; every act is one transaction."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_ready = False
        self.lock = threading.RLock()
        self.kept: sqlite3.Connection | None = None

    # Acts

    def open(self, asked: Asked, *, captures_at_once: bool = True, at: datetime) -> Charge:
        """Open a charge, once per key.

        Raises:
            KeyReused: the key belongs to another charge.
        """
        with self._books() as books:
            wanted = [asked.number, asked.amount_minor, asked.currency, asked.return_url, captures_at_once]
            if _claim(books, asked.key, ["charge", *wanted]):
                books.execute(
                    "INSERT INTO charges (key, reference, number, amount_minor, currency, return_url, notify_url, locale, captures_at_once,"
                    " truth, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        asked.key,
                        f"ch_{secrets.token_urlsafe(24)}",
                        asked.number,
                        asked.amount_minor,
                        asked.currency,
                        asked.return_url,
                        asked.notify_url,
                        asked.locale,
                        int(captures_at_once),
                        Truth.WAITING,
                        at.isoformat(),
                    ),
                )
            return _charge(books, "key", asked.key)

    def find(self, key: str, *, at: datetime | None = None) -> Charge | None:
        """A charge by its key.

        Raises:
            NoAnswer: the bank is silent about it ``at`` this time.
        """
        return self._find("key", key, at)

    def find_by_reference(self, reference: str) -> Charge | None:
        return self._find("reference", reference, None)

    def decide(
        self, reference: str, truth: Truth, *, reason: str = "", silent_until: datetime | None = None, at: datetime | None = None
    ) -> bool:
        """Approve or decline what still waits; False when it was decided before. What is approved waits for its capture where that was agreed."""
        with self._books() as books:
            found = books.execute(
                "SELECT * FROM charges WHERE reference = ? AND truth IN ('waiting', 'authorized')", (reference,)
            ).fetchone()
            if found is None:
                return False
            if truth is Truth.CAPTURED and found["truth"] == Truth.WAITING and not found["captures_at_once"]:
                truth = Truth.AUTHORIZED
            silence = silent_until.isoformat() if silent_until else ""
            self._change(books, found, truth, reason=reason, silence=silence, at=at)
        return True

    def capture(self, key: str, *, at: datetime) -> Charge | None:
        """Take what was authorized; nothing else changes."""
        return self._move(key, Truth.AUTHORIZED, Truth.CAPTURED, at)

    def void(self, key: str, *, at: datetime) -> Charge | None:
        """Close what is open; nothing else changes."""
        self._move(key, Truth.WAITING, Truth.VOIDED, at)
        return self._move(key, Truth.AUTHORIZED, Truth.VOIDED, at)

    def challenge(self, reference: str) -> None:
        """Ask the customer to confirm on a second page."""
        with self._books() as books:
            books.execute("UPDATE charges SET is_challenged = 1 WHERE reference = ? AND truth = 'waiting'", (reference,))

    def refund(self, key: str, amount_minor: int, refund_key: str, *, at: datetime | None = None) -> PaidBack:
        """Give back part of a charge, once per refund key, never more than was taken.

        Raises:
            Overdrawn: not so much is left of it.
            KeyReused: the key belongs to another refund.
        """
        with self._books() as books:
            is_new = _claim(books, refund_key, ["refund", key, amount_minor])
            charge = books.execute("SELECT * FROM charges WHERE key = ?", (key,)).fetchone()
            if is_new:
                left = 0 if charge is None or charge["truth"] != Truth.CAPTURED else charge["amount_minor"]
                left -= sum(found["amount_minor"] for found in books.execute("SELECT amount_minor FROM refunds WHERE charge = ?", (key,)))
                if not 0 < amount_minor <= left:
                    raise Overdrawn(refund_key)
                reference = f"re_{secrets.token_urlsafe(18)}"
                books.execute("INSERT INTO refunds VALUES (?, ?, ?, ?)", (refund_key, key, reference, amount_minor))
                _write(books, charge, at, kind="refund", reference=reference, key=refund_key, amount=amount_minor)
                _announce(books, "charge.refunded", key, at)
            found = books.execute("SELECT * FROM refunds WHERE key = ?", (refund_key,)).fetchone()
        return PaidBack(found["key"], found["reference"], found["amount_minor"])

    # What the judge asks

    def ledger(self) -> list[dict[str, Any]]:
        """Every capture and refund, oldest first."""
        with self._books() as books:
            return [dict(found) for found in books.execute("SELECT * FROM ledger ORDER BY id")]

    def totals(self) -> tuple[int, int]:
        """Everything taken, everything given back."""
        sums = {"capture": 0, "refund": 0}
        for entry in self.ledger():
            sums[entry["kind"]] += entry["amount"]
        return sums["capture"], sums["refund"]

    def events_after(self, place: int) -> list[tuple[int, dict[str, Any]]]:
        """What happened since then, for whoever sends the messages: (place, event)."""
        with self._books() as books:
            found = books.execute("SELECT rowid AS place, * FROM events WHERE rowid > ? ORDER BY rowid", (place,)).fetchall()
            return [(event["place"], {**dict(event), "charge": _charge(books, "key", event["charge"])}) for event in found]

    # Within

    def _find(self, column: str, value: str, at: datetime | None) -> Charge | None:
        with self._books() as books:
            found = books.execute(f"SELECT key, silent_until FROM charges WHERE {column} = ?", (value,)).fetchone()  # noqa: S608
            if found is None:
                return None
            if at is not None and found["silent_until"] and at < datetime.fromisoformat(found["silent_until"]):
                raise NoAnswer("the test bank is silent")
            return _charge(books, "key", found["key"])

    def _move(self, key: str, before: Truth, after: Truth, at: datetime) -> Charge | None:
        with self._books() as books:
            found = books.execute("SELECT * FROM charges WHERE key = ? AND truth = ?", (key, before)).fetchone()
            if found is not None:
                self._change(books, found, after, at=at)
        return self._find("key", key, at)

    def _change(
        self, books: sqlite3.Connection, found: sqlite3.Row, truth: Truth, *, reason: str = "", silence: str = "", at: datetime | None
    ) -> None:
        books.execute("UPDATE charges SET truth = ?, reason = ?, silent_until = ? WHERE key = ?", (truth, reason, silence, found["key"]))
        if truth is Truth.CAPTURED:
            _write(books, found, at, kind="capture", reference=found["reference"], key=found["key"], amount=found["amount_minor"])
        _announce(books, f"charge.{truth}", found["key"], at)

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a file is opened for each, so that all workers may, memory is kept."""
        if self.path == IN_MEMORY:
            with self.lock, self._begun(self._kept()) as books:
                yield books
            return
        with closing(self._connect()) as link, self._begun(link) as books:
            yield books

    def _kept(self) -> sqlite3.Connection:
        if self.kept is None:
            self.kept = self._connect()
        return self.kept

    def _connect(self) -> sqlite3.Connection:
        books = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        books.row_factory = sqlite3.Row
        books.execute("PRAGMA synchronous=NORMAL")
        if not self.is_ready:
            books.execute("PRAGMA journal_mode=WAL")
            books.executescript(TABLES)
            self.is_ready = True
        return books

    @contextmanager
    def _begun(self, books: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        books.execute("BEGIN IMMEDIATE")
        try:
            yield books
        except BaseException:
            books.execute("ROLLBACK")
            raise
        books.execute("COMMIT")


def _claim(books: sqlite3.Connection, key: str, wanted: list[Any]) -> bool:
    """Is this the first time that ``key`` is used?

    Raises:
        KeyReused: it was used for something else.
    """
    words = json.dumps(wanted)
    if books.execute("INSERT INTO keys VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, words)).rowcount == 1:
        return True
    if books.execute("SELECT wanted FROM keys WHERE key = ?", (key,)).fetchone()["wanted"] != words:
        raise KeyReused(key)
    return False


def _charge(books: sqlite3.Connection, column: str, value: str) -> Charge:
    found = books.execute(f"SELECT * FROM charges WHERE {column} = ?", (value,)).fetchone()  # noqa: S608
    refunds = books.execute("SELECT * FROM refunds WHERE charge = ? ORDER BY rowid", (found["key"],)).fetchall()
    return Charge(
        key=found["key"],
        reference=found["reference"],
        number=found["number"],
        amount_minor=found["amount_minor"],
        currency=found["currency"],
        return_url=found["return_url"],
        notify_url=found["notify_url"],
        locale=found["locale"],
        truth=Truth(found["truth"]),
        reason=found["reason"],
        is_challenged=bool(found["is_challenged"]),
        refunds=tuple(PaidBack(refund["key"], refund["reference"], refund["amount_minor"]) for refund in refunds),
    )


def _write(books: sqlite3.Connection, charge: sqlite3.Row, at: datetime | None, **entry: Any) -> None:
    values = {**entry, "order": charge["number"], "currency": charge["currency"], "charge": charge["reference"]}
    books.execute(
        'INSERT INTO ledger (kind, reference, "order", amount, currency, key, charge, at)'
        " VALUES (:kind, :reference, :order, :amount, :currency, :key, :charge, :at)",
        {**values, "at": at.isoformat() if at else ""},
    )


def _announce(books: sqlite3.Connection, kind: str, key: str, at: datetime | None) -> None:
    books.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (f"evt_{secrets.token_hex(12)}", kind, key, at.isoformat() if at else ""))
