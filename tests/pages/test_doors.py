"""Whoever works in the back office sees no link and no button that would turn them away, whatever their role."""

from __future__ import annotations

import re
from collections import Counter, deque
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from config import Config
from shop import create_app
from shop.auth.permissions import BUILT_IN, CUSTOMER
from shop.db import db
from tests.people import log_in, make_user, the_shop  # noqa: F401
from tests.servers import Server, settings

DOOR = re.compile(r"<(a|form|button|input)\b([^>]*)>")
ATTRIBUTE = re.compile(r'\b(href|action|formaction|method)="([^"]*)"')
EACH = 2  # pages looked at of one kind
ROLES = sorted(BUILT_IN.keys() - {CUSTOMER})


@pytest.fixture(scope="module")
def app(shop: Server):
    app = create_app(Config.from_env(settings(shop.folder), testing=True))
    yield app
    with app.app_context():
        db.engine.dispose()


def doors(html: str, page: str) -> set[tuple[str, str]]:
    """Method and path of every link and form on a page that stay in this shop."""
    found = set()
    for match in DOOR.finditer(html):
        named = dict(ATTRIBUTE.findall(match[2]))
        target = named.get("href") or named.get("action") or named.get("formaction")
        if target is None:
            continue
        to = urlsplit(urljoin(f"http://localhost{page}", unescape(target)))
        if to.netloc == "localhost":
            method = "GET" if match[1] == "a" else named.get("method", "post").upper()
            found.add((method, f"{to.path}?{to.query}" if to.query else to.path))
    return found


def closed(app: Flask, role: str, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the doors that this role may not pass."""
    map_of = app.url_map.bind("localhost")
    wrong = set()
    for method, target in found:
        try:
            endpoint, _values = map_of.match(target.partition("?")[0], method)
        except HTTPException:
            continue
        needed = getattr(app.view_functions[endpoint], "permission", None)
        if needed and needed not in BUILT_IN[role]:
            wrong.add((method, target))
    return wrong


@pytest.mark.parametrize("role", ROLES)
def test_nobody_of_the_staff_sees_a_door_that_is_closed_to_them(app, role):
    make_user(f"{role}@doors.example", role=role)
    client = app.test_client()
    log_in(client, f"{role}@doors.example")
    map_of = app.url_map.bind("localhost")
    waiting, known, seen, wrong = deque(["/admin/"]), {"/admin/"}, Counter(), set()
    while waiting:
        page = waiting.popleft()
        answer = client.get(page, buffered=True)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        found = doors(answer.text, page)
        wrong |= {(page, *door) for door in closed(app, role, found)}
        for method, target in sorted(found):
            if method != "GET" or not target.startswith("/admin") or target in known:
                continue
            known.add(target)
            try:
                endpoint, _values = map_of.match(target.partition("?")[0], "GET")
            except HTTPException:
                continue
            seen[endpoint] += 1
            if seen[endpoint] <= EACH:
                waiting.append(target)

    assert len(seen) > 3
    assert sorted(wrong) == []


def test_a_closed_door_is_found(app):
    page = '<a class="x" href="/admin/users">People</a><form method="post" action="/admin/orders/7/refunds"></form><a href="/admin/products">Goods</a>'

    assert closed(app, "catalog", doors(page, "/admin/")) >= {("GET", "/admin/users")}
    assert ("GET", "/admin/products") not in closed(app, "catalog", doors(page, "/admin/"))
