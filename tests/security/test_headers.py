"""Headers on every kind of answer are graded A+; each fault that is planted costs the grade."""

from __future__ import annotations

import os

import pytest

from config import Config
from shop import create_app
from shop.db import db
from tests.conftest import SECRET
from tests.people import log_in, make_user
from tests.security.grading import faults, grade

PATHS = (
    "/",
    "/products",
    "/cart",
    "/login",
    "/register",
    "/nothing/here",
    "/api/v1/products",
    "/api/v1/nothing",
    "/admin",
    "/healthz",
    "/robots.txt",
)


@pytest.fixture(scope="module")
def safe_app(db_url, tmp_path_factory, shop_app):
    """The same shop as it runs behind https."""
    environ = {"SHOP_INSTANCE": str(tmp_path_factory.mktemp("https")), "DATABASE_URL": db_url, "SECRET_KEY": SECRET, "SHOP_COURIER": "0"}
    app = create_app(Config.from_env({**environ, "SHOP_URL": "https://shop.example"}, testing=True))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def visitor(app, safe_app):
    yield safe_app.test_client()
    with safe_app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("path", PATHS)
def test_every_kind_of_answer_is_graded_a_plus(visitor, path):
    answer = visitor.get(path, base_url="https://shop.example")

    assert list(faults(answer.headers, answer.headers.getlist("Set-Cookie"))) == []


def test_the_answer_to_a_log_in_is_graded_a_plus_and_its_cookie_is_right(visitor):
    make_user()
    answer = visitor.post(
        "/login", data={"email": "ana@example.com", "password": "four quiet winter apples"}, base_url="https://shop.example"
    )

    cookies = answer.headers.getlist("Set-Cookie")
    assert any(cookie.startswith("__Host-session=") for cookie in cookies)
    assert grade(answer.headers, cookies) == "A+"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Strict-Transport-Security", "max-age=300"),
        ("Strict-Transport-Security", ""),
        ("Content-Security-Policy", "default-src 'self' 'unsafe-inline'"),
        ("Content-Security-Policy", "default-src *"),
        ("Content-Security-Policy", ""),
        ("X-Content-Type-Options", ""),
        ("Referrer-Policy", "unsafe-url"),
        ("Permissions-Policy", ""),
        ("Cross-Origin-Opener-Policy", ""),
        ("Access-Control-Allow-Origin", "*"),
    ],
)
def test_a_fault_that_is_planted_costs_the_grade(visitor, name, value):
    headers = {**dict(visitor.get("/login", base_url="https://shop.example").headers), name: value}

    assert grade(headers, []) != "A+"


@pytest.mark.parametrize("cookie", ["session=1; Secure; HttpOnly; SameSite=Lax; Path=/", "__Host-session=1; Secure; Path=/"])
def test_a_cookie_that_is_not_right_costs_the_grade(visitor, cookie):
    answer = visitor.get("/login", base_url="https://shop.example")

    assert grade(answer.headers, [cookie]) != "A+"


# Canaries

CANARY = "canary-7f3a9b1c"


def test_neither_secrets_nor_what_people_type_is_logged(client, caplog, monkeypatch):
    """Planted in the environment, in headers, in addresses of the log-in, in forms and bodies, and in an error: none of them is in a log."""
    caplog.set_level("DEBUG")
    monkeypatch.setitem(os.environ, "STRIPE_SECRET_KEY", f"sk_{CANARY}")
    make_user(f"{CANARY}@example.com", password=f"{CANARY} long enough")
    headers = {"Authorization": f"Bearer {CANARY}", "X-Canary": CANARY, "Cookie": f"session={CANARY}"}

    client.get("/login", headers=headers)
    client.post("/login", data={"email": f"{CANARY}@example.com", "password": f"{CANARY} wrong"})
    log_in(client, f"{CANARY}@example.com", f"{CANARY} long enough")
    client.post("/register", data={"email": f"new-{CANARY}@example.com", "name": CANARY, "password": f"{CANARY} is my word"})
    client.post("/api/v1/auth/login", json={"email": f"{CANARY}@example.com", "password": CANARY})
    client.post("/api/v1/orders", json={"email": f"{CANARY}@example.com", "note": CANARY})
    client.post("/orders/search", data={"number": CANARY, "email": f"{CANARY}@example.com"})

    assert CANARY not in caplog.text


def test_a_canary_that_is_logged_is_found(app, caplog):
    app.logger.warning("somebody typed %s", CANARY)

    assert CANARY in caplog.text
