"""The quick reading of a press agrees with the form, or leaves it to the form."""

from __future__ import annotations

import pytest
from flask import request

from shop.checkout.forms import CheckoutForm
from shop.checkout.press import read_press
from shop.pricing.queries import list_deliveries
from tests.checkout.test_views import COLLECTED, FORM

DELIVERY = {**FORM, "shipping-company": "", "shipping-line2": "2º B", "shipping-region": "", "shipping-phone": "+34 955 550 142"}


def read_both(app, sent):
    with app.test_request_context("/orders", method="POST", data=sent):
        deliveries = list_deliveries("ES", currency="EUR", locale="en")
        form = CheckoutForm()
        form.adapt(deliveries, next((one for one in deliveries if one.code == sent.get("shipping_method")), None), "en")
        by_form = form.wanted(locale="en", shown="abc", user_id=None) if form.validate_on_submit() else None
        return read_press(request.form, deliveries, locale="en", shown="abc"), by_form


@pytest.mark.parametrize(
    "sent",
    [
        DELIVERY,
        {
            **DELIVERY,
            "email": " LUCIA@Example.com ",
            "shipping-postcode": " 41003",
            "shipping-name": "Lu\u202ecía  ",
            "note": "Ring\r\ntwice",
        },
        {**DELIVERY, "shipping-country": "es"},
        {**COLLECTED, "shipping-country": "ES"},
    ],
)
def test_a_press_without_mistakes_reads_as_the_form_reads_it(app, sent):
    quick, by_form = read_both(app, sent)

    assert quick is not None
    assert quick == by_form


@pytest.mark.parametrize("name", sorted(DELIVERY.keys() - {"shipping-company", "shipping-region"}))
@pytest.mark.parametrize("value", ["", "\0", "\x07", "x" * 1100, "٣", "false"])
def test_what_the_form_refuses_is_never_taken_quickly(app, name, value):
    quick, by_form = read_both(app, {**DELIVERY, name: value})

    assert quick is None or quick == by_form


@pytest.mark.parametrize("name", sorted(FORM))
def test_what_is_missing_is_left_to_the_form(app, name):
    quick, by_form = read_both(app, {key: value for key, value in FORM.items() if key != name})

    assert quick is None or quick == by_form


def test_a_second_address_is_left_to_the_form(app):
    quick, _by_form = read_both(app, {**DELIVERY, "bill_elsewhere": "y"})

    assert quick is None
