"""Taxes and deliveries for programs of the staff. Rates are appended; zones and methods are written as a whole under their code."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound, StaleVersion
from shop.money import Money
from shop.pricing import bp
from shop.pricing.deliveries import MethodDraft, RateDraft, archive_method, remove_zone, restore_method, write_method, write_zone
from shop.pricing.delivery import Area, Step, Zone
from shop.pricing.queries import eu_sales, prices_include_tax
from shop.pricing.rates import TableRate
from shop.pricing.schemas import (
    CODE_PATTERN,
    AdoptionSchema,
    DeliveryTablesSchema,
    MethodSchema,
    TaxRateBodySchema,
    TaxRatesSchema,
    TaxRulesSchema,
    ZoneSchema,
)
from shop.pricing.staff import StaffMethod, StaffZone, list_methods, list_rates, list_staff_zones
from shop.pricing.taxes import adopt_rates, append_rate, set_tax_rules, withdraw_rate
from shop.web.api import describe
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

NEEDED: dict[str, Any] = {"permission": "pricing.edit"}
body, adoption, rules, rates = TaxRateBodySchema(), AdoptionSchema(), TaxRulesSchema(), TaxRatesSchema()
zone_body, method_body, tables = ZoneSchema(), MethodSchema(), DeliveryTablesSchema()


def _owner() -> str:
    return f"user:{current_user.id}"


@bp.get("/api/v1/tax-rates")
@describe("All tax rates, by place and class, oldest first", answer=rates, **NEEDED)
def list_tax_rates_json() -> ResponseReturnValue:
    return _rates()


def _rates(status: int = 200) -> ResponseReturnValue:
    items = [
        {
            **{name: getattr(one.row, name) for name in ("id", "country", "region", "postcode", "tax_class", "rate_ppm")},
            "valid_from": one.row.valid_from.isoformat(),
            "state": one.state,
        }
        for one in list_rates(at=now())
    ]
    return json_response({"items": items, "prices_include_tax": prices_include_tax(), "eu_sales": eu_sales().value}, status)


@bp.post("/api/v1/tax-rates")
@describe("Let a tax rate count from a day on", body=body, answer=rates, status=201, errors=[Invalid, Conflict], **NEEDED)
@idempotent(_owner)
def append_tax_rate_json() -> ResponseReturnValue:
    sent = load_body(body)
    rate = TableRate(_country(sent["country"]), sent["region"], sent["postcode"], sent["tax_class"], sent["since"], sent["rate_ppm"])
    append_rate(rate, by=current_user.email, at=now())
    return _rates(201)


def _country(text: str) -> str:
    from shop.customer.addresses import all_countries

    if text.upper() not in all_countries():
        raise Invalid({"/country": [_("Send a country's code such as ES.")]})
    return text.upper()


@bp.post("/api/v1/tax-rates/adoption")
@describe("Take over the rates that the tables know of a place", body=adoption, answer=rates, errors=[Invalid], **NEEDED)
def adopt_tax_rates_json() -> ResponseReturnValue:
    sent = load_body(adoption)
    adopt_rates(sent["country"].upper(), sent["region"].upper(), by=current_user.email, at=now())
    return _rates()


@bp.delete("/api/v1/tax-rates/<int:rate_id>")
@describe("Take a rate back that has not begun", status=204, errors=[NotFound, Conflict], **NEEDED)
def withdraw_tax_rate_json(rate_id: int) -> ResponseReturnValue:
    withdraw_rate(rate_id, at=now())
    return current_app.response_class(status=204)


@bp.put("/api/v1/tax-rules")
@describe("Say how sales are taxed", body=rules, answer=rates, errors=[Invalid], **NEEDED)
def set_tax_rules_json() -> ResponseReturnValue:
    set_tax_rules(**load_body(rules), at=now())
    return _rates()


@bp.get("/api/v1/delivery")
@describe("All zones and ways to deliver", answer=tables, **NEEDED)
def list_delivery_json() -> ResponseReturnValue:
    return _tables()


def _tables(status: int = 200) -> ResponseReturnValue:
    zones = [_dump_zone(zone) for zone in list_staff_zones()]
    return json_response({"zones": zones, "methods": [_dump_method(method) for method in list_methods()]}, status)


@bp.put("/api/v1/delivery-zones/<code>")
@describe("Make or replace a zone", body=zone_body, answer=tables, errors=[Invalid, StaleVersion], **NEEDED)
def write_zone_json(code: str) -> ResponseReturnValue:
    sent = load_body(zone_body)
    areas = tuple(Area(**{**area, "country": area["country"].upper()}) for area in sent["areas"])
    write_zone(Zone(_code(code), sent["name"], areas), position=sent["position"], expected_version=sent["version"])
    return _tables()


def _code(code: str) -> str:
    if not re.fullmatch(CODE_PATTERN, code):
        raise Invalid({"": [_("Use small letters, digits, - and _, 40 at most.")]})
    return code


@bp.delete("/api/v1/delivery-zones/<code>")
@describe("Remove a zone in which nothing has a price", status=204, errors=[NotFound, Conflict], **NEEDED)
def remove_zone_json(code: str) -> ResponseReturnValue:
    remove_zone(code)
    return current_app.response_class(status=204)


@bp.put("/api/v1/delivery-methods/<code>")
@describe("Make or replace a way to deliver", body=method_body, answer=tables, errors=[Invalid, StaleVersion], **NEEDED)
def write_method_json(code: str) -> ResponseReturnValue:
    sent = load_body(method_body)
    texts = {locale: (text["name"], text["note"]) for locale, text in sent["texts"].items()}
    draft = MethodDraft(_code(code), sent["kind"], texts, [_cost(cost) for cost in sent["rates"]], sent["tax_class"], sent["position"])
    write_method(draft, expected_version=sent["version"])
    return _tables()


def _cost(sent: dict[str, Any]) -> RateDraft:
    return RateDraft(
        sent["zone"],
        sent["price"].minor,
        sent["free_from"].minor if sent["free_from"] else None,
        sent["measure"],
        sent["most"],
        tuple(Step(step["from_value"], step["price"].minor) for step in sent["steps"]),
    )


@bp.post("/api/v1/delivery-methods/<code>/archiving")
@describe("Offer a way to deliver no longer", answer=tables, errors=[NotFound], **NEEDED)
def archive_method_json(code: str) -> ResponseReturnValue:
    archive_method(code, at=now())
    return _tables()


@bp.delete("/api/v1/delivery-methods/<code>/archiving")
@describe("Offer a way to deliver again", answer=tables, errors=[NotFound], **NEEDED)
def restore_method_json(code: str) -> ResponseReturnValue:
    restore_method(code)
    return _tables()


def _dump_zone(found: StaffZone) -> dict[str, Any]:
    areas = [{name: getattr(area, name) for name in Area.__slots__} for area in found.zone.areas]
    return {"code": found.row.code, "name": found.row.name, "position": found.row.position, "version": found.row.version, "areas": areas}


def _dump_method(found: StaffMethod) -> dict[str, Any]:
    row = found.row
    return {
        "code": row.code,
        "kind": row.kind.value,
        "tax_class": row.tax_class,
        "position": row.position,
        "version": row.version,
        "archived_at": row.archived_at and row.archived_at.isoformat(),
        "texts": {locale: {"name": name, "note": note} for locale, (name, note) in found.texts.items()},
        "rates": [
            {
                "zone": cost.row.zone,
                "price": Money(cost.row.price_minor, cost.row.currency).dump(),
                "free_from": None if cost.row.free_from_minor is None else Money(cost.row.free_from_minor, cost.row.currency).dump(),
                "measure": cost.row.measure.value,
                "most": cost.row.most,
                "steps": [
                    {"from_value": step.from_value, "price": Money(step.price_minor, cost.row.currency).dump()} for step in cost.steps
                ],
            }
            for cost in found.costs
        ],
    }
