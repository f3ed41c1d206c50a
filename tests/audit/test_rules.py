"""Each invariant of the audit is broken once by hand and found, by it and by nobody who is not concerned; a healthy shop has no finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from shop.audit.rules import RULES
from shop.audit.services import NOT_APPLICABLE
from shop.db import is_sqlite, transaction
from shop.order.documents.services import issue_invoice
from shop.order.services import cancel_order, mark_delivered, mark_packed, ship_order
from shop.payment.queries import list_attempts, list_refunds
from shop.payment.refunds import record_bank_refund, refund_payment, refund_rest
from shop.payment.services import record_bank_payment
from tests.audit.breaking import audit, broken, broken_rules
from tests.factories import NOON, make_product
from tests.orders import make_order
from tests.people import make_user
from tests.trail.acts import act_of_staff

ANA = "ana@example.com"


@pytest.fixture
def lived_in(context):
    """A shop in which an order was delivered, one canceled and refunded, one waits for its money, one is paid."""
    mug, lamp = make_product("Mug", stock=20), make_product("Lamp", price=8900, stock=5)
    user = make_user(email="member@example.com")
    delivered = make_order([(mug, 2), (lamp, 1)], user_id=user)
    record_bank_payment(delivered.id, by=ANA, at=NOON)
    with transaction():
        issue_invoice(delivered.id, at=NOON)
    mark_packed(delivered.id, by=ANA, at=NOON)
    ship_order(delivered.id, by=ANA, at=NOON)
    mark_delivered(delivered.id, by=ANA, at=NOON)
    canceled = make_order([(mug, 3)])
    record_bank_payment(canceled.id, by=ANA, at=NOON)
    cancel_order(canceled.id, by="customer", at=NOON)
    refund_rest(list_attempts(canceled.id)[0].id, reason="canceled", by="shop", at=NOON)
    record_bank_refund(list_refunds(canceled.id)[0].id, by=ANA, at=NOON)
    make_order([(mug, 1)])
    for number in (delivered.number, canceled.number):
        act_of_staff(f"order:{number}")
    paid = make_order([(lamp, 1)])
    record_bank_payment(paid.id, by=ANA, at=NOON)
    with transaction():
        issue_invoice(paid.id, at=NOON)


@dataclass(frozen=True)
class Break:
    """What is done to the data, and which invariants must say so."""

    rules: str
    tables: str
    statements: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rules}: {self.statements[0][:60]}"


def of(rules: str, tables: str, *statements: str) -> Break:
    return Break(rules, tables, statements)


OLD = "'2026-11-20 09:00:00.000000'"
PAID = "(SELECT id FROM orders WHERE payment_state = 'paid' AND state = 'open')"
DELIVERED = "(SELECT id FROM orders WHERE fulfillment_state = 'delivered')"
CANCELED = "(SELECT id FROM orders WHERE state = 'canceled')"
UNPAID = "(SELECT id FROM orders WHERE payment_state = 'unpaid' AND state = 'open')"
MAIL = (
    "INSERT INTO mails (id, cause, recipient, state, subject, created_at) VALUES ({id}, 'c', 'a@example.com', '{state}', '', " + OLD + ")"
)
MESSAGE = (
    "INSERT INTO gateway_messages (id, gateway, event_id, kind, state, received_at) VALUES (1, 'test_card', 'e1', 'x', 'received', "
    + OLD
    + ")"
)
SALES = "(SELECT min(posting_id) FROM entries WHERE account = 'sales')"
SOLD = f"reason = 'sale' AND reference = (SELECT number FROM orders WHERE id = {PAID})"

BREAKS = [
    of("I01", "stock_items", "UPDATE stock_items SET on_hand = on_hand + 1 WHERE variant_id = (SELECT min(variant_id) FROM stock_items)"),
    of("I01 I01b", "stock_items", "UPDATE stock_items SET on_hand = -1 WHERE variant_id = (SELECT min(variant_id) FROM stock_items)"),
    of(
        "I01 I02",
        "stock_movements",
        f"DELETE FROM stock_movements WHERE reason = 'sale' AND reference = (SELECT number FROM orders WHERE id = {PAID})",
    ),
    of(
        "I01 I02",
        "stock_movements",
        "DELETE FROM stock_movements WHERE reason = 'cancellation'",
    ),
    of("I02b I02", "stock_movements", f"UPDATE stock_movements SET reference = 'GONE-GONE' WHERE {SOLD}"),
    of(
        "I03",
        "orders payments",
        f"UPDATE payments SET created_at = {OLD}, attempted_at = {OLD} WHERE order_id = {UNPAID}",
        f"UPDATE orders SET placed_at = {OLD}, payment_method = 'test_card' WHERE id = {UNPAID}",
    ),
    of(
        "I03",
        "orders payments",
        f"UPDATE payments SET created_at = '2026-10-01 09:00:00.000000' WHERE order_id = {UNPAID}",
        f"UPDATE orders SET placed_at = '2026-10-01 09:00:00.000000', payment_method = 'no_longer_offered' WHERE id = {UNPAID}",
    ),
    of("I04 I05", "order_lines", f"UPDATE order_lines SET gross_minor = gross_minor + 1 WHERE order_id = {UNPAID}"),
    of("I04b", "orders", f"UPDATE orders SET subtotal_minor = subtotal_minor + 1 WHERE id = {UNPAID}"),
    of("I05", "order_lines", f"UPDATE order_lines SET unit_price_minor = unit_price_minor + 1 WHERE order_id = {UNPAID}"),
    of("I05b", "orders", f"UPDATE orders SET tax_minor = tax_minor + 1 WHERE id = {UNPAID}"),
    of("I05c", "order_lines", f"UPDATE order_lines SET tax_rate_ppm = 40000 WHERE order_id = {UNPAID}"),
    of("D01 I04b", "orders", f"UPDATE orders SET discount_minor = 100 WHERE id = {UNPAID}"),
    of("I06 L02", "payments", f"UPDATE payments SET captured_minor = captured_minor - 1 WHERE order_id = {PAID}"),
    of("I06b", "orders", f"UPDATE orders SET payment_state = 'partly_refunded' WHERE id = {CANCELED}"),
    of("I07", "payments", f"UPDATE payments SET amount_minor = amount_minor - 1 WHERE order_id = {PAID}"),
    of("I07b", "payments", f"UPDATE payments SET refunded_minor = refunded_minor - 1 WHERE order_id = {CANCELED}"),
    of("I08", "payments", "UPDATE payments SET reference = 'the same' WHERE captured_minor > 0"),
    of("I08", "payments", f"UPDATE payments SET key = (SELECT max(key) FROM payments)  WHERE order_id = {UNPAID} OR order_id = {PAID}"),
    of(
        "I08b",
        "payments",
        f"UPDATE payments SET amount_minor = amount_minor - 1, captured_minor = captured_minor - 1 WHERE order_id = {PAID}",
        f"INSERT INTO payments (id, order_id, gateway, key, state, currency, amount_minor, captured_minor, refunded_minor, created_at)"
        f" SELECT 990, order_id, gateway, 'another', state, currency, 1, 1, 0, created_at FROM payments WHERE order_id = {PAID}",
    ),
    of("I09", "payments", f"UPDATE payments SET state = 'unknown', created_at = {OLD}, attempted_at = {OLD} WHERE order_id = {UNPAID}"),
    of("I09b", "payments", f"UPDATE payments SET attempted_at = {OLD} WHERE order_id = {UNPAID}"),
    of("I06 I10 I17b L03", "orders", f"UPDATE orders SET payment_state = 'paid' WHERE id = {UNPAID}"),
    of("I11 I17b", "orders", f"UPDATE orders SET payment_state = 'unpaid' WHERE id = {PAID}"),
    of("I12", "mails", MAIL.format(id=1, state="sent"), MAIL.format(id=2, state="sent")),
    of("I12b", "deliveries", f"UPDATE deliveries SET due_at = {OLD} WHERE id = (SELECT min(id) FROM deliveries)"),
    of("I12c", "mails", MAIL.format(id=1, state="waiting")),
    of("I12d", "events", "DELETE FROM events WHERE kind = 'order.placed' AND id = (SELECT min(id) FROM events WHERE kind = 'order.placed')"),
    of("I13", "gateway_messages", MESSAGE),
    of(
        "I13",
        "gateway_messages",
        MESSAGE.replace("received_at)", "received_at, due_at)").replace(OLD + ")", OLD + ", " + OLD + ")"),
    ),
    of("I14", "promotions", "INSERT INTO promotions (id, used) VALUES (1, 3)"),
    of(
        "I14b",
        "promotions promotion_codes redemptions",
        "INSERT INTO promotions (id, used) VALUES (1, 2)",
        "INSERT INTO promotion_codes (id, promotion_id, code, max_uses) VALUES (1, 1, 'ONCE', 1)",
        f"INSERT INTO redemptions (id, promotion_id, code_id, order_id, email) SELECT id, 1, 1, id, 'a' FROM orders"
        f" WHERE id IN ({PAID[1:-1]} UNION {UNPAID[1:-1]})",
    ),
    of(
        "I14c",
        "promotions redemptions",
        "INSERT INTO promotions (id, used) VALUES (1, 1)",
        f"INSERT INTO redemptions (id, promotion_id, order_id, email) SELECT 1, 1, id, 'a' FROM orders WHERE id = {CANCELED}",
    ),
    of("I02 I02b I16", "orders", f"UPDATE orders SET number = (SELECT number FROM orders WHERE id = {PAID}) WHERE id = {UNPAID}"),
    of("I16b I16e", "documents", "DELETE FROM documents WHERE position = 1"),
    of("I16c", "documents", f"UPDATE documents SET kind = 'credit_note' WHERE order_id = {DELIVERED}"),
    of("I16d", "documents", f"UPDATE documents SET gross_minor = gross_minor - 1 WHERE order_id = {PAID}"),
    of("I16e", "documents", "UPDATE documents SET hash = 'another' WHERE position = 1"),
    of("I17", "order_entries", f"UPDATE order_entries SET at = {OLD} WHERE order_id = {PAID}"),
    of("I17b", "order_entries", "DELETE FROM order_entries WHERE kind = 'delivered'"),
    of("I17b", "order_entries", f"DELETE FROM order_entries WHERE kind = 'paid' AND order_id = {PAID}"),
    of("I18", "carts", f"UPDATE carts SET state = 'open' WHERE id = (SELECT cart_id FROM orders WHERE id = {PAID})"),
    of("I18", "carts", "INSERT INTO carts (id, state, user_id) VALUES (901, 'open', 7), (902, 'open', 7)"),
    of("I18", "cart_items", "INSERT INTO cart_items SELECT * FROM cart_items_kept WHERE id = (SELECT min(id) FROM cart_items_kept)"),
    of("I18b", "cart_items", "UPDATE cart_items SET variant_id = 99999 WHERE id = (SELECT min(id) FROM cart_items)"),
    of("I19", "order_lines", f"UPDATE order_lines SET name = '' WHERE order_id = {PAID}"),
    of("I19b", "order_addresses", f"DELETE FROM order_addresses WHERE order_id = {PAID}"),
    of("I02b I04 I05b I19c", "order_lines", f"DELETE FROM order_lines WHERE order_id = {UNPAID}"),
    of("I20", "images", "INSERT INTO images (id, hash, widths, width, height) VALUES (1, 'abcd', '320', 320, 320)"),
    of("I21", "users", "UPDATE users SET password_hash = 'secret'"),
    of("I21b", "orders", f"UPDATE orders SET note = 'my card is 4242 4242 4242 4242.' WHERE id = {PAID}"),
    of("I22", "order_entries", f"UPDATE order_entries SET actor = '' WHERE order_id = {PAID}"),
    of("I22b", "staff_acts", "UPDATE staff_acts SET actor = 'nobody' WHERE position = 1"),
    of("I22b", "staff_acts", "DELETE FROM staff_acts WHERE position = 1"),
    of("I22b", "staff_acts", "DELETE FROM staff_acts WHERE position = 2"),
    of("L01", "entries", f"UPDATE entries SET minor = minor + 1 WHERE account = 'sales' AND posting_id = {SALES}"),
    of("L02", "postings", f"UPDATE postings SET cause = 'dispute_won' WHERE cause = 'capture' AND order_id = {PAID}"),
    of("L03", "postings", f"UPDATE postings SET cause = 'dispute_won' WHERE cause = 'sale' AND order_id = {PAID}"),
    of("L04", "payments", f"UPDATE payments SET currency = 'USD' WHERE order_id = {PAID}"),
    of("O01", "orders", f"UPDATE orders SET email = ' ' WHERE id = {PAID}"),
    of("R01", "order_lines", f"UPDATE order_lines SET refunded_quantity = 1 WHERE order_id = {DELIVERED} AND position = 0"),
    of("R01", "order_lines", f"UPDATE order_lines SET refunded_minor = 1 WHERE order_id = {DELIVERED} AND position = 0"),
    of(
        "R01 R02",
        "refund_lines",
        "INSERT INTO refund_lines (refund_id, order_line_id, quantity, amount_minor)"
        f" SELECT r.id, (SELECT min(l.id) FROM order_lines l WHERE l.order_id = {CANCELED}), 1, r.amount_minor + 1 FROM refunds r",
    ),
    of("S01", "shipment_lines", "DELETE FROM shipment_lines WHERE quantity = 2"),
    of("S02", "order_lines", f"UPDATE order_lines SET returned_quantity = 1 WHERE order_id = {DELIVERED} AND position = 0"),
    of("S03", "stock_movements", "UPDATE stock_movements SET actor = '' WHERE reason = 'delivery'"),
]  # fmt: skip


def test_a_healthy_shop_has_no_finding(lived_in):
    report = audit()

    assert [(result.rule, result.findings, result.error) for result in report.broken] == []
    assert len(report.results) == len(RULES)


@pytest.mark.parametrize("fault", BREAKS, ids=str)
def test_what_is_broken_by_hand_is_found_and_named(lived_in, fault):
    with broken(fault.statements, *fault.tables.split()):
        report = audit()

    assert [result.error for result in report.results if result.error] == []
    assert broken_rules(report) == set(fault.rules.split())
    assert all(finding.ref for result in report.broken for finding in result.findings)


def test_a_file_without_a_row_is_found_after_an_hour(context):
    from tests.media.pictures import media_folder

    stray = media_folder() / "ab" / "abcdef-320.webp"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    try:
        import os

        old = (NOON - timedelta(hours=2)).timestamp()
        os.utime(stray, (old, old))
        assert broken_rules(audit()) == {"I20b"}
        os.utime(stray, (NOON.timestamp(), NOON.timestamp()))
        assert broken_rules(audit()) == set()
    finally:
        stray.unlink()


def test_a_row_that_points_to_nothing_is_found(lived_in):
    """On SQLite within the transaction; PostgreSQL cannot hold one, but a constraint that nobody has proven."""
    if is_sqlite():
        statement = "INSERT INTO mail_attempts (mail_id, at, error) VALUES (99, '2026-11-20 09:00:00.000000', '')"
        with broken(("PRAGMA defer_foreign_keys = ON", statement)):
            report = audit()
    else:
        with broken(("ALTER TABLE users ADD CONSTRAINT ck_users_new CHECK (id > 0) NOT VALID",)):
            report = audit()

    assert broken_rules(report) == {"I23"}


def test_every_invariant_was_broken_once():
    elsewhere = {"I20b", "I23"}
    assert {rule for fault in BREAKS for rule in fault.rules.split()} | elsewhere == set(RULES)


def test_what_does_not_apply_says_why():
    assert all(reason.endswith(".") for reason in NOT_APPLICABLE.values())
    assert not NOT_APPLICABLE.keys() & RULES.keys()


def test_a_refund_that_a_person_has_yet_to_send_is_no_finding(context):
    order = make_order()
    record_bank_payment(order.id, by=ANA, at=NOON)

    refund_payment(list_attempts(order.id)[0].id, press="1", amount_minor=100, by=ANA, at=NOON)

    assert broken_rules(audit()) == set()
