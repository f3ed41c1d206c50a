"""Categories: a new one, a change, the archive, and away with an empty one."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue

from shop.catalog import bp
from shop.catalog.api_staff import WHAT_MAY_STOP, owner, version_of
from shop.catalog.services import archive_category, change_category, create_category, delete_category, restore_category
from shop.catalog.staff_answers import CategoryRecordSchema
from shop.catalog.staff_queries import get_shelf
from shop.catalog.staff_schemas import CategoryBodySchema, CategoryChangeSchema
from shop.clock import now
from shop.errors import Conflict, NotFound
from shop.web.api import describe
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

new, change, record = CategoryBodySchema(), CategoryChangeSchema(), CategoryRecordSchema()


@bp.post("/api/v1/categories")
@describe("Make a category", body=new, answer=record, status=201, permission="products.edit", errors=[NotFound])
@idempotent(owner)
def create_category_json() -> ResponseReturnValue:
    wanted = load_body(new)
    return json_response(_dump(create_category(wanted.pop("texts"), **wanted, at=now())), 201)


@bp.patch("/api/v1/categories/<int:category_id>")
@describe(
    "Change what is named of a category; its branch moves along",
    body=change,
    answer=record,
    permission="products.edit",
    errors=WHAT_MAY_STOP,
)
def change_category_json(category_id: int) -> ResponseReturnValue:
    wanted = load_body(change)
    version = version_of(wanted)
    change_category(category_id, **wanted, expected_version=version, at=now())
    return json_response(_dump(category_id))


@bp.delete("/api/v1/categories/<int:category_id>")
@describe("Remove an empty category for good", status=204, permission="products.edit", errors=[NotFound, Conflict])
def delete_category_json(category_id: int) -> ResponseReturnValue:
    delete_category(category_id)
    return current_app.response_class(status=204)


@bp.post("/api/v1/categories/<int:category_id>/archiving")
@describe("Take a category and those below it out of the shop", answer=record, permission="products.edit", errors=[NotFound])
def archive_category_json(category_id: int) -> ResponseReturnValue:
    archive_category(category_id, at=now())
    return json_response(_dump(category_id))


@bp.delete("/api/v1/categories/<int:category_id>/archiving")
@describe("Bring an archived category back", answer=record, permission="products.edit", errors=[NotFound, Conflict])
def restore_category_json(category_id: int) -> ResponseReturnValue:
    restore_category(category_id, at=now())
    return json_response(_dump(category_id))


def _dump(category_id: int) -> dict[str, Any]:
    shelf = get_shelf(category_id, current_locale())
    return {
        "id": shelf.id,
        "version": shelf.row.version,
        "parent_id": shelf.row.parent_id,
        "position": shelf.row.position,
        "texts": shelf.texts,
        "count": shelf.row.product_count,
        "archived_at": shelf.row.archived_at and shelf.row.archived_at.isoformat(),
    }
