"""Products: the list and the record, a new one, a change, the archive."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.catalog import bp
from shop.catalog.api_staff import WHAT_MAY_STOP, next_url, owner, version_of
from shop.catalog.pictures import dump_picture
from shop.catalog.services import archive_product, change_product, create_product, restore_product, set_attributes
from shop.catalog.staff_answers import RecordListSchema, RecordSchema
from shop.catalog.staff_product import StaffOption, StaffPicture, StaffVariant, get_staff_product
from shop.catalog.staff_queries import Wanted, list_products, state_of
from shop.catalog.staff_schemas import AttributesSchema, ProductBodySchema, ProductChangeSchema, RecordsQuery
from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound
from shop.money import Money
from shop.pricing.queries import tax_rates
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

query, records, record = RecordsQuery(), RecordListSchema(), RecordSchema()
new, change, attributes = ProductBodySchema(), ProductChangeSchema(), AttributesSchema()


@bp.get("/api/v1/product-records")
@describe("The products of any state, newest first", query=query, answer=records, permission="products.view", errors=[Invalid])
def list_product_records_json() -> ResponseReturnValue:
    asked, at = load_query(query), now()
    wanted = Wanted(state=asked["state"], supply=asked["supply"], category_id=asked["category"], search=asked["q"])
    page, amounts = list_products(wanted, current_locale(), limit=asked["limit"], cursor=asked["cursor"], at=at)
    currency = current_app.extensions["config"].currency
    items = []
    for found in page.items:
        amount = amounts.get(found.id)
        items.append(
            {
                "id": found.id,
                "url": record_url(found.id),
                "name": found.name,
                "state": state_of(found, at).value,
                "version": found.version,
                "price_from": None if found.price_from_minor is None else Money(found.price_from_minor, currency).dump(),
                "on_hand": amount.on_hand if amount else None,
                "variants": amount.variants if amount else 0,
            }
        )
    return json_response({"items": items, "next": next_url("catalog.list_product_records_json", page.next_cursor, asked)})


@bp.get("/api/v1/product-records/<int:product_id>")
@describe("A product as staff sees it, drafts included", answer=record, permission="products.view", errors=[NotFound])
def show_product_record_json(product_id: int) -> ResponseReturnValue:
    return json_response(dump_record(product_id))


@bp.post("/api/v1/products")
@describe("Describe a new product", body=new, answer=record, status=201, permission="products.edit", errors=[Conflict, NotFound])
@idempotent(owner)
def create_product_json() -> ResponseReturnValue:
    wanted = load_body(new)
    check_tax_class(wanted)
    return made(create_product(wanted.pop("texts"), **wanted, at=now()))


@bp.patch("/api/v1/products/<int:product_id>")
@describe("Change what is named of a product", body=change, answer=record, permission="products.edit", errors=WHAT_MAY_STOP)
def change_product_json(product_id: int) -> ResponseReturnValue:
    wanted = load_body(change)
    check_tax_class(wanted)
    version = version_of(wanted)
    change_product(product_id, **wanted, expected_version=version, at=now())
    return json_response(dump_record(product_id))


@bp.post("/api/v1/products/<int:product_id>/archiving")
@describe("Take a product out of the shop; orders keep pointing at it", answer=record, permission="products.edit", errors=[NotFound])
def archive_product_json(product_id: int) -> ResponseReturnValue:
    archive_product(product_id, at=now())
    return json_response(dump_record(product_id))


@bp.delete("/api/v1/products/<int:product_id>/archiving")
@describe("Bring an archived product back", answer=record, permission="products.edit", errors=[NotFound])
def restore_product_json(product_id: int) -> ResponseReturnValue:
    restore_product(product_id, at=now())
    return json_response(dump_record(product_id))


@bp.put("/api/v1/products/<int:product_id>/attributes")
@describe("Give a product exactly these attributes", body=attributes, answer=record, permission="products.edit", errors=WHAT_MAY_STOP)
def set_attributes_json(product_id: int) -> ResponseReturnValue:
    wanted = load_body(attributes)
    set_attributes(product_id, wanted["attributes"], expected_version=version_of(wanted), at=now())
    return json_response(dump_record(product_id))


def check_tax_class(wanted: dict[str, Any]) -> None:
    """A class without rates would be sold without tax, and nobody would notice.

    Raises:
        Invalid: there are no rates for it.
    """
    known = tax_rates(current_app.extensions["config"].country, at=now())
    if wanted.get("tax_class", "standard") not in known:
        raise Invalid({"/tax_class": [_("Send one of: %(words)s.", words=", ".join(sorted(known)))]})


# The record


def record_url(product_id: int) -> str:
    return url_for("catalog.show_product_record_json", product_id=product_id)


def made(product_id: int) -> ResponseReturnValue:
    """201 with the record, and where it is."""
    return json_response(dump_record(product_id), 201, {"Location": record_url(product_id)})


def dump_record(product_id: int) -> dict[str, Any]:
    product = get_staff_product(product_id, at=now())
    known = product.row
    return {
        "id": product.id,
        "version": product.version,
        "handle": known.handle,
        "state": product.state.value,
        "texts": product.texts,
        "brand": known.brand,
        "kind": known.kind,
        "tax_class": known.tax_class,
        "position": known.position,
        "category_ids": product.category_ids,
        "tags": product.tags,
        "published_at": known.published_at and known.published_at.isoformat(),
        "archived_at": known.archived_at and known.archived_at.isoformat(),
        "options": [_dump_option(option) for option in product.options],
        "variants": [_dump_variant(variant) for variant in product.variants],
        "images": [_dump_image(picture) for picture in product.pictures],
        "attributes": product.facts,
    }


def _dump_option(option: StaffOption) -> dict[str, Any]:
    values = [{"id": value.id, "code": value.code, "names": value.names, "swatch": value.swatch} for value in option.values]
    return {"id": option.id, "code": option.code, "names": option.names, "values": values}


def _dump_variant(variant: StaffVariant) -> dict[str, Any]:
    return {
        "id": variant.id,
        "version": variant.version,
        "sku": variant.sku,
        "barcode": variant.barcode,
        "value_ids": sorted(variant.values.values()),
        "price": variant.price and variant.price.dump(),
        "compare_at": variant.compare_at and variant.compare_at.dump(),
        "weight_g": variant.weight_g,
        "requires_shipping": variant.requires_shipping,
        "image_id": variant.product_image_id,
        "on_hand": variant.on_hand,
        "low_at": variant.low_at,
        "archived_at": variant.archived_at and variant.archived_at.isoformat(),
    }


def _dump_image(picture: StaffPicture) -> dict[str, Any]:
    return {"id": picture.id, **(dump_picture(picture.image) or {}), "alt": picture.alts}
