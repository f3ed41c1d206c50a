"""Webhooks for programs of the staff, with ``webhooks.manage``."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from shop.catalog.api_staff import next_url, owner
from shop.clock import now
from shop.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.webhook import bp
from shop.webhook.delivering import send_test
from shop.webhook.queries import get_endpoint, list_attempts, list_endpoints, salts_of
from shop.webhook.schemas import (
    EndpointBodySchema,
    EndpointChangeSchema,
    EndpointListSchema,
    EndpointSchema,
    ResentSchema,
    WebhookAttemptListSchema,
    WebhookAttemptQuerySchema,
    WebhookOutcomeSchema,
    WebhookSecretSchema,
)
from shop.webhook.services import (
    change_endpoint,
    create_endpoint,
    drop_old_secret,
    pause_endpoint,
    remove_endpoint,
    resend_delivery,
    resend_given_up,
    resume_endpoint,
    rotate_secret,
)

MAY = "webhooks.manage"
NEW, CHANGE, ONE, LIST, SECRET = EndpointBodySchema(), EndpointChangeSchema(), EndpointSchema(), EndpointListSchema(), WebhookSecretSchema()
ATTEMPTS, ATTEMPT_QUERY, OUTCOME, COUNT = WebhookAttemptListSchema(), WebhookAttemptQuerySchema(), WebhookOutcomeSchema(), ResentSchema()


@bp.get("/api/v1/webhooks")
@describe("Webhooks, newest first", answer=LIST, permission=MAY)
def list_webhooks_json() -> ResponseReturnValue:
    return json_response(LIST.dump({"items": [_plain(found) for found in list_endpoints()]}))


@bp.post("/api/v1/webhooks")
@describe(
    "Make a webhook; the answer is the only place where its secret can be read",
    body=NEW,
    answer=SECRET,
    status=201,
    permission=MAY,
    errors=[Invalid, Conflict],
)
@idempotent(owner)
def create_webhook_json() -> ResponseReturnValue:
    made = create_endpoint(**load_body(NEW), at=now())
    return json_response(SECRET.dump(made), 201, {"Location": url_for("webhook.show_webhook_json", endpoint_id=made.id)})


@bp.get("/api/v1/webhooks/<int:endpoint_id>")
@describe("One webhook", answer=ONE, permission=MAY, errors=[NotFound])
def show_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    return _one(endpoint_id)


@bp.put("/api/v1/webhooks/<int:endpoint_id>")
@describe("Write a webhook anew", body=CHANGE, answer=ONE, permission=MAY, errors=[NotFound, Invalid, StaleVersion])
def change_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    wanted = load_body(CHANGE)
    version = wanted.pop("version")
    change_endpoint(endpoint_id, **wanted, expected_version=version, at=now())
    return _one(endpoint_id)


@bp.delete("/api/v1/webhooks/<int:endpoint_id>")
@describe("Remove a webhook with its log and what waits for it", status=204, permission=MAY, errors=[NotFound])
def remove_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    remove_endpoint(endpoint_id, at=now())
    return "", 204


@bp.post("/api/v1/webhooks/<int:endpoint_id>/pause")
@describe("Tell it nothing for a while; what happens waits for it", answer=ONE, permission=MAY, errors=[NotFound, IllegalMove])
def pause_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    pause_endpoint(endpoint_id, at=now())
    return _one(endpoint_id)


@bp.delete("/api/v1/webhooks/<int:endpoint_id>/pause")
@describe("Tell it again, after a pause or after it was switched off", answer=ONE, permission=MAY, errors=[NotFound, IllegalMove])
def resume_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    resume_endpoint(endpoint_id, at=now())
    return _one(endpoint_id)


@bp.post("/api/v1/webhooks/<int:endpoint_id>/secret")
@describe("A new secret, readable in this answer alone; both sign for a day", answer=SECRET, status=201, permission=MAY, errors=[NotFound])
def rotate_webhook_secret_json(endpoint_id: int) -> ResponseReturnValue:
    return json_response(SECRET.dump(rotate_secret(endpoint_id, at=now())), 201)


@bp.delete("/api/v1/webhooks/<int:endpoint_id>/old-secret")
@describe("Sign by the newest secret alone", status=204, permission=MAY, errors=[NotFound])
def drop_webhook_secret_json(endpoint_id: int) -> ResponseReturnValue:
    drop_old_secret(endpoint_id, at=now())
    return "", 204


@bp.post("/api/v1/webhooks/<int:endpoint_id>/test")
@describe("Send a test message at once and say what came back", answer=OUTCOME, permission=MAY, errors=[NotFound])
def test_webhook_json(endpoint_id: int) -> ResponseReturnValue:
    return json_response(OUTCOME.dump(send_test(endpoint_id)))


@bp.get("/api/v1/webhooks/<int:endpoint_id>/attempts")
@describe("What was tried, newest first", query=ATTEMPT_QUERY, answer=ATTEMPTS, permission=MAY, errors=[NotFound])
def list_webhook_attempts_json(endpoint_id: int) -> ResponseReturnValue:
    asked = load_query(ATTEMPT_QUERY)
    get_endpoint(endpoint_id)
    page = list_attempts(endpoint_id, only_failed=asked["failed"], cursor=asked["cursor"])
    kept = {"failed": "1" if asked["failed"] else ""}
    following = next_url("webhook.list_webhook_attempts_json", page.next_cursor, kept, endpoint_id=endpoint_id)
    return json_response(ATTEMPTS.dump({"items": page.items, "next": following}))


@bp.post("/api/v1/webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>/attempts")
@describe("Send an event again that arrived or was given up", status=204, permission=MAY, errors=[NotFound, IllegalMove])
def resend_webhook_delivery_json(endpoint_id: int, delivery_id: int) -> ResponseReturnValue:
    resend_delivery(endpoint_id, delivery_id, at=now())
    return "", 204


@bp.post("/api/v1/webhooks/<int:endpoint_id>/given-up")
@describe("Send everything again that was given up", answer=COUNT, permission=MAY, errors=[NotFound, IllegalMove])
def resend_webhook_given_up_json(endpoint_id: int) -> ResponseReturnValue:
    return json_response({"count": resend_given_up(endpoint_id, at=now())})


def _one(endpoint_id: int) -> ResponseReturnValue:
    return json_response(ONE.dump(_plain(get_endpoint(endpoint_id))))


def _plain(endpoint: Any) -> dict[str, Any]:
    facts = {"kinds": endpoint.kinds.split(" "), "has_two_secrets": len(salts_of(endpoint, at=now())) > 1}
    return {**endpoint._asdict(), **facts}
