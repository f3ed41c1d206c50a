"""A new password by whoever holds the machine, for people who locked themselves out. Roles and locks are in ``staff_services``."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from shop.auth.mailed.recovery import set_new_password
from shop.auth.models import User
from shop.auth.passwords import hash_password, why_refused
from shop.auth.second.services import remove_second_factors
from shop.db import scalar, transaction
from shop.errors import Invalid, NotFound
from shop.trail.services import note_change


def give_new_password(email: str, password: str, *, without_second_factor: bool, at: datetime) -> None:
    """A new password for somebody who cannot get a mail; every log-in and every link of theirs ends, and the owner is told by mail.

    Raises:
        NotFound: nobody has this address.
        Invalid: the password is refused.
    """
    user_id = get_user_id(email)
    if reason := why_refused(password, about=(email,)):
        raise Invalid({"/password": [reason]})
    password_hash = hash_password(password)
    with transaction() as session:
        set_new_password(session, user_id, email, password_hash, at=at)
        if without_second_factor:
            remove_second_factors(session, user_id, at=at)
        note_change(f"user:{user_id}", {}, {"changed": ["way in", *(["second factor"] if without_second_factor else [])]}, at=at)


def get_user_id(email: str) -> int:
    """Who has this address.

    Raises:
        NotFound: nobody has.
    """
    found = scalar(select(User.id).where(User.email == email))
    if found is None:
        raise NotFound(_("Nobody has the address %(email)s. See who there is: flask user list", email=email))
    return int(found)
