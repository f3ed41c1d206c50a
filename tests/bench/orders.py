"""`place_order` without HTTP beside its floor: the very same statements, sent by sqlite3 or psycopg with nothing around them.

The statements of some hundred orders are written down while the shop places them in one copy of a database; the floor then sends them, in the same
transactions and with the same values, to another copy, and fetches what they give.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app
from shop.cart.models import Cart, CartItem
from shop.checkout.services import place_order
from shop.checkout.wanted import Checkout
from shop.customer.values import AddressValues
from shop.db import db, transaction

Script = list[tuple[str, Any]]
COMMIT: tuple[str, Any] = ("COMMIT", None)
HOME = AddressValues(name="Ana Ruiz", country="ES", line1="Calle Feria 18", city="Sevilla", region="SE", postcode="41003")


@dataclass(frozen=True)
class Took:
    """Wall and processor seconds for so many orders."""

    orders: int
    wall_s: float
    cpu_s: float


def orders(configs: dict[str, Config], rounds: int, times: int) -> Iterator[str]:
    """Lines of a table: orders per second of the shop and of the floor, medians of the rounds, and their ratio."""
    yield "\nplace_order without HTTP, three lines; the floor sends the same statements through the bare driver\n"
    yield "| database | the shop, orders/s | the floor, orders/s | ratio | CPU ms/order, shop and floor |"
    yield "|---|---|---|---|---|"
    for name, config in configs.items():
        pairs = [_compare(config, number, times) for number in range(rounds)]
        ours, floor = (sorted(pairs, key=lambda pair: pair[side].wall_s)[len(pairs) // 2][side] for side in (0, 1))
        ratios = sorted(raw.wall_s / shop.wall_s for shop, raw in pairs)
        spread = f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
        speeds = f"{ours.orders / ours.wall_s:.0f} | {floor.orders / floor.wall_s:.0f}"
        yield f"| {name} | {speeds} | {spread} | {ours.cpu_s / ours.orders * 1000:.2f}, {floor.cpu_s / floor.orders * 1000:.2f} |"


def _compare(config: Config, number: int, times: int) -> tuple[Took, Took]:
    """One round: the carts are filled, the database is copied, the shop orders, the floor does the same to the copy."""
    app = create_app(config)
    with app.app_context():
        carts = _fill_carts(app, number, times + 20)
        db.session.remove()
        db.engine.dispose()
    copy = _copy(config)
    script, took = _place(app, carts)
    with app.app_context():
        db.engine.dispose()
    try:
        floor = _replay(copy, script, times)
    finally:
        _forget(copy)
    return took, floor


def _fill_carts(app: Flask, number: int, count: int) -> list[int]:
    at = datetime.now(UTC)
    with transaction() as session:
        carts = [Cart(key=f"bench-{number}-{place}", currency="EUR", created_at=at, updated_at=at) for place in range(count)]
        session.add_all(carts)
        session.flush()
        for place, cart in enumerate(carts):
            for line in range(3):
                variant = place * 3 + line + 1
                session.add(CartItem(cart_id=cart.id, variant_id=variant, quantity=1, seen_price_minor=1450, added_at=at))
        session.flush()
        return [cart.id for cart in carts]


def _place(app: Flask, carts: list[int]) -> tuple[Script, Took]:
    """The shop's turn. The first orders warm it and are not timed, but are part of the script; so is every commit."""
    wanted = Checkout(
        email="ana@example.com",
        locale="en",
        shipping_address=HOME,
        billing_address=None,
        shipping_method="standard",
        payment_method="bank_transfer",
    )
    script: Script = []
    warming = len(carts) - 20

    def place_all(chosen: list[int]) -> Took:
        wall, cpu = time.perf_counter(), time.process_time()
        for cart_id in chosen:
            with app.app_context():
                place_order(cart_id, wanted, at=datetime.now(UTC))
        return Took(len(chosen), time.perf_counter() - wall, time.process_time() - cpu)

    with app.app_context():
        engine = db.engine
    hooks = [
        ("before_cursor_execute", lambda _c, _k, sql, values, *_: script.append((sql, values))),
        ("commit", lambda _c: script.append(COMMIT)),
        (
            "begin",
            lambda c: script.append(("BEGIN", None)) if c.dialect.name != "sqlite" and c.get_execution_options().get("writes") else None,
        ),
    ]
    for name, hook in hooks:
        event.listen(engine, name, hook)
    place_all(carts[warming:])
    timed_from = len(script)
    took = place_all(carts[:warming])
    script.insert(timed_from, ("", None))  # from here on the floor is timed as well
    return script, took


def _replay(copy: str, script: Script, times: int) -> Took:
    """The floor's turn."""
    is_sqlite = copy.startswith("sqlite")
    link: Any = _open_sqlite(copy) if is_sqlite else _open_postgresql(copy)
    wall, cpu = time.perf_counter(), time.process_time()
    cursor = link.cursor()
    for sql, values in script:
        if not sql:
            wall, cpu = time.perf_counter(), time.process_time()
        elif isinstance(values, list):
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values or ())
            if cursor.description is not None:
                cursor.fetchall()
    took = Took(times, time.perf_counter() - wall, time.process_time() - cpu)
    link.close()
    return took


def _open_sqlite(url: str) -> sqlite3.Connection:
    link = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-1000", "temp_store=MEMORY"):
        link.execute(f"PRAGMA {pragma}")
    link.create_function("casefold", 1, lambda words: None if words is None else str(words).casefold(), deterministic=True)
    return link


def _open_postgresql(url: str) -> Any:
    import psycopg

    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True)


def _copy(config: Config) -> str:
    if config.database_url.startswith("sqlite"):
        path = Path(config.database_url.removeprefix("sqlite:///"))
        copy = path.with_name("floor.db")
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
        return f"sqlite:///{copy}"
    url = make_url(config.database_url)
    copy_url = url.set(database=f"{url.database}_floor")
    _on_the_server(
        url, f"DROP DATABASE IF EXISTS {copy_url.database} WITH (FORCE)", f"CREATE DATABASE {copy_url.database} TEMPLATE {url.database}"
    )
    return copy_url.render_as_string(hide_password=False)


def _forget(copy: str) -> None:
    if copy.startswith("sqlite"):
        for leftover in Path(copy.removeprefix("sqlite:///")).parent.glob("floor.db*"):
            leftover.unlink()
    else:
        _on_the_server(make_url(copy), f"DROP DATABASE {make_url(copy).database} WITH (FORCE)")


def _on_the_server(url: Any, *words: str) -> None:
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as link:
        for sentence in words:
            link.execute(text(sentence))
    engine.dispose()
