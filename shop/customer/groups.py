"""Groups of customers, such as wholesale: staff puts people together, rules of prices ask for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, delete, func, insert, select

from shop.auth.models import User
from shop.customer.models import Customer, CustomerGroup, CustomerGroupMember
from shop.db import insert_missing, row, rows, transaction
from shop.errors import Invalid, NotFound
from shop.trail.services import note_change
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
_members = select(func.count()).where(CustomerGroupMember.group_id == CustomerGroup.id).scalar_subquery()
GROUPS = select(CustomerGroup.code, CustomerGroup.name, _members.label("members")).order_by(CustomerGroup.code)
MEMBERS = (
    select(Customer.id, User.email, Customer.name)
    .join(CustomerGroupMember, CustomerGroupMember.customer_id == Customer.id)
    .join(CustomerGroup, CustomerGroup.id == CustomerGroupMember.group_id)
    .join(User, User.id == Customer.user_id)
    .where(CustomerGroup.code == bindparam("code"))
    .order_by(Customer.id.desc())
    .limit(PAGE + 1)
)
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def create_group(code: str, name: str, *, at: datetime) -> int:
    """Make a group; the same code again is the same group.

    Raises:
        Invalid: the code has other characters than a to z, digits and ``-``.
    """
    if not CODE.fullmatch(code):
        raise Invalid({"/code": [_("Use 1 to 40 letters from a to z, digits or -.")]})
    with transaction() as session:
        known = row(select(CustomerGroup.id).where(CustomerGroup.code == code))
        if known is not None:
            return int(known.id)
        return int(
            session.execute(insert(CustomerGroup).values(code=code, name=name, created_at=at).returning(CustomerGroup.id)).scalar_one()
        )


def add_to_group(code: str, email: str, *, at: datetime) -> None:
    """Put whoever logs in by this address into the group. Again changes nothing.

    Raises:
        NotFound: there is no such group, or nobody logs in by this address.
    """
    with transaction() as session:
        group, user = _find(code, email)
        customer = row(select(Customer.id).where(Customer.user_id == user.id))
        values = {"user_id": user.id, "email": email, "name": user.name, "locale": user.locale, "created_at": at}
        customer_id = customer.id if customer else session.execute(insert(Customer).values(**values).returning(Customer.id)).scalar_one()
        if insert_missing(CustomerGroupMember, {"group_id": group.id, "customer_id": customer_id}):
            note_change(f"group:{code}", {}, {"in": email}, at=at)


def remove_from_group(code: str, email: str, *, at: datetime) -> None:
    """Take them out again.

    Raises:
        NotFound: there is no such group, or nobody logs in by this address.
    """
    with transaction() as session:
        group, user = _find(code, email)
        theirs = select(Customer.id).where(Customer.user_id == user.id)
        gone = session.execute(
            delete(CustomerGroupMember).where(CustomerGroupMember.group_id == group.id, CustomerGroupMember.customer_id.in_(theirs)),
            execution_options={"synchronize_session": False},
        )
        if gone.rowcount:  # type: ignore[attr-defined]
            note_change(f"group:{code}", {"in": email}, {}, at=at)


def _find(code: str, email: str) -> tuple[Any, Any]:
    group = row(select(CustomerGroup.id).where(CustomerGroup.code == code))
    if group is None:
        raise NotFound(_("There is no such group."))
    user = row(select(User.id, User.name, User.locale).where(User.email == email))
    if user is None:
        raise NotFound(_("Nobody logs in by this address."))
    return group, user


def count_members() -> Sequence[Row[Any]]:
    """All groups by code, with how many are in each."""
    return rows(GROUPS)


def get_group(code: str) -> Row[Any]:
    """One group.

    Raises:
        NotFound: there is no such group.
    """
    found = row(select(CustomerGroup.code, CustomerGroup.name).where(CustomerGroup.code == code))
    if found is None:
        raise NotFound(_("There is no such group."))
    return found


def list_members(code: str, *, cursor: str | None = None) -> Page[Row[Any]]:
    """Who is in a group and can log in, the newest customers first."""
    wanted = MEMBERS.where(Customer.id < decode_cursor(cursor, int)[0]) if cursor else MEMBERS
    found = rows(wanted, code=code)
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)
