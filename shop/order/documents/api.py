"""The same for programs: the numbers of an order's papers, as they were issued."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import fields

from shop.errors import NotFound
from shop.money import Money
from shop.order import bp
from shop.order.documents.queries import get_document, list_documents
from shop.order.queries import get_own_order
from shop.order.schemas import OrderQuerySchema
from shop.web.api import describe, load_query
from shop.web.context import user
from shop.web.fields import MoneyAmount, ShopSchema, Text
from shop.web.json import json_response


class DocumentItemSchema(ShopSchema):
    """An invoice or a credit note; ``pdf`` is the file."""

    number = Text()
    kind = Text()
    issued_at = Text()
    net = MoneyAmount()
    tax = MoneyAmount()
    gross = MoneyAmount()
    url = Text()
    pdf = Text()


class DocumentListSchema(ShopSchema):
    """The papers of an order, oldest first."""

    items = fields.List(fields.Nested(DocumentItemSchema))


class DocumentSchema(DocumentItemSchema):
    """One of them: ``facts`` are its numbers, ``paper`` its words, ``hash`` its seal."""

    facts = fields.Dict()
    paper = fields.Dict()
    hash = Text()


query, answers, answer = OrderQuerySchema(), DocumentListSchema(), DocumentSchema()


@bp.get("/api/v1/orders/<number>/documents")
@describe("The invoices and credit notes of an order", query=query, answer=answers, errors=[NotFound])
def list_documents_json(number: str) -> ResponseReturnValue:
    key = load_query(query).get("key", "")
    order = get_own_order(number, key, user())
    return json_response({"items": [_dump(order.number, found, key) for found in list_documents(order.id)]})


@bp.get("/api/v1/orders/<number>/documents/<document>")
@describe("An invoice or a credit note as it was issued", query=query, answer=answer, errors=[NotFound])
def show_document_json(number: str, document: str) -> ResponseReturnValue:
    key = load_query(query).get("key", "")
    order = get_own_order(number, key, user())
    found = get_document(order.id, document)
    return json_response({**_dump(order.number, found, key), "facts": found.facts, "paper": found.paper, "hash": found.hash})


def _dump(number: str, found: Any, key: str) -> dict[str, Any]:
    where = {"number": number, "document": found.number, "key": key or None}
    return {
        "number": found.number,
        "kind": found.kind.value,
        "issued_at": found.issued_at.isoformat(),
        **{name: Money(getattr(found, f"{name}_minor"), found.currency).dump() for name in ("net", "tax", "gross")},
        "url": url_for("order.show_document_json", **where),
        "pdf": url_for("order.download_document", **where),
    }
