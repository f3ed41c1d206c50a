"""Cards and wallets by Stripe: a Checkout Session on Stripe's own page, or a Payment Intent for Stripe's element on a page of ours.

The library is loaded when the first card is paid. The attempt's key travels as idempotency key and in the metadata, so that every message and every
object says which attempt it belongs to. Source: https://docs.stripe.com/api
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _l

from shop.payment.gateways.base import Answer, Asked, Contested, Forged, Gateway, GivenBack, News, NoAnswer, Page, Refused, Taken, Truth
from shop.payment.gateways.stripe_amounts import from_stripe, to_stripe
from shop.payment.gateways.stripe_settings import StripeSettings
from shop.web.locale import absolute_url, path_in

T = TypeVar("T")

PAGE = "https://checkout.stripe.com"
POLICY = (
    ("script-src", "https://js.stripe.com"),
    ("frame-src", "https://js.stripe.com https://hooks.stripe.com"),
    ("connect-src", "https://api.stripe.com"),
)
TOLERANCE_S = 300
OPEN_FOR = timedelta(hours=23)  # Stripe closes the page by itself within 24 hours
REPLAYS_FOR = timedelta(hours=20)  # Stripe keeps keys for 24 hours; after that the same key would begin anew
EXPANDED = ["latest_charge.refunds"]
GIVEN = {"succeeded": Truth.CAPTURED, "failed": Truth.DECLINED, "canceled": Truth.DECLINED}
DISPUTES = {"won": "won", "lost": "lost", "warning_closed": "won", "prevented": "won"}


class StripeCard(Gateway):
    """Asks Stripe, translates its answers."""

    code = "stripe"

    def __init__(self, settings: StripeSettings) -> None:
        self.settings = settings
        self.is_live = settings.is_live

    @property
    def name(self) -> Any:
        return _l("Card")

    @property
    def note(self) -> Any:
        return _l("Or a wallet such as Apple Pay or Google Pay, at our payment partner Stripe. Your card’s number never reaches us.")

    @property
    def page_origin(self) -> str:
        return (self.settings.api_base or PAGE) if self.settings.is_hosted else ""

    @property
    def captures_at_once(self) -> bool:
        return self.settings.captures_at_once

    # The contract

    def start(self, asked: Asked, *, at: datetime) -> Answer:  # noqa: ARG002
        found = self._open(asked) if asked.reference is None else self._read(asked.reference)
        return self._tell(asked, found)

    def look_up(self, asked: Asked, *, at: datetime) -> Answer:
        try:
            found = self._find(asked, at=at)
            return self._tell(asked, found) if found is not None else Answer(truth=Truth.UNHEARD)
        except Refused as refusal:
            raise NoAnswer(str(refusal)) from refusal

    def capture(self, asked: Asked, *, at: datetime) -> Answer:
        return self._move(asked, lambda intent: self._api.payment_intents.capture(intent, options=_once(f"{asked.key}:capture")), at=at)

    def void(self, asked: Asked, *, at: datetime) -> Answer:
        found = self._find(asked, at=at)
        if found is None:
            return Answer(truth=Truth.UNHEARD)
        if self.settings.is_hosted and found["status"] == "open":
            self._try(lambda: self._api.checkout.sessions.expire(found["id"]))
            return self.look_up(replace(asked, reference=found["id"]), at=at)
        return self._move(asked, lambda intent: self._api.payment_intents.cancel(intent, options=_once(f"{asked.key}:cancel")), at=at)

    def refund(self, asked: Asked, amount_minor: int, *, refund_key: str, at: datetime) -> GivenBack:
        try:
            intent = self._intent(asked, at=at)
            known = next((one for one in self._refunds(intent or {}) if _metadata(one).get("key") == refund_key), None)
        except Refused as refusal:  # who may not look knows nothing of what an earlier call has given back
            raise NoAnswer(str(refusal)) from refusal
        if intent is None:
            raise Refused("Stripe knows nothing of this payment")
        if known is None:
            wanted = {
                "payment_intent": intent["id"],
                "amount": to_stripe(amount_minor, asked.currency),
                "metadata": {"key": refund_key, "order": asked.number},
            }
            with _understood():
                known = self._api.refunds.create(wanted, options=_once(refund_key)).to_dict()
        return _given(known, asked.currency)

    def find_page(self, asked: Asked, *, at: datetime) -> Page | None:
        if self.settings.is_hosted:
            return None
        intent = self._find(asked, at=at)
        if intent is None or intent["status"] not in {"requires_payment_method", "requires_confirmation", "requires_action"}:
            return None
        back = absolute_url(asked.return_url)
        return Page(public_key=self.settings.publishable_key, secret=intent["client_secret"], return_url=back, policy=POLICY)

    def list_taken(self) -> Iterator[Taken]:
        """By Stripe's intents; those without a key of ours are another's on the same account."""
        with _understood():
            for intent in self._api.payment_intents.list(
                {"limit": 100, "expand": [f"data.{part}" for part in EXPANDED]}
            ).auto_paging_iter():
                found = intent.to_dict()
                key, currency = str(_metadata(found).get("key", "")), str(found["currency"]).upper()
                if key and found["status"] == "succeeded":
                    yield Taken(
                        key=key,
                        reference=found["id"],
                        captured_minor=from_stripe(_received(found), currency),
                        refunded_minor=from_stripe(
                            sum(one["amount"] for one in self._refunds(found) if one.get("status") == "succeeded"), currency
                        ),
                        currency=currency,
                    )

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> News:  # noqa: ARG002
        event = self._verified(body, headers.get("Stripe-Signature", ""))
        about = event["data"]["object"]
        dispute = self._dispute(about["id"]) if about.get("object") == "dispute" else None
        is_session = about.get("object") == "checkout.session"
        return News(
            event_id=event["id"],
            kind=event["type"],
            is_live=bool(event.get("livemode")),
            key=self._key_of(about) if bool(event.get("livemode")) is self.is_live else "",
            reference=about["id"] if is_session else "",
            dispute=dispute,
        )

    # At Stripe

    @cached_property
    def _api(self) -> Any:
        """The client of the first version of Stripe's API; each thread keeps its own connections."""
        import stripe

        where: Any = {"base_addresses": {"api": self.settings.api_base}} if self.settings.api_base else {}
        http = stripe.RequestsClient(timeout=self.settings.timeout_s)
        return stripe.StripeClient(self.settings.secret_key, http_client=http, max_network_retries=0, **where).v1

    def _open(self, asked: Asked) -> dict[str, Any]:
        """Open a page, or an intent; the same key gives the same one."""
        about = {"key": asked.key, "order": asked.number}
        amount, currency = to_stripe(asked.amount_minor, asked.currency), asked.currency.lower()
        how = "automatic" if self.settings.captures_at_once else "manual"
        with _understood():
            if not self.settings.is_hosted:
                intent = {"amount": amount, "currency": currency, "metadata": about, "capture_method": how}
                return self._api.payment_intents.create(intent, options=_once(asked.key)).to_dict()
            session = {
                "mode": "payment",
                "client_reference_id": asked.number,
                "metadata": about,
                "locale": asked.locale,
                "line_items": [
                    {"quantity": 1, "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": asked.number}}}
                ],
                "payment_intent_data": {"metadata": about, "capture_method": how},
                "success_url": absolute_url(asked.return_url),
                "cancel_url": absolute_url(asked.return_url),
                "expires_at": int((asked.begun_at + OPEN_FOR).timestamp()),
            }
            return self._api.checkout.sessions.create(session, options=_once(asked.key)).to_dict()

    def _find(self, asked: Asked, *, at: datetime) -> dict[str, Any] | None:
        """The page or intent of an attempt. Where the answer that named it got lost: the same key gives it, while Stripe remembers keys."""
        if asked.reference is not None:
            return self._read(asked.reference)
        if at < asked.begun_at + REPLAYS_FOR:
            return self._read(self._open(asked)["id"])
        kind = self._api.checkout.sessions if self.settings.is_hosted else self._api.payment_intents
        first = int(asked.begun_at.timestamp())
        wanted = {"limit": 100, "created": {"gte": first - TOLERANCE_S, "lte": first + int(OPEN_FOR.total_seconds())}}
        with _understood():
            for found in kind.list(wanted).auto_paging_iter():
                if _metadata(found.to_dict()).get("key") == asked.key:
                    return self._read(found["id"])
        return None

    def _read(self, reference: str) -> dict[str, Any]:
        with _understood():
            if self.settings.is_hosted:
                expanded = [f"payment_intent.{part}" for part in EXPANDED]
                return self._api.checkout.sessions.retrieve(reference, {"expand": expanded}).to_dict()
            return self._api.payment_intents.retrieve(reference, {"expand": EXPANDED}).to_dict()

    def _intent(self, asked: Asked, *, at: datetime) -> dict[str, Any] | None:
        found = self._find(asked, at=at)
        return _intent_of(found) if found is not None else None

    def _refunds(self, intent: dict[str, Any]) -> list[dict[str, Any]]:
        """All that was given back of an intent; its charge shows the ten newest, and whether there are more."""
        charge = intent.get("latest_charge")
        shown = (charge.get("refunds") or {}) if isinstance(charge, dict) else {}
        if not shown.get("has_more"):
            return list(shown.get("data", []))
        with _understood():
            listed = self._api.refunds.list({"payment_intent": intent["id"], "limit": 100})
            return [one.to_dict() for one in listed.auto_paging_iter()]

    def _move(self, asked: Asked, act: Callable[[str], object], *, at: datetime) -> Answer:
        """Do something with the intent; whether it moved now or before, the answer is how it stands."""
        intent = self._intent(asked, at=at)
        if intent is not None:
            self._try(lambda: act(intent["id"]))
        return self.look_up(asked, at=at)

    def _try(self, act: Callable[[], T]) -> None:
        """What Stripe refuses because it is done already is no failure: the truth is read afterwards."""
        try:
            with _understood():
                act()
        except Refused:
            return

    # What it says

    def _tell(self, asked: Asked, found: dict[str, Any]) -> Answer:
        if self.settings.is_hosted and found["status"] == "expired":
            return Answer(truth=Truth.VOIDED, reference=found["id"])
        if self.settings.is_hosted and found["status"] == "open":
            error = ((_intent_of(found) or {}).get("last_payment_error") or {}).get("message") or ""
            return Answer(truth=Truth.WAITING, reference=found["id"], url=found["url"], reason=error)
        return self._tell_intent(asked, found["id"], _intent_of(found) or {})

    def _tell_intent(self, asked: Asked, reference: str, intent: dict[str, Any]) -> Answer:
        status = intent.get("status", "")
        reason = (intent.get("last_payment_error") or {}).get("message") or ""
        currency = str(intent.get("currency", "")).upper()
        if status == "succeeded":
            amount = from_stripe(_received(intent), currency)
            given = tuple(_given(one, currency) for one in self._refunds(intent))
            return Answer(truth=Truth.CAPTURED, reference=reference, amount_minor=amount, currency=currency, given_back=given)
        if status == "requires_capture":
            amount = from_stripe(intent["amount"], currency)
            return Answer(truth=Truth.AUTHORIZED, reference=reference, amount_minor=amount, currency=currency)
        if status == "canceled":
            return Answer(truth=Truth.VOIDED, reference=reference)
        if self.settings.is_hosted:  # the page is done: it is being processed for hours, or did not work after all
            has_failed = status == "requires_payment_method"
            return Answer(truth=Truth.DECLINED if has_failed else Truth.WAITING, reference=reference, reason=reason)
        key = asked.return_url.partition("key=")[2]
        page = path_in(asked.locale, f"/orders/{asked.number}/payments/card?key={key}") if status != "processing" else None
        return Answer(truth=Truth.WAITING, reference=reference, url=page, reason=reason)

    def _verified(self, body: bytes, signature: str) -> dict[str, Any]:
        import stripe

        for secret in self.settings.webhook_secrets:
            try:
                stripe.WebhookSignature.verify_header(body.decode(), signature, secret, TOLERANCE_S)
                return _read_event(body)
            except stripe.SignatureVerificationError:
                continue
            except UnicodeDecodeError as error:
                raise Forged("not readable") from error
        raise Forged("no signature fits")

    def _key_of(self, about: dict[str, Any]) -> str:
        """The attempt's key: in the object's own metadata, or in those of the intent that it belongs to."""
        kind = about.get("object")
        if kind in {"checkout.session", "payment_intent"}:
            return str(_metadata(about).get("key", ""))
        intent = about.get("payment_intent")
        if not isinstance(intent, str):
            return ""
        try:
            with _understood():
                return str(_metadata(self._api.payment_intents.retrieve(intent).to_dict()).get("key", ""))
        except Refused:
            return ""

    def _dispute(self, reference: str) -> Contested:
        with _understood():
            found = self._api.disputes.retrieve(reference).to_dict()
        currency = str(found["currency"]).upper()
        due = (found.get("evidence_details") or {}).get("due_by")
        return Contested(
            reference=found["id"],
            amount_minor=from_stripe(found["amount"], currency),
            currency=currency,
            reason=str(found.get("reason", "")),
            state=DISPUTES.get(found["status"], "open"),
            due_at=datetime.fromtimestamp(due, UTC) if due else None,
        )


