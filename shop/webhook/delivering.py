"""Telling one address of one event: what the outbox calls for each guest, and the test that staff press."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row, insert, select, update

from shop.clock import now
from shop.db import transaction
from shop.outbox import Happened, Later
from shop.outbox.envelope import VERSION, Envelope, envelope_of
from shop.outbox.models import Delivery
from shop.outbox.services import record_event
from shop.webhook.models import EndpointState, WebhookAttempt, WebhookEndpoint
from shop.webhook.queries import find_endpoint, get_endpoint, salts_of
from shop.webhook.sending import Outcome, send
from shop.webhook.services import give_up_waiting
from shop.webhook.signing import signed_headers

AGENT = "Bodega-Webhooks/1"
TEST = "webhook.test"
LONGEST_REST_S = 300
LOOK_AGAIN = timedelta(minutes=10)


class NotTaken(Exception):
    """The receiver did not take it; the outbox tries again."""


def tell(name: str, event: Happened) -> None:
    """Tell the address ``name`` of the event. One that was removed or switched off is told nothing.

    Raises:
        Later: it is paused, or rests after a failure.
        NotTaken: no answer of 200 to 299 came.
    """
    endpoint, envelope = find_endpoint(name), envelope_of(event)
    if endpoint is None or envelope is None or endpoint.state is EndpointState.OFF:
        return
    if endpoint.state is EndpointState.PAUSED:
        raise Later(now() + LOOK_AGAIN)
    if endpoint.resting_until is not None and endpoint.resting_until > now():
        raise Later(endpoint.resting_until)
    outcome = _send(endpoint, envelope)
    _record(endpoint, envelope, outcome, delivery_of=event.id, at=now())
    if not outcome.is_good:
        raise NotTaken(outcome.why)


def send_test(endpoint_id: int) -> Outcome:
    """Send a message of the kind ``webhook.test`` at once, whatever the address's state, and log it. It changes nothing else.

    Raises:
        NotFound: there is no such address.
    """
    endpoint = get_endpoint(endpoint_id)
    shop, data = current_app.extensions["config"].name, {"note": "Staff tries this address."}
    envelope = Envelope(secrets.token_hex(16), shop, TEST, f"webhook:{endpoint.name}", now(), VERSION, data)
    outcome = _send(endpoint, envelope)
    with transaction() as session:
        session.execute(insert(WebhookAttempt).values(**_attempt(endpoint, envelope, outcome, at=now())))
    return outcome


def _send(endpoint: Row[Any], envelope: Envelope) -> Outcome:
    settings, at = current_app.extensions["config"].webhooks, now()
    body = json.dumps(envelope.dump(), ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        **signed_headers(envelope.id, body, salts=salts_of(endpoint, at=at), at=at),
    }
    return send(endpoint.url, body, headers, named_hosts=settings.named_hosts, timeout_s=settings.timeout_s)


def _attempt(endpoint: Row[Any], envelope: Envelope, outcome: Outcome, *, at: datetime) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.id,
        "event_id": envelope.id,
        "kind": envelope.kind,
        "subject": envelope.subject,
        "at": at,
        "status": outcome.status,
        "took_ms": outcome.took_ms,
        "error": "" if outcome.is_good else outcome.why,
        "answer": outcome.answer,
    }


def _record(endpoint: Row[Any], envelope: Envelope, outcome: Outcome, *, delivery_of: int, at: datetime) -> None:
    """Log the try, and what it says of the address."""
    mine = WebhookEndpoint.id == endpoint.id
    delivery = (
        select(Delivery.id).where(Delivery.event_id == delivery_of, Delivery.consumer == f"webhook:{endpoint.name}").scalar_subquery()
    )
    with transaction() as session:
        if session.execute(select(WebhookEndpoint.id).where(mine).with_for_update()).first() is None:
            return  # removed while it was told
        values = _attempt(endpoint, envelope, outcome, at=at)
        session.execute(insert(WebhookAttempt).values(**values, delivery_id=delivery))
        if outcome.is_good:
            if endpoint.failures:
                session.execute(update(WebhookEndpoint).where(mine).values(failures=0, failing_since=None, resting_until=None))
            return
        rest = timedelta(seconds=min(2 ** min(endpoint.failures + 1, 10), LONGEST_REST_S))
        since = endpoint.failing_since or at
        values = {"failures": WebhookEndpoint.failures + 1, "failing_since": since, "resting_until": at + rest}
        session.execute(update(WebhookEndpoint).where(mine).values(**values))
        _switch_off_if_hopeless(endpoint, outcome, since=since, at=at)


def _switch_off_if_hopeless(endpoint: Row[Any], outcome: Outcome, *, since: datetime, at: datetime) -> None:
    days = current_app.extensions["config"].webhooks.days
    if outcome.is_gone:
        why = "It answered 410: it wants nothing any more."
    elif at - since >= timedelta(days=days):
        why = f"It has failed for {days} days; the last time: {outcome.why}"
    else:
        return
    with transaction() as session:
        is_told = (WebhookEndpoint.id == endpoint.id, WebhookEndpoint.state != EndpointState.OFF)
        off = update(WebhookEndpoint).where(*is_told).values(state=EndpointState.OFF, why_off=why, version=WebhookEndpoint.version + 1)
        if session.execute(off).rowcount:  # type: ignore[attr-defined]
            given_up = give_up_waiting(endpoint.name, "The webhook was switched off.")
            facts = {"endpoint_id": endpoint.id, "url": endpoint.url, "why": why, "given_up": given_up}
            record_event("webhook.switched_off", f"webhook:{endpoint.name}", facts, at=at)
