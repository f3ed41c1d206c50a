"""Who works in the demo shop and who buys there."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.auth.models import User
from shop.auth.permissions import ADMIN as ADMIN_ROLE
from shop.auth.permissions import CUSTOMER
from shop.auth.permissions import STAFF as STAFF_ROLE
from shop.catalog.slugs import slugify
from shop.customer.models import Address, Customer
from shop.db import transaction
from shop.demo import days
from shop.demo.names import FAMILY_NAMES, HOMES, MEMBERS, SPANISH
from shop.demo.place import Place
from shop.demo.sources import site

ADMIN, STAFF, MEMBER = "admin@bodega.example", "staff@bodega.example", "lucia@example.com"
LOGINS = {ADMIN: "admin", STAFF: "staff", MEMBER: "customer"}
LOGIN_FILE = "demo-login.txt"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer as orders need them. ``home`` holds the columns of an address."""

    first_name: str
    email: str
    locale: str
    customer_id: int
    user_id: int | None
    home: dict[str, str]

    @property
    def country(self) -> str:
        return self.home["country"]


def invite_people(place: Place, password_hash: str | None) -> dict[str, Buyer]:
    """Write staff, members and guests; gives who buys, by first name. Without a password nobody can log in."""
    with transaction() as session:
        opened = place.now - timedelta(days=days.OPENED_DAYS_AGO)
        for email, name, role in ((ADMIN, "Marina Vega", ADMIN_ROLE), (STAFF, "Tomás Rey", STAFF_ROLE)):
            staff = User(
                email=email,
                name=name,
                role=role,
                locale=place.locales[0],
                password_hash=password_hash,
                created_at=opened,
                email_verified_at=opened,
            )
            _write_user(session, staff)
        names = site()["customer_first_names"]
        return {name: _write_buyer(session, place, name, number, password_hash) for number, name in enumerate(names)}


def _write_buyer(session: Session, place: Place, first_name: str, number: int, password_hash: str | None) -> Buyer:
    since = place.now - timedelta(days=days.ORDERS_DAYS_AGO + 40 - 3 * number, hours=number)
    email = f"{slugify(first_name)}@example.com"
    name = f"{first_name} {FAMILY_NAMES[first_name]}"
    locale = speaks(first_name, place)
    line1, line2, postcode, city, region, country = HOMES[first_name]
    home = {"name": name, "line1": line1, "line2": line2, "postcode": postcode, "city": city, "region": region, "country": country}
    is_member = first_name in MEMBERS
    user_id = None
    if is_member:
        opens = password_hash if email == MEMBER else None
        user = User(email=email, name=name, role=CUSTOMER, locale=locale, password_hash=opens, created_at=since, email_verified_at=since)
        user_id = _write_user(session, user)
    customer = Customer(user_id=user_id, email=email, name=name, locale=locale, created_at=since)
    session.add(customer)
    session.flush()
    if is_member:
        session.add(Address(customer_id=customer.id, is_default=True, **home))
    return Buyer(first_name, email, locale, customer.id, user_id, home)


def speaks(first_name: str, place: Place) -> str:
    """Their own language where the shop speaks it."""
    own = "es" if first_name in SPANISH else "en"
    return own if own in place.locales else place.locales[0]


def _write_user(session: Session, user: User) -> int:
    """Somebody who has an account with this address already keeps it as it is."""
    known = session.scalars(select(User.id).where(User.email == user.email)).first()
    if known is not None:
        return known
    session.add(user)
    session.flush()
    return user.id


def keep_password(instance: Path) -> str:
    """The password of the demo's log-ins: made once, kept beside the shop's data, readable by its owner alone."""
    path = instance / LOGIN_FILE
    if not path.exists():
        lines = "".join(f"{email}  {what}\n" for email, what in LOGINS.items())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(9)}\n\nThis password, made for this installation only, opens the demo shop for:\n{lines}")
    return path.read_text().partition("\n")[0]
