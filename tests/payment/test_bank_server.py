"""The test bank as a server: its page, its API, its ledger, its messages, and everything that it does on a bad day."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from shop.payment.gateways.base import Asked, NoAnswer, Refused, Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.signatures import HEADER, check
from shop.payment.test_bank.remote import RemoteBank
from tests.factories import NOON
from tests.payment.banks import Bank, running_bank
from tests.servers import ROOT, free_port, settings

ASKED = Asked(
    key="key-1",
    number="BBBB-CCCC",
    amount_minor=3390,
    currency="EUR",
    locale="en",
    return_url="/orders/BBBB-CCCC/payments/return?key=k",
    notify_url="/payments/webhooks/test_card",
    begun_at=NOON,
)


@pytest.fixture
def bank(context, tmp_path) -> Iterator[Bank]:
    with running_bank(tmp_path / "bank.db") as made:
        yield made


def card_of(bank, timeout_s=1) -> TestCard:
    return TestCard(RemoteBank(bank.url, timeout_s=timeout_s), origin=bank.url)


def get(url):
    with urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def post(url, body=b""):

    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    link = HTTPConnection(parts.netloc, timeout=10)
    link.request("POST", parts.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = link.getresponse()
    said = answer.status, answer.headers.get("Location", ""), answer.read()
    link.close()
    return said


def press(bank, reference, answer):
    return post(f"{bank.url}/pay/{reference}", f"answer={answer}".encode())


def ledger(bank):
    return json.loads(get(f"{bank.url}/ledger"))


def test_the_ledger_names_every_capture_and_refund(bank):
    card = card_of(bank)
    reference = card.start(ASKED, at=NOON).reference
    assert ledger(bank) == {"captured": 0, "entries": [], "refunded": 0}

    press(bank, reference, "approve")
    card.refund(ASKED, 390, refund_key="r1", at=NOON)

    found = ledger(bank)
    assert (found["captured"], found["refunded"]) == (3390, 390)
    named = [(one["kind"], one["order"], one["amount"], one["currency"], one["key"]) for one in found["entries"]]
    assert named == [("capture", "BBBB-CCCC", 3390, "EUR", "key-1"), ("refund", "BBBB-CCCC", 390, "EUR", "r1")]
    assert found["entries"][0]["reference"] == reference
    assert json.loads(get(f"{bank.url}/ledger?after=1"))["entries"] == found["entries"][1:]


def test_the_page_leads_back_to_the_shop_and_is_answered_once(bank):
    answer = card_of(bank).start(ASKED, at=NOON)
    assert answer.url == f"{bank.url}/pay/{answer.reference}"
    assert "€33.90" in get(answer.url)

    status, back, _ = press(bank, answer.reference, "approve")
    press(bank, answer.reference, "decline")

    assert (status, back) == (303, "http://127.0.0.1:8000/orders/BBBB-CCCC/payments/return?key=k")
    assert card_of(bank).look_up(ASKED, at=NOON).truth is Truth.CAPTURED
    assert "answered before" in get(answer.url)


def test_a_challenge_asks_once_more(bank):
    bank.behavior.change({"challenged_percent": 100})
    reference = card_of(bank).start(ASKED, at=NOON).reference

    status, back, _ = press(bank, reference, "approve")
    assert (status, back) == (303, f"/pay/{reference}")
    assert "Is it you?" in get(f"{bank.url}/pay/{reference}")
    press(bank, reference, "confirm")

    assert card_of(bank).look_up(ASKED, at=NOON).truth is Truth.CAPTURED


def test_declines_come_by_the_dice(bank):
    bank.behavior.change({"declined_percent": 100})
    reference = card_of(bank).start(ASKED, at=NOON).reference

    press(bank, reference, "approve")

    assert card_of(bank).look_up(ASKED, at=NOON).truth is Truth.DECLINED


def test_answers_that_get_lost_take_nothing_twice(bank, context):
    bank.behavior.change({"lost_percent": 30, "latency_min_ms": 1, "latency_max_ms": 5})
    card = card_of(bank)
    lost: Counter[str] = Counter()

    def insist(name, act):
        for _try in range(60):
            try:
                return act()
            except NoAnswer:
                lost[name] += 1
        raise AssertionError(name)

    def buy(number):
        asked = replace(ASKED, key=f"key-{number}", number=f"BBBB-{number:04}")
        with context.app_context():
            reference = insist("start", lambda: card.start(asked, at=NOON)).reference
            bank.books.decide(reference, Truth.CAPTURED)
            insist("refund", lambda: card.refund(asked, 90, refund_key=f"r-{number}", at=NOON))

    with ThreadPoolExecutor(8) as many:
        list(many.map(buy, range(60)))

    assert lost["start"] > 0
    assert lost["refund"] > 0
    assert bank.books.totals() == (60 * 3390, 60 * 90)


def test_the_same_key_for_something_else_is_an_error(bank):
    card = card_of(bank)
    card.start(ASKED, at=NOON)
    for changes in ({"amount_minor": 1}, {"currency": "USD"}, {"number": "CCCC-BBBB"}):
        with pytest.raises(Refused):
            card.start(replace(ASKED, **changes), at=NOON)


def test_a_wire_that_is_dead_is_no_failure(context):
    card = TestCard(RemoteBank(f"http://127.0.0.1:{free_port()}", timeout_s=1))
    for act in (card.start, card.look_up, card.capture, card.void):
        with pytest.raises(NoAnswer):
            act(ASKED, at=NOON)


@pytest.mark.parametrize("wanted", ["lost_percent=101", "lost_percent=-1", "nothing=1", "message_copies=999", "latency_min_ms=x"])
def test_settings_are_checked(bank, wanted):
    with pytest.raises(OSError, match="422"):
        get(f"{bank.url}/settings?{wanted}")


def test_settings_by_query_and_by_json(bank):
    assert json.loads(get(f"{bank.url}/settings?lost_percent=5"))["lost_percent"] == 5
    sent = Request(f"{bank.url}/settings", b'{"message_copies": 3}', {"Content-Type": "application/json"})
    with urlopen(sent, timeout=5) as answer:
        assert json.loads(answer.read())["message_copies"] == 3
    assert bank.behavior.lost_percent == 5


@contextmanager
def ear(refusals=0):
    heard = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers[HEADER]))
            self.send_response(503 if len(heard) <= refusals else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/payments/webhooks/test_card", heard
    finally:
        server.shutdown()
        server.server_close()


def wait_for(heard, count):
    for _try in range(200):
        if len(heard) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(heard)} of {count} messages came")


def test_messages_are_signed_doubled_and_sent_again_until_they_are_taken(context, tmp_path):
    with ear(refusals=1) as (url, heard), running_bank(tmp_path / "b.db", secrets=["one", "two"], sends=True) as bank:
        bank.behavior.change({"message_copies": 2})
        charge = bank.books.open(replace(ASKED, notify_url=url), at=NOON)
        bank.books.decide(charge.reference, Truth.CAPTURED)
        wait_for(heard, 3)

    bodies = {body for body, _header in heard}
    assert [json.loads(body)["kind"] for body in bodies] == ["charge.captured"]
    for body, header in heard:
        for secret in ("one", "two"):
            check(body, header, [secret], at=datetime.now(UTC))


def test_late_messages_overtake_each_other_and_none_come_when_none_shall(context, tmp_path):
    with ear() as (url, heard), running_bank(tmp_path / "b.db", sends=True) as bank:
        bank.behavior.change({"message_max_ms": 400})
        for number in range(12):
            charge = bank.books.open(replace(ASKED, key=f"k{number}", notify_url=url), at=NOON)
            bank.books.decide(charge.reference, Truth.CAPTURED)
        wait_for(heard, 12)
        order = [json.loads(body)["charge"]["key"] for body, _header in heard]
        bank.behavior.change({"message_copies": 0})
        bank.books.refund("k1", 1, "r1")
        time.sleep(0.3)
        assert len(heard) == 12

    assert sorted(order) == sorted(f"k{number}" for number in range(12))
    assert order != [f"k{number}" for number in range(12)]


def test_it_runs_as_a_program_with_books_in_memory(context, tmp_path):
    port = free_port()
    words = [Path(sys.executable).parent / "flask", "payment", "test-gateway", "--port", str(port), "--set", "silence_ms=1"]
    with subprocess.Popen(words, cwd=ROOT, env=settings(tmp_path), stdout=subprocess.DEVNULL) as process:
        try:
            for _try in range(1200):
                try:
                    get(f"http://127.0.0.1:{port}/")
                    break
                except OSError:
                    time.sleep(0.05)
            card = TestCard(RemoteBank(f"http://127.0.0.1:{port}", timeout_s=2))
            reference = card.start(ASKED, at=NOON).reference
            post(f"http://127.0.0.1:{port}/pay/{reference}", b"answer=approve")
            assert json.loads(get(f"http://127.0.0.1:{port}/ledger"))["captured"] == 3390
            assert json.loads(get(f"http://127.0.0.1:{port}/settings"))["silence_ms"] == 1
        finally:
            process.terminate()


def test_the_library_of_a_gateway_is_not_loaded_at_start(tmp_path):
    """A shop that takes cards by Stripe starts without Stripe's library; the first card loads it."""
    keys = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1", "SHOP_PAYMENT_METHODS": "stripe"}
    code = "import sys, wsgi; print('stripe' in sys.modules, list(wsgi.app.extensions['gateways']))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=settings(tmp_path, **keys, PATH=os.environ["PATH"]),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == "False ['stripe']"
