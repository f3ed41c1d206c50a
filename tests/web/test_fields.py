"""Fields of JSON bodies refuse what merely looks right."""

from __future__ import annotations

import pytest

from shop.errors import Invalid
from shop.money import Money
from shop.web.fields import MoneyAmount, ShopSchema
from shop.web.json import load


class Priced(ShopSchema):
    price = MoneyAmount(required=True)


def test_an_amount_in_the_shops_currency_is_read(context):
    assert load(Priced(), {"price": {"minor": 1999, "currency": "EUR"}}) == {"price": Money(1999, "EUR")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"minor": 1999, "currency": "USD"},
        {"minor": 19.99, "currency": "EUR"},
        {"minor": True, "currency": "EUR"},
        {"minor": -1, "currency": "EUR"},
        {"minor": 2**63, "currency": "EUR"},
        {"minor": 1, "currency": "EUR", "note": ""},
        1999,
        "19.99",
    ],
)
def test_any_other_amount_is_refused(context, wrong):
    with pytest.raises(Invalid) as refusal:
        load(Priced(), {"price": wrong})

    assert set(refusal.value.errors) == {"/price"}
