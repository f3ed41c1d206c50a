"""Promotions for programs of the staff: the same rules, the same services as the pages."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask.typing import ResponseReturnValue

from shop.catalog.api_staff import next_url, owner
from shop.clock import now
from shop.errors import Invalid, NotFound, StaleVersion
from shop.promotion import bp
from shop.promotion.queries import get_promotion, list_codes, list_promotions, state_of
from shop.promotion.services import (
    CodeTaken,
    add_code,
    change_promotion,
    create_promotion,
    end_code,
    end_promotion,
    make_codes,
    restart_promotion,
)
from shop.promotion.staff_schemas import (
    BatchAnswerSchema,
    BatchBodySchema,
    CodeBodySchema,
    CodeListSchema,
    CodePageSchema,
    PromotionBodySchema,
    PromotionChangeSchema,
    PromotionListSchema,
    PromotionQuerySchema,
    PromotionRecordSchema,
    dump_draft,
    read_draft,
)
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

MAY = "promotions.edit"
new, change, record = PromotionBodySchema(), PromotionChangeSchema(), PromotionRecordSchema()
listing, query, code_page, code_list = PromotionListSchema(), PromotionQuerySchema(), CodePageSchema(), CodeListSchema()
code_body, batch_body, batch_answer = CodeBodySchema(), BatchBodySchema(), BatchAnswerSchema()


@bp.get("/api/v1/promotions")
@describe("Promotions, newest first", query=query, answer=listing, permission=MAY)
def list_promotions_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_promotions(current_locale(), state=asked["state"], search=asked["q"], cursor=asked["cursor"], at=now())
    items = [
        {
            "id": found.id,
            "url": url_for("promotion.show_promotion_json", promotion_id=found.id),
            "name": found.name,
            "kind": found.kind.value,
            "state": state_of(found, now()).value,
            "used": found.used,
            "codes": found.codes,
        }
        for found in page.items
    ]
    return json_response({"items": items, "next": next_url("promotion.list_promotions_json", page.next_cursor, asked)})


@bp.post("/api/v1/promotions")
@describe("Make a promotion", body=new, answer=record, status=201, permission=MAY, errors=[Invalid])
@idempotent(owner)
def create_promotion_json() -> ResponseReturnValue:
    promotion_id = create_promotion(read_draft(load_body(new)), at=now())
    return json_response(_dump(promotion_id), 201, {"Location": url_for("promotion.show_promotion_json", promotion_id=promotion_id)})


@bp.get("/api/v1/promotions/<int:promotion_id>")
@describe("One promotion with everything about it", answer=record, permission=MAY, errors=[NotFound])
def show_promotion_json(promotion_id: int) -> ResponseReturnValue:
    return json_response(_dump(promotion_id))


@bp.put("/api/v1/promotions/<int:promotion_id>")
@describe("Write a promotion anew", body=change, answer=record, permission=MAY, errors=[NotFound, Invalid, StaleVersion])
def change_promotion_json(promotion_id: int) -> ResponseReturnValue:
    wanted = load_body(change)
    change_promotion(promotion_id, read_draft(wanted), expected_version=wanted["version"])
    return json_response(_dump(promotion_id))


@bp.post("/api/v1/promotions/<int:promotion_id>/end")
@describe("End a promotion and all its codes", answer=record, permission=MAY, errors=[NotFound])
def end_promotion_json(promotion_id: int) -> ResponseReturnValue:
    end_promotion(promotion_id, at=now())
    return json_response(_dump(promotion_id))


@bp.delete("/api/v1/promotions/<int:promotion_id>/end")
@describe("Let a promotion count again", answer=record, permission=MAY, errors=[NotFound])
def restart_promotion_json(promotion_id: int) -> ResponseReturnValue:
    restart_promotion(promotion_id)
    return json_response(_dump(promotion_id))


@bp.get("/api/v1/promotions/<int:promotion_id>/codes")
@describe("The codes of a promotion", query=code_page, answer=code_list, permission=MAY, errors=[NotFound])
def list_codes_json(promotion_id: int) -> ResponseReturnValue:
    asked = load_query(code_page)
    get_promotion(promotion_id, current_locale())
    page = list_codes(promotion_id, cursor=asked["cursor"])
    items = [
        {
            "id": code.id,
            "code": code.code,
            "batch": code.batch,
            "max_uses": code.max_uses,
            "used": code.used,
            "ended_at": code.ended_at and code.ended_at.isoformat(),
        }
        for code in page.items
    ]
    following = next_url("promotion.list_codes_json", page.next_cursor, asked, promotion_id=promotion_id)
    return json_response({"items": items, "next": following})


@bp.post("/api/v1/promotions/<int:promotion_id>/codes")
@describe("Give a promotion a code", body=code_body, answer=batch_answer, status=201, permission=MAY, errors=[NotFound, Invalid, CodeTaken])
@idempotent(owner)
def add_code_json(promotion_id: int) -> ResponseReturnValue:
    wanted = load_body(code_body)
    return json_response({"codes": [add_code(promotion_id, wanted["code"], max_uses=wanted["max_uses"], at=now())]}, 201)


@bp.post("/api/v1/promotions/<int:promotion_id>/batches")
@describe(
    "Make many codes that nobody guesses", body=batch_body, answer=batch_answer, status=201, permission=MAY, errors=[NotFound, Invalid]
)
@idempotent(owner)
def make_codes_json(promotion_id: int) -> ResponseReturnValue:
    wanted = load_body(batch_body)
    return json_response({"codes": make_codes(promotion_id, wanted.pop("count"), **wanted, at=now())}, 201)


@bp.delete("/api/v1/promotions/<int:promotion_id>/codes/<int:code_id>")
@describe("End one code", status=204, permission=MAY, errors=[NotFound])
def end_code_json(promotion_id: int, code_id: int) -> ResponseReturnValue:
    end_code(code_id, promotion_id=promotion_id, at=now())
    return current_app.response_class(status=204)


def _dump(promotion_id: int) -> dict[str, Any]:
    found = get_promotion(promotion_id, current_locale())
    return {
        "id": found.id,
        "version": found.row.version,
        "state": state_of(found.row, now()).value,
        "used": found.row.used,
        "ended_at": found.row.ended_at and found.row.ended_at.isoformat(),
        **dump_draft(found.draft, current_app.extensions["config"].currency),
    }
