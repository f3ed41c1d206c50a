"""VAT numbers: their form, the register over real HTTP, and what they do to an order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select

from shop.db import rows
from shop.order.models import Order
from shop.pricing import vat
from shop.pricing.models import VatCheck
from shop.pricing.vat import ask_register, clean_vat_number
from tests.factories import make_product
from tests.people import log_in, make_user

GERMAN = "DE136695976"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("DE136695976", GERMAN),
        (" de 136 695 976 ", GERMAN),
        ("DE-136.695.976", GERMAN),
        ("ATU57194903", "ATU57194903"),
        ("EL094259216", "EL094259216"),
        ("GR094259216", "EL094259216"),
        ("NL004495445B01", "NL004495445B01"),
        ("XI980780684", "XI980780684"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_number_is_read_as_people_write_it(context: Flask, typed: str, number: str) -> None:
    assert clean_vat_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "DE136695975",
        "DE1",
        "136695976",
        "GB980780684",
        "EU372022452",
        "US123456789",
        "DE" + "1" * 40,
        "\0",
        "٣٣٣",
        "<script>",
        "DE13669597٦",
        "–",
    ],
)
def test_what_is_no_number_of_a_member_state_is_refused(context: Flask, typed: str) -> None:
    with pytest.raises(ValueError, match="VAT number"):
        clean_vat_number(typed)


class Register(ThreadingHTTPServer):
    """A register of VAT numbers on a free port that answers as it is told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.status, self.body, self.slow_s = 200, b"{}", 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/check-vat-number"

    def says(self, **told: object) -> None:
        self.body = json.dumps(told).encode()


class Handler(BaseHTTPRequestHandler):
    server: Register

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        time.sleep(self.server.slow_s)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def register() -> Iterator[Register]:
    server = Register()
    server.says(
        valid=True,
        requestIdentifier="WAPIAAAA1",
        requestDate="2026-11-21T12:00:00Z",
        name="MUSTER GMBH",
        address="HAUPTSTR. 1\n10115 BERLIN",
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_the_register_is_asked_with_the_shops_own_number_and_its_proof_is_read(register: Register) -> None:
    answer = ask_register(register.url, GERMAN, requester="ESB12345674")

    assert register.asked == [
        {"countryCode": "DE", "vatNumber": "136695976", "requesterMemberStateCode": "ES", "requesterNumber": "B12345674"}
    ]
    assert (answer.is_valid, answer.request_id, answer.name) == (True, "WAPIAAAA1", "MUSTER GMBH")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"), (302, b'{"valid": true}'), (200, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"valid": "true"}'), (200, b'{"valid": 1}'),
        (200, b"[" * 9000),
        (200, b'{"actionSucceed": false, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}'), (200, b'{"valid": true, "x": "' + b"x" * 70_000 + b'"}'),
    ],
)  # fmt: skip
def test_only_a_plain_yes_or_no_is_an_answer(register: Register, status: int, body: bytes) -> None:
    register.status, register.body = status, body

    assert ask_register(register.url, GERMAN).is_valid is None


def test_a_register_that_is_slow_or_gone_has_said_nothing(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vat, "PATIENCE_S", 0.2)
    register.slow_s = 1.0

    assert ask_register(register.url, GERMAN).is_valid is None
    assert ask_register("http://127.0.0.1:1/", GERMAN).is_valid is None


BODY = {
    "email": "ana@example.com",
    "shipping_address": {"name": "Ana Kahl", "country": "DE", "line1": "Hauptstr. 1", "postcode": "10115", "city": "Berlin"},
    "shipping_method": "europe",
    "payment_method": "bank_transfer",
    "accepts_terms": True,
    "vat_number": "de 136695976",
}
FORM = {
    "email": "ana@example.com",
    "shipping-country": "DE",
    "shipping-name": "Ana Kahl",
    "shipping-line1": "Hauptstr. 1",
    "shipping-postcode": "10115",
    "shipping-city": "Berlin",
    "shipping_method": "europe",
    "payment_method": "bank_transfer",
    "accepts_terms": "y",
    "vat_number": GERMAN,
}


def fill(client) -> None:
    with client.application.app_context():
        made = make_product(price=1210)
    client.post("/cart/items", data={"variant_id": made.variant_id, "quantity": 1})


def ask(app: Flask, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "config", replace(app.extensions["config"], vat_check_url=register.url))


def orders(app: Flask) -> list[tuple[object, ...]]:
    with app.app_context():
        return [
            tuple(found) for found in rows(select(Order.vat_number, Order.tax_note, Order.tax_minor, Order.total_minor, Order.vat_check_id))
        ]


