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


@pytest.mark.parametrize("path", ["/login", "/register", "/checkout", "/orders/search"])
@pytest.mark.parametrize("body", ["[" * 100_000, '{"email": 1e999}', '{"email": [1]}', "[]", "null"])
def test_a_form_is_not_filled_from_json(client, path, body):
    assert client.post(path, data=body, content_type="application/json").status_code in {303, 415}
