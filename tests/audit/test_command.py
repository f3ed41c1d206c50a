"""The audit as people meet it: the command, the page, the API, the task of the night and its mail."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from shop.audit.models import AuditRun
from shop.audit.services import audit_shop, run_audit
from shop.clock import now
from shop.db import rows, scalar, transaction
from shop.mail.models import Mail
from shop.outbox.courier import deliver_due
from shop.outbox.periodic import run_due_tasks
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.queries import gateways, list_attempts
from shop.payment.refunds import refund_payment
from shop.payment.services import settle_order, start_payment
from shop.payment.test_bank.books import TestBank
from shop.payment.test_bank.remote import RemoteBank
from tests.factories import NOON
from tests.office import Desk, words
from tests.orders import make_order
from tests.payment.test_gateways import ASKED
from tests.people import log_in, make_user


def break_a_total(number: str) -> None:
    with transaction() as session:
        session.execute(text("UPDATE orders SET email = ' ' WHERE number = :number"), {"number": number})


def test_a_clean_shop_exits_with_0(app):
    with app.app_context():
        make_order(at=now())

    result = app.test_cli_runner().invoke(args=["shop", "audit"])

    assert result.exit_code == 0, result.output
    assert "clean" in result.output


def test_any_finding_exits_with_1_and_names_it(app):
    with app.app_context():
        order = make_order(at=now())
        break_a_total(order.number)

    words = app.test_cli_runner().invoke(args=["shop", "audit"])
    report = app.test_cli_runner().invoke(args=["shop", "audit", "--json"])

    assert (words.exit_code, report.exit_code) == (1, 1)
    assert order.number in words.output
    found = {rule["id"]: rule["findings"] for rule in json.loads(report.output)["rules"] if rule["findings"]}
    assert found == {"O01": [{"ref": order.number}]}


def test_one_invariant_alone_and_none_at_all(app):
    runner = app.test_cli_runner()

    assert runner.invoke(args=["shop", "audit", "--only", "I01"]).output.startswith("1 invariants asked")
    assert runner.invoke(args=["shop", "audit", "--only", "I99"]).exit_code == 2


def test_every_night_it_runs_and_tells_staff_what_is_wrong(context):
    order = make_order(at=NOON)
    break_a_total(order.number)

    assert "audit.nightly" in run_due_tasks(at=NOON)
    while deliver_due(at=now()).delivered:
        pass

    mails = rows(select(Mail.recipient, Mail.subject, Mail.text).where(Mail.subject.like("The audit%")))
    assert [(mail.recipient, mail.subject) for mail in mails] == [("hello@bodega.example", "The audit found 1 thing that is wrong")]
    assert order.number in mails[0].text


def test_a_clean_night_writes_no_mail(context):
    audit_shop(by="shop", at=NOON)

    assert scalar(select(AuditRun.findings)) == 0
    assert rows(text("SELECT * FROM events WHERE kind = 'audit.failed'")) == []


def test_staff_see_what_the_last_audit_found_and_have_one_run(client, app):
    with app.app_context():
        order = make_order(at=now())
        break_a_total(order.number)
    desk = Desk(client)
    page = desk.see("/admin/audit")
    assert "No audit has run yet" in page

    assert desk.press(page, "/admin/audit").status_code == 303
    with app.app_context():
        while deliver_due(at=now()).delivered:
            pass
    page = desk.see("/admin/audit")

    assert "1 invariant is broken." in words(page)
    assert order.number in page


def test_programs_of_staff_read_the_report_and_customers_do_not(client, app):
    with app.app_context():
        audit_shop(by="shop", at=NOON)
    make_user(email="eve@example.com")
    log_in(client, "eve@example.com")
    assert client.get("/api/v1/audit").status_code == 403

    other = app.test_client()
    make_user(email="ana@example.com", role="staff")
    log_in(other, "ana@example.com")
    answer = other.get("/api/v1/audit")

    assert answer.status_code == 200
    assert answer.json["clean"] is True


# Beside the gateways' books


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    """A test bank with empty books, and an order that was paid there and given back in part."""
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made))
    order = make_order(payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    made.decide(str(list_attempts(order.id)[0].reference), Truth.CAPTURED)
    settle_order(order.id, at=NOON)
    refund_payment(list_attempts(order.id)[0].id, press="one", amount_minor=500, reason="late", by="ana", at=NOON)
    return made


def broken_at_gateways() -> dict[str, list[str]]:
    report = run_audit(at=now(), only=["G01", "G02"], asks_gateways=True)
    assert len(report.results) == 2
    return {result.rule: [finding.words for finding in result.findings] or [result.error] for result in report.broken}


def test_books_that_agree_with_the_gateway_are_clean(bank):
    assert broken_at_gateways() == {}


def test_a_capture_more_in_the_gateways_books_is_found(bank):
    bank.open(replace(ASKED, key="stranger"), at=NOON)
    bank.decide(bank.find("stranger").reference, Truth.CAPTURED)

    assert broken_at_gateways() == {"G01": ["there=3390 EUR, here=None"]}


def test_a_second_capture_of_the_same_attempt_is_found(bank):
    with sqlite3.connect(bank.path) as books:
        books.execute(
            'INSERT INTO ledger (kind, reference, "order", amount, currency, key, charge, at)'
            " SELECT kind, reference, \"order\", amount, currency, key, charge, at FROM ledger WHERE kind = 'capture'"
        )

    assert list(broken_at_gateways()) == ["G01"]


def test_a_capture_that_the_gateway_does_not_know_is_found(bank):
    with sqlite3.connect(bank.path) as books:
        books.execute("DELETE FROM ledger WHERE kind = 'capture'")

    (words,) = broken_at_gateways()["G01"]

    assert words.startswith("there=0 EUR")


def test_a_refund_made_behind_our_back_is_found(bank):
    charge = bank.ledger()[0]
    bank.refund(charge["key"], 300, "by hand", at=NOON)

    assert broken_at_gateways() == {"G02": ["there=800, here=500"]}


def test_a_gateway_that_does_not_answer_is_a_finding(bank, monkeypatch):
    monkeypatch.setitem(gateways(), "test_card", TestCard(RemoteBank("http://127.0.0.1:7899", timeout_s=1)))

    assert set(broken_at_gateways()) == {"G01", "G02"}


def test_the_command_asks_the_gateways_only_when_told_to(app, bank):
    runner = app.test_cli_runner()

    assert "G01" not in runner.invoke(args=["shop", "audit", "--times"]).output
    told = runner.invoke(args=["shop", "audit", "--times", "--gateway", "--only", "G01", "--only", "G02"])
    assert (told.exit_code, "G01" in told.output, "G02" in told.output) == (0, True, True)
