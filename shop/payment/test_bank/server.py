"""The test bank as a small server of its own: a hosted page, an HTTP API with idempotency keys, its ledger and its behavior as JSON.

| | |
|---|---|
| ``POST /v1/charges`` | open a charge; ``Idempotency-Key`` names it |
| ``GET /v1/charges/<key>`` | how it stands |
| ``POST /v1/charges/<key>/capture``, ``/void``, ``/refunds`` | move it; a refund has a key of its own |
| ``GET``, ``POST /pay/<reference>`` | the page of the customer |
| ``GET /ledger`` | every capture and refund; ``?after=<id>`` those since, ``&most=1000`` no more than so many |
| ``GET``, ``POST /settings`` | the behavior (``behavior.Behavior``), by query, form or JSON |

The same key with other parameters is 409, more back than was taken is 422. Nothing here is a secret, and nothing here is for production.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from shop.money import Money, format_money
from shop.payment.gateways.base import Asked, NoAnswer, Truth
from shop.payment.test_bank.behavior import Behavior
from shop.payment.test_bank.books import SILENCE, Charge, KeyReused, Overdrawn, TestBank

MOST_MINOR = 100_000_000_000_000
LONGEST_TEXT = 2000
NO = "The card was declined."


class Cut(Exception):
    """The line is cut without an answer."""


def create_bank(path: Path, behavior: Behavior) -> Flask:
    """The server on the books in ``path``."""
    app = Flask("shop.payment.test_bank", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["bank"], app.extensions["behavior"] = TestBank(path), behavior
    front = _Front(app.extensions["bank"], behavior)
    for rule, methods, view in (
        ("/", ["GET"], front.show_about),
        ("/v1/charges", ["POST"], front.open),
        ("/v1/charges/<key>", ["GET"], front.find),
        ("/v1/charges/<key>/capture", ["POST"], front.capture),
        ("/v1/charges/<key>/void", ["POST"], front.void),
        ("/v1/charges/<key>/refunds", ["POST"], front.refund),
        ("/pay/<reference>", ["GET"], front.show_page),
        ("/pay/<reference>", ["POST"], front.answer_page),
        ("/ledger", ["GET"], front.show_ledger),
        ("/settings", ["GET", "POST"], front.settings),
    ):
        app.add_url_rule(rule, endpoint=f"{view.__name__}", view_func=view, methods=methods)
    app.register_error_handler(KeyReused, lambda error: (jsonify(error="key_reused", key=str(error)), 409))
    app.register_error_handler(Overdrawn, lambda error: (jsonify(error="overdrawn", key=str(error)), 422))
    app.register_error_handler(NoAnswer, front.say_nothing)
    app.register_error_handler(Cut, _cut)
    return app


class _Front:
    """What the server answers."""

    def __init__(self, bank: TestBank, behavior: Behavior) -> None:
        self.bank, self.behavior = bank, behavior

    def show_about(self) -> ResponseReturnValue:
        return jsonify(name="test bank", see=["/ledger", "/settings"])

    # The API

    def open(self) -> ResponseReturnValue:
        self.behavior.wait()
        said = _body()
        asked = Asked(
            key=_key(),
            number=_text(said, "number"),
            amount_minor=_amount(said),
            currency=_text(said, "currency"),
            locale=_text(said, "locale"),
            return_url=_text(said, "return_url"),
            notify_url=_text(said, "notify_url", default=""),
            begun_at=_now(),
        )
        charge = self.bank.open(asked, captures_at_once=said.get("captures_at_once") is not False, at=_now())
        return self._say(charge)

    def find(self, key: str) -> ResponseReturnValue:
        self.behavior.wait()
        charge = self.bank.find(key, at=_now())
        return jsonify(_dump(charge)) if charge else (jsonify(error="unheard"), 404)

    def capture(self, key: str) -> ResponseReturnValue:
        self.behavior.wait()
        return self._say(self.bank.capture(key, at=_now()))

    def void(self, key: str) -> ResponseReturnValue:
        self.behavior.wait()
        return self._say(self.bank.void(key, at=_now()))

    def refund(self, key: str) -> ResponseReturnValue:
        self.behavior.wait()
        refund = self.bank.refund(key, _amount(_body()), _key(), at=_now())
        self._lose()
        return jsonify(key=refund.key, reference=refund.reference, amount_minor=refund.amount_minor)

    # The page

    def show_page(self, reference: str) -> ResponseReturnValue:
        charge = self.bank.find_by_reference(reference)
        if charge is None:
            return "There is no such payment.", 404
        return render_template("page.html", charge=charge, amount=format_money(Money(charge.amount_minor, charge.currency), "en"))

    def answer_page(self, reference: str) -> ResponseReturnValue:
        charge = self.bank.find_by_reference(reference)
        if charge is None:
            return "There is no such payment.", 404
        self.behavior.wait()
        answer = request.form.get("answer", "")
        if answer == "challenge" or (answer == "approve" and not charge.is_challenged and self.behavior.challenges()):
            self.bank.challenge(reference)
            return redirect(f"/pay/{reference}", 303)
        if answer in {"approve", "confirm"}:
            is_good = not self.behavior.declines()
            self.bank.decide(reference, Truth.CAPTURED if is_good else Truth.DECLINED, reason="" if is_good else NO, at=_now())
        elif answer == "decline":
            self.bank.decide(reference, Truth.DECLINED, reason=NO, at=_now())
        elif answer == "time_out":
            self.bank.decide(reference, Truth.CAPTURED, silent_until=_now() + SILENCE, at=_now())
        else:
            raise BadRequest("approve, decline, challenge, confirm or time_out")
        self._lose()
        return redirect(charge.return_url, 303)

    # The judge

    def show_ledger(self) -> ResponseReturnValue:
        after = request.args.get("after", 0, type=int)
        entries = [entry for entry in self.bank.ledger() if entry["id"] > after][: request.args.get("most", type=int)]
        taken, given = self.bank.totals()
        return jsonify(entries=entries, captured=taken, refunded=given)

    def settings(self) -> ResponseReturnValue:
        wanted = request.args.to_dict()
        if request.method == "POST":
            wanted |= request.form.to_dict() | (request.get_json(silent=True) or {})
        try:
            self.behavior.change(wanted)
        except ValueError as problem:
            return jsonify(error=str(problem)), 422
        return jsonify(self.behavior.dump())

    # Within

    def say_nothing(self, _silent: NoAnswer) -> ResponseReturnValue:
        time.sleep(self.behavior.silence_ms / 1000)
        return _cut(Cut())

    def _say(self, charge: Charge | None) -> ResponseReturnValue:
        """What was done; or nothing at all, for it was done all the same."""
        self._lose()
        return jsonify(_dump(charge)) if charge else (jsonify(error="unheard"), 404)

    def _lose(self) -> None:
        if self.behavior.loses():
            time.sleep(self.behavior.silence_ms / 1000)
            raise Cut


def serve(path: Path, *, host: str, port: int, secrets: Sequence[str], behavior: Behavior) -> None:
    """Run the bank until it is stopped; one thread for each request."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from shop.payment.test_bank.messages import Messenger

    class Handler(WSGIRequestHandler):
        """Writes no log."""

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            pass

    bank = create_bank(path, behavior)
    Messenger(bank.extensions["bank"], behavior, list(secrets)).start()
    make_server(host, port, bank, threaded=True, request_handler=Handler).serve_forever()


def _cut(_error: Cut) -> Response:
    """Close the line; what is answered after that reaches nobody."""
    link = request.environ.get("werkzeug.socket")
    if link is not None:
        link.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _dump(charge: Charge) -> dict[str, Any]:
    return {**charge.dump(), "url": f"{request.host_url.rstrip('/')}/pay/{charge.reference}"}


def _now() -> datetime:
    return datetime.now(UTC)


def _body() -> dict[str, Any]:
    said = request.get_json(silent=True)
    if not isinstance(said, dict):
        raise BadRequest("send a JSON object")
    return said


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise BadRequest("send an Idempotency-Key")
    return key


def _text(said: dict[str, Any], name: str, *, default: str | None = None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadRequest(f"{name} wants a text")
    return value


def _amount(said: dict[str, Any]) -> int:
    value = said.get("amount_minor")
    if type(value) is not int or not 0 < value <= MOST_MINOR:
        raise BadRequest("amount_minor wants a whole number of the smallest unit")
    return value
