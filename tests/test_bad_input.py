"""Every route × a table of evil values: a clear answer, never a 500, nothing lost. Generated from the URL map, the forms and the schemas.

What cannot differ is asked once: a role walks the routes that are closed to the role below or look at who is there, a path that leads to no
route is looked up in the map, and the names of parameters and fields are those that the routes were seen to ask for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from marshmallow import Schema
from marshmallow.fields import Field
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from shop.db import Base, db
from shop.web.fields import Email, Flag, MoneyAmount, ShopForm, WholeNumber
from tests.factories import make_category, make_product
from tests.people import log_in, make_user

EVIL_TEXTS = [
    "", " ",
    "\0", "a\0b", "\ud800", "\u202eevil", "x" * 5_000, "'\"><script>alert(1)</script>", "{{7*7}}", "../../etc/passwd", "%00", "%s%n", "\r\nSet-Cookie: a=b",
    "-1", "0", "1e9", "2,5", "٣", "1_0", "NaN", "Infinity", "9223372036854775808", "9" * 400, "0x10", "true", "null", "[]", "{}", "javascript:alert(1)", "//evil.example",
    "' OR 1=1 --", "%", "_", "*", '"', "NEAR(", "🙂" * 300,
]  # fmt: skip
WORST = ["\0", "\ud800", "9223372036854775808", "x" * 5_000]
EVIL_IDS = ["1", "9223372036854775807", *EVIL_TEXTS]
EVIL_JSON: list[Any] = [
    None, True, 0, -1, 2**63, 10**40, 1.5, "", "\0", "\ud800", "x" * 5_000, [], {}, [[[[]]]], {"a": {"b": {}}}, "1", "NaN", "'; DROP TABLE orders; --", {"$gt": ""},
]  # fmt: skip
EVIL_BODIES = [b"", b"{", b"null", b"[]", b'"x"', b"NaN", b"[" * 50_000, b'{"a":1,"a":2}', b"\xff\xfe", b'{"x": 1e999}', b"{}" * 2]
EVIL_HEADERS = [
    {"Origin": "http://[x]"}, {"Referer": "http://[x]/"}, {"Cookie": 'session=\xff; theme="><script>'}, {"Cookie": "; ; =;"}, {"Accept": "\xff;q=x"},
    {"Accept": "*/*," * 500}, {"Range": "bytes=0-1,5-"}, {"If-None-Match": '"\xff'}, {"If-Modified-Since": "x"}, {"If-Match": "*"}, {"Authorization": "Basic \xff"},
    {"Content-Type": "\xff"}, {"Content-Type": "application/json; charset=utf-7"}, {"X-Request-ID": "\xff" * 70}, {"User-Agent": "\xff" * 5_000},
    {"X-Forwarded-For": "\xff,,"}, {"X-Forwarded-Host": "[x"}, {"Idempotency-Key": "\xff"}, {"Sec-Fetch-Site": "\xff"},
]  # fmt: skip
EXTRA = {"is_admin": True, "price": 1, "state": "paid", "role": "admin", "user_id": 1, "id": 1}
GOOD = {"slug": "mug", "number": "ABCD2345", "login_session_id": "999999"}  # not the own one
ROLES = ["stranger", "customer", "admin"]
METHODS = ["GET", "POST", "DELETE", "PATCH", "PUT"]
LOOK_AT_WHO = {"cart", "checkout", "order", "payment"}
SELF_ENDING = {"auth.logout", "auth.logout_json"}


class Noting(ImmutableMultiDict):
    """Parameters or fields of a request that note which names somebody asked for."""

    asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.add(name)
        return super().get(name, *args, **kwargs)

    def getlist(self, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.add(name)
        return super().getlist(name, *args, **kwargs)


@pytest.fixture(autouse=True)
def open_doors(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests note what they are asked for; every token is right, so that what is typed gets as far as it can."""
    monkeypatch.setattr(ShopForm.Meta.csrf_class, "validate_csrf_token", lambda *_: None)
    monkeypatch.setattr(app, "request_class", type("NotingRequest", (app.request_class,), {"parameter_storage_class": Noting}))


@dataclass
class Visitor:
    """A client in a role, and one in the role below it."""

    client: FlaskClient
    below: FlaskClient | None

    def walks(self, endpoint: str, path: str, method: str) -> bool:
        """Is the route open to this role, and either closed to the one below or one that looks at who is there?"""
        answer = self.client.open(path, method=method)
        refuse_500(answer, f"{method} {endpoint}")
        if turns_away(answer):
            return False
        return self.below is None or endpoint.partition(".")[0] in LOOK_AT_WHO or turns_away(self.below.open(path, method=method))


