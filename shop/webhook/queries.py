"""Reading addresses and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, select

from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.outbox.models import Delivery, DeliveryState
from shop.web.pagination import Page, decode_cursor, encode_cursor
from shop.webhook.models import EndpointState, WebhookAttempt, WebhookEndpoint

PAGE = 50
MOST_ENDPOINTS = 50
_line = WebhookEndpoint.name + literal(" ") + WebhookEndpoint.kinds
ROLL = select(func.aggregate_strings(_line, "\n")).where(WebhookEndpoint.state != EndpointState.OFF).scalar_subquery()
"""Who hears of events, as ``shop.outbox.Family`` wants it. What happens while an address is paused waits for it."""

ENDPOINT = select(*WebhookEndpoint.__table__.c)
BY_ID = ENDPOINT.where(WebhookEndpoint.id == bindparam("endpoint_id"))
BY_NAME = ENDPOINT.where(WebhookEndpoint.name == bindparam("name"))
_consumer = literal("webhook:") + WebhookEndpoint.name


def _count(state: DeliveryState) -> Any:
    mine = select(func.count()).where(Delivery.consumer == _consumer, Delivery.state == state)
    return mine.scalar_subquery().label(state.value)


LIST = ENDPOINT.add_columns(_count(DeliveryState.WAITING), _count(DeliveryState.DEAD)).order_by(WebhookEndpoint.id.desc())
COUNT = select(func.count()).select_from(WebhookEndpoint)
COUNT_OFF = COUNT.where(WebhookEndpoint.state == EndpointState.OFF)
ATTEMPTS = (
    select(*WebhookAttempt.__table__.c, Delivery.state.label("delivery_state"))
    .outerjoin(Delivery, Delivery.id == WebhookAttempt.delivery_id)
    .where(WebhookAttempt.endpoint_id == bindparam("endpoint_id"))
    .order_by(WebhookAttempt.id.desc())
    .limit(PAGE + 1)
)


def list_endpoints() -> Sequence[Row[Any]]:
    """Every address, newest first, with how many deliveries wait for it and how many were given up."""
    return rows(LIST)


def get_endpoint(endpoint_id: int) -> Row[Any]:
    """One address, as ``list_endpoints`` gives it.

    Raises:
        NotFound: there is no such address.
    """
    found = row(LIST.where(WebhookEndpoint.id == endpoint_id))
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def find_endpoint(name: str) -> Row[Any] | None:
    """The address that the outbox knows by this name."""
    return row(BY_NAME, name=name)


def count_endpoints() -> int:
    return int(scalar(COUNT))


def count_off() -> int:
    """How many addresses the shop switched off, which wait for a person."""
    return int(scalar(COUNT_OFF))


def list_attempts(endpoint_id: int, *, only_failed: bool = False, cursor: str | None = None) -> Page[Row[Any]]:
    """What was tried for one address, newest first; ``delivery_state`` is None for tests and for what was forgotten."""
    wanted = ATTEMPTS
    if only_failed:
        wanted = wanted.where(WebhookAttempt.error != "")
    if cursor:
        wanted = wanted.where(WebhookAttempt.id < decode_cursor(cursor, int)[0])
    found = rows(wanted, endpoint_id=endpoint_id)
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def salts_of(endpoint: Row[Any], *, at: datetime) -> list[str]:
    """The salts whose secrets count: the newest first, and the one before while it is changed."""
    is_changing = endpoint.old_salt and endpoint.old_until is not None and endpoint.old_until > at
    return [endpoint.salt, endpoint.old_salt] if is_changing else [endpoint.salt]
