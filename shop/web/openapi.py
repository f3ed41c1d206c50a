"""The description of the JSON API, OpenAPI 3.1, made from the views' own descriptions (``shop.web.api``) and their schemas.

``/api/v1/openapi.json`` is for programs, ``/api/docs`` for people. Source: OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, current_app, render_template
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug.routing import Rule

from shop.errors import Forbidden, Invalid, NotLoggedIn, ShopError, TooManyTries
from shop.web import bp
from shop.web.api import Description
from shop.web.json import BadJson, NotJson, json_response
from shop.web.pages import public_page

VERSION = "1"
PLACE = re.compile(r"<(?:(?P<kind>[a-z]+):)?(?P<name>[a-z_]+)>")
MONEY = {
    "type": "object",
    "description": "Whole minor units of a currency: 1999 EUR is €19.99.",
    "properties": {"minor": {"type": "integer"}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
    "required": ["minor", "currency"],
    "additionalProperties": False,
}
PROBLEM = {
    "type": "object",
    "description": "What went wrong, and what to do. Source: RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any 1 to 128 visible characters of your own: the same key gets the first answer again, and nothing happens twice.",
    "schema": {"type": "string", "maxLength": 128},
}


@bp.get("/api/v1/openapi.json")
def show_openapi() -> ResponseReturnValue:
    """The description for programs."""
    return json_response(_kept(), headers={"Cache-Control": "public, max-age=60"})


@bp.get("/api/docs")
@public_page
def show_api_docs() -> ResponseReturnValue:
    """The same for people."""
    return render_template("web/show_api_docs.html", document=_kept(), resolve=_resolve)


def _kept() -> dict[str, Any]:
    if "openapi" not in current_app.extensions:
        current_app.extensions["openapi"] = describe_api(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    document: dict[str, Any] = current_app.extensions["openapi"]
    return document


def _resolve(schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A schema and its name, followed through ``$ref``."""
    reference = schema.get("$ref", "")
    if not reference:
        return "", schema
    name = reference.rpartition("/")[2]
    return name, _kept()["components"]["schemas"][name]


def describe_api(app: Flask) -> dict[str, Any]:
    """The whole document."""
    from apispec import APISpec  # only who asks for the document needs it
    from apispec.ext.marshmallow import MarshmallowPlugin

    spec = APISpec(
        title="Bodega",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": "What the shop's own pages and widgets use. Errors are application/problem+json. Money is whole minor units."},
        servers=[{"url": "/"}],
        plugins=[MarshmallowPlugin(schema_name_resolver=_schema_name)],
    )
    spec.components.schema("Money", MONEY)
    spec.components.schema("Problem", PROBLEM)
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]})
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        description = getattr(app.view_functions[rule.endpoint], "description", None)
        if description is not None:
            operations = {method.lower(): _operation(app, rule, description) for method in _methods(rule)}
            spec.path(path=PLACE.sub(r"{\g<name>}", rule.rule), operations=operations)
    document: dict[str, Any] = spec.to_dict()
    _forget_null_defaults(document)
    return document


def _forget_null_defaults(part: Any) -> None:
    """apispec writes ``default: null`` for "may be left out", which no string or enumeration allows."""
    if isinstance(part, dict):
        if part.get("default", ...) is None:
            del part["default"]
        for inner in part.values():
            _forget_null_defaults(inner)
    elif isinstance(part, list):
        for inner in part:
            _forget_null_defaults(inner)


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _methods(rule: Rule) -> Iterator[str]:
    return (method for method in sorted(rule.methods or ()) if method not in {"HEAD", "OPTIONS"})


def _operation(app: Flask, rule: Rule, description: Description) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    operation: dict[str, Any] = {
        "operationId": rule.endpoint,
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": description.summary,
        "parameters": [*_path_parameters(rule), *_query_parameters(description.query)],
        "responses": {str(description.status): _answer(description), **_errors(description)},
    }
    if getattr(view, "is_idempotent", False):
        operation["parameters"].append(IDEMPOTENCY_KEY)
    if description.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": description.body}}}
    if description.role or description.permission:
        operation["security"] = [{"session": []}, {"bearer": []}]
        operation["description"] = _needs(description)
    return operation


def _needs(description: Description) -> str:
    if description.permission:
        return f"For people with the permission `{description.permission}`."
    return "For people who are logged in." if description.role == "customer" else "For staff."


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for place in PLACE.finditer(rule.rule):
        schema = {"type": "integer", "minimum": 1} if place["kind"] == "int" else {"type": "string", "maxLength": 200}
        yield {"name": place["name"], "in": "path", "required": True, "schema": schema}


def _query_parameters(query: Schema | None) -> Iterator[dict[str, Any]]:
    if query is not None:
        yield {"in": "query", "schema": query}


def _answer(description: Description) -> dict[str, Any]:
    if description.answer is None:
        return {"description": "Done; there is nothing to say."}
    return {"description": "As asked.", "content": {"application/json": {"schema": description.answer}}}


def _errors(description: Description) -> dict[str, Any]:
    kinds: list[type[ShopError]] = [*description.errors, TooManyTries]
    if description.body is not None:
        kinds += [BadJson, NotJson]
    if description.body is not None or description.query is not None:
        kinds.append(Invalid)
    if description.role or description.permission:
        kinds += [NotLoggedIn] if description.role == "customer" else [NotLoggedIn, Forbidden]
    found: dict[str, list[type[ShopError]]] = {}
    for kind in dict.fromkeys(kinds):
        found.setdefault(str(kind.status), []).append(kind)
    return {
        status: {
            "description": " ".join(f"{kind.title} (/problems/{kind.slug})." for kind in same),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, same in sorted(found.items())
    }
