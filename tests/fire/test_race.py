"""``flask shop race``: an operator sees one winner of each race, on a copy that is gone afterwards; a race that two win is called unfair."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from shop.db import scalar
from shop.order.models import Order
from tests.fire.house import House


def run(house: House) -> tuple[int, str]:
    result = house.app.test_cli_runner().invoke(args=["shop", "race", "--runners", "12"], catch_exceptions=False)
    return result.exit_code, result.output


def test_one_wins_each_race_and_the_shop_itself_is_not_touched(house: House) -> None:
    code, output = run(house)

    assert code == 0, output
    for race in ("one piece", "one code", "one refund"):
        assert f"✓ {race:<16} 12 at once: 1 won of 1 who may" in output
    assert "✓ one number each  12 at once: 12 won of 12" in output
    assert "The audit of the copy is clean." in output
    assert scalar(select(func.count()).select_from(Order)) == 0
    print(output)


def test_a_race_that_everybody_wins_is_unfair(house: House, monkeypatch) -> None:
    monkeypatch.setattr("shop.checkout.services.take_stock", lambda *_args, **_kwargs: [])

    code, output = run(house)

    assert code == 1
    assert "✗ one piece" in output


def test_a_shop_with_nothing_to_sell_says_so(context: Flask) -> None:
    result = context.test_cli_runner().invoke(args=["shop", "race"])

    assert result.exit_code == 1
    assert "nothing that is counted is for sale" in result.output
