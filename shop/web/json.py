"""JSON in and out: strict bodies, problems (RFC 9457), entity tags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Response, current_app, request
from marshmallow import Schema, ValidationError

from shop.errors import N_, Invalid, ShopError

DEEPEST = 20


class BadJson(ShopError):
    """The body is not JSON that we read."""

    status, slug, title = 400, "bad-json", N_("The body is not readable JSON")


class NotJson(ShopError):
    """The body has another media type."""

    status, slug, title = 415, "not-json", N_("Send JSON")


def load_body(schema: Schema) -> dict[str, Any]:
    """The checked body of this request.

    Raises:
        NotJson: the content type is not ``application/json``.
        BadJson: no JSON, too deep, NaN, a name twice.
        Invalid: fields are wrong, missing or unknown; pointers name them.
    """
    if not request.is_json:
        raise NotJson("Set the header Content-Type: application/json.")
    return load(schema, parse(request.get_data(cache=True)))


def parse(body: bytes) -> Any:
    """Strict JSON: UTF-8, no NaN, no name twice, not deeper than 20."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)[:200] if isinstance(error, ValueError) else "Nested too deep.") from None
    if _depth(value) > DEEPEST:
        raise BadJson("Nested too deep.")
    return value


def load(schema: Schema, value: Any) -> dict[str, Any]:
    """Check a parsed value against a schema; see ``load_body``."""
    if not isinstance(value, dict):
        raise Invalid({"": ["Send a JSON object."]})
    try:
        return schema.load(value)
    except ValidationError as error:
        raise Invalid(_pointers(error.messages)) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("A name stands twice in one object.")
    return result


def _depth(value: Any) -> int:
    level, deepest = [value], 0
    while level and deepest <= DEEPEST:
        deepest += 1
        level = [child for item in level if isinstance(item, dict | list) for child in (item.values() if isinstance(item, dict) else item)]
    return deepest


def _pointers(messages: Any, at: str = "") -> dict[str, list[str]]:
    if isinstance(messages, Mapping):
        found: dict[str, list[str]] = {}
        for name, inner in messages.items():
            if name == "_schema":
                found.update(_pointers(inner, at))
            else:
                escaped = str(name).replace("~", "~0").replace("/", "~1")[:100]
                found.update(_pointers(inner, f"{at}/{escaped}"))
        return found
    return {at: [str(message) for message in messages]}


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``value`` as JSON, with a weak entity tag for reads; answers 304 when the caller has it already."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    response = current_app.response_class(body, status=status, mimetype="application/json", headers=dict(headers or {}))
    if request.method in {"GET", "HEAD"} and status == 200:
        response.set_etag(hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32], weak=True)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
    return response


def problem(status: int, slug: str, title: str, detail: str = "", **extras: Any) -> Response:
    """An error as ``application/problem+json``. Source: RFC 9457."""
    value = {"type": f"/problems/{slug}", "title": title, "status": status, **({"detail": detail} if detail else {}), **extras}
    response = current_app.response_class(json.dumps(value, ensure_ascii=True, default=str), status=status)
    response.content_type = "application/problem+json"
    return response
