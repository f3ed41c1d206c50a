"""Taxes and deliveries by pages and by JSON: appended, never overwritten; written as a whole; refused with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.clock import now
from shop.pricing.delivery import Area, Measure, Step
from shop.pricing.places import Destination
from shop.pricing.queries import eu_sales, list_deliveries, list_zones, tax_rates
from shop.pricing.staff import clean_percent, read_areas, read_steps, write_areas, write_steps
from tests.people import log_in, make_user


@pytest.fixture
def boss(client, app):
    """An administrator who is logged in."""
    with app.app_context():
        make_user(email="boss@example.com", role="admin")
    log_in(client, "boss@example.com")
    return client


@pytest.fixture(autouse=True)
def open_door(monkeypatch):
    from shop.web.fields import ShopForm

    monkeypatch.setattr(ShopForm.Meta.csrf_class, "validate_csrf_token", lambda *_: None)


def tomorrow() -> str:
    return (now() + timedelta(days=2)).date().isoformat()


RATE = {"country": "ES", "region": "", "postcode": "", "tax_class": "standard", "percent": "22,5", "since": "2199-01-01"}


def test_a_rate_is_appended_and_the_one_before_stays(boss, app):
    before = len(boss.get("/api/v1/tax-rates").json["items"])

    answer = boss.post("/admin/taxes", data={**RATE, "since": tomorrow()})

    rates = boss.get("/api/v1/tax-rates").json["items"]
    assert answer.status_code == 303
    assert len(rates) == before + 1
    with app.app_context():
        assert tax_rates("ES", at=now())["standard"] == 210000
        assert tax_rates("ES", at=now() + timedelta(days=3))["standard"] == 225000
    assert "Will count" in boss.get("/admin/taxes?country=ES").text


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("country", "XX"), ("country", ""), ("country", "ESP"), ("country", "\0"),
        ("percent", "101"), ("percent", "-1"), ("percent", "NaN"), ("percent", "6.87512"), ("percent", "٣"), ("percent", ""), ("percent", "1e1"),
        ("since", "tomorrow"), ("since", "2026-02-30"), ("since", "1999-12-31"), ("since", "2200-01-01"), ("since", "20260101"), ("since", ""),
        ("tax_class", ""), ("tax_class", "Books!"), ("tax_class", "x" * 41), ("region", "x" * 41), ("postcode", "x" * 21),
    ],
)  # fmt: skip
def test_a_rate_that_is_none_is_refused_and_what_was_typed_stays(boss, field, typed):
    before = boss.get("/api/v1/tax-rates").json

    page = boss.post("/admin/taxes", data={**RATE, field: typed})

    assert page.status_code == 422
    assert 'value="22,5"' in page.text or field == "percent"
    assert boss.get("/api/v1/tax-rates").json == before


BODY = {"country": "ES", "tax_class": "standard", "rate_ppm": 225000, "since": "2199-01-01"}


@pytest.mark.parametrize(
    ("field", "sent", "pointer"),
    [
        ("country", "XX", "/country"), ("country", 1, "/country"), ("rate_ppm", 1_000_001, "/rate_ppm"),
        ("rate_ppm", -1, "/rate_ppm"), ("rate_ppm", 22.5, "/rate_ppm"),
        ("rate_ppm", "2250", "/rate_ppm"), ("since", "2026-13-01", "/since"), ("since", None, "/since"), ("tax_class", "a b", "/tax_class"), ("id", 1, "/id"),
    ],
)  # fmt: skip
def test_json_names_what_is_wrong_with_a_rate(boss, field, sent, pointer):
    answer = boss.post("/api/v1/tax-rates", json={**BODY, field: sent})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_rate_is_taken_back_only_before_it_begins(boss):
    rates = boss.post("/api/v1/tax-rates", json=BODY).json["items"]
    coming, begun = (next(rate["id"] for rate in rates if rate["state"] == state) for state in ("coming", "now"))

    assert boss.post("/api/v1/tax-rates", json=BODY).status_code == 409
    assert boss.delete(f"/api/v1/tax-rates/{begun}").status_code == 409
    assert boss.post(f"/admin/taxes/{begun}/withdrawal").status_code == 409
    assert boss.post(f"/admin/taxes/{coming}/withdrawal").status_code == 303
    assert boss.delete(f"/api/v1/tax-rates/{coming}").status_code == 404


def test_the_tables_are_taken_over_once(boss, app):
    page = boss.post("/admin/taxes/table", data={"place": "US-CA"})
    again = boss.post("/admin/taxes/table", data={"place": "US-CA"}, follow_redirects=True)

    assert page.status_code == 303
    assert "All of them stand here already." in again.text
    with app.app_context():
        assert tax_rates(Destination("US", "CA", "90001"), at=now()) == {"standard": 72500}
    assert boss.post("/admin/taxes/table", data={"place": "US-ZZ"}).status_code == 422
    assert boss.post("/api/v1/tax-rates/adoption", json={"country": "US", "region": "ZZ"}).status_code == 422


def test_how_sales_are_taxed_is_one_setting(boss, app):
    assert boss.post("/admin/taxes/rules", data={"prices_include_tax": "y", "eu_sales": "home"}).status_code == 303
    with app.app_context():
        assert eu_sales().value == "home"
    assert boss.post("/admin/taxes/rules", data={"eu_sales": "moon"}).status_code == 422
    assert boss.put("/api/v1/tax-rules", json={"prices_include_tax": True, "eu_sales": "destination"}).json["eu_sales"] == "destination"
    assert boss.put("/api/v1/tax-rules", json={"prices_include_tax": 1, "eu_sales": "moon"}).status_code == 422


ZONE = {"code": "islands", "name": "Islands", "position": "0", "areas": "ES 35…35\nES 38000...38999\nUS CA\nPT", "version": "0"}


def test_a_zone_is_written_shown_and_removed(boss, app):
    made = boss.post("/admin/delivery/zones", data=ZONE)

    with app.app_context():
        areas = next(zone.areas for zone in list_zones() if zone.code == "islands")
    page = boss.get("/admin/delivery/zones/islands")
    assert made.status_code == 303
    assert areas == (Area("ES", "", "35", "35"), Area("ES", "", "38000", "38999"), Area("US", "CA"), Area("PT"))
    assert "ES 38000…38999\nUS CA" in page.text
    assert "Nothing delivers there" in boss.get("/admin/delivery").text
    assert boss.post("/admin/delivery/zones/islands/removal").status_code == 303
    assert boss.get("/admin/delivery/zones/islands").status_code == 404


def test_two_people_do_not_overwrite_each_others_zone(boss):
    boss.post("/admin/delivery/zones", data=ZONE)

    first = boss.post("/admin/delivery/zones/islands", data={**ZONE, "version": "1", "name": "Isles"})
    second = boss.post("/admin/delivery/zones/islands", data={**ZONE, "version": "1", "name": "Rocks"})

    assert (first.status_code, second.status_code) == (303, 409)
    assert 'value="Rocks"' in second.text
    assert boss.post("/admin/delivery/zones", data=ZONE).status_code == 409, "a second one of this code"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("areas", "Spain"), ("areas", "XX"), ("areas", "ES 39…35"), ("areas", "ES …35"), ("areas", "\0"), ("areas", "E" * 30_000),
        ("code", "Is lands"), ("code", ""), ("name", ""), ("name", "x" * 121), ("position", "-1"), ("position", "NaN"), ("position", "9" * 30),
    ],
)  # fmt: skip
def test_a_zone_that_is_none_is_refused(boss, field, typed):
    assert boss.post("/admin/delivery/zones", data={**ZONE, field: typed}).status_code == 422
    assert "islands" not in boss.get("/admin/delivery").text


METHOD = {
    "code": "freight", "kind": "delivery", "tax_class": "goods", "position": "3", "version": "0",
    "name_en": "Freight", "note_en": "By truck.", "name_es": "Camión",
    "price_home": "12.00", "measure_home": "weight", "most_home": "30000", "steps_home": "10000 = 25.00\n2000 = 18,50", "free_home": "",
    "price_eu": "", "measure_eu": "none", "price_0": "", "measure_0": "none",
}  # fmt: skip


def test_a_method_has_texts_prices_and_steps(boss, app):
    made = boss.post("/admin/delivery/methods", data=METHOD)

    with app.app_context():
        found = next(one for one in list_deliveries("ES", currency="EUR", locale="es") if one.code == "freight")
    page = boss.get("/admin/delivery/methods/freight")
    assert made.status_code == 303
    assert (found.name, found.price_minor, found.measure, found.most) == ("Camión", 1200, "weight", 30_000)
    assert found.steps == (Step(2000, 1850), Step(10_000, 2500))
    assert "2000 = 18.50\n10000 = 25.00" in page.text
    assert boss.post("/admin/delivery/methods/freight/archiving").status_code == 303
    with app.app_context():
        assert "freight" not in [one.code for one in list_deliveries("ES", currency="EUR", locale="es")]
    assert boss.post("/admin/delivery/methods/freight/restoration").status_code == 303
    assert boss.post("/admin/delivery/zones/home/removal").status_code == 409


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("price_home", "-1"), ("price_home", "NaN"), ("price_home", "1.234"), ("steps_home", "2000"),
        ("steps_home", "2000 = x"), ("steps_home", "x = 2"),
        ("steps_home", "2000 = 1\n2000 = 2"), ("steps_home", "-1 = 2"), ("most_home", "heavy"), ("most_home", "-1"),
        ("measure_home", "volume"), ("measure_home", "none"),
        ("kind", "drone"), ("name_en", ""), ("code", ""), ("tax_class", "!"), ("price_0", "5.00"), ("position", "x"),
    ],
)  # fmt: skip
def test_a_method_that_is_none_is_refused_and_nothing_is_written(boss, field, typed):
    page = boss.post("/admin/delivery/methods", data={**METHOD, field: typed})

    assert page.status_code == 422, page.text
    assert "freight" not in [method["code"] for method in boss.get("/api/v1/delivery").json["methods"]]


def test_what_json_shows_can_be_written_back(boss):
    tables = boss.get("/api/v1/delivery").json
    for zone in tables["zones"]:
        body = {name: zone[name] for name in ("name", "position", "areas", "version")}
        assert boss.put(f"/api/v1/delivery-zones/{zone['code']}", json=body).status_code == 200
        assert boss.put(f"/api/v1/delivery-zones/{zone['code']}", json=body).status_code == 409
    for method in tables["methods"]:
        body = {name: method[name] for name in ("kind", "tax_class", "position", "texts", "rates", "version")}
        answer = boss.put(f"/api/v1/delivery-methods/{method['code']}", json=body)
        assert answer.status_code == 200, answer.text

    after = boss.get("/api/v1/delivery").json

    def content(found):
        return [{name: value for name, value in one.items() if name != "version"} for one in found["zones"] + found["methods"]]

    assert content(after) == content(tables)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"rates": [{"zone": "moon", "price": {"minor": 1, "currency": "EUR"}}]}, "/rates"),
        ({"rates": [{"zone": None, "price": {"minor": 1, "currency": "EUR"}}]}, "/rates"),
        ({"rates": [{"zone": "home", "price": {"minor": 1, "currency": "USD"}}]}, "/rates/0/price"),
        ({"rates": [{"zone": "home", "price": {"minor": -1, "currency": "EUR"}}]}, "/rates/0/price"),
        ({"rates": [{"zone": "home", "price": {"minor": 1, "currency": "EUR"}, "most": 5}]}, "/rates"),
        ({"texts": {}}, "/texts"),
        ({"texts": {"xx": {"name": "X"}}}, "/texts"),
        ({"texts": {"en": {"name": ""}}}, "/texts/en/name"),
        ({"texts": {"en": "x"}}, "/texts/en"),
        ({"kind": "drone"}, "/kind"),
    ],
)
def test_json_names_what_is_wrong_with_a_method(boss, change, pointer):
    rate = {"zone": "home", "price": {"minor": 1, "currency": "EUR"}}
    answer = boss.put(
        "/api/v1/delivery-methods/freight", json={"kind": "delivery", "texts": {"en": {"name": "F"}}, "rates": [rate], **change}
    )

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("role", ["staff", "catalog", "customer"])
def test_only_who_may_edit_pricing_gets_in(client, app, role):
    with app.app_context():
        make_user(email="some@example.com", role=role)
    log_in(client, "some@example.com")

    for path in ("/admin/taxes", "/admin/delivery", "/api/v1/tax-rates", "/api/v1/delivery"):
        assert client.get(path).status_code == 403
    assert client.post("/admin/taxes", data=RATE).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["taxes", "taxes/table", "taxes/rules", "delivery/zones", "delivery/zones/home", "delivery/methods", "delivery/methods/standard"],
)
def test_a_press_without_anything_in_it_is_refused(boss, path):
    assert boss.post(f"/admin/{path}").status_code == 422


def test_short_lines_are_read_as_they_are_written():
    areas = (Area("ES"), Area("ES", "", "35", "35"), Area("US", "CA"), Area("JP", "", "100-0001", "100-9999"))
    steps = (Step(0, 100), Step(2000, 1850))

    assert read_areas(write_areas(areas)) == areas
    assert read_steps(write_steps(steps, "EUR", Measure.WEIGHT), "EUR", Measure.WEIGHT) == steps
    assert read_steps(write_steps(steps, "JPY", Measure.AMOUNT), "JPY", Measure.AMOUNT) == steps
    assert [clean_percent(text) for text in ("0", "100", "5.5", "5,05", "6.875")] == [0, 1_000_000, 55_000, 50_500, 68_750]


def test_a_way_to_deliver_is_named_in_the_language_of_its_reader(boss):
    english, spanish = boss.get("/admin/delivery"), boss.get("/es/admin/delivery")

    assert ">Parcel</a>" in english.text
    assert ">Paquete</a>" in spanish.text
