"""The catalog for programs of the staff. The rest stands in ``api``.

Who writes names ids; who reads for customers names slugs. A product as staff sees it, drafts included, is its *record*. Archiving is a thing of its
own: POST makes it, DELETE takes it back.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_login import current_user

from shop.errors import Conflict, NotFound, StaleVersion

WHAT_MAY_STOP = [NotFound, StaleVersion, Conflict]


def owner() -> str:
    """Whose Idempotency-Keys these are."""
    return f"user:{current_user.id}"


def next_url(endpoint: str, cursor: str | None, query: dict[str, Any], **place: Any) -> str | None:
    """The address of the following page, with the same question."""
    if cursor is None:
        return None
    kept: dict[str, Any] = {name: str(value) for name, value in query.items() if value and name != "cursor"}
    return url_for(endpoint, **place, **kept, cursor=cursor)


def version_of(body: dict[str, Any]) -> int | None:
    """The version that was read, taken out of the body."""
    version: int | None = body.pop("version", None)
    return version


from shop.catalog.api_staff import categories, parts, products, stock, variants  # noqa: F401