def test_a_business_of_another_member_state_pays_no_tax_and_the_number_stays_with_the_order(client, app):
    fill(client)

    answer = client.post("/api/v1/orders", json=BODY)

    assert answer.status_code == 201, answer.text
    # 12.10 and 9.90 with 21 % contained: 10.00 and 8.18
    assert orders(app) == [(GERMAN, "reverse_charge", 0, 1818, None)]
    assert answer.json["vat_number"] == GERMAN
    assert answer.json["tax_note"] == "reverse_charge"


def test_the_page_shows_the_sum_without_tax_before_it_is_ordered(client, app):
    fill(client)

    shown = client.post("/checkout", data=FORM)
    fingerprint = shown.text.split('name="shown" value="')[1].split('"')[0]
    placed = client.post("/orders", data={**FORM, "shown": fingerprint})

    assert "€18.18" in shown.text
    assert f'value="{GERMAN}"' in shown.text
    assert placed.status_code == 303, placed.text
    assert orders(app) == [(GERMAN, "reverse_charge", 0, 1818, None)]


def test_without_asking_the_total_first_the_change_is_shown_and_nothing_is_ordered(client, app):
    fill(client)

    assert client.post("/orders", data={**FORM, "shown": "of another sum"}).status_code == 409
    assert orders(app) == []


@pytest.mark.parametrize(
    ("changes", "tax"),
    [
        ({"vat_number": ""}, 351),  # 19 % of Germany, contained in 12.10 + 9.90
        ({"vat_number": "ESB58378431"}, 351),  # of the shop's own country
    ],
)
def test_other_numbers_reverse_nothing(client, app, changes, tax):
    fill(client)

    assert client.post("/api/v1/orders", json={**BODY, **changes}).status_code == 201
    ((number, note, charged, _total, _check),) = orders(app)
    assert (note, charged, number) == ("", tax, changes["vat_number"])


def test_what_is_collected_is_taxed_at_the_counter_whoever_buys(client, app):
    fill(client)

    answer = client.post("/api/v1/orders", json={**BODY, "shipping_method": "pickup"})

    assert answer.status_code == 201, answer.text
    assert [found[1] for found in orders(app)] == [""]


@pytest.mark.parametrize("number", ["DE136695975", "x" * 20, "\0", "GB980780684"])
def test_a_wrong_number_is_named_on_the_page_and_in_json(client, app, number):
    fill(client)

    page = client.post("/orders", data={**FORM, "vat_number": number})
    answer = client.post("/api/v1/orders", json={**BODY, "vat_number": number})

    assert (page.status_code, answer.status_code) == (422, 422)
    assert "vat_number-error" in page.text
    assert [error["pointer"] for error in answer.json["errors"]] == ["/vat_number"]
    assert orders(app) == []


def test_the_proof_of_the_register_is_kept_with_the_order_and_it_is_asked_once(client, app, register, monkeypatch):
    ask(app, register, monkeypatch)
    fill(client)

    client.post("/checkout", data=FORM)
    answer = client.post("/api/v1/orders", json=BODY)

    assert answer.status_code == 201, answer.text
    ((_number, note, tax, _total, check_id),) = orders(app)
    assert (note, tax, len(register.asked)) == ("reverse_charge", 0, 1)
    with app.app_context():
        (check,) = rows(select(VatCheck.__table__))
    assert (check.id, check.number, check.is_valid, check.request_id, check.name) == (check_id, GERMAN, True, "WAPIAAAA1", "MUSTER GMBH")

    with app.app_context():
        make_user(email="boss@example.com", role="admin")
    log_in(client, "boss@example.com")
    page = client.get(f"/admin/orders/{answer.json['number']}")
    assert all(words in page.text for words in (GERMAN, "Reverse charge", "WAPIAAAA1", "MUSTER GMBH"))


def test_a_number_that_the_register_does_not_know_is_refused(client, app, register, monkeypatch):
    ask(app, register, monkeypatch)
    register.says(valid=False)
    fill(client)

    page = client.post("/orders", data=FORM)
    answer = client.post("/api/v1/orders", json=BODY)

    assert (page.status_code, answer.status_code) == (422, 422)
    assert "The register does not know this VAT number" in page.text
    assert orders(app) == []


def test_while_the_register_is_silent_the_tax_is_charged_and_it_is_said(client, app, register, monkeypatch):
    ask(app, register, monkeypatch)
    register.status = 503
    fill(client)

    page = client.post("/checkout", data=FORM)
    answer = client.post("/api/v1/orders", json=BODY)

    assert "does not answer now, so the tax is charged" in page.text
    assert answer.status_code == 201, answer.text
    ((number, note, tax, _total, check_id),) = orders(app)
    assert (number, note, tax) == (GERMAN, "", 351)
    with app.app_context():
        (check,) = rows(select(VatCheck.__table__))
    assert (check.id, check.is_valid) == (check_id, None)
    assert "503" in check.problem
