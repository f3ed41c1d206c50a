"""Money without cents and money with a thousand parts: from the quote over the order, the test bank, refund and papers, one amount all along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.audit.services import run_audit
from shop.cart.models import Cart
from shop.cart.quotes import quote_cart
from shop.catalog.models import Price
from shop.checkout.services import place_order
from shop.clock import now
from shop.db import row, rows, transaction
from shop.money import Money
from shop.order.documents.queries import list_documents
from shop.order.links import order_key
from shop.order.queries import get_order
from shop.outbox.courier import deliver_due
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment, Refund
from shop.payment.queries import gateways
from shop.payment.refunds import refund_payment
from shop.payment.services import settle_order, start_payment
from shop.payment.test_bank.books import TestBank
from shop.pricing.models import ShippingRate
from shop.settings.services import touch_topic
from tests.factories import NOON, make_product
from tests.office import words
from tests.orders import make_cart, make_wanted

ANA = "ana@bodega.example"


@pytest.fixture(params=["JPY", "KWD"])
def currency(request, context: Flask, monkeypatch) -> str:
    """The shop sells in this currency alone."""
    monkeypatch.setitem(context.extensions, "config", replace(context.extensions["config"], currency=request.param))
    with transaction() as session:
        session.execute(update(ShippingRate).values(currency=request.param))
        touch_topic("pricing")
    return request.param


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made))
    return made


def carry() -> None:
    while deliver_due(at=now()).delivered:
        pass


def test_an_amount_is_the_same_from_the_quote_to_the_credit_note(currency, bank):
    cart_id = make_cart([(make_product("Mug", price=1999, stock=9), 3)])
    with transaction() as session:
        session.execute(update(Cart).values(currency=currency))
        session.execute(update(Price).values(currency=currency))
    wanted = make_wanted(cart_id, payment_method="test_card")
    quote = quote_cart(cart_id, country="ES", delivery_code="standard", locale="en", at=NOON).quote

    order = place_order(cart_id, wanted, at=NOON)
    start_payment(order.id, gateway="test_card", at=NOON)
    bank.decide(row(select(Payment.reference)).reference, Truth.CAPTURED)
    settle_order(order.id, at=NOON)
    mug = get_order(order.number).lines[0]
    refund_payment(row(select(Payment.id)).id, press="one", pieces={mug.id: 1}, reason="late", by=ANA, at=NOON)
    carry()

    paid = get_order(order.number)
    assert (quote.currency, quote.total_minor) == (currency, order.total_minor)
    assert quote.total_minor >= 3 * 1999
    assert (paid.paid, paid.refunded) == (Money(order.total_minor, currency), Money(1999, currency))
    assert [(entry["amount"], entry["currency"]) for entry in bank.ledger()] == [(order.total_minor, currency), (1999, currency)]
    assert rows(select(Refund.amount_minor)) == [(1999,)]
    assert [(paper.kind.value, paper.gross_minor) for paper in list_documents(order.id)] == [
        ("invoice", order.total_minor),
        ("credit_note", 1999),
    ]
    assert run_audit(at=now(), asks_gateways=True).broken == []


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "¥1,999"), ("KWD", "KWD1.999")], indirect=["currency"])
def test_pages_and_papers_show_as_many_decimals_as_the_currency_has(currency, shown, bank, client):
    cart_id = make_cart([(make_product("Mug", price=1999, stock=9), 1)])
    with transaction() as session:
        session.execute(update(Cart).values(currency=currency))
        session.execute(update(Price).values(currency=currency))
    order = place_order(cart_id, make_wanted(cart_id, payment_method="test_card"), at=NOON)
    start_payment(order.id, gateway="test_card", at=NOON)
    bank.decide(row(select(Payment.reference)).reference, Truth.CAPTURED)
    settle_order(order.id, at=NOON)
    page = client.get(f"/orders/{order.number}?key={order_key(order.number)}").text
    (paper,) = list_documents(order.id)
    invoice = client.get(f"/orders/{order.number}/documents/{paper.number}?key={order_key(order.number)}").text

    assert shown in plain(page)
    assert shown in plain(invoice)


def plain(page: str) -> str:
    """What a person reads, without any space: prices are set in parts."""
    return "".join(words(page).split())
