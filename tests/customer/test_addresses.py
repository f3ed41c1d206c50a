"""Addresses by country: what is asked, what is said when it is wrong, how it is written down."""

from __future__ import annotations

import pytest

from shop.customer.addresses import (
    WrongAddress,
    address_lines,
    address_rules,
    all_countries,
    clean_address,
    list_countries,
)
from shop.web.locale import speaking

GOOD = {
    "ES": {"line1": "Calle Feria 18", "postcode": "41003", "city": "Sevilla"},
    "PT": {"line1": "Rua Augusta 1", "postcode": "1100048", "city": "Lisboa"},
    "DE": {"line1": "Torstr. 1", "postcode": "10119", "city": "Berlin"},
    "GB": {"line1": "1 High Street", "postcode": "ec1y8sy", "city": "London"},
    "US": {"line1": "1 Main St", "postcode": "95014", "city": "Cupertino", "region": "california"},
    "IE": {"line1": "1 Main St", "city": "Cork"},
    "JP": {"line1": "銀座1-1", "postcode": "1040061", "region": "東京都"},
    "AW": {"line1": "L.G. Smith Blvd 1", "city": "Oranjestad"},
}


def clean(country: str, **changes: str):
    return clean_address({"name": "Ana", "country": country, **GOOD[country], **changes}, countries=all_countries())


def problems(country: str, **changes: str) -> dict[str, str]:
    with pytest.raises(WrongAddress) as caught:
        clean(country, **changes)
    return caught.value.errors


@pytest.mark.parametrize(
    ("country", "postcode", "region"),
    [
        ("ES", "41003", "SE"),
        ("PT", "1100-048", ""),
        ("DE", "10119", ""),
        ("GB", "EC1Y 8SY", ""),
        ("US", "95014", "CA"),
        ("IE", "", ""),
        ("JP", "104-0061", "東京都"),
        ("AW", "", ""),
    ],
)
def test_a_good_address_comes_back_as_its_post_writes_it(context, country, postcode, region):
    address = clean(country)

    assert (address.country, address.postcode, address.region) == (country, postcode, region)


@pytest.mark.parametrize(
    ("country", "changes", "fields"),
    [
        ("ES", {"postcode": "4100"}, {"postcode"}),
        ("ES", {"postcode": "99999"}, {"postcode"}),
        ("ES", {"postcode": "٤١٠٠٣"}, {"postcode"}),
        ("ES", {"name": " ", "line1": "", "city": "", "postcode": ""}, {"name", "line1", "city", "postcode"}),
        ("ES", {"line1": "x\x00y"}, {"line1"}),
        ("ES", {"city": "\ud800"}, {"city"}),
        ("ES", {"name": "x" * 121}, {"name"}),
        ("ES", {"phone": "call me"}, {"phone"}),
        ("US", {"region": ""}, {"region"}),
        ("US", {"region": "Bavaria"}, {"region"}),
        ("US", {"postcode": "10001"}, {"postcode"}),
        ("GB", {"postcode": "GIR 0AA and more"}, {"postcode"}),
    ],
)
def test_each_wrong_field_is_named(context, country, changes, fields):
    assert set(problems(country, **changes)) == fields


@pytest.mark.parametrize("country", ["", "ZZ", "Spain", "E", "..", "es\x00", "AQQ"])
def test_a_country_that_is_not_offered_is_refused(context, country):
    with pytest.raises(WrongAddress) as caught:
        clean_address({"name": "Ana", "country": country}, countries={"ES"})

    assert set(caught.value.errors) == {"country"}


def test_what_a_country_does_not_use_is_left_out(context):
    assert clean("DE", region="Berlin").region == ""


def test_a_name_is_enough_where_it_is_collected(context):
    address = clean_address({"name": "Ana", "country": "ES"}, countries={"ES"}, needs_place=False)

    assert address.name == "Ana"
    assert address_lines(address, "en") == ["Ana"]


def test_every_country_has_rules(context):
    for country in all_countries():
        rules = address_rules(country)
        assert "line1" in rules.fields
        assert rules.required <= set(rules.fields)
        assert all(str(rules.label(field)) for field in ("postcode", "city", "region"))


def test_countries_stand_in_the_order_of_the_alphabet(context):
    assert [name for _code, name in list_countries({"ES", "AT", "GB"}, "es")] == ["Austria", "España", "Reino Unido"]
    assert [name for _code, name in list_countries({"AX", "ES", "AT"}, "en")] == ["Åland Islands", "Austria", "Spain"]


def test_an_address_is_written_as_there(context):
    assert address_lines(clean("ES"), "es") == ["Ana", "Calle Feria 18", "41003 Sevilla", "España"]
    assert address_lines(clean("US"), "en") == ["Ana", "1 Main St", "Cupertino, California 95014", "United States"]


def test_labels_and_sentences_follow_the_language(app):
    with app.test_request_context("/es/checkout"), speaking("es"):
        assert problems("ES", postcode="1")["postcode"]
