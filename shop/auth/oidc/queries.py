"""Reads about accounts elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from shop.auth.oidc.models import Identity
from shop.db import rows

MINE = (
    select(Identity.id, Identity.provider, Identity.issuer, Identity.email, Identity.created_at, Identity.used_at)
    .where(Identity.user_id == bindparam("user_id"))
    .order_by(Identity.id)
)


def list_identities(user_id: int) -> Sequence[Row[Any]]:
    """With what this person can sign in from elsewhere, oldest first."""
    return rows(MINE, user_id=user_id)
