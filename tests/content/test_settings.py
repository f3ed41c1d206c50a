"""Settings by page and by program: bounded, in the log, never over what somebody else wrote."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.order.policy import invoice_when, return_days
from shop.settings.queries import setting, shop_texts
from shop.settings.services import save_settings
from shop.trail.models import StaffAct
from tests.office import Desk, fields_of, words
from tests.people import inside, log_in, make_user, rows

PAGE = "/admin/settings"
API = "/api/v1/settings"


@pytest.fixture
def desk(client):
    return Desk(client, "boss@example.com", role="admin")


def test_staff_change_a_group_and_the_shop_says_so(desk):
    answer = desk.client.post(f"{PAGE}/shop", data={**sent(desk, "shop"), "shop__name": "Casa Lola", "shop__about__es": "Desde 1912."})

    assert answer.status_code == 303
    texts = inside(shop_texts)("es")
    assert (texts.name, texts.about) == ("Casa Lola", "Desde 1912.")
    assert "Casa Lola" in desk.client.get("/").text


def sent(desk: Desk, group: str) -> dict[str, str]:
    """The form of a group as its page holds it."""
    found = fields_of(desk.see(PAGE), f"{PAGE}/{group}")
    return {name: value for name, value in found.items() if name in {"csrf_token", "version"}} | AS_IT_IS[group]


AS_IT_IS = {
    "shop": {"shop__name": "Bodega", "shop__email": ""},
    "papers": {"invoice__when": "payment", "invoice__prefix": "INV", "credit_note__prefix": "CN"},
    "returns": {"returns__days": "30"},
    "taxes": {"prices_include_tax": "y", "eu_sales": "destination", "tax_rounding": "line"},
}


@pytest.mark.parametrize(
    ("group", "field", "typed"),
    [
        ("shop", "shop__name", ""), ("shop", "shop__name", "x" * 81), ("shop", "shop__email", "nobody"), ("shop", "shop__name", "a\0b"),
        ("papers", "invoice__prefix", "inv"), ("papers", "invoice__prefix", ""), ("papers", "invoice__prefix", "A" * 13), ("papers", "invoice__prefix", "-A"),
        ("papers", "invoice__prefix", "CN"), ("papers", "invoice__when", "never"), ("returns", "returns__days", "13"), ("returns", "returns__days", "366"),
        ("returns", "returns__days", "NaN"), ("returns", "returns__days", "٣٠"), ("taxes", "eu_sales", "moon"), ("taxes", "tax_rounding", ""),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_bounds_is_refused_and_nothing_changes(desk, group, field, typed):
    before = desk.client.get(API).json["values"]

    answer = desk.client.post(f"{PAGE}/{group}", data={**sent(desk, group), field: typed})

    assert answer.status_code == 422
    assert 'class="summary"' in answer.text
    assert desk.client.get(API).json["values"] == before


def test_who_looked_before_somebody_else_wrote_is_told(desk):
    form = sent(desk, "returns")
    inside(save_settings)({("returns.days", ""): "60"})

    answer = desk.client.post(f"{PAGE}/returns", data={**form, "returns__days": "45"})

    assert answer.status_code == 409
    assert "Somebody changed the settings meanwhile" in words(answer.text)
    assert inside(return_days)() == 60


def test_a_box_without_its_tick_is_off(desk):
    form = sent(desk, "taxes")
    del form["prices_include_tax"]

    assert desk.client.post(f"{PAGE}/taxes", data=form).status_code == 303

    assert inside(setting)("prices_include_tax") == "0"


def test_the_page_says_what_happens_to_orders_that_were_placed(desk):
    page = words(desk.see(PAGE))

    assert "Orders that were placed keep what they were placed with" in page
    assert "Papers that were issued keep their numbers" in page


def test_a_change_is_in_the_log_before_and_after(desk):
    desk.client.post(f"{PAGE}/papers", data={**sent(desk, "papers"), "invoice__when": "shipment"})

    (act,) = rows(select(StaffAct.subject, StaffAct.permission, StaffAct.before, StaffAct.after))
    assert (act.subject, act.permission) == ("settings", "settings.edit")
    assert (act.before, act.after) == ({"invoice.when": None}, {"invoice.when": "shipment"})


def test_a_program_changes_what_it_names_and_nothing_else(desk):
    seen = desk.client.get(API).json

    answer = desk.client.patch(
        API,
        json={
            "version": seen["version"],
            "values": {"returns.days": 60, "invoice.when": "shipment"},
            "texts": {"es": {"shop.claim": "Hola"}},
        },
    )

    assert answer.status_code == 200
    assert answer.json["values"] == {**seen["values"], "returns.days": 60, "invoice.when": "shipment"}
    assert answer.json["texts"]["es"]["shop.claim"] == "Hola"
    assert answer.json["texts"]["en"] == seen["texts"]["en"]
    assert (inside(return_days)(), inside(invoice_when)()) == (60, "shipment")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"values": {"returns.days": 13}}, "/values/returns.days"), ({"values": {"returns.days": "30"}}, "/values/returns.days"),
        ({"values": {"prices_include_tax": 1}}, "/values/prices_include_tax"), ({"values": {"eu_sales": "moon"}}, "/values/eu_sales"),
        ({"values": {"shop.color": "red"}}, "/values/shop.color"), ({"texts": {"fr": {"shop.claim": "x"}}}, "/texts/fr"),
        ({"values": {"invoice.prefix": "CN"}}, "/values/credit_note.prefix"), ({"values": {"shop.claim": "x"}}, "/values/shop.claim"),
        ({"texts": {"es": {"shop.claim": 1}}}, "/texts/es/value/shop.claim"),
    ],
)  # fmt: skip
def test_a_program_is_told_what_is_wrong(desk, body, pointer):
    version = desk.client.get(API).json["version"]

    answer = desk.client.patch(API, json={"version": version, **body})

    assert (answer.status_code, [problem["pointer"] for problem in answer.json["errors"]]) == (422, [pointer])


def test_a_program_that_looked_too_early_is_told(desk):
    version = desk.client.get(API).json["version"]
    inside(save_settings)({("returns.days", ""): "60"})

    assert desk.client.patch(API, json={"version": version, "values": {"returns.days": 45}}).status_code == 409


def test_staff_without_the_permission_neither_see_nor_change_settings(client):
    make_user("nuria@example.com", role="staff")
    log_in(client, "nuria@example.com")

    assert client.get(PAGE).status_code == 403
    assert client.get(API).status_code == 403
    assert client.patch(API, json={"version": 1, "values": {}}).status_code == 403
