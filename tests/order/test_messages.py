"""Each thing that happens to an order writes its customer once, in their language, in text and HTML."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from shop.clock import now
from shop.db import row, rows, transaction
from shop.mail.models import Mail, MailState
from shop.order.links import order_url
from shop.order.services import cancel_order, mark_packed, ship_order
from shop.outbox.courier import deliver_due
from shop.outbox.models import Delivery
from shop.payment.services import record_bank_payment
from tests.factories import NOON
from tests.orders import ADDRESS, make_order

STAFF = "staff@example.com"


@pytest.fixture(autouse=True)
def _context(context: Flask) -> None:
    """Orders live in a shop."""


def mails() -> list[tuple[str, str]]:
    deliver_due(at=now())
    deliver_due(at=now())
    return [(mail.recipient, mail.subject) for mail in rows(select(Mail.recipient, Mail.subject).order_by(Mail.id))]


def last_mail():
    return row(select(Mail.subject, Mail.text, Mail.html, Mail.state, Mail.about).order_by(Mail.id.desc()))


def test_a_placed_order_is_confirmed_with_goods_sum_account_and_link():
    order = make_order()

    assert mails() == [("lucia@example.com", f"Your order {order.number} at Bodega")]
    mail = last_mail()
    assert mail.state is MailState.SENT
    assert mail.about == f"order:{order.id}"
    for body in (mail.text, mail.html):
        assert "Stoneware mug" in body
        assert order_url(order.number, "en") in body
        assert "ES91 2100" in body
        assert "Calle Feria 18" in body


def test_the_text_of_a_mail_keeps_each_thing_on_its_own_line():
    make_order()

    mails()
    lines = last_mail().text.splitlines()

    assert {"What you ordered:", "Goes to:", "Calle Feria 18"} <= set(lines)
    assert any(line.startswith("Total: ") and line.count("€") == 1 for line in lines)
    assert lines[lines.index("Goes to:") - 1] == ""


def test_the_customers_language_is_kept():
    order = make_order(locale="es")

    mails()

    assert f"/es/orders/{order.number}" in last_mail().text
    assert 'lang="es"' in last_mail().html


def test_the_same_event_delivered_twice_writes_once():
    make_order()
    mails()
    with transaction() as session:
        session.execute(Delivery.__table__.update().values(state="waiting", leased_until=None))

    assert len(mails()) == 1


def test_money_parcel_and_its_number_are_told():
    order = make_order()
    record_bank_payment(order.id, by=STAFF, at=NOON)
    mark_packed(order.id, by=STAFF, at=NOON)
    ship_order(order.id, carrier="Correos", tracking_number="PX123", tracking_url="https://track.example/PX123", by=STAFF, at=NOON)

    subjects = [subject for _, subject in mails()]

    assert subjects == [
        f"Your order {order.number} at Bodega",
        f"Your payment for order {order.number} is here",
        f"Your order {order.number} is on its way",
    ]
    for body in (last_mail().text, last_mail().html):
        assert "Correos carries it under the number PX123" in body
        assert "https://track.example/PX123" in body


def test_a_canceled_order_says_whether_money_comes_back():
    order = make_order()
    cancel_order(order.id, by="customer", at=NOON)

    mails()

    assert last_mail().subject == f"Your order {order.number} is canceled"
    assert "You owe nothing." in last_mail().text


def test_who_collects_is_told_that_it_is_ready():
    order = make_order(shipping_method="pickup")
    record_bank_payment(order.id, by=STAFF, at=NOON)
    mark_packed(order.id, by=STAFF, at=NOON)

    mails()

    assert last_mail().subject == f"Your order {order.number} is ready to collect"


def test_what_a_customer_typed_is_no_markup_in_a_mail():
    make_order(shipping_address=replace(ADDRESS, name="<script>alert(1)</script>"))

    mails()

    assert "<script>" not in last_mail().html
