"""What happens behind a visitor's back: a price or a stock moves, time passes, somebody counts. The same shop, in this process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from config import Config
from shop import create_app
from shop.catalog.models import Variant
from shop.catalog.services.variants import set_price
from shop.clock import now
from shop.db import rows
from shop.inventory.services import set_stock
from tests.servers import settings

ORDERS = "SELECT count(*) FROM orders WHERE email = ?"
TAKEN = "SELECT count(*) FROM payments JOIN orders ON orders.id = order_id WHERE email = ? AND payments.state = 'captured'"


class Backstage:
    """Somebody with a key to the instance folder."""

    def __init__(self, instance: Path) -> None:
        self.instance = instance
        self.app: Flask = create_app(Config.from_env(settings(instance, SHOP_COURIER="0")))

    @property
    def password(self) -> str:
        """The one password of the demo's people."""
        return (self.instance / "demo-login.txt").read_text().partition("\n")[0]

    def set_price(self, sku: str, minor: int) -> None:
        with self.app.app_context():
            set_price(self._variant(sku), minor, at=now())

    def set_stock(self, sku: str, pieces: int) -> None:
        with self.app.app_context():
            set_stock(self._variant(sku), pieces, reason="count", actor="user:1", at=now())

    def stock_of(self, sku: str) -> int:
        statement = "SELECT on_hand FROM stock_items JOIN variants ON variants.id = variant_id WHERE sku = ?"
        return self._count("shop.db", statement, sku)

    def _variant(self, sku: str) -> int:
        return int(rows(select(Variant.id).where(Variant.sku == sku))[0].id)

    def orders_of(self, email: str) -> int:
        return self._count("shop.db", ORDERS, email)

    def payments_of(self, email: str) -> int:
        """How many payments of theirs brought money."""
        return self._count("shop.db", TAKEN, email)

    def charges_for(self, number: str) -> int:
        """How often the bank took money for the order: what its own books say."""
        return self._count("test-bank.db", "SELECT count(*) FROM charges WHERE number = ? AND truth = 'captured'", number)

    def let_an_hour_pass(self, number: str) -> None:
        """For the order's payments: the bank is not silent any more, the shop has waited long enough."""
        with self._open("test-bank.db") as books:
            books.execute("UPDATE charges SET silent_until = '' WHERE number = ?", (number,))
        with self._open("shop.db") as books:
            attempts = "SELECT payments.id FROM payments JOIN orders ON orders.id = order_id WHERE number = ?"
            books.execute(f"UPDATE payments SET attempted_at = datetime(attempted_at, '-1 hour') WHERE id IN ({attempts})", (number,))

    def run(self, *words: str) -> str:
        """A ``flask`` command."""
        result = self.app.test_cli_runner().invoke(args=list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return str(result.output)

    def _count(self, file: str, statement: str, *values: Any) -> int:
        with self._open(file) as books:
            return int(books.execute(statement, values).fetchone()[0])

    @contextmanager
    def _open(self, file: str) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.instance / file, timeout=10)) as books, books:
            yield books
