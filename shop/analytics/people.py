"""Who buys, as far as figures may know: a pseudonym, and name and e-mail of members alone who agreed to it.

Who takes the consent back, or is erased, leaves with the next export: the target gets a row without a name, or one that says that the person is erased.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row, and_, bindparam, func, or_, select

from shop.analytics.models import AnalyticsPerson
from shop.analytics.reading import moment
from shop.customer.models import Customer
from shop.db import rows
from shop.privacy.models import Consent
from shop.privacy.services import FIGURES

_newest = (
    select(func.max(Consent.id))
    .where(Consent.user_id == Customer.user_id, Consent.subject == FIGURES)
    .correlate(Customer)
    .scalar_subquery()
)
_agrees = select(Consent.is_given).where(Consent.id == _newest).correlate(Customer).scalar_subquery()
_customers = select(
    Customer.id, Customer.user_id, Customer.email, Customer.name, Customer.locale, Customer.created_at, _agrees.label("agrees")
)
BY_IDS = _customers.where(Customer.id.in_(bindparam("ids", expanding=True)))
_named = select(AnalyticsPerson.customer_id).where(AnalyticsPerson.target_id == bindparam("target_id"), AnalyticsPerson.is_named)
TO_LOOK_AT = _customers.where(or_(_agrees, Customer.id.in_(_named)))
KNOWN = select(AnalyticsPerson.pseudonym, AnalyticsPerson.digest).where(
    AnalyticsPerson.target_id == bindparam("target_id"), AnalyticsPerson.pseudonym.in_(bindparam("pseudonyms", expanding=True))
)
GONE = (
    select(AnalyticsPerson.pseudonym)
    .outerjoin(Customer, and_(Customer.id == AnalyticsPerson.customer_id, Customer.created_at == AnalyticsPerson.made_at))
    .where(AnalyticsPerson.target_id == bindparam("target_id"), Customer.id.is_(None))
    .order_by(AnalyticsPerson.id)
    .limit(1000)
)


@dataclass(frozen=True)
class Told:
    """A customer's row, and what is remembered of it once it is loaded."""

    row: dict[str, Any]
    memory: dict[str, Any]


def pseudonym_of(customer_id: int, made_at: datetime) -> str:
    """The same for one customer in all exports of this shop; nobody without its secret finds the person by it."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"analytics:{customer_id}:{moment(made_at)}".encode(), hashlib.sha256).hexdigest()[:32]


def read_customers(ids: Iterable[int]) -> Sequence[Row[Any]]:
    """Those customers, as far as they are there."""
    wanted = sorted(set(ids))
    return rows(BY_IDS, ids=wanted) if wanted else []


def read_named(target_id: int) -> Sequence[Row[Any]]:
    """Whoever agreed, or is known to the target by name."""
    return rows(TO_LOOK_AT, target_id=target_id)


def find_gone(target_id: int) -> list[str]:
    """Pseudonyms of those whom the target knows and the shop no longer."""
    return [found.pseudonym for found in rows(GONE, target_id=target_id)]


def what_is_new(target_id: int, customers: Sequence[Row[Any]], *, at: datetime) -> list[Told]:
    """The rows that the target has not, or has otherwise."""
    told = [_tell(target_id, customer, at=at) for customer in customers]
    known = (
        {one.pseudonym: one.digest for one in rows(KNOWN, target_id=target_id, pseudonyms=[one.memory["pseudonym"] for one in told])}
        if told
        else {}
    )
    return [one for one in told if known.get(one.memory["pseudonym"]) != one.memory["digest"]]


def _tell(target_id: int, customer: Row[Any], *, at: datetime) -> Told:
    pseudonym, agrees = pseudonym_of(customer.id, customer.created_at), bool(customer.agrees)
    said = {
        "customer": pseudonym,
        "is_member": customer.user_id is not None,
        "is_erased": False,
        "locale": customer.locale,
        "since": moment(customer.created_at),
        "email": customer.email if agrees else None,
        "name": (customer.name or None) if agrees else None,
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    memory = {
        "target_id": target_id,
        "customer_id": customer.id,
        "made_at": customer.created_at,
        "pseudonym": pseudonym,
        "is_named": agrees,
    }
    return Told({**said, "exported_at": moment(at)}, {**memory, "digest": digest})


def erased(pseudonym: str, *, at: datetime) -> dict[str, Any]:
    """The row that has the target forget somebody."""
    empty = dict.fromkeys(("is_member", "locale", "since", "email", "name"))
    return {"customer": pseudonym, "is_erased": True, **empty, "exported_at": moment(at)}
