"""Coming and going, by pages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from shop.auth.models import LoginSession, User
from shop.auth.signals import user_logged_in
from tests.factories import NOON
from tests.people import PASSWORD, change, log_in, make_user, register, row, rows

SESSIONS = select(LoginSession).order_by(LoginSession.id)


def cookie(client):
    return client.get_cookie("session")


def test_a_right_password_lets_in_and_goes_on_to_the_account(client):
    make_user()

    answer = log_in(client)

    assert (answer.status_code, answer.location) == (303, "/account")
    assert client.get("/api/v1/me").json == {"email": "ana@example.com", "name": "Ana", "role": "customer", "locale": "en"}


def test_the_table_holds_a_hash_and_the_cookie_the_token(client):
    make_user()

    log_in(client)

    with client.session_transaction() as session:
        token = session["_user_id"]
    stored = row(SESSIONS.with_only_columns(LoginSession.token_hash, LoginSession.address))
    assert len(token) >= 43
    assert token not in stored.token_hash
    assert stored.address == "127.0.0.1"


def test_an_address_is_found_however_it_is_capitalized(client):
    make_user()

    assert log_in(client, " Ana@Example.COM ").status_code == 303


def test_a_wrong_password_and_an_unknown_address_look_alike(client):
    make_user()

    wrong = log_in(client, password="not my password")
    unknown = log_in(client, "nobody@example.com", "not my password")

    assert wrong.status_code == unknown.status_code == 422
    said = [re.sub(r"[0-9a-f]{16}", "", answer.text).replace("nobody@", "ana@") for answer in (wrong, unknown)]
    assert said[0] == said[1]
    assert "E-mail and password do not go together" in wrong.text
    assert "Set-Cookie" not in wrong.headers


def test_what_was_typed_stays_but_not_the_password(client):
    answer = log_in(client, "not-an-address", "some secret")

    assert answer.status_code == 422
    assert 'value="not-an-address"' in answer.text
    assert "some secret" not in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_an_account_without_a_password_lets_nobody_in(client):
    make_user(password=None)

    assert log_in(client, password="anything at all").status_code == 422


def test_a_locked_user_hears_so_only_with_the_right_password(client):
    make_user(locked_at=NOON)

    assert "locked" not in log_in(client, password="wrong password").text
    assert "This account is locked" in log_in(client).text
    assert client.get("/api/v1/me").status_code == 401


def test_a_locked_user_is_out_at_once(client):
    make_user()
    log_in(client)

    change(update(User).values(locked_at=NOON))

    assert client.get("/api/v1/me").status_code == 401


def test_a_copied_cookie_is_dead_after_the_log_out(app, client):
    make_user()
    log_in(client)
    thief = app.test_client()
    thief.set_cookie("session", cookie(client).value)
    assert thief.get("/api/v1/me").status_code == 200

    answer = client.post("/logout")

    assert answer.status_code == 303
    assert client.get("/api/v1/me").status_code == 401
    assert thief.get("/api/v1/me").status_code == 401


def test_logging_out_twice_or_as_a_stranger_does_no_harm(client):
    assert client.post("/logout").status_code == 303
    assert client.post("/logout").status_code == 303


def test_a_log_in_never_goes_on_under_a_token_that_somebody_planted(app, client):
    """Session fixation: the attacker's cookie in the victim's browser does not become the victim's."""
    make_user()
    make_user("attacker@example.com", name="Mallory")
    attacker = app.test_client()
    log_in(attacker, "attacker@example.com")
    client.set_cookie("session", cookie(attacker).value)

    log_in(client)

    assert client.get("/api/v1/me").json["name"] == "Ana"
    assert attacker.get("/api/v1/me").status_code == 401
    assert cookie(client).value != cookie(attacker).value


