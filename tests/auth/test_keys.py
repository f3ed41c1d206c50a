"""Keys for programs: what they may, when they end, what is seen of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shop.auth.keys.models import ApiKey
from shop.auth.models import LoginSession, User
from shop.clock import now
from tests.people import change, log_in, make_user, row, rows

URL = "/api/v1/keys"
STAFF_ACT = "/api/v1/promotions"


@pytest.fixture
def admin(client):
    """An admin who is logged in."""
    make_user("nuria@example.com", name="Nuria", role="admin")
    log_in(client, "nuria@example.com")
    return client


def make_key(client, **changes):
    answer = client.post(URL, json={"name": "Warehouse", "permissions": ["promotions.edit"], **changes})
    assert answer.status_code == 201, answer.text
    return answer.json


def ask(app, key, path=STAFF_ACT, **more):
    """A program of its own, without any cookie."""
    return app.test_client().open(path, headers={"Authorization": f"Bearer {key}"}, **more)


def test_a_key_is_shown_once_and_kept_hashed(admin):
    made = make_key(admin)

    shown = admin.get(URL)
    assert made["key"].startswith(made["prefix"])
    assert made["prefix"].startswith("bodega_")
    assert made["key"] not in shown.text
    assert shown.json["items"][0]["prefix"] == made["prefix"]
    assert made["key"] not in str(rows(select(ApiKey.__table__)))
    assert "no-store" in admin.post(URL, json={"name": "B", "permissions": ["promotions.edit"]}).headers["Cache-Control"]


def test_a_key_does_what_was_chosen_for_it_and_nothing_else(app, admin):
    key = make_key(admin)["key"]

    assert ask(app, key).status_code == 200
    assert ask(app, key, URL).status_code == 403
    assert ask(app, key, "/api/v1/me").status_code == 403
    assert ask(app, key, "/admin/promotions").status_code == 303


def test_a_key_needs_no_origin(app, admin):
    key = make_key(admin)["key"]

    answer = app.test_client().post(STAFF_ACT, json={}, headers={"Authorization": f"Bearer {key}", "Origin": "https://else.example"})

    assert answer.status_code == 422


def test_a_key_is_nobody_s_customer(app, admin):
    key = make_key(admin)["key"]

    answer = ask(app, key, "/api/v1/cart")

    assert answer.json == app.test_client().get("/api/v1/cart").json


def test_nobody_gives_a_key_more_than_they_have(client):
    make_user(role="staff")
    log_in(client)

    assert client.post(URL, json={"name": "X", "permissions": ["promotions.edit"]}).status_code == 403


@pytest.mark.parametrize("permissions", [[], ["keys.edit"], ["everything"], ["promotions.edit", "nothing.known"]])
def test_what_cannot_be_given_is_named(admin, permissions):
    answer = admin.post(URL, json={"name": "X", "permissions": permissions})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/permissions"


def test_a_key_falls_with_the_rights_of_its_maker(app, admin):
    key = make_key(admin)["key"]

    change(update(User).values(role="support"))
    assert ask(app, key).status_code == 403

    change(update(User).values(role="admin", locked_at=now()))
    assert ask(app, key).status_code == 401


def test_a_key_ends_on_its_day(app, admin):
    key = make_key(admin, days=1)["key"]
    assert ask(app, key).status_code == 200

    change(update(ApiKey).values(expires_at=now()))

    assert ask(app, key).status_code == 401


@pytest.mark.parametrize("days", [0, 731, "1", None])
def test_a_key_without_an_end_is_not_made(admin, days):
    assert admin.post(URL, json={"name": "X", "permissions": ["promotions.edit"], "days": days}).status_code == 422


def test_a_key_that_was_taken_back_is_dead_at_once(app, admin):
    made = make_key(admin)

    assert admin.delete(f"{URL}/{made['id']}").status_code == 204

    assert ask(app, made["key"]).status_code == 401
    assert admin.delete(f"{URL}/{made['id']}").status_code == 404


@pytest.mark.parametrize("spoil", [lambda key: key[:-1], lambda key: key + "x", lambda key: key[:15], lambda _key: "bodega_", str.upper])
def test_nearly_a_key_is_none(app, admin, spoil):
    key = make_key(admin)["key"]

    assert ask(app, spoil(key)).status_code == 401


def test_the_last_use_is_seen_and_written_at_most_every_few_minutes(app, admin, statements):
    key = make_key(admin)["key"]

    ask(app, key)
    used = row(select(ApiKey.used_at, ApiKey.used_from))
    statements.clear()
    ask(app, key)

    assert used.used_from == "127.0.0.1"
    assert not [statement for statement in statements if statement.startswith("UPDATE api_keys")]
    change(update(ApiKey).values(used_at=now() - timedelta(minutes=6)))
    ask(app, key)
    assert row(select(ApiKey.used_at)).used_at >= used.used_at


def test_staff_make_a_key_on_the_page_and_see_it_once(app, admin):
    page = admin.get("/admin/programs")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]

    made = admin.post("/admin/programs", data={"csrf_token": token, "name": "Till", "days": "30", "permissions": ["orders.view"]})

    key = made.text.split('id="new-key"')[1].split('value="')[1].split('"')[0]
    assert ask(app, key, "/api/v1/staff/orders").status_code != 401
    assert key not in admin.get("/admin/programs").text
    key_id = row(select(ApiKey.id)).id
    assert admin.post(f"/admin/programs/{key_id}/revocation", data={"csrf_token": token}).status_code == 303
    assert ask(app, key).status_code == 401


@pytest.mark.parametrize("changes", [{"name": ""}, {"days": "0"}, {"permissions": []}, {"permissions": ["keys.edit"]}])
def test_the_page_says_what_is_wrong_with_a_key(admin, changes):
    token = admin.get("/admin/programs").text.split('name="csrf_token" value="')[1].split('"')[0]

    answer = admin.post("/admin/programs", data={"csrf_token": token, "name": "T", "days": "9", "permissions": ["orders.view"], **changes})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert rows(select(ApiKey.id)) == []


def test_a_borrowed_device_makes_no_key(app, admin):
    token = admin.get("/admin/programs").text.split('name="csrf_token" value="')[1].split('"')[0]
    change(update(LoginSession).values(proved_at=now() - timedelta(hours=1)))

    page = admin.post("/admin/programs", data={"csrf_token": token, "name": "Till", "days": "30", "permissions": ["orders.view"]})
    program = admin.post(URL, json={"name": "Till", "permissions": ["orders.view"]})

    assert (page.status_code, program.status_code) == (403, 403)
    assert "/account/proof?next=/admin/programs" in page.text
    assert 'value="Till"' in page.text
    assert program.json["type"] == "/problems/proof-needed"
    assert rows(select(ApiKey.id)) == []


def test_the_trail_says_who_made_a_key_and_never_the_key(app, admin):
    made = make_key(admin, permissions=["log.view"])

    acts = ask(app, made["key"], "/api/v1/staff-acts").json["items"]

    assert acts[0]["actor"] == "nuria@example.com"
    assert acts[0]["subject"] == f"key:{made['prefix']}"
    assert made["key"] not in str(acts)
