"""The verbs: agreeing and taking it back, and erasing a person."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from shop.auth.models import User
from shop.auth.permissions import CUSTOMER
from shop.db import transaction
from shop.errors import N_, Conflict
from shop.order.models import Order, OrderState
from shop.order.returns.models import ReturnRequest, ReturnState
from shop.payment.models import Payment, Refund, State
from shop.privacy.holdings import HOLDINGS, Fate, Holding, Person
from shop.privacy.models import Consent, Erasure, TextVersion
from shop.trail.services import note_change

MARKETING = "marketing"
FIGURES = "figures"
UNDER_WAY = (ReturnState.ASKED, ReturnState.APPROVED, ReturnState.RECEIVED)
GOING_BACK = (State.ATTEMPTING, State.UNKNOWN, State.PENDING)


class OrderStillOpen(Conflict):
    """Something is still to be done for an order of theirs; ``orders`` names them."""

    slug, title = "order-still-open", N_("An order is still open")


class WorksHere(Conflict):
    """Whoever works here must lose the role first."""

    slug, title = "works-here", N_("This person works here")


# Consents


def set_consent(user_id: int, subject: str, *, is_given: bool, text: str, locale: str, at: datetime) -> None:
    """Say yes to ``text``, or take it back. Saying again what counts already changes nothing."""
    with transaction() as session:
        newest = select(Consent.is_given).where(Consent.user_id == user_id, Consent.subject == subject).order_by(Consent.id.desc()).limit(1)
        if bool(session.execute(newest).scalar()) == is_given:
            return
        version = keep_text(session, subject, locale, title=subject, body=text, at=at)
        values = {"user_id": user_id, "subject": subject, "is_given": is_given, "text_version_id": version, "at": at}
        session.execute(insert(Consent).values(**values))


def keep_text(session: Session, subject: str, locale: str, *, title: str, body: str, at: datetime) -> int:
    """The version of a text that stands now, written when it is another than the one before; gives its id."""
    digest = hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()
    newest = (
        select(TextVersion.id, TextVersion.hash)
        .where(TextVersion.subject == subject, TextVersion.locale == locale)
        .order_by(TextVersion.since.desc(), TextVersion.id.desc())
        .limit(1)
    )
    found = session.execute(newest).first()
    if found is not None and found.hash == digest:
        return int(found.id)
    values = {"subject": subject, "locale": locale, "hash": digest, "title": title, "body": body, "since": at}
    return int(session.execute(insert(TextVersion).values(**values).returning(TextVersion.id)).scalar_one())


# Erasing


def erase_person(person: Person, *, by: str, at: datetime) -> str:
    """Erase what the law lets go, empty what it wants kept of what is not needed, and write a receipt; gives its reference.

    Raises:
        OrderStillOpen: an order, a return or a refund is not done.
        WorksHere: this account can do something in the back office.
    """
    with transaction() as session:
        _hold(session, person)
        _refuse_open(session, person)
        erased: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        reference = secrets.token_urlsafe(12)
        for holding in HOLDINGS:
            _count(session, holding, person, erased, kept)
        for holding in HOLDINGS:
            _erase(session, holding, person, reference)
        who = who_hash(_address(person))
        session.execute(insert(Erasure).values(reference=reference, who=who, actor=by, at=at, erased=erased, kept=kept))
        note_change(f"erasure:{reference}", {}, {"erased": sum(erased.values()), "kept": sum(one["rows"] for one in kept.values())}, at=at)
    return reference


def _address(person: Person) -> str:
    return person.emails[0] if person.emails else f"user:{person.user_id}"


def who_hash(email: str) -> str:
    """By which a receipt is found again by somebody who knows the address."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"erased:{email}".encode(), hashlib.sha256).hexdigest()


def _hold(session: Session, person: Person) -> None:
    """Hold the account, so that no role is given and no order placed by it meanwhile."""
    if person.user_id is None:
        return
    user = session.execute(select(User.role).where(User.id == person.user_id).with_for_update()).first()
    if user is not None and user.role != CUSTOMER:
        raise WorksHere(_("Give this account the role of a customer first."))


def _refuse_open(session: Session, person: Person) -> None:
    theirs = Order.id.in_(person.order_ids)
    returning = select(ReturnRequest.order_id).where(ReturnRequest.state.in_(UNDER_WAY))
    refunding = select(Payment.order_id).join(Refund, Refund.payment_id == Payment.id).where(Refund.state.in_(GOING_BACK))
    is_open: ColumnElement[bool] = (Order.state == OrderState.OPEN) | Order.id.in_(returning) | Order.id.in_(refunding)
    numbers = list(session.execute(select(Order.number).where(theirs, is_open).order_by(Order.id)).scalars())
    if numbers:
        raise OrderStillOpen(
            _("It can be done as soon as these orders are delivered, or canceled and paid back: %(orders)s.", orders=", ".join(numbers)),
            orders=numbers,
        )


def _count(session: Session, holding: Holding, person: Person, erased: dict[str, Any], kept: dict[str, Any]) -> None:
    number = session.execute(select(func.count()).select_from(holding.columns).where(holding.theirs(person))).scalar_one()
    if not number:
        return
    if holding.fate in {Fate.DELETE, Fate.CASCADE}:
        erased[holding.table] = number
    else:
        kept[holding.table] = {"rows": number, "why": str(holding.reason), "emptied": sorted(holding.blank)}


def _erase(session: Session, holding: Holding, person: Person, reference: str) -> None:
    if holding.fate is Fate.BLANK:
        values = {name: f"{reference.lower()}@erased.invalid" if name == "email" else empty for name, empty in holding.blank.items()}
        session.execute(update(holding.columns).where(holding.theirs(person)).values(**values))
    elif holding.fate is Fate.DELETE and holding.table not in {"users", "customers"}:
        session.execute(delete(holding.columns).where(holding.theirs(person)))
    if holding is HOLDINGS[-1]:  # last, since other rows are found by them
        for table in ("customers", "users"):
            last = next(one for one in HOLDINGS if one.table == table)
            session.execute(delete(last.columns).where(last.theirs(person)))
