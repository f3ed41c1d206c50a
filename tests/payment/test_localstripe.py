"""The adapter against localstripe, a Stripe that others wrote: intents, captures, refunds, its signed messages. It knows no Checkout Sessions and no
idempotency keys; those are proven on our own fake (``stripes``)."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shop.payment.gateways.base import Asked, Truth
from shop.payment.gateways.stripe import StripeCard
from tests.factories import NOON
from tests.payment.stripes import WEBHOOK_SECRETS, settings_for
from tests.servers import free_port

RUN = "from aiohttp import web; import localstripe.server as s; web.run_app(s.app, host='127.0.0.1', port={port}, print=None)"
ASKED = Asked(
    key="a-1",
    number="BBBB-CCCC",
    amount_minor=3390,
    currency="EUR",
    locale="en",
    return_url="/o/return?key=k",
    begun_at=NOON,
    notify_url="",
)
GOOD, DECLINED, ASKS_THE_BANK = "4242424242424242", "4000000000000341", "4000002500003155"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """A localstripe of its own on loopback; the library's command would listen everywhere."""
    port = free_port()
    words = [sys.executable, "-W", "ignore", "-c", RUN.format(port=port)]
    with subprocess.Popen(words, env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _try in range(200):
                try:
                    call(port, "GET", "/v1/customers")
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()


@pytest.fixture
def stripe(server, context) -> StripeCard:
    call(server, "DELETE", "/_config/data")
    return StripeCard(settings_for(f"http://127.0.0.1:{server}", is_hosted=False))


def call(port, method, path, **form):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {"Authorization": "Bearer sk_test_123", "Content-Type": "application/x-www-form-urlencoded"}
    link.request(method, path, urllib.parse.urlencode(form), headers)
    response = link.getresponse()
    said = response.read()
    link.close()
    return response.status, json.loads(said) if said else {}


def pay(port, reference, number):
    """What the element in the customer's browser does: a card, then the confirmation."""
    card = {"type": "card", "card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2039, "card[cvc]": "123"}
    method = call(port, "POST", "/v1/payment_methods", **card)[1]["id"]
    call(port, "POST", f"/v1/payment_intents/{reference}", payment_method=method)
    return call(port, "POST", f"/v1/payment_intents/{reference}/confirm")


def begun(gateway):
    return replace(ASKED, reference=gateway.start(ASKED, at=NOON).reference)


def test_a_card_is_paid_and_partly_given_back(stripe, server):
    asked = begun(stripe)
    assert stripe.look_up(asked, at=NOON).truth is Truth.WAITING
    assert stripe.find_page(asked, at=NOON).secret.startswith(asked.reference)

    pay(server, asked.reference, GOOD)

    answer = stripe.look_up(asked, at=NOON)
    assert (answer.truth, answer.amount_minor, answer.currency) == (Truth.CAPTURED, 3390, "EUR")
    assert stripe.refund(asked, 1000, refund_key="r1", at=NOON).truth is Truth.CAPTURED
    assert stripe.refund(asked, 390, refund_key="r2", at=NOON).truth is Truth.CAPTURED


def test_a_refund_is_looked_up_before_it_is_asked_again(stripe, server):
    """localstripe forgets idempotency keys, as Stripe does after a day: what was given back must still be found by its key."""
    asked = begun(stripe)
    pay(server, asked.reference, GOOD)

    for _again in range(3):
        stripe.refund(asked, 1000, refund_key="r1", at=NOON)

    assert [one.amount_minor for one in stripe.look_up(asked, at=NOON).given_back] == [1000]


def test_a_declined_card_may_be_tried_again_on_the_same_page(stripe, server):
    asked = begun(stripe)

    status, _said = pay(server, asked.reference, DECLINED)

    answer = stripe.look_up(asked, at=NOON)
    assert (status, answer.truth) == (402, Truth.WAITING)
    assert answer.reason
    assert answer.url.startswith("/orders/BBBB-CCCC/payments/card")


def test_a_bank_that_asks_for_a_confirmation_is_waited_for(stripe, server):
    asked = begun(stripe)
    intent = pay(server, asked.reference, ASKS_THE_BANK)[1]
    assert intent["status"] == "requires_action"
    assert stripe.look_up(asked, at=NOON).truth is Truth.WAITING

    call(server, "POST", f"/v1/payment_intents/{asked.reference}/_authenticate", client_secret=intent["client_secret"], success="true")

    assert stripe.look_up(asked, at=NOON).truth is Truth.CAPTURED


@pytest.mark.parametrize(("act", "end"), [("capture", Truth.CAPTURED), ("void", Truth.VOIDED)])
def test_manual_capture_is_taken_or_let_go(stripe, server, act, end):
    stripe.settings = replace(stripe.settings, captures_at_once=False)
    asked = begun(stripe)
    pay(server, asked.reference, GOOD)
    assert stripe.look_up(asked, at=NOON).truth is Truth.AUTHORIZED

    assert [getattr(stripe, act)(asked, at=NOON).truth for _twice in range(2)] == [end, end]


def test_its_signed_message_names_our_attempt(stripe, server):
    heard = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Ear) as ear:
        threading.Thread(target=ear.serve_forever, daemon=True).start()
        where = {"url": f"http://127.0.0.1:{ear.server_port}/", "secret": WEBHOOK_SECRETS[1]}
        call(server, "POST", "/_config/webhooks/shop", **where)
        asked = begun(stripe)
        pay(server, asked.reference, GOOD)
        for _try in range(100):
            if heard:
                break
            time.sleep(0.05)
        ear.shutdown()

    news = stripe.read_webhook(*heard[0], at=NOON)
    assert (news.kind, news.key, news.is_live) == ("payment_intent.succeeded", "a-1", False)
