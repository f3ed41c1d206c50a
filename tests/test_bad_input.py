"""Every route × a table of evil values: a clear answer, never a 500, nothing lost. Generated from the URL map, the forms and the schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema
from werkzeug.routing import Rule

from shop.db import Base, db
from shop.web.fields import ShopForm
from tests.factories import make_category, make_product
from tests.people import log_in, make_user

EVIL_TEXTS = [
    "", " ",
    "\0", "a\0b", "\ud800", "\u202eevil", "x" * 5_000, "'\"><script>alert(1)</script>", "{{7*7}}", "../../etc/passwd", "%00", "%s%n", "\r\nSet-Cookie: a=b",
    "-1", "0", "1e9", "2,5", "٣", "1_0", "NaN", "Infinity", "9223372036854775808", "9" * 400, "0x10", "true", "null", "[]", "{}", "javascript:alert(1)", "//evil.example",
    "' OR 1=1 --", "%", "_", "*", '"', "NEAR(", "🙂" * 300,
]  # fmt: skip
EVIL_JSON: list[Any] = [
    None, True, 0, -1, 2**63, 10**40, 1.5, "", "\0", "\ud800", "x" * 5_000, [], {}, [[[[]]]], {"a": {"b": {}}}, "1", "NaN", "'; DROP TABLE orders; --", {"$gt": ""},
]  # fmt: skip
EVIL_BODIES = [b"", b"{", b"null", b"[]", b'"x"', b"NaN", b"[" * 50_000, b'{"a":1,"a":2}', b"\xff\xfe", b'{"x": 1e999}', b"{}" * 2]
QUERY = [
    "q",
    "category",
    "sort",
    "min_price",
    "max_price",
    "price_from",
    "price_to",
    "in_stock",
    "limit",
    "cursor",
    "after",
    "before",
    "next",
    "key",
    "locale",
    "state",
    "color",
]
EXTRA = {"is_admin": True, "price": 1, "state": "paid", "role": "admin", "user_id": 1, "id": 1}
ROLES = ["stranger", "customer", "admin"]
SELF_ENDING = {"auth.logout", "auth.logout_json"}


@pytest.fixture
def visitor(app: Flask, request: pytest.FixtureRequest) -> FlaskClient:
    """A client in the role that the test names, in a shop with something in it."""
    with app.app_context():
        shelf = make_category("Table", slug="table")
        made = make_product("Mug", slug="mug", categories=[shelf], options={"Color": ["Sage", "Cream"]})
    client = app.test_client()
    client.post("/cart/items", data={"variant_id": made.variant_id, "quantity": 1})
    if request.param != "stranger":
        with app.app_context():
            make_user(email=f"{request.param}@example.com", role=request.param)
        log_in(client, f"{request.param}@example.com")
    return client


def routes(app: Flask, method: str) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if method in (rule.methods or set()) and rule.endpoint not in SELF_ENDING:
            yield rule, rule.endpoint


def paths(app: Flask, rule: Rule, values: list[str]) -> Iterator[str]:
    """The rule with each evil value in each place, or as it is when it has none."""
    from urllib.parse import quote

    if not rule.arguments:
        yield rule.rule
        return
    for value in values:
        path = rule.rule
        for name in rule.arguments:
            for spelling in (f"<int:{name}>", f"<path:{name}>", f"<{name}>"):
                path = path.replace(spelling, quote(value.encode("utf-8", "surrogatepass"), safe=""))
        yield path


def refuse_500(answer: Any, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_paths(app, visitor):
    for method in ("GET", "POST", "DELETE", "PATCH"):
        for rule, endpoint in routes(app, method):
            for path in paths(app, rule, EVIL_TEXTS):
                refuse_500(visitor.open(path, method=method), f"{method} {endpoint} {path!r}"[:300])


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_queries(app, visitor):
    good = {"slug": "mug", "number": "ABCD2345"}
    for rule, endpoint in routes(app, "GET"):
        if rule.arguments - good.keys():
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", good[name])
        for name in QUERY:
            for value in EVIL_TEXTS:
                query = {name: value.encode("utf-8", "surrogatepass")}
                refuse_500(visitor.get(path, query_string=query), f"GET {endpoint} {name}={value!r}"[:300])
        refuse_500(visitor.get(f"{path}?" + "&".join(f"{name}=1&{name}=2" for name in QUERY)), f"GET {endpoint} with repeated parameters")


def field_names() -> list[str]:
    """Every field of every form of the shop."""

    def below(kind: type) -> Iterator[type]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    names = {name for form in below(ShopForm) for name in dir(form) if hasattr(getattr(form, name, None), "field_class")}
    return sorted(names | {"variant_id", "quantity", "theme", "next", "shown"})


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_forms(app, visitor):
    names = field_names()
    before = count_rows(app)
    for rule, endpoint in routes(app, "POST"):
        if rule.rule.startswith("/api/"):
            continue
        for path in paths(app, rule, ["1"]):
            for value in EVIL_TEXTS:
                body = {name: value.encode("utf-8", "surrogatepass") for name in names}
                refuse_500(visitor.post(path, data=body), f"POST {endpoint} {value!r}"[:300])
            refuse_500(visitor.post(path, data={names[0]: ["1", "2"]}), f"POST {endpoint} with repeated fields")
            refuse_500(
                visitor.post(path, data=b"\xff=%zz&&=&" + b"a" * 600_000, content_type="application/x-www-form-urlencoded"),
                f"POST {endpoint} huge",
            )
            refuse_500(
                visitor.post(path, data=b"--x\r\nbroken", content_type="multipart/form-data; boundary=x"),
                f"POST {endpoint} broken multipart",
            )
    after = count_rows(app)
    assert {name: (before[name], after[name]) for name in ("orders", "products", "users") if after[name] < before[name]} == {}


def bodies(schema: Schema | None) -> Iterator[bytes]:
    """Each field of the schema with each evil value, and fields that nobody asked for."""
    yield from EVIL_BODIES
    yield json.dumps(EXTRA).encode()
    if schema is None:
        return
    for name in schema.fields:
        for value in EVIL_JSON:
            yield json.dumps({name: value, **dict.fromkeys(set(schema.fields) - {name}, "1")}, allow_nan=True).encode()


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_json(app, visitor):
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        for rule, endpoint in routes(app, method):
            if not rule.rule.startswith("/api/"):
                continue
            description = getattr(app.view_functions[endpoint], "description", None)
            for path in paths(app, rule, ["1"]):
                for body in bodies(description.body if description else None):
                    answer = visitor.open(path, method=method, data=body, content_type="application/json")
                    refuse_500(answer, f"{method} {endpoint} {body[:200]!r}")
                    if answer.status_code >= 400:
                        assert answer.content_type == "application/problem+json", f"{method} {endpoint}: {answer.content_type}"


def test_the_table_finds_a_planted_fault(app):
    """A checker that cannot find is worth nothing: one careless view is caught."""
    app.__dict__["_got_first_request"] = False
    if "careless" not in app.view_functions:
        app.add_url_rule("/careless/<name>", "careless", lambda name: str(int(name)))
    client = app.test_client()

    answers = [
        client.get(path).status_code
        for rule, endpoint in routes(app, "GET")
        if endpoint == "careless"
        for path in paths(app, rule, EVIL_TEXTS)
    ]

    assert 500 in answers


def count_rows(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {name: db.session.connection().exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in Base.metadata.tables}