@pytest.fixture
def visitor(app: Flask, request: pytest.FixtureRequest) -> Visitor:
    """Somebody in the role that the test names, in a shop with something in it."""
    with app.app_context():
        shelf = make_category("Table", slug="table")
        made = make_product("Mug", slug="mug", categories=[shelf], options={"Color": ["Sage", "Cream"]})
    clients = [client_in(app, role, made.variant_id) for role in ROLES[: ROLES.index(request.param) + 1][-2:]]
    return Visitor(clients[-1], clients[-2] if len(clients) > 1 else None)


def client_in(app: Flask, role: str, variant_id: int) -> FlaskClient:
    client = app.test_client()
    client.post("/cart/items", data={"variant_id": variant_id, "quantity": 1})
    if role != "stranger":
        with app.app_context():
            make_user(email=f"{role}@example.com", role=role)
        log_in(client, f"{role}@example.com")
    return client


def routes(app: Flask, method: str) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if method in (rule.methods or set()) and rule.endpoint not in SELF_ENDING:
            yield rule, rule.endpoint


def fill(rule: Rule, value: str) -> str:
    """The rule's path with ``value`` in each of its places."""
    return re.sub(r"<[^>]*>", lambda _: value, rule.rule)


def paths(app: Flask, rule: Rule, method: str, values: Iterable[str]) -> Iterator[str]:
    """The rule with each evil value that its converters let in, or as it is when it has no place for one."""
    if not rule.arguments:
        yield rule.rule
        return
    router = app.url_map.bind("localhost")
    for value in values:
        try:
            found, _ = router.match(fill(rule, value), method)
        except (HTTPException, UnicodeError):
            continue
        if found == rule.endpoint:
            yield fill(rule, quote(bytes_of(value), safe=""))


def good_path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:>]*:)?([a-z_]+)>", lambda place: GOOD.get(place[1], "1"), rule.rule)


