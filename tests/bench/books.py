"""A shop with any number of orders that agree with each other, written by one INSERT … SELECT per table; and how long their audit takes.

    python -m tests.bench.books --orders 100000        TEST_DATABASE_URL=… for PostgreSQL as well

Nine of ten orders were paid, sent and delivered; one was canceled before it was paid. Each has two lines, an address, a payment, its postings,
movements of stock, an event and its history. Papers are left out: their chain of hashes is asked one by one, whatever the database.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Text, case, cast, func, insert, literal, select, text, update

from shop.audit.rules import RULES
from shop.audit.services import Report, run_audit
from shop.cart.models import Cart, CartState
from shop.db import connection, is_sqlite, transaction
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.ledger.models import Account, Cause, Entry, Posting
from shop.order.models import (
    AddressKind,
    Adjustment,
    AdjustmentKind,
    FulfillmentState,
    Order,
    OrderAddress,
    OrderEntry,
    OrderLine,
    OrderState,
    PaymentState,
    Shipment,
    ShipmentLine,
)
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.payment.models import Payment, State

AT = datetime(2026, 6, 1, tzinfo=UTC)
VARIANTS = 500
ASKED = {"subtotal_minor": 5000, "shipping_minor": 500, "tax_minor": 955, "total_minor": 5500}
LINES = ((2, 1000, 1653, 347), (1, 3000, 2479, 521))  # pieces, price, net, tax
WORTH = {Account.RECEIVABLE: 5500, Account.SALES: -4132, Account.SHIPPING: -413, Account.TAX: -955}


def fill(count: int) -> None:
    """Write ``count`` orders into a shop that has goods and no orders."""
    with transaction():
        numbers = _numbers(count)
        _put(
            Cart,
            select(numbers.c.i.label("id"), ("cart-" + cast(numbers.c.i, Text)).label("key")),
            state=CartState.ORDERED,
            **_since("created_at", "updated_at"),
            currency="EUR",
        )
        _orders(count)
        paid = Order.payment_state == PaymentState.PAID
        _lines()
        _put(
            OrderAddress,
            select(Order.id.label("order_id")),
            kind=AddressKind.SHIPPING,
            name="Ada Ruiz",
            country="ES",
            line1="Calle Feria 18",
        )
        shipping = {"kind": AdjustmentKind.SHIPPING, "source": "standard", "label": "Standard", "net_minor": 413, "tax_minor": 87}
        _put(Adjustment, select(Order.id.label("order_id")), **shipping, gross_minor=500, tax_rate_ppm=210000)
        _payments()
        _books(paid)
        _stock()
        _history(paid)
        _put(Event, select(("order:" + cast(Order.id, Text)).label("subject")), kind="order.placed", payload={}, at=AT)
        told = {"consumer": "mail.order.placed", "state": DeliveryState.DONE, "due_at": AT, "done_at": AT}
        _put(Delivery, select(Event.id.label("event_id"), Event.subject), **told)
        _parcels(paid)
    if not is_sqlite():
        connection().execute(text("ANALYZE"))


def _numbers(count: int) -> Any:
    first = select(literal(1).label("i")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.i + 1).where(first.c.i < count))


def _since(*names: str) -> dict[str, datetime]:
    return dict.fromkeys(names, AT)


def _put(model: Any, found: Any, **same: Any) -> None:
    """Insert a row for each that ``found`` gives, with the same values in the other columns; defaults as the model says."""
    columns = model.__table__.c
    values = [literal(value, type_=columns[name].type).label(name) for name, value in same.items()]
    names = [column.name for column in found.selected_columns]
    connection().execute(insert(model.__table__).from_select([*names, *same], found.add_columns(*values)))


def _orders(count: int) -> None:
    numbers = _numbers(count)
    is_canceled = numbers.c.i % 10 == 0

    def either(name: str, canceled: Any, else_: Any) -> Any:
        kind = Order.__table__.c[name].type
        return case((is_canceled, literal(canceled, type_=kind)), else_=literal(else_, type_=kind)).label(name)

    found = select(
        numbers.c.i.label("id"),
        numbers.c.i.label("cart_id"),
        ("N" + cast(numbers.c.i, Text)).label("number"),
        either("state", OrderState.CANCELED, OrderState.COMPLETED),
        either("payment_state", PaymentState.UNPAID, PaymentState.PAID),
        either("fulfillment_state", FulfillmentState.UNFULFILLED, FulfillmentState.DELIVERED),
        either("canceled_at", AT + timedelta(hours=1), None),
    )
    same: dict[str, Any] = {"email": "ada@example.com", "locale": "en", "currency": "EUR", "prices_include_tax": True, **ASKED}
    same |= {"shipping_method": "standard", "shipping_name": "Standard", "payment_method": "bank_transfer"}
    _put(Order, found, **same, **_since("terms_accepted_at", "placed_at"))


def _lines() -> None:
    for position, (quantity, price, net, tax) in enumerate(LINES):
        is_delivered = Order.state == OrderState.COMPLETED
        found = select(
            Order.id.label("order_id"),
            ((Order.id + position * 7) % VARIANTS + 1).label("variant_id"),
            case((is_delivered, quantity), else_=0).label("shipped_quantity"),
        )
        same = {"position": position, "name": "Mug", "sku": "MUG", "quantity": quantity, "unit_price_minor": price, "net_minor": net}
        _put(OrderLine, found, **same, tax_minor=tax, gross_minor=net + tax, tax_rate_ppm=210000, tax_class="standard")


def _payments() -> None:
    is_paid = Order.payment_state == PaymentState.PAID
    kind = Payment.__table__.c.state.type
    found = select(
        Order.id.label("order_id"),
        ("key-" + cast(Order.id, Text)).label("key"),
        case((is_paid, literal(State.CAPTURED, type_=kind)), else_=literal(State.VOIDED, type_=kind)).label("state"),
        case((is_paid, 5500), else_=0).label("captured_minor"),
    )
    same = {"gateway": "bank_transfer", "currency": "EUR", "amount_minor": 5500}
    _put(Payment, found, **same, **_since("created_at", "attempted_at", "settled_at"))


def _books(paid: Any) -> None:
    for cause, amounts in ((Cause.SALE, WORTH), (Cause.CAPTURE, {Account.CASH: 5500, Account.RECEIVABLE: -5500})):
        key = (f"{cause.value}:" + cast(Order.id, Text)).label("key")
        _put(Posting, select(Order.id.label("order_id"), key).where(paid), cause=cause, currency="EUR", actor="ana@example.com", at=AT)
        for account, minor in amounts.items():
            _put(Entry, select(Posting.id.label("posting_id")).where(Posting.cause == cause), account=account, minor=minor)


def _stock() -> None:
    lines = select(OrderLine.variant_id, Order.number.label("reference")).join(Order, Order.id == OrderLine.order_id)
    for sign, reason in ((-1, Reason.SALE), (1, Reason.CANCELLATION)):
        found = lines.add_columns((OrderLine.quantity * sign).label("delta"))
        found = found.where(Order.state == OrderState.CANCELED) if sign > 0 else found
        _put(StockMovement, found, reason=reason, actor="customer", at=AT)
    total = (
        select(func.coalesce(func.sum(StockMovement.delta), 0)).where(StockMovement.variant_id == StockItem.variant_id).scalar_subquery()
    )
    _put(
        StockMovement,
        select(StockItem.variant_id, (10_000 - total).label("delta")).where(total != 10_000),
        reason=Reason.DELIVERY,
        actor="ana@example.com",
        at=AT,
    )
    connection().execute(update(StockItem).values(on_hand=10_000, is_tracked=True, tracked_since=AT - timedelta(days=1)))


def _history(paid: Any) -> None:
    for kind in ("paid", "packed", "shipped", "delivered"):
        _put(OrderEntry, select(Order.id.label("order_id")).where(paid), kind=kind, actor="ana@example.com", at=AT)
    _put(OrderEntry, select(Order.id.label("order_id")).where(~paid), kind="canceled", actor="customer", at=AT)


def _parcels(paid: Any) -> None:
    _put(Shipment, select(Order.id.label("order_id")).where(paid), shipped_at=AT, delivered_at=AT)
    found = select(Shipment.id.label("shipment_id"), OrderLine.id.label("order_line_id"), OrderLine.quantity)
    _put(ShipmentLine, found.join(OrderLine, OrderLine.order_id == Shipment.order_id))


def measure(app: Flask, orders: int) -> Report:
    """Fill the empty shop and audit it."""
    from tests.bench.world import build

    build(app, VARIANTS)
    with app.app_context():
        began = time.monotonic()
        fill(orders)
        print(f"  {orders} orders written in {time.monotonic() - began:.1f} s")
        return run_audit(at=AT + timedelta(minutes=30), only=sorted(RULES.keys() - {"I20"}))  # the goods of the bench have no pictures


def main() -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url

    from config import Config
    from shop import create_app, enable_migrations
    from shop.db import db

    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--slowest", type=int, default=8)
    parser.add_argument("--kinds", nargs="+", default=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    server = os.environ.get("TEST_DATABASE_URL", "")
    for kind in chosen.kinds:
        for orders in chosen.orders if kind == "sqlite" or server else ():
            with tempfile.TemporaryDirectory(prefix="bodega-books-") as folder:
                url, drop = f"sqlite:///{Path(folder) / 'shop.db'}", None
                if kind == "postgresql":
                    name = f"bodega_books_{os.getpid()}"
                    place = make_url(server).set(drivername="postgresql+psycopg")
                    admin = create_engine(place, isolation_level="AUTOCOMMIT")
                    with admin.connect() as link:
                        link.execute(text(f"CREATE DATABASE {name}"))
                    url, drop = place.set(database=name).render_as_string(hide_password=False), (admin, name)
                environ = {"SHOP_INSTANCE": folder, "DATABASE_URL": url, "SECRET_KEY": "books " * 8, "SHOP_COURIER": "0"}
                app = create_app(Config.from_env(environ, testing=True))
                enable_migrations(app)
                with app.app_context():
                    from flask_migrate import upgrade

                    upgrade()
                print(f"{kind}, {orders} orders")
                report = measure(app, orders)
                print(f"  {len(report.results)} invariants in {report.took_ms / 1000:.2f} s, {len(report.broken)} broken")
                for result in report.broken:
                    print(f"    {result.rule} {result.error} {[finding.ref + ' ' + finding.words for finding in result.findings[:2]]}")
                for result in sorted(report.results, key=lambda result: -result.took_ms)[: chosen.slowest]:
                    print(f"    {result.rule:<5} {result.took_ms:>7} ms")
                with app.app_context():
                    db.session.remove()
                    db.engine.dispose()
                if drop:
                    with drop[0].connect() as link:
                        link.execute(text(f"DROP DATABASE {drop[1]} WITH (FORCE)"))


if __name__ == "__main__":
    main()
