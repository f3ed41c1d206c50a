"""The door for messages of gateways: no log-in, no cookie, no token of a form; the signature alone."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from shop.clock import now
from shop.order.models import Order, PaymentState
from shop.payment.gateways.base import Truth
from shop.payment.gateways.stripe import StripeCard
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment
from shop.payment.services import start_payment
from shop.payment.signatures import HEADER, sign
from shop.payment.test_bank.books import TestBank
from tests.orders import make_order
from tests.payment.stripes import FakeStripe, running_stripe, settings_for, signed
from tests.people import inside, row
from tests.servers import free_port

HOOK = "/payments/webhooks/test_card"


@pytest.fixture
def paid(app, tmp_path, monkeypatch):
    """A charge that was approved, of which the shop knows nothing yet: its message."""
    bank = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(app.extensions["gateways"], "test_card", TestCard(bank, secrets=("s",)))
    order = inside(make_order)(payment_method="test_card")
    inside(start_payment)(order.id, gateway="test_card", at=now())
    found = row(select(Payment.key, Payment.reference))
    bank.decide(found.reference, Truth.CAPTURED)
    about = {"key": found.key, "reference": found.reference}
    return json.dumps({"id": "evt_1", "kind": "charge.captured", "is_live": False, "charge": about}).encode()


def test_a_signed_message_is_taken_and_pays(client, paid):
    header = {HEADER: sign(paid, ["s"], at=now()), "Content-Type": "application/json"}

    answers = [client.post(HOOK, data=paid, headers=header) for _twice in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert row(select(Order.payment_state)).payment_state is PaymentState.PAID
    assert "Set-Cookie" not in answers[0].headers


def test_what_nobody_signed_is_refused_without_a_word_why(client, paid):
    answers = [
        client.post(HOOK, data=paid, headers={HEADER: header, "Content-Type": "application/json"})
        for header in ("", sign(paid, ["other"], at=now()), sign(b"else", ["s"], at=now()))
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert "signature" not in answers[1].text
    assert client.post("/payments/webhooks/nobody", data=paid).status_code == 404
    assert client.post("/payments/webhooks/bank_transfer", data=paid).status_code == 400
    assert client.post(HOOK, data=b"x" * 300_000).status_code == 413
    assert client.get(HOOK).status_code == 405
    assert row(select(Order.payment_state)).payment_state is PaymentState.UNPAID


def test_while_stripe_is_silent_it_may_tell_us_again(client, app, monkeypatch):
    silent = StripeCard(settings_for(f"http://127.0.0.1:{free_port()}"))
    monkeypatch.setitem(app.extensions["gateways"], "stripe", silent)
    body = FakeStripe().event("charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"})

    assert client.post("/payments/webhooks/stripe", data=body, headers=signed(body)).status_code == 503


def test_the_order_page_may_lead_to_stripe_and_the_element_alone_loads_its_script(client, app, monkeypatch):
    with running_stripe() as stripe:
        monkeypatch.setitem(app.extensions["gateways"], "stripe", StripeCard(settings_for(stripe.url, is_hosted=False)))
        order = inside(make_order)(payment_method="stripe")
        step = inside(start_payment)(order.id, gateway="stripe", at=now())
        card = client.get(step.url)
        page = client.get(step.url.replace("/payments/card", ""))
        monkeypatch.setitem(app.extensions["gateways"], "stripe", StripeCard(settings_for("", is_hosted=True)))
        hosted = client.get(step.url.replace("/payments/card", ""))

    assert card.status_code == 200
    assert "script-src 'self' https://js.stripe.com" in card.headers["Content-Security-Policy"]
    assert 'src="https://js.stripe.com/v3/"' in card.text
    assert "stripe.com" not in page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com" in hosted.headers["Content-Security-Policy"]
