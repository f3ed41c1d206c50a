"""Where something of a person is kept: each table, how its rows are found, whether the person is shown them, and what erasing does.

What the law wants kept stays with its reason: invoices and what belongs to them for as long as tax law says, declarations as proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Table, false, or_, select

from shop.db import Base, rows
from shop.errors import NotFound


class Fate(StrEnum):
    """What erasing does to rows. ``cascade``: they go with the row that they hang on; ``blank``: some columns are emptied; ``keep``: they stay."""

    DELETE = "delete"
    CASCADE = "cascade"
    BLANK = "blank"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the tables know them. ``emails`` are only those that are known to be theirs."""

    user_id: int | None
    customer_ids: tuple[int, ...]
    emails: tuple[str, ...]
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """One table. ``by`` names columns with what they hold (``user``, ``customer``, ``email``, ``order``, ``owner``); a row is theirs when one fits.

    ``hidden`` are columns that are not handed over: hashes and keys. ``blank`` are the columns that are emptied, ``reason`` why the rest stays.
    """

    table: str
    title: Any
    by: dict[str, str]
    fate: Fate
    reason: Any = ""
    blank: dict[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    is_shown: bool = True

    @property
    def columns(self) -> Table:
        return Base.metadata.tables[self.table]

    def theirs(self, person: Person) -> ColumnElement[bool]:
        """The condition under which a row is this person's."""
        return or_(false(), *(_fits(self.columns.c[column], kind, person) for column, kind in self.by.items()))


def _fits(column: Any, kind: str, person: Person) -> ColumnElement[bool]:
    known: dict[str, Sequence[Any]] = {
        "user": () if person.user_id is None else (person.user_id,),
        "owner": () if person.user_id is None else (f"user:{person.user_id}",),
        "customer": person.customer_ids,
        "email": person.emails,
        "order": person.order_ids,
        "subject": tuple(f"order:{order_id}" for order_id in person.order_ids),
    }
    return column.in_(known[kind]) if known[kind] else false()


BOOKS = _l("Tax law wants it kept with the invoice.")
PROOF = _l("It proves what was declared and when.")

HOLDINGS: tuple[Holding, ...] = (
    Holding("users", _l("Account"), {"id": "user"}, Fate.DELETE, hidden=frozenset({"password_hash"})),
    Holding("login_sessions", _l("Devices"), {"user_id": "user"}, Fate.CASCADE, hidden=frozenset({"token_hash"})),
    Holding(
        "auth_tickets",
        _l("Links that were sent"),
        {"user_id": "user", "email": "email"},
        Fate.DELETE,
        hidden=frozenset({"salt", "token_hash", "wanted"}),
    ),
    Holding("app_keys", _l("App for the second step"), {"user_id": "user"}, Fate.CASCADE, hidden=frozenset({"salt", "last_step"})),
    Holding("recovery_codes", _l("Recovery codes"), {"user_id": "user"}, Fate.CASCADE, hidden=frozenset({"code_hash"})),
    Holding("passkeys", _l("Passkeys"), {"user_id": "user"}, Fate.CASCADE, hidden=frozenset({"credential", "public_key"})),
    Holding("identities", _l("Sign-in by others"), {"user_id": "user"}, Fate.CASCADE),
    Holding("api_keys", _l("Keys for programs"), {"made_by": "user"}, Fate.CASCADE, hidden=frozenset({"key_hash"})),
    Holding("consents", _l("Consents"), {"user_id": "user"}, Fate.CASCADE),
    Holding("customers", _l("Customer"), {"id": "customer"}, Fate.DELETE),
    Holding("addresses", _l("Address book"), {"customer_id": "customer"}, Fate.CASCADE),
    Holding("customer_group_members", _l("Groups"), {"customer_id": "customer"}, Fate.CASCADE),
    Holding("carts", _l("Carts"), {"user_id": "user"}, Fate.DELETE, hidden=frozenset({"key"})),
    Holding("orders", _l("Orders"), {"id": "order"}, Fate.BLANK, BOOKS, {"email": "", "note": ""}, hidden=frozenset({"trace"})),
    Holding("order_lines", _l("What was ordered"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("order_addresses", _l("Addresses of orders"), {"order_id": "order"}, Fate.BLANK, BOOKS, {"phone": ""}),
    Holding("order_entries", _l("History of orders"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("order_revisions", _l("Changes of orders"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("order_discounts", _l("Discounts"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("order_credits", _l("Credits"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("adjustments", _l("Adjustments"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("shipments", _l("Parcels"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("documents", _l("Invoices and credit notes"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("payments", _l("Payments"), {"order_id": "order"}, Fate.KEEP, BOOKS, hidden=frozenset({"key"})),
    Holding("postings", _l("Postings"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("transfers", _l("Bank transfers"), {"order_id": "order"}, Fate.KEEP, BOOKS),
    Holding("return_requests", _l("Returns"), {"order_id": "order"}, Fate.BLANK, BOOKS, {"note": ""}),
    Holding("withdrawals", _l("Withdrawals"), {"order_id": "order", "email": "email"}, Fate.KEEP, PROOF),
    Holding(
        "redemptions", _l("Used promotions"), {"order_id": "order", "user_id": "user", "email": "email"}, Fate.BLANK, BOOKS, {"email": ""}
    ),
    Holding("reviews", _l("Reviews"), {"user_id": "user"}, Fate.BLANK, _l("Others read it; it stays without a name."), {"author": "–"}),
    Holding("mails", _l("Mails"), {"recipient": "email", "about": "subject"}, Fate.DELETE, hidden=frozenset({"html", "cause"})),
    Holding("idempotency_keys", _l("Answers to programs"), {"owner": "owner"}, Fate.DELETE, is_shown=False),
)
# Tables that look as if they held something of a person, with the reason why they do not, or why it is found otherwise.
NOT_THEIRS = {
    "analytics_people": "numbers and keyed hashes only; they stay until the next export has told others that the person is gone",
    "vat_checks": "a register's public answer about a business; kept as the proof why an order bore no tax",
    "staff_acts": "what staff did; subjects are ids, never addresses of customers",
    "erasures": "a keyed hash only",
    "login_tries": "keyed by a hash, swept every hour",
    "text_versions": "texts of the shop",
    "cart_items": "go with the cart",
    "cart_codes": "go with the cart",
    "entries": "amounts by account, of postings",
    "refunds": "amounts, of payments",
    "mail_attempts": "go with the mail",
    "events": "ids; what names an address is swept, see retention",
}


def find_person(*, user_id: int | None = None, customer_id: int | None = None) -> Person:
    """A member, or a customer without an account.

    Raises:
        NotFound: there is no such person.
    """
    tables = Base.metadata.tables
    users, customers, orders = tables["users"], tables["customers"], tables["orders"]
    if user_id is None:
        found = rows(select(customers.c.user_id, customers.c.email).where(customers.c.id == customer_id))
        if not found:
            raise NotFound("There is no such customer.")
        if found[0].user_id is None:
            theirs = rows(select(orders.c.id).where(orders.c.customer_id == customer_id))
            return Person(None, (customer_id or 0,), (found[0].email,), tuple(one.id for one in theirs))
        user_id = found[0].user_id
    user = rows(select(users.c.email, users.c.email_verified_at).where(users.c.id == user_id))
    if not user:
        raise NotFound("There is no such user.")
    ids = tuple(one.id for one in rows(select(customers.c.id).where(customers.c.user_id == user_id)))
    theirs = rows(select(orders.c.id).where(or_(orders.c.user_id == user_id, orders.c.customer_id.in_(ids))))
    emails = (user[0].email,) if user[0].email_verified_at else ()
    return Person(user_id, ids, emails, tuple(one.id for one in theirs))