def refuse_500(answer: Any, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"


def turns_away(answer: Any) -> bool:
    """The door is closed for this role, whatever it brings."""
    return answer.status_code in {401, 403} or (answer.status_code == 303 and "/login" in answer.headers["Location"])


def bytes_of(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_paths(app, visitor):
    for method in METHODS:
        for rule, endpoint in routes(app, method):
            if not visitor.walks(endpoint, good_path(rule), method):
                continue
            for path in paths(app, rule, method, EVIL_IDS):
                refuse_500(visitor.client.open(path, method=method), f"{method} {endpoint} {path!r}"[:300])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "place", ["/p/{}", "/orders/{}", "/account/addresses/{}", "/admin/mails/{}", "/media/{}", "/static/x/{}", "/api/v1/orders/{}", "/{}"]
)
def test_evil_paths_that_lead_nowhere(client, place, method):
    for value in EVIL_TEXTS:
        refuse_500(client.open(place.format(quote(bytes_of(value), safe="")), method=method), f"{method} {place} {value!r}"[:300])


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_queries(app, visitor):
    for rule, endpoint in routes(app, "GET"):
        path = good_path(rule)
        Noting.asked = set()
        if not visitor.walks(endpoint, path, "GET"):
            continue
        names = described_names(app, endpoint) | Noting.asked
        for value in EVIL_TEXTS:
            refuse_500(visitor.client.get(path, query_string=dict.fromkeys(names, bytes_of(value))), f"GET {endpoint} all {value!r}"[:300])
            names |= Noting.asked
        for name in sorted(names):
            for value in WORST:
                refuse_500(visitor.client.get(path, query_string={name: bytes_of(value)}), f"GET {endpoint} {name}={value!r}"[:300])
        refuse_500(
            visitor.client.get(f"{path}?" + "&".join(f"{name}=1&{name}=2" for name in names)), f"GET {endpoint} with repeated parameters"
        )


def described_names(app: Flask, endpoint: str) -> set[str]:
    """The parameters that a JSON view says it takes; and two that many pages know."""
    description = getattr(app.view_functions[endpoint], "description", None)
    return {"q", "cursor"} | (set(description.query.fields) if description and description.query else set())


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_forms(app, visitor):
    before = count_rows(app)
    for rule, endpoint in routes(app, "POST"):
        if rule.rule.startswith("/api/"):
            continue
        path = good_path(rule)
        Noting.asked = set()
        if not visitor.walks(endpoint, path, "POST"):
            continue
        for value in EVIL_TEXTS:
            names = Noting.asked | {"next", "quantity"}
            refuse_500(visitor.client.post(path, data=dict.fromkeys(names, bytes_of(value))), f"POST {endpoint} {value!r}"[:300])
        for name in sorted(Noting.asked):
            for value in WORST:
                body = {**dict.fromkeys(Noting.asked, "1"), name: bytes_of(value)}
                refuse_500(visitor.client.post(path, data=body), f"POST {endpoint} {name}={value!r}"[:300])
        refuse_500(visitor.client.post(path, data={name: ["1", "2"] for name in Noting.asked}), f"POST {endpoint} with repeated fields")
        for content_type, body in BROKEN_FORMS.items():
            refuse_500(visitor.client.post(path, data=body, content_type=content_type), f"POST {endpoint} {content_type}")
    after = count_rows(app)
    assert {name: (before[name], after[name]) for name in ("orders", "products", "users") if after[name] < before[name]} == {}


BROKEN_FORMS = {
    "application/x-www-form-urlencoded": b"\xff=%zz&&=&" + b"a" * 600_000,
    "multipart/form-data; boundary=x": b"--x\r\nbroken",
    "multipart/form-data": b"",
    "application/json": b"[" * 50_000,
    "application/json; charset=utf-7": b'{"email": 1e999}',
}


def bodies(schema: Schema | None) -> Iterator[bytes]:
    """Each field of the schema with each evil value, the others right or nearly so, and fields that nobody asked for."""
    yield from EVIL_BODIES
    yield json.dumps(EXTRA).encode()
    if schema is None:
        return
    rest = {name: plain_value(field) for name, field in schema.fields.items()}
    for name in schema.fields:
        for value in EVIL_JSON:
            yield json.dumps({**rest, name: value}, allow_nan=True).encode()


def plain_value(field: Field[Any]) -> Any:
    """Something that most fields of this kind take."""
    if isinstance(field, WholeNumber):
        return max(field.low, 1)
    plain = {Email: "ana@example.com", Flag: True, MoneyAmount: {"minor": 100, "currency": "EUR"}}
    return next((value for kind, value in plain.items() if isinstance(field, kind)), "1")


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_json(app, visitor):
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        for rule, endpoint in routes(app, method):
            if not rule.rule.startswith("/api/"):
                continue
            description = getattr(app.view_functions[endpoint], "description", None)
            for body in bodies(description.body if description else None):
                answer = visitor.client.open(good_path(rule), method=method, data=body, content_type="application/json")
                refuse_500(answer, f"{method} {endpoint} {body[:200]!r}")
                if answer.status_code >= 400:
                    assert answer.content_type == "application/problem+json", f"{method} {endpoint}: {answer.content_type}"
                if answer.status_code in {401, 403}:
                    break


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_evil_headers(visitor):
    requests = [
        ("GET", "/"),
        ("GET", "/account"),
        ("POST", "/account/profile"),
        ("POST", "/cart/items"),
        ("GET", "/api/v1/products"),
        ("POST", "/api/v1/orders"),
    ]
    for headers in EVIL_HEADERS:
        for method, path in requests:
            refuse_500(visitor.client.open(path, method=method, headers=headers), f"{method} {path} {headers!r}"[:300])


def test_the_table_finds_a_planted_fault(app, another_app, monkeypatch):
    """A checker that cannot find is worth nothing: careless views are caught by their path, parameter and field."""
    careless: dict[str, Callable[..., str]] = {
        "careless": lambda name: str(int(name)),
        "careless_query": lambda: str(int(request.args.get("hidden", "1"))),
        "careless_form": lambda: str(int(request.form.get("hidden", "1"))),
    }
    own = another_app()  # a shop of its own on the same tables: the faults must not outlive this test
    own.request_class = app.request_class
    own.add_url_rule("/careless/<name>", "careless")
    own.add_url_rule("/careless", "careless_query")
    own.add_url_rule("/careless", "careless_form", methods=["POST"])
    monkeypatch.setattr("tests.test_bad_input.routes", lambda app, method: planted(app, method, set(careless)))

    for endpoint, table in zip(careless, (test_evil_paths, test_evil_queries, test_evil_forms), strict=True):
        for name, view in careless.items():
            own.view_functions[name] = view if name == endpoint else lambda **_: ""
        with pytest.raises(AssertionError, match="500"):
            table(own, Visitor(own.test_client(), None))


def planted(app: Flask, method: str, endpoints: set[str]) -> Iterator[tuple[Rule, str]]:
    return ((rule, rule.endpoint) for rule in app.url_map.iter_rules() if rule.endpoint in endpoints and method in (rule.methods or set()))


def count_rows(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {name: db.session.connection().exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in Base.metadata.tables}
