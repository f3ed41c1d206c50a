"""Passwords: hashing, the flood, and which ones are refused."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update

from shop.auth import passwords
from shop.auth.models import User
from shop.auth.passwords import hash_password, needs_rehash, verify_password, why_refused
from tests.people import PASSWORD, change, log_in, make_user, row


def test_the_hash_is_argon2id_with_todays_settings(context):
    hashed = hash_password(PASSWORD)

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashed != hash_password(PASSWORD)
    assert verify_password(PASSWORD, hashed)
    assert not needs_rehash(hashed)


@pytest.mark.parametrize("password", ["x" * 256, "ñandú ñandú", "  spaces kept  ", "🍎🍐🍊🍋🍌🍉🍇🍓", "72bytes" * 11])
def test_a_password_is_verified_as_typed(context, password):
    hashed = hash_password(password)

    assert verify_password(password, hashed)
    assert not verify_password(password[:-1], hashed)
    assert not verify_password(password + " ", hashed)


@pytest.mark.parametrize("hashed", [None, "", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$broken", "pbkdf2:sha256$x$y"])
def test_nothing_fits_where_there_is_no_hash(context, hashed):
    assert not verify_password("", hashed)
    assert not verify_password("anything", hashed)


def test_the_password_of_nobody_opens_nothing(context, monkeypatch):
    monkeypatch.setattr(passwords, "_nobody", lambda: hash_password("found out"))

    assert not verify_password("found out", None)
    assert not verify_password("found out", "")


def test_an_older_hash_is_renewed_at_the_next_log_in(client):
    make_user()
    change(update(User).values(password_hash=PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)))

    assert log_in(client).status_code == 303

    assert row(select(User.password_hash)).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert log_in(client).status_code == 303


def test_a_flood_of_log_ins_waits_and_is_then_asked_to_come_back(app, client, monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.05)
    make_user()
    slots = app.extensions["password_slots"]
    for _slot in range(passwords.AT_ONCE):
        slots.acquire()

    try:
        page, answer = log_in(client), client.post("/api/v1/auth/login", json={"email": "ana@example.com", "password": PASSWORD})
    finally:
        for _slot in range(passwords.AT_ONCE):
            slots.release()

    assert page.status_code == answer.status_code == 503
    assert page.headers["Retry-After"] == answer.headers["Retry-After"] == "5"
    assert log_in(client).status_code == 303


def test_only_so_many_are_hashed_at_once(app, monkeypatch):
    inside, most, gate = [], [], Event()

    class Slow:
        def hash(self, _password):
            inside.append(1)
            most.append(len(inside))
            gate.wait(0.2)
            inside.pop()
            return ""

    monkeypatch.setattr(passwords, "_hasher", Slow)

    def work():
        with app.app_context():
            hash_password("x")

    threads = [Thread(target=work) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(most) == passwords.AT_ONCE


def test_the_commonest_passwords_are_refused_however_capitalized(app):
    with app.test_request_context():
        for common in ("password1", "QWERTY123", "12345678", "contraseña1", "Iloveyou2", "abababab"):
            assert why_refused(common), common


def test_good_passwords_of_any_kind_are_taken(app):
    with app.test_request_context():
        for good in (PASSWORD, "correct horse", "ñandú ñandú", "83920174", "!!??!!..", "aabbccdd"):
            assert why_refused(good, about=("ana@example.com", "Ana")) == "", good


def test_a_user_may_have_no_password(client):
    make_user()
    change(
        insert(User).values(
            email="guest@example.com",
            name="",
            password_hash=None,
            role="customer",
            locale="en",
            version=1,
            created_at=row(select(User.created_at)).created_at,
        )
    )

    assert log_in(client, "guest@example.com", "").status_code == 422
