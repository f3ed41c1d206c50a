"""Guessing is slow; the owner gets in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from shop import db
from shop.auth import limits
from shop.auth.models import LoginTry
from shop.errors import TooManyTries
from tests.factories import NOON
from tests.people import PASSWORD, change, inside, log_in, make_user, row, rows

count_try = inside(limits.count_try)
ELSEWHERE = {"environ_base": {"REMOTE_ADDR": "198.51.100.9"}}


def test_an_account_can_be_tried_ten_times(client):
    make_user()

    statuses = [log_in(client, password="wrong one").status_code for _try in range(12)]

    assert statuses == [422] * 10 + [429] * 2
    refused = log_in(client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert 'value="ana@example.com"' in refused.text
    assert "Please wait 15 minutes" in refused.text


def test_an_unknown_account_is_limited_just_so(client):
    assert [log_in(client, "nobody@example.com").status_code for _try in range(11)] == [422] * 10 + [429]


def test_the_wait_ends_by_itself(client):
    make_user()
    for _try in range(11):
        log_in(client, password="wrong one")

    change(update(LoginTry).values(since=NOON - timedelta(days=999)))

    assert log_in(client).status_code == 303


def test_trying_on_does_not_make_the_wait_longer(context):
    for _try in range(10):
        count_try("account:a", at=NOON)
    for minute in range(14):
        with pytest.raises(TooManyTries) as refused:
            count_try("account:a", at=NOON + timedelta(minutes=minute))
        assert refused.value.extras["retry_after_s"] == (15 - minute) * 60

    count_try("account:a", at=NOON + timedelta(minutes=15))


def test_a_right_password_wipes_the_slate(client):
    make_user()
    for _try in range(9):
        log_in(client, password="wrong one")

    log_in(client)

    left = {found.key.partition(":")[0]: found.failures for found in rows(select(LoginTry.key, LoginTry.failures))}
    assert left.get("account") is None
    assert left["network"] == 9


def test_who_knocks_from_elsewhere_does_not_lock_the_owner_out(client):
    make_user()
    log_in(client)
    client.post("/logout")
    for _try in range(12):
        knocked = log_in(client, password="wrong one", **ELSEWHERE)
    assert knocked.status_code == 429

    assert log_in(client).status_code == 303


def test_a_network_can_try_many_accounts_but_not_endlessly(client):
    statuses = [log_in(client, f"user{number}@example.com").status_code for number in range(62)]

    assert statuses == [422] * 60 + [429] * 2
    assert log_in(client, "user100@example.com", **ELSEWHERE).status_code == 422


def test_a_forged_forwarding_header_is_no_new_network(client):
    statuses = {
        log_in(client, f"user{number}@example.com", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(62)
    }

    assert 429 in statuses


def test_registrations_from_one_network_are_limited(client):
    def register(number):
        return client.post("/register", data={"name": "A", "email": f"a{number}@example.com", "password": PASSWORD}).status_code

    assert [register(number) for number in range(21)] == [303] * 20 + [429]


def test_refused_tries_count_under_no_key_at_all(context):
    for _try in range(10):
        count_try("account:a", at=NOON)
    with pytest.raises(TooManyTries):
        count_try("account:a", "network:n", at=NOON)

    assert [found.key for found in rows(select(LoginTry.key))] == ["account:a"]


def test_a_hundred_at_once_do_not_slip_through(app):
    def attempt(_number):
        try:
            count_try("account:a", "network:n", at=NOON)
        except TooManyTries:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(attempt, range(40)))

    assert sum(passed) == 10
    assert row(select(func.max(LoginTry.failures).label("most"))).most == 10


def test_what_strangers_type_is_not_kept(client):
    log_in(client, "somebody.else@example.com", "a secret that slipped")

    kept = " ".join(found.key for found in rows(select(LoginTry.key)))
    assert "somebody" not in kept


def test_old_windows_are_swept_out(context):
    count_try("account:long-ago", at=NOON - timedelta(minutes=15))
    count_try("account:now", at=NOON)

    limits.sweep_tries(NOON)

    assert [found.key for found in rows(select(LoginTry.key))] == ["account:now"]


def test_what_is_being_counted_is_left_by_the_sweep(app):
    """On PostgreSQL it would wait, and the other for it."""
    if app.extensions["config"].database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    with app.app_context():
        for key in ("account:a", "network:n"):
            count_try(key, at=NOON - timedelta(days=1))

    def sweep():
        with app.app_context():
            limits.sweep_tries(NOON)

    with app.app_context(), db.transaction() as session, ThreadPoolExecutor(1) as pool:
        session.execute(update(LoginTry).where(LoginTry.key == "account:a").values(failures=2))
        pool.submit(sweep).result(timeout=5)

    assert [found.key for found in rows(select(LoginTry.key))] == ["account:a"]


# Who asks very much


@pytest.fixture
def strict(app, monkeypatch):
    """A shop that lets a network search three times a minute, and programs ask five times."""
    monkeypatch.setitem(app.extensions, "config", replace(app.extensions["config"], search_limit=3, api_limit=5))
    return app.test_client()


SUGGESTIONS = "/api/v1/products/suggestions?q=mug"


def test_searches_and_suggestions_are_counted_together(strict):
    statuses = [
        strict.get(path, **ELSEWHERE).status_code for path in ("/search?q=mug", SUGGESTIONS, SUGGESTIONS, SUGGESTIONS, "/search?q=mug")
    ]

    assert statuses == [200, 200, 200, 429, 429]
    refused = strict.get(SUGGESTIONS, **ELSEWHERE)
    assert refused.json["type"].endswith("/problems/too-many-tries")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert strict.get(SUGGESTIONS, environ_base={"REMOTE_ADDR": "198.51.100.10"}).status_code == 200


def test_programs_are_counted_before_anything_is_looked_up_for_them(strict, statements):
    asked = {"headers": {"Authorization": "Bearer nonsense"}, **ELSEWHERE}
    statuses = [strict.get("/api/v1/cart", **asked).status_code for _time in range(5)]
    statements.clear()

    assert statuses == [401] * 5
    assert strict.get("/api/v1/cart", **asked).status_code == 429
    assert strict.get("/es/api/v1/cart", **asked).status_code == 429
    assert statements == []
    assert strict.get("/", **ELSEWHERE).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_is_on_this_machine_is_not_limited(strict, address):
    here = {"environ_base": {"REMOTE_ADDR": address}}

    assert {strict.get(SUGGESTIONS, **here).status_code for _time in range(8)} == {200}


def test_a_limit_of_nothing_is_none(strict, app, monkeypatch):
    monkeypatch.setitem(app.extensions, "config", replace(app.extensions["config"], search_limit=0, api_limit=0))

    assert {strict.get(SUGGESTIONS, **ELSEWHERE).status_code for _time in range(8)} == {200}
