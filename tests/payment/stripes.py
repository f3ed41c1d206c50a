"""A faithful fake of the part of Stripe that the shop uses, over real HTTP: what localstripe cannot do.

Idempotency keys (first answer replayed, other parameters refused), Checkout Sessions, expanded objects, over-refunds refused, answers swallowed after
the act, signed events. Source: https://docs.stripe.com/api, as the library of 2026-10-28 sends and reads it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from shop.payment.gateways.stripe import StripeCard
from shop.payment.gateways.stripe_settings import StripeSettings
from tests.payment.banks import Quiet

WEBHOOK_SECRETS = ("whsec_new", "whsec_old")
OPEN_INTENT = {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}


class StripeError(Exception):
    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"message": message, "type": kind, **({"code": code} if code else {})}}


class FakeStripe:
    """Stripe's own state, and a hand on it: what customers, their banks and the wire do."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[str, str, int, dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.is_silent = False
        self.lock = threading.RLock()

    # The other side

    def approve(self, reference: str) -> None:
        """The customer pays on the page, or in the element."""
        with self.lock:
            found = self.objects[reference]
            if found["object"] == "checkout.session":
                if found["status"] != "open":
                    return
                intent = self._intent_of(found)
                found["status"] = "complete"
            else:
                intent = found
            if intent["status"] in {"requires_payment_method", "requires_action"}:
                self._charge(intent)
                if found["object"] == "checkout.session":
                    found["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"

    def decline(self, reference: str) -> None:
        with self.lock:
            found = self.objects[reference]
            intent = self._intent_of(found) if found["object"] == "checkout.session" else found
            intent["last_payment_error"] = {"code": "card_declined", "message": "Your card was declined."}

    def challenge(self, reference: str) -> None:
        """The bank wants to see the customer: strong customer authentication."""
        with self.lock:
            found = self.objects[reference]
            intent = self._intent_of(found) if found["object"] == "checkout.session" else found
            intent["status"] = "requires_action"

    def dispute(self, reference: str, status: str = "needs_response") -> dict[str, Any]:
        with self.lock:
            intent = self.intent(reference)
            known = next(
                (one for one in self.objects.values() if one["object"] == "dispute" and one["payment_intent"] == intent["id"]), None
            )
            made = known or self._put(
                "dp",
                object="dispute",
                payment_intent=intent["id"],
                charge=intent["latest_charge"],
                amount=intent["amount_received"],
                currency=intent["currency"],
                reason="fraudulent",
                evidence_details={"due_by": 1_800_000_000},
            )
            made["status"] = status
            return made

    def refund_by_hand(self, reference: str, amount: int) -> dict[str, Any]:
        """Somebody gives money back on Stripe's own pages."""
        with self.lock:
            return self._refund(self.intent(reference), amount, {})

    def intent(self, reference: str) -> dict[str, Any]:
        found = self.objects[reference]
        return self._intent_of(found) if found["object"] == "checkout.session" else found

    def ledger(self) -> tuple[int, int]:
        with self.lock:
            kinds = {"payment_intent": "amount_received", "refund": "amount"}
            sums = dict.fromkeys(kinds, 0)
            for one in self.objects.values():
                if one["object"] in kinds and one.get("status") == "succeeded":
                    sums[one["object"]] += one[kinds[one["object"]]]
            return sums["payment_intent"], sums["refund"]

    def event(self, kind: str, about: dict[str, Any], *, livemode: bool = False) -> bytes:
        return json.dumps(
            {"id": f"evt_{secrets.token_hex(8)}", "object": "event", "type": kind, "livemode": livemode, "data": {"object": about}}
        ).encode()

    # The API

    def answer(self, path: str) -> Response:
        with self.lock:
            self.calls.append(f"{request.method} {path}")
            try:
                status, body = self._once(path)
            except StripeError as error:
                status, body = error.status, error.body
            is_silent = self.is_silent
        if is_silent and request.method == "POST":
            request.environ["werkzeug.socket"].shutdown(2)
        response = jsonify(body)
        response.status_code = status
        return response

    def _once(self, path: str) -> tuple[int, dict[str, Any]]:
        if not request.headers.get("Authorization", "").startswith("Bearer sk_test_"):
            raise StripeError(401, "Invalid API Key provided", kind="invalid_request_error")
        wanted = unflatten(request.form if request.method == "POST" else request.args)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            return self._route(path, wanted)
        sent = json.dumps(wanted, sort_keys=True)
        if key in self.keys:
            first_path, first_sent, status, body = self.keys[key]
            if (first_path, first_sent) != (path, sent):
                raise StripeError(400, "Keys for idempotent requests can only be used with the same parameters.", kind="idempotency_error")
            return status, body
        status, body = self._route(path, wanted)
        self.keys[key] = (path, sent, status, json.loads(json.dumps(body)))
        return status, body

    def _route(self, path: str, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        expanded = list((wanted.pop("expand", None) or {}).values())
        for method, pattern, act in (
            ("POST", r"checkout/sessions", self._open_session),
            ("GET", r"checkout/sessions", self._list_sessions),
            ("GET", r"checkout/sessions/(\w+)", self._get),
            ("POST", r"checkout/sessions/(\w+)/expire", self._expire),
            ("POST", r"payment_intents", self._open_intent),
            ("GET", r"payment_intents", self._list_intents),
            ("GET", r"payment_intents/(\w+)", self._get),
            ("POST", r"payment_intents/(\w+)/capture", self._capture),
            ("POST", r"payment_intents/(\w+)/cancel", self._cancel),
            ("POST", r"refunds", self._open_refund),
            ("GET", r"refunds", self._list_refunds),
            ("GET", r"disputes/(\w+)", self._get),
        ):
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                return 200, self._expand(act(*match.groups(), **({"wanted": wanted} if not match.groups() else {})), expanded)
        raise StripeError(404, f"Unrecognized request URL ({request.method}: /v1/{path}).")

    def _open_session(self, wanted: dict[str, Any]) -> dict[str, Any]:
        line = wanted["line_items"]["0"]["price_data"]
        now, expires = int(time.time()), int(wanted["expires_at"])
        if wanted["mode"] != "payment" or not line["product_data"]["name"] or int(line["unit_amount"]) < 1:
            raise StripeError(400, "Invalid line item.")
        if expires < 1_700_000_000:
            raise StripeError(400, f"The `expires_at` timestamp must be less than 24 hours from {now}.")
        made = self._put(
            "cs_test",
            object="checkout.session",
            status="open",
            payment_status="unpaid",
            metadata=wanted.get("metadata", {}),
            client_reference_id=wanted["client_reference_id"],
            success_url=wanted["success_url"],
            cancel_url=wanted["cancel_url"],
            amount_total=int(line["unit_amount"]),
            currency=line["currency"],
            payment_intent=None,
            intent_data=wanted["payment_intent_data"],
        )
        made["url"] = f"{self.url}/c/pay/{made['id']}"
        return made

    def _open_intent(self, wanted: dict[str, Any]) -> dict[str, Any]:
        unknown = set(wanted) - {"amount", "currency", "metadata", "capture_method"}
        if unknown or int(wanted["amount"]) < 1:
            raise StripeError(400, f"Received unknown parameters: {', '.join(unknown)}")
        made = self._put(
            "pi",
            object="payment_intent",
            status="requires_payment_method",
            amount=int(wanted["amount"]),
            amount_received=0,
            currency=wanted["currency"],
            metadata=wanted.get("metadata", {}),
            capture_method=wanted.get("capture_method", "automatic"),
            latest_charge=None,
            last_payment_error=None,
        )
        made["client_secret"] = f"{made['id']}_secret_{secrets.token_hex(8)}"
        return made

    def _list_sessions(self, wanted: dict[str, Any]) -> dict[str, Any]:
        first, last = int(wanted["created"]["gte"]), int(wanted["created"]["lte"])
        found = [one for one in self.objects.values() if one["object"] == "checkout.session" and first <= one["created"] <= last]
        return {"object": "list", "url": "/v1/checkout/sessions", "has_more": False, "data": found}

    def _list_intents(self, wanted: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        found = [one for one in self.objects.values() if one["object"] == "payment_intent"]
        return {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": found}

    def _get(self, reference: str) -> dict[str, Any]:
        if reference not in self.objects:
            raise StripeError(404, f"No such object: '{reference}'", code="resource_missing")
        return self.objects[reference]

    def _expire(self, reference: str) -> dict[str, Any]:
        found = self._get(reference)
        if found["status"] != "open":
            raise StripeError(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
        found["status"] = "expired"
        if found["payment_intent"]:
            self.objects[found["payment_intent"]]["status"] = "canceled"
        return found

    def _capture(self, reference: str) -> dict[str, Any]:
        found = self._get(reference)
        if found["status"] != "requires_capture":
            raise StripeError(
                400,
                f"This PaymentIntent could not be captured because it has a status of {found['status']}.",
                code="payment_intent_unexpected_state",
            )
        found.update(status="succeeded", amount_received=found["amount"])
        return found

    def _cancel(self, reference: str) -> dict[str, Any]:
        found = self._get(reference)
        if found["status"] not in OPEN_INTENT:
            raise StripeError(
                400,
                f"You cannot cancel this PaymentIntent because it has a status of {found['status']}.",
                code="payment_intent_unexpected_state",
            )
        found["status"] = "canceled"
        return found

    def _open_refund(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return self._refund(self._get(wanted["payment_intent"]), int(wanted["amount"]), wanted.get("metadata", {}))

    def _list_refunds(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The newest first, page by page; these pages are shorter than Stripe's."""
        found = self._refunds_of(self._get(wanted["payment_intent"]))[::-1]
        names = [one["id"] for one in found]
        first = names.index(wanted["starting_after"]) + 1 if "starting_after" in wanted else 0
        last = first + min(int(wanted.get("limit", 10)), 5)
        return {"object": "list", "url": "/v1/refunds", "has_more": last < len(found), "data": found[first:last]}

    # Within

    def _refund(self, intent: dict[str, Any], amount: int, metadata: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] != "succeeded":
            raise StripeError(400, "This PaymentIntent does not have a successful charge to refund.")
        given = sum(one["amount"] for one in self._refunds_of(intent) if one["status"] != "failed")
        if amount > intent["amount_received"] - given:
            raise StripeError(400, f"Refund amount ({amount}) is greater than unrefunded amount on charge.")
        return self._put(
            "re",
            object="refund",
            status="succeeded",
            amount=amount,
            currency=intent["currency"],
            payment_intent=intent["id"],
            metadata=metadata,
        )

    def _refunds_of(self, intent: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self.objects.values() if one["object"] == "refund" and one["payment_intent"] == intent["id"]]

    def _intent_of(self, session: dict[str, Any]) -> dict[str, Any]:
        if session["payment_intent"] is None:
            data = session["intent_data"]
            made = self._open_intent({"amount": session["amount_total"], "currency": session["currency"], **data})
            session["payment_intent"] = made["id"]
        return self.objects[session["payment_intent"]]

    def _charge(self, intent: dict[str, Any]) -> None:
        charge = self._put("ch", object="charge", payment_intent=intent["id"], metadata=intent["metadata"])
        intent["latest_charge"] = charge["id"]
        intent["last_payment_error"] = None
        if intent["capture_method"] == "manual":
            intent["status"] = "requires_capture"
        else:
            intent.update(status="succeeded", amount_received=intent["amount"])

    def _expand(self, found: dict[str, Any], paths: list[str]) -> dict[str, Any]:
        """Identifiers become objects where that was asked for, and nowhere else."""
        shown = {name: value for name, value in found.items() if name != "intent_data"}
        for path in paths:
            name, _, rest = path.partition(".")
            if name == "data":
                shown["data"] = [self._expand(one, [rest]) for one in found["data"]]
            elif name == "refunds":
                refunds = [
                    one for one in self.objects.values() if one["object"] == "refund" and one["payment_intent"] == found["payment_intent"]
                ]
                shown["refunds"] = {"object": "list", "data": refunds[:-11:-1], "has_more": len(refunds) > 10, "url": "/v1/refunds"}
            elif found.get(name):
                shown[name] = self._expand(self.objects[found[name]], [rest] if rest else [])
        return shown

    def _put(self, prefix: str, **values: Any) -> dict[str, Any]:
        made = {"id": f"{prefix}_{secrets.token_hex(12)}", "created": int(time.time()), "livemode": False, **values}
        self.objects[made["id"]] = made
        return made


def unflatten(form: Any) -> dict[str, Any]:
    """``a[b][0]=c`` as Stripe's library sends it, as nested dicts."""
    found: dict[str, Any] = {}
    for name, value in form.items():
        parts = re.findall(r"[^\[\]]+", name)
        at = found
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value
    return found


def signed(body: bytes, secret: str = WEBHOOK_SECRETS[0], *, at: int | None = None) -> dict[str, str]:
    """The header by which Stripe signs."""
    second = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), second.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={second},v1={digest}"}


def settings_for(url: str, **changes: Any) -> StripeSettings:
    values = {
        "secret_key": "sk_test_123",
        "publishable_key": "pk_test_123",
        "webhook_secrets": WEBHOOK_SECRETS,
        "captures_at_once": True,
        "is_hosted": True,
        "api_base": url,
        "timeout_s": 2,
    }
    return StripeSettings(**{**values, **changes})


@contextmanager
def running_stripe() -> Iterator[FakeStripe]:
    stripe, app = FakeStripe(), Flask("stripe", static_folder=None)
    app.add_url_rule("/v1/<path:path>", view_func=stripe.answer, methods=["GET", "POST"], endpoint="api")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    stripe.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _rig(*, is_hosted: bool) -> Iterator[dict[str, Any]]:
    with running_stripe() as stripe:
        hush = partial(setattr, stripe, "is_silent")
        yield {
            "gateway": StripeCard(settings_for(stripe.url, is_hosted=is_hosted)),
            "approve": stripe.approve,
            "decline": stripe.decline,
            "silence": partial(hush, True),
            "speak": partial(hush, False),
            "ledger": stripe.ledger,
        }


hosted_rig, element_rig = partial(_rig, is_hosted=True), partial(_rig, is_hosted=False)
