"""One process, several shops: the host alone says which one answers, and who names none of them is told nothing."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from shop.retailer.door import Door, make_door, shops_behind
from shop.retailer.folder import read_retailers
from tests.retailer.conftest import THEME, Arcade


@pytest.mark.parametrize("host", ["acme.example", "ACME.example.", "acme.example:8000"])
def test_the_host_says_which_shop_answers(arcade: Arcade, host: str):
    page = arcade.door.test_client().get("/", headers={"Host": host})

    assert (page.status_code, '<html lang="en"' in page.text) == (200, True)
    assert '<html lang="es"' in arcade.visitor("beta").get("/").text


@pytest.mark.parametrize(
    "host", ["other.example", "", "127.0.0.1", "acme.example.evil.example", "acme.example,beta.example", "acme.example@x", "ü" * 80]
)
@pytest.mark.parametrize("path", ["/", "/admin/", "/c/table", "/static/x/css/site.css", "/es/"])
def test_an_unknown_host_is_told_that_nothing_is_here(arcade: Arcade, host: str, path: str):
    answer = arcade.door.test_client().open(path, headers={"Host": host})

    assert answer.status_code == 404
    assert not any(word in answer.text.lower() for word in ("bodega", "acme", "beta", "admin", "cart"))
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


def test_a_program_at_an_unknown_host_is_answered_in_json(arcade: Arcade):
    answer = arcade.door.test_client().post("/api/v1/cart/items", headers={"Host": "other.example"}, json={})

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_machines_may_ask_on_any_host_how_the_process_is_and_learn_no_names(arcade: Arcade):
    strangers = arcade.door.test_client()

    assert strangers.get("/healthz").json == {"status": "alive"}
    assert strangers.get("/readyz").json == {"status": "ready", "shops": 2, "ready": 2}
    assert arcade.visitor("acme").get("/readyz").json["schema"] == "ok"


def test_one_shop_that_is_not_ready_does_not_close_the_others(arcade: Arcade, monkeypatch):
    monkeypatch.setitem(arcade.shops["beta"].extensions, "schema", "9999")

    assert arcade.door.test_client().get("/readyz").json == {"status": "ready", "shops": 2, "ready": 1}
    assert arcade.visitor("beta").get("/readyz").status_code == 503

    monkeypatch.setitem(arcade.shops["acme"].extensions, "schema", "9999")

    assert arcade.door.test_client().get("/readyz").status_code == 503


def test_each_shop_has_its_own_look(arcade: Arcade):
    for name, other in (("acme", "beta"), ("beta", "acme")):
        assets = arcade.shops[name].extensions["assets"]
        sheet = arcade.visitor(name).get(assets.url("css/site.css")).text

        assert THEME[name] in sheet
        assert THEME[other] not in sheet


def test_a_forwarded_host_counts_only_from_as_many_proxies_as_there_are(arcade: Arcade):
    claim = {"Host": "other.example", "X-Forwarded-Host": "acme.example"}

    assert arcade.door.test_client().get("/", headers=claim).status_code == 404


CLAIMS = ["beta.example", "beta.example, acme.example", "acme.example, beta.example", "", " , ", "other.example"]


@pytest.mark.parametrize("proxies", [1, 2])
@pytest.mark.parametrize("claim", CLAIMS)
def test_the_door_sees_the_host_that_the_shop_will_see(arcade: Arcade, proxies: int, claim: str):
    environ = {"SHOP_COURIER": "0", "SHOP_PROXIES": str(proxies)}
    door = Door(lambda *_: [], lambda: read_retailers(arcade.root, environ))
    seen: dict[str, str] = {}
    request = {"HTTP_HOST": "acme.example", "HTTP_X_FORWARDED_HOST": claim, "REMOTE_ADDR": "127.0.0.1"}

    ProxyFix(lambda given, _start: seen.update(host=given["HTTP_HOST"]) or [], x_host=proxies)(dict(request), lambda *_: None)

    assert door.host_of(dict(request)) == seen["host"]


def test_one_shop_alone_needs_no_door(app: Flask):
    assert shops_behind(app) == [app]


def test_commands_come_without_opening_any_shop(tmp_path):
    def broken():
        raise AssertionError("opened")

    door = make_door(broken)

    assert "add" in door.test_cli_runner().invoke(args=["retailer", "--help"]).output
