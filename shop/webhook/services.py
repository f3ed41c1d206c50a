"""The verbs of staff: entering an address, changing, pausing, removing it, new secrets, sending again."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, insert, or_, update

from shop.db import after_commit, row, transaction
from shop.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion
from shop.outbox.envelope import kinds_matching
from shop.outbox.models import Delivery, DeliveryState
from shop.settings.queries import setting
from shop.trail.services import note_change
from shop.webhook.addresses import AddressRefused, check_url
from shop.webhook.models import EndpointState, WebhookAttempt, WebhookEndpoint
from shop.webhook.queries import BY_ID, MOST_ENDPOINTS, count_endpoints
from shop.webhook.signing import secret_of

MOST_PATTERNS = 30
PATTERN = re.compile(r"[a-z_*]{1,40}(\.[a-z_*]{1,40}){0,3}")
BOTH_COUNT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """The secret of an address: the only moment at which it can be read."""

    id: int
    name: str
    secret: str


def create_endpoint(*, url: str, kinds: Sequence[str], note: str = "", at: datetime) -> NewSecret:
    """Have an address told of events from now on.

    Raises:
        Invalid: the address is none that the shop sends to, or a pattern means no event.
        Conflict: there are as many as the shop keeps.
    """
    wanted = {**_checked(url, kinds), "note": note}
    name, salt = secrets.token_hex(8), secrets.token_hex(16)
    with transaction() as session:
        if count_endpoints() >= MOST_ENDPOINTS:
            raise Conflict(_("There are %(count)s webhooks already. Remove one first.", count=MOST_ENDPOINTS))
        values = {**wanted, "name": name, "salt": salt, "old_salt": "", "why_off": "", "failures": 0, "version": 1, "created_at": at}
        values["state"] = EndpointState.ACTIVE
        endpoint_id = session.execute(insert(WebhookEndpoint).values(**values).returning(WebhookEndpoint.id)).scalar_one()
        note_change(f"webhook:{name}", {}, wanted, at=at)
    return NewSecret(endpoint_id, name, secret_of(salt))


def change_endpoint(
    endpoint_id: int, *, url: str, kinds: Sequence[str], note: str, expected_version: int | None = None, at: datetime
) -> None:
    """Another address, other events. What waits goes to the new address.

    Raises:
        NotFound: there is no such address.
        Invalid: as for a new one.
        StaleVersion: somebody else changed it.
    """
    wanted = {**_checked(url, kinds), "note": note}
    with transaction():
        before = _claim(endpoint_id, expected_version, **wanted)
        note_change(f"webhook:{before.name}", {name: getattr(before, name) for name in wanted}, wanted, at=at)


def _checked(url: str, kinds: Sequence[str]) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    try:
        check_url(url, current_app.extensions["config"].webhooks.named_hosts)
    except AddressRefused as refusal:
        errors["/url"] = [str(refusal)]
    patterns = list(dict.fromkeys(kinds))
    app: Any = current_app
    unknown = [one for one in patterns if (not PATTERN.fullmatch(one) and one != "*") or not kinds_matching(app, [one])]
    if not patterns or len(patterns) > MOST_PATTERNS:
        errors["/kinds"] = [_("Name one to %(most)s events, such as order.placed or order.*.", most=MOST_PATTERNS)]
    elif unknown:
        errors["/kinds"] = [_("There is no event %(name)s.", name=unknown[0][:60])]
    if errors:
        raise Invalid(errors)
    return {"url": url, "kinds": " ".join(patterns)}


def _claim(endpoint_id: int, expected_version: int | None = None, **values: Any) -> Any:
    """Hold the address and change it; gives it as it stood before. Only inside ``transaction()``."""
    with transaction() as session:
        held = update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(version=WebhookEndpoint.version + 1)
        if not session.execute(held).rowcount:  # type: ignore[attr-defined]
            raise NotFound(_("There is no such webhook."))
        before = row(BY_ID, endpoint_id=endpoint_id)
        assert before is not None
        if expected_version is not None and before.version != expected_version + 1:
            raise StaleVersion(_("Somebody else changed this webhook. Look at it as it is now."))
        if values:
            session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**values))
        return before


def pause_endpoint(endpoint_id: int, *, at: datetime) -> None:
    """Tell it nothing for a while; what happens meanwhile waits for it.

    Raises:
        NotFound, IllegalMove: it is not active.
    """
    with transaction():
        before = _claim(endpoint_id)
        if before.state is not EndpointState.ACTIVE:
            raise IllegalMove(_("Only an active webhook can be paused."))
        _set_state(endpoint_id, before, EndpointState.PAUSED, at=at)


def resume_endpoint(endpoint_id: int, *, at: datetime) -> None:
    """Tell it again, at once; what was given up while it was off is sent again by ``resend_given_up``.

    Raises:
        NotFound, IllegalMove: it is active already.
    """
    with transaction() as session:
        before = _claim(endpoint_id)
        if before.state is EndpointState.ACTIVE:
            raise IllegalMove(_("This webhook is active already."))
        _set_state(endpoint_id, before, EndpointState.ACTIVE, at=at)
        session.execute(update(Delivery).where(*_deliveries(before.name, DeliveryState.WAITING)).values(due_at=at))
        after_commit(current_app.extensions["outbox"].ring)


def _set_state(endpoint_id: int, before: Any, state: EndpointState, *, at: datetime) -> None:
    values: dict[str, Any] = {"state": state, "why_off": "", "failures": 0, "failing_since": None, "resting_until": None}
    with transaction() as session:
        session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**values))
        note_change(f"webhook:{before.name}", {"state": before.state.value}, {"state": state.value}, at=at)


def rotate_secret(endpoint_id: int, *, at: datetime) -> NewSecret:
    """A new secret. Both sign for a day, so that the receiver can change over without losing a message.

    Raises:
        NotFound: there is no such address.
    """
    salt = secrets.token_hex(16)
    with transaction() as session:
        before = _claim(endpoint_id)
        values = {"salt": salt, "old_salt": before.salt, "old_until": at + BOTH_COUNT}
        session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**values))
        note_change(f"webhook:{before.name}", {}, {"signs_anew": True}, at=at)
    return NewSecret(endpoint_id, before.name, secret_of(salt))


def drop_old_secret(endpoint_id: int, *, at: datetime) -> None:
    """Sign by the newest secret alone, from now on.

    Raises:
        NotFound: there is no such address.
    """
    with transaction():
        before = _claim(endpoint_id, old_salt="", old_until=None)
        note_change(f"webhook:{before.name}", {}, {"signs_by_the_newest_alone": True}, at=at)


def remove_endpoint(endpoint_id: int, *, at: datetime) -> None:
    """Forget the address with its log and what waits for it.

    Raises:
        NotFound: there is no such address.
    """
    with transaction() as session:
        before = _claim(endpoint_id)
        session.execute(delete(Delivery).where(Delivery.consumer == f"webhook:{before.name}", Delivery.state != DeliveryState.DONE))
        session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))
        note_change(f"webhook:{before.name}", {"url": before.url, "kinds": before.kinds}, {}, at=at)


# Sending again


def resend_delivery(endpoint_id: int, delivery_id: int, *, at: datetime) -> None:
    """Send an event again that arrived or was given up; it keeps its ``webhook-id``.

    Raises:
        NotFound: there is no such address, or it has no such delivery.
        IllegalMove: it waits anyway, or the address is off.
    """
    with transaction() as session:
        before = _claim(endpoint_id)
        _refuse_off(before)
        mine = (Delivery.id == delivery_id, Delivery.consumer == f"webhook:{before.name}")
        again = update(Delivery).where(*mine, Delivery.state != DeliveryState.WAITING)
        if session.execute(again.values(**_afresh(at))).rowcount == 0:  # type: ignore[attr-defined]
            if session.execute(update(Delivery).where(*mine).values(due_at=at)).rowcount == 0:  # type: ignore[attr-defined]
                raise NotFound(_("There is no such delivery."))
            raise IllegalMove(_("It waits and will be sent by itself."))
        note_change(f"webhook:{before.name}", {}, {"sent_again": delivery_id}, at=at)
        after_commit(current_app.extensions["outbox"].ring)


def resend_given_up(endpoint_id: int, *, at: datetime) -> int:
    """Send everything again that was given up, in its order; gives how many.

    Raises:
        NotFound, IllegalMove: the address is off.
    """
    with transaction() as session:
        before = _claim(endpoint_id)
        _refuse_off(before)
        again = update(Delivery).where(*_deliveries(before.name, DeliveryState.DEAD)).values(**_afresh(at))
        count: int = session.execute(again).rowcount  # type: ignore[attr-defined]
        note_change(f"webhook:{before.name}", {}, {"sent_again_count": count}, at=at)
        after_commit(current_app.extensions["outbox"].ring)
    return count


def give_up_waiting(name: str, why: str) -> int:
    """Lay down what waits for an address, also what a courier has in hand; gives how many. Only inside ``transaction()``."""
    with transaction() as session:
        waiting = update(Delivery).where(*_deliveries(name, DeliveryState.WAITING))
        count: int = session.execute(waiting.values(state=DeliveryState.DEAD, lease="", leased_until=None, error=why)).rowcount  # type: ignore[attr-defined]
    return count


def _refuse_off(endpoint: Any) -> None:
    if endpoint.state is EndpointState.OFF:
        raise IllegalMove(_("This webhook is switched off. Switch it on first."))


def _deliveries(name: str, state: DeliveryState) -> tuple[Any, Any]:
    return Delivery.consumer == f"webhook:{name}", Delivery.state == state


def _afresh(at: datetime) -> dict[str, Any]:
    return {"state": DeliveryState.WAITING, "tries": 0, "due_at": at, "done_at": None, "lease": "", "leased_until": None, "error": ""}


def forget_attempts(at: datetime) -> None:
    """The task of every day: the log goes after ``retention.webhooks`` days; an old secret as soon as it counts no more."""
    days = int(setting("retention.webhooks"))
    with transaction() as session:
        session.execute(delete(WebhookAttempt).where(WebhookAttempt.at < at - timedelta(days=days)))
        is_over = or_(WebhookEndpoint.old_until <= at, WebhookEndpoint.old_until.is_(None))
        session.execute(update(WebhookEndpoint).where(WebhookEndpoint.old_salt != "", is_over).values(old_salt="", old_until=None))
