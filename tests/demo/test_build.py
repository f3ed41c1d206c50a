from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from config import Config
from shop import create_app, enable_migrations
from shop.auth.models import User
from shop.catalog.models import Product
from shop.db import db, row, rows, scalar, transaction
from shop.demo import build
from shop.demo.build import NotEmpty, State, build_demo, demo_state
from shop.demo.people import LOGIN_FILE
from shop.order.models import Order
from tests.conftest import SECRET
from tests.demo.conftest import TODAY
from tests.demo.dumps import dump
from tests.factories import NOON, make_product

WORDS = ["shop", "demo", "--today", TODAY.isoformat()]


@pytest.fixture
def runner(context: Flask, quick: None) -> FlaskCliRunner:
    return context.test_cli_runner()


def write_real_order() -> None:
    with transaction() as session:
        session.add(
            Order(
                number="REAL-2345",
                email="ana@example.com",
                locale="en",
                currency="EUR",
                prices_include_tax=True,
                subtotal_minor=100,
                shipping_minor=0,
                tax_minor=17,
                total_minor=100,
                shipping_method="standard",
                shipping_name="Parcel",
                payment_method="bank_transfer",
                terms_accepted_at=NOON,
                placed_at=NOON,
            )
        )


def test_running_it_again_changes_nothing(runner: FlaskCliRunner) -> None:
    first = runner.invoke(args=WORDS).output
    before = dump()

    second = runner.invoke(args=WORDS).output

    assert "is built: 55 goods, 61 orders." in first
    assert "is there: 55 goods, 61 orders." in second
    assert first.splitlines()[1:] == second.splitlines()[1:]
    assert dump() == before


def test_orders_that_customers_make_afterwards_stay(runner: FlaskCliRunner) -> None:
    runner.invoke(args=WORDS)
    write_real_order()

    assert runner.invoke(args=WORDS).exit_code == 0
    assert row(select(Order.id).where(Order.number == "REAL-2345")) is not None


def test_it_refuses_where_real_orders_exist(runner: FlaskCliRunner) -> None:
    write_real_order()
    before = dump()

    result = runner.invoke(args=WORDS)

    assert result.exit_code == 1
    assert "1 real orders" in result.output
    assert dump() == before


def test_it_refuses_where_goods_exist(runner: FlaskCliRunner) -> None:
    make_product()

    result = runner.invoke(args=WORDS)

    assert result.exit_code == 1
    assert "goods of its own" in result.output


def test_started_with_the_shop_it_leaves_a_shop_in_use_alone(runner: FlaskCliRunner) -> None:
    make_product()

    result = runner.invoke(args=[*WORDS, "--if-empty"])

    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("broken", ["stock_shelves", "list_goods", "tell_bank"])
def test_an_interrupted_run_can_be_repeated(context: Flask, quick: None, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, broken, power_cut)
        with pytest.raises(KeyboardInterrupt):
            build_demo(seed=1, today=TODAY)
    assert demo_state() is (State.WRITTEN if broken == "tell_bank" else State.MISSING)
    assert scalar(select(func.count()).select_from(Order)) == (61 if broken == "tell_bank" else 0)

    built = build_demo(seed=1, today=TODAY)

    assert (built.is_new, built.orders, demo_state()) == (True, 61, State.COMPLETE)


def test_an_order_that_comes_in_while_it_builds_is_not_mixed_with(context: Flask, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real = build._store_pictures

    def slowly(place: object) -> dict[str, int]:
        write_real_order()
        return real(place)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "_store_pictures", slowly)

    with pytest.raises(NotEmpty):
        build_demo(seed=1, today=TODAY)

    assert scalar(select(func.count()).select_from(Product)) == 0


# Shops of their own


def fresh_shop(folder: Path, **environ: str) -> Flask:
    from flask_migrate import upgrade

    folder.mkdir()
    settings = {"SHOP_INSTANCE": str(folder), "DATABASE_URL": f"sqlite:///{folder}/shop.db", "SECRET_KEY": SECRET, "SHOP_COURIER": "0"}
    app = create_app(Config.from_env({**settings, **environ}, testing=True))
    enable_migrations(app)
    with app.app_context():
        upgrade()
    return app


def filled(folder: Path, seed: int = 1, **environ: str) -> list[str]:
    """All rows of a fresh shop's database as SQL, but the salted hashes of passwords and the numbers by which caches notice changes."""
    app = fresh_shop(folder, **environ)
    with app.app_context():
        build_demo(seed=seed, today=TODAY)
        db.session.remove()
        db.engine.dispose()
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("UPDATE users SET password_hash = '' WHERE password_hash IS NOT NULL")
        connection.execute(
            "UPDATE versions SET number = 0"
        )  # they jump by chance, so that a page kept before a restore never fits after it
        lines = list(connection.iterdump())
    connection.close()
    return lines


def test_the_same_seed_and_day_give_the_same_rows_and_another_seed_gives_others(tmp_path: Path, quick: None) -> None:
    first = filled(tmp_path / "one")

    assert filled(tmp_path / "two") == first
    assert filled(tmp_path / "three", seed=2) != first


@pytest.mark.parametrize("environ", [{"SHOP_LOCALES": "es"}, {"SHOP_LOCALES": "es,en", "SHOP_CURRENCY": "JPY", "SHOP_COUNTRY": "DE"}])
def test_it_fits_shops_of_other_languages_currencies_and_countries(tmp_path: Path, quick: None, environ: dict[str, str]) -> None:
    lines = filled(tmp_path / "shop", **environ)

    prices = [line for line in lines if line.startswith('INSERT INTO "prices"')]
    assert len(prices) == 146
    if "SHOP_CURRENCY" in environ:
        assert all("'JPY'" in line for line in prices)
    if environ.get("SHOP_LOCALES") == "es":
        texts = [line for line in lines if line.startswith(('INSERT INTO "product_texts"', 'INSERT INTO "page_texts"'))]
        assert len(texts) == 55 + 7
        assert not any("'en'" in line for line in texts)


def test_in_production_nobody_gets_a_password(tmp_path: Path, quick: None) -> None:
    app = fresh_shop(
        tmp_path / "live",
        SHOP_ENV="production",
        SHOP_URL="https://shop.example",
        MAIL_URL="smtp://mail.example:587",
        SHOP_BANK_ACCOUNT="ES00",
    )

    with app.app_context():
        built = build_demo(seed=1, today=TODAY)
        users = rows(select(User.password_hash))
        methods = {order.payment_method for order in rows(select(Order.payment_method))}
        db.engine.dispose()

    assert built.password == ""
    assert not (tmp_path / "live" / LOGIN_FILE).exists()
    assert {user.password_hash for user in users} == {None}
    assert methods == {"bank_transfer"}