def test_every_log_in_makes_a_new_token_and_ends_the_old_one(client):
    make_user()
    log_in(client)
    log_in(client)

    stored = rows(select(LoginSession.token_hash, LoginSession.ended_at).order_by(LoginSession.id))

    assert len({found.token_hash for found in stored}) == 2
    assert [found.ended_at is not None for found in stored] == [True, False]


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/checkout?step=2", "/checkout?step=2"),
        ("/es/cart", "/es/cart"),
        ("", "/account"),
        ("https://evil.test/", "/account"),
        ("//evil.test", "/account"),
        ("/\\evil.test", "/account"),
        ("/\t/evil.test", "/account"),
        ("\thttps://evil.test", "/account"),
        ("/%09/evil.test", "/%09/evil.test"),
        ("javascript:alert(1)", "/account"),
        ("http:evil.test", "/account"),
        ("/a\r\nSet-Cookie: x=1", "/account"),
        ("@evil.test", "/account"),
        ("/@evil.test", "/@evil.test"),
        ("///evil.test", "/account"),
    ],
)
def test_after_the_log_in_one_stays_in_the_shop(client, target, lands):
    make_user()

    answer = client.post("/login", data={"email": "ana@example.com", "password": PASSWORD, "next": target})

    assert (answer.status_code, answer.location) == (303, lands)


def test_the_page_keeps_where_one_wanted_to_go(client):
    answer = client.get("/login?next=/checkout")

    assert 'value="/checkout"' in answer.text
    assert "evil" not in client.get("/login?next=//evil.test").text.split('<form class="fields"')[1].split("</form>")[0]


def test_a_stranger_who_opens_his_account_comes_back_there(client):
    make_user()

    asked = client.get("/es/account?page=2")

    assert (asked.status_code, asked.location) == (303, "/es/login?next=/es/account?page%3D2")


def test_the_door_costs_a_stranger_no_cookie(client):
    for path in ("/login", "/register"):
        assert "Set-Cookie" not in client.get(path).headers


def test_a_foreign_page_cannot_log_anybody_in(client):
    make_user()

    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}, {"Origin": "null"}):
        for path in ("/login", "/register", "/logout", "/api/v1/auth/login"):
            assert client.post(path, data={"email": "ana@example.com", "password": PASSWORD}, headers=headers).status_code == 403

    assert rows(SESSIONS) == []


def test_others_hear_of_a_log_in_when_the_visitor_is_known(app, client):
    user_id = make_user()
    heard = []

    def listen(sender, user_id, at):
        from flask_login import current_user

        heard.append((sender is app, user_id, current_user.id))

    with user_logged_in.connected_to(listen):
        log_in(client)

    assert heard == [(True, user_id, user_id)]


def test_a_listener_that_fails_keeps_nobody_out(app, client):
    make_user()

    def fail(sender, user_id, at):
        raise RuntimeError("the cart is broken")

    with user_logged_in.connected_to(fail):
        answer = log_in(client)

    assert answer.status_code == 303
    assert client.get("/api/v1/me").status_code == 200


# Registration


def test_registering_makes_a_customer_who_is_logged_in(client):
    answer = register(client, next="/checkout")

    assert (answer.status_code, answer.location) == (303, "/checkout")
    assert client.get("/api/v1/me").json == {"email": "lucia@example.com", "name": "Lucía", "role": "customer", "locale": "en"}


def test_who_registers_in_spanish_is_spoken_to_in_spanish(client):
    register(client, prefix="/es")

    assert row(select(User.locale)).locale == "es"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "short"}, "Use 8 to 256 characters."),
        ({"password": "x" * 257}, "Use 8 to 256 characters."),
        ({"password": "Password123"}, "Many people use this password"),
        ({"password": "aaaaaaaaaaaa"}, "Many people use this password"),
        ({"password": "lucia@example.com"}, "This is your name or address"),
        ({"email": "lucia.ferrer@example.com", "password": "Lucia.Ferrer"}, "This is your name or address"),
        ({"email": "nowhere"}, "Write an e-mail address"),
        ({"name": "  "}, "Please fill this in."),
        ({"name": "L\0"}, "cannot be shown"),
        ({"name": "L" * 121}, "Use at most 120 characters."),
    ],
)
def test_a_registration_that_will_not_do_says_why_and_loses_nothing(client, changes, said):
    typed = {"name": "Lucía Ferrer", "email": "lucia@example.com", "password": PASSWORD, **changes}

    answer = client.post("/register", data=typed)

    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{typed["email"]}"' in answer.text
    assert typed["password"] not in answer.text.replace(typed["email"], "").replace("Lucía Ferrer", "")
    assert row(select(User.id)) is None


def test_fields_that_nobody_asked_for_change_nothing(client):
    register(client, role="admin", is_admin="1")

    assert row(select(User.role)).role == "customer"
