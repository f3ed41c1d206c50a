"""``Idempotency-Key``: a JSON post that creates may be repeated; the caller gets the first answer again and nothing happens twice.

The key is written before the work begins. Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec

from flask import Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, select, update

from shop.clock import now
from shop.db import insert_missing, transaction
from shop.errors import N_, Conflict, Invalid
from shop.web.again import run_again_if_lost
from shop.web.models import IdempotencyKey

P = ParamSpec("P")
KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=1)


class KeyInUse(Conflict):
    """The first request with this key is still at work."""

    slug, title = "key-in-use", N_("The first request is still at work")


class KeyReused(Conflict):
    """The key was used for another body."""

    slug, title = "key-reused", N_("This key was used for something else")


def idempotent(owner: Callable[[], str]) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Decorate a JSON view that creates; ``owner()`` names the caller, whose keys are his own. Answers of 500 and above are not kept."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> Response:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return make_response(view(*args, **kwargs))
            if not KEY.fullmatch(key):
                raise Invalid({"Idempotency-Key": ["Send 1 to 128 visible ASCII characters."]})
            return _once(owner(), key, lambda: make_response(view(*args, **kwargs)))

        wrapped.is_idempotent = True  # type: ignore[attr-defined]
        return wrapped

    return decorate


def first_tried_at() -> datetime | None:
    """When this very request was begun before and never answered, since its process died: what it did may be done already."""
    tried_at: datetime | None = g.get("first_tried_at")
    return tried_at


def _once(owner: str, key: str, act: Callable[[], Response]) -> Response:
    fingerprint = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.get_data(cache=True)).hexdigest()
    kept = _claim(owner, key, fingerprint, at=now())
    if kept is not None:
        return kept
    try:
        response = run_again_if_lost(act)
    except Exception as error:  # noqa: BLE001
        response = current_app.make_response(current_app.handle_user_exception(error))
    _keep(owner, key, response)
    return response


def _claim(owner: str, key: str, fingerprint: str, *, at: datetime) -> Response | None:
    """Write the key, or give the answer that stands under it."""
    mine = (IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    with transaction(is_aside=True) as session:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < at - KEPT))
        given_up = delete(IdempotencyKey).where(*mine, IdempotencyKey.status == 0, IdempotencyKey.created_at < at - GIVEN_UP)
        begun = session.execute(given_up.returning(IdempotencyKey.body)).scalar()
        g.first_tried_at = datetime.fromisoformat(begun) if begun else None
        first = begun or at.isoformat()  # stays while nothing is answered: who tries a third time may have succeeded at the first
        row = {"owner": owner, "key": key, "request_hash": fingerprint, "status": 0, "body": first, "headers": "", "created_at": at}
        if insert_missing(IdempotencyKey, row):
            return None
        kept = session.execute(select(IdempotencyKey).where(*mine)).scalar_one()
        if kept.request_hash != fingerprint:
            raise KeyReused("Use a new Idempotency-Key for a new request.")
        if kept.status == 0:
            raise KeyInUse("Wait a moment and send it again with the same key.", retry_after_s=1)
        return current_app.response_class(kept.body, status=kept.status, headers=json.loads(kept.headers))


def _keep(owner: str, key: str, response: Response) -> None:
    mine = (IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    with transaction(is_aside=True) as session:
        if response.status_code >= 500:  # may be tried again at once, and may have done its work before it broke
            session.execute(update(IdempotencyKey).where(*mine).values(created_at=now() - 2 * GIVEN_UP))
            return
        headers = {name: value for name, value in response.headers if name in {"Content-Type", "Location"}}
        session.execute(
            update(IdempotencyKey)
            .where(*mine)
            .values(status=response.status_code, body=response.get_data(as_text=True), headers=json.dumps(headers))
        )
