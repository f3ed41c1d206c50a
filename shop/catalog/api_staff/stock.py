"""Stock: the list, setting and adding pieces, the ledger."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_login import current_user

from shop.catalog import bp
from shop.catalog.api_staff import next_url, owner
from shop.catalog.services import book_stock, set_stock_level
from shop.catalog.staff_answers import LedgerSchema, StockItemSchema, StockListSchema
from shop.catalog.staff_schemas import DeliverySchema, LedgerQuery, StockBodySchema, StockQuery
from shop.catalog.staff_stock import StockRow, get_stock, list_movements, list_stock
from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound
from shop.inventory.models import Reason
from shop.inventory.services import Backorder
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

query, found, ledger_query, ledger = StockQuery(), StockListSchema(), LedgerQuery(), LedgerSchema()
level, delivery, item = StockBodySchema(), DeliverySchema(), StockItemSchema()


@bp.get("/api/v1/stock")
@describe("The variants on sale and how many there are", query=query, answer=found, permission="products.view", errors=[Invalid])
def list_stock_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_stock(asked["view"], asked["q"], current_locale(), limit=asked["limit"], cursor=asked["cursor"])
    following = next_url("catalog.list_stock_json", page.next_cursor, asked)
    return json_response({"items": [_dump(line) for line in page.items], "next": following})


@bp.put("/api/v1/variants/<int:variant_id>/stock")
@describe("Say how many pieces there are", body=level, answer=item, permission="stock.edit", errors=[NotFound])
def set_stock_json(variant_id: int) -> ResponseReturnValue:
    wanted = load_body(level)
    backorder = None if wanted["backorder_to"] is None else Backorder(wanted["backorder_to"], wanted["lead_days"])
    set_stock_level(
        variant_id,
        wanted["on_hand"],
        low_at=wanted["low_at"],
        backorder=backorder,
        reason=wanted["reason"],
        by=current_user.email,
        at=now(),
    )
    return json_response(_dump(get_stock(variant_id, current_locale())))


@bp.post("/api/v1/variants/<int:variant_id>/deliveries")
@describe("Add pieces that came in", body=delivery, answer=item, status=201, permission="stock.edit", errors=[NotFound, Conflict])
@idempotent(owner)
def book_delivery_json(variant_id: int) -> ResponseReturnValue:
    wanted = load_body(delivery)
    book_stock({variant_id: wanted["quantity"]}, reason=Reason.DELIVERY.value, by=current_user.email, at=now())
    return json_response(_dump(get_stock(variant_id, current_locale())), 201)


@bp.get("/api/v1/variants/<int:variant_id>/movements")
@describe(
    "The ledger of a variant, newest first", query=ledger_query, answer=ledger, permission="products.view", errors=[NotFound, Invalid]
)
def list_movements_json(variant_id: int) -> ResponseReturnValue:
    asked = load_query(ledger_query)
    known = get_stock(variant_id, current_locale())
    page = list_movements(variant_id, known.variant.on_hand or 0, limit=asked["limit"], cursor=asked["cursor"])
    items = [{**line._asdict(), "reason": str(line.reason), "at": line.at.isoformat()} for line in page.items]
    following = next_url("catalog.list_movements_json", page.next_cursor, asked, variant_id=variant_id)
    return json_response({"items": items, "next": following})


def _dump(line: StockRow) -> dict[str, Any]:
    return {
        "variant_id": line.variant.id,
        "product_id": line.variant.product_id,
        "name": line.variant.name,
        "options": line.words,
        "sku": line.variant.sku,
        "on_hand": line.on_hand,
        "low_at": line.variant.low_at,
        "backorder_to": line.variant.backorder_to,
        "lead_days": line.variant.lead_days,
    }
