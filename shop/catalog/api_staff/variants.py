"""Variants: a new one, a change, its price, the archive. Each answers with the record of its product."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_login import current_user

from shop.catalog import bp
from shop.catalog.api_staff import WHAT_MAY_STOP, owner, version_of
from shop.catalog.api_staff.products import dump_record, made, record
from shop.catalog.services import archive_variant, change_variant, create_variant, restore_variant, set_price
from shop.catalog.staff_product import get_product_of_variant
from shop.catalog.staff_schemas import PriceBodySchema, VariantBodySchema, VariantChangeSchema
from shop.clock import now
from shop.errors import Conflict, NotFound
from shop.web.api import describe
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

new, change, price = VariantBodySchema(), VariantChangeSchema(), PriceBodySchema()


@bp.post("/api/v1/products/<int:product_id>/variants")
@describe("Add a variant", body=new, answer=record, status=201, permission="products.edit", errors=WHAT_MAY_STOP)
@idempotent(owner)
def create_variant_json(product_id: int) -> ResponseReturnValue:
    wanted = _columns(load_body(new))
    version, now_, former = version_of(wanted), wanted.pop("price", None), wanted.pop("compare_at", None)
    create_variant(
        product_id,
        **wanted,
        price_minor=now_ and now_.minor,
        compare_at_minor=former and former.minor,
        by=current_user.email,
        expected_version=version,
        at=now(),
    )
    return made(product_id)


@bp.patch("/api/v1/variants/<int:variant_id>")
@describe("Change what is named of a variant", body=change, answer=record, permission="products.edit", errors=WHAT_MAY_STOP)
def change_variant_json(variant_id: int) -> ResponseReturnValue:
    wanted = _columns(load_body(change))
    version = version_of(wanted)
    change_variant(variant_id, **wanted, expected_version=version, at=now())
    return answer(variant_id)


@bp.put("/api/v1/variants/<int:variant_id>/price")
@describe(
    "Set the price of a variant, now or from a moment on", body=price, answer=record, permission="products.edit", errors=WHAT_MAY_STOP
)
def set_price_json(variant_id: int) -> ResponseReturnValue:
    wanted = load_body(price)
    former = wanted["compare_at"]
    set_price(
        variant_id,
        wanted["price"].minor,
        compare_at_minor=former and former.minor,
        valid_from=wanted["valid_from"],
        expected_version=version_of(wanted),
        at=now(),
    )
    return answer(variant_id)


@bp.post("/api/v1/variants/<int:variant_id>/archiving")
@describe("No longer sell a variant", answer=record, permission="products.edit", errors=[NotFound])
def archive_variant_json(variant_id: int) -> ResponseReturnValue:
    archive_variant(variant_id, at=now())
    return answer(variant_id)


@bp.delete("/api/v1/variants/<int:variant_id>/archiving")
@describe("Sell an archived variant again", answer=record, permission="products.edit", errors=[NotFound, Conflict])
def restore_variant_json(variant_id: int) -> ResponseReturnValue:
    restore_variant(variant_id, at=now())
    return answer(variant_id)


def answer(variant_id: int) -> ResponseReturnValue:
    """The record of the product whose variant this is."""
    return json_response(dump_record(get_product_of_variant(variant_id, at=now()).id))


def _columns(wanted: dict[str, Any]) -> dict[str, Any]:
    """``image_id`` under the name that the verbs have for it."""
    return {"product_image_id" if name == "image_id" else name: value for name, value in wanted.items()}