@contextmanager
def _understood() -> Iterator[None]:
    """Stripe's errors in our words: nobody knows, or it says no."""
    import stripe

    try:
        yield
    except stripe.IdempotencyError as error:
        raise (NoAnswer if error.code == "idempotency_key_in_use" else Refused)(_words(error)) from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise NoAnswer(_words(error)) from error
    except (stripe.InvalidRequestError, stripe.CardError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Refused(_words(error)) from error
    except stripe.StripeError as error:
        raise NoAnswer(_words(error)) from error


def _read_event(body: bytes) -> dict[str, Any]:
    """The event, with what we need in it."""
    try:
        event: dict[str, Any] = json.loads(body)
        about = event["data"]["object"]
        is_whole = all(isinstance(value, str) for value in (event["id"], event["type"], about["id"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Forged("not readable") from error
    if not is_whole:
        raise Forged("not readable")
    return event


def _words(error: Any) -> str:
    return str(error.user_message or error.code or type(error).__name__)


def _once(key: str) -> dict[str, Any]:
    return {"idempotency_key": key}


def _metadata(found: dict[str, Any]) -> dict[str, Any]:
    return found.get("metadata") or {}


def _intent_of(found: dict[str, Any]) -> dict[str, Any] | None:
    """The intent of a page, or the intent itself; a page has none until somebody pays on it."""
    intent = found.get("payment_intent") if found.get("object") == "checkout.session" else found
    return intent if isinstance(intent, dict) else None


def _received(intent: dict[str, Any]) -> int:
    """What was taken; where the intent does not say it, its charge does."""
    charge = intent.get("latest_charge")
    taken = charge["amount"] if isinstance(charge, dict) and charge.get("captured") else 0
    received: Any = intent.get("amount_received", taken)
    return int(received)


def _given(refund: dict[str, Any], currency: str) -> GivenBack:
    return GivenBack(
        key=str(_metadata(refund).get("key", "")),
        reference=refund["id"],
        amount_minor=from_stripe(refund["amount"], currency),
        truth=GIVEN.get(refund.get("status") or "", Truth.WAITING),
        reason=str(refund.get("failure_reason") or ""),
    )
