"""The visitor of a request: what he costs, how long he lasts, whom the doors let through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from shop.auth import current
from shop.auth.models import LoginSession, User
from shop.clock import now
from shop.db import db
from shop.errors import Forbidden
from tests.people import change, inside, log_in, make_user, row, rows

SESSION = select(LoginSession.seen_at, LoginSession.created_at, LoginSession.expires_at, LoginSession.ended_at)


@pytest.fixture
def statements(app):
    """Every statement that reaches the database."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def age(by: timedelta) -> None:
    """Let time go by for the only session."""
    stored = row(SESSION)
    moved = {name: getattr(stored, name) - by for name in ("seen_at", "created_at", "expires_at")}
    change(update(LoginSession).values(**moved))


def test_strangers_cost_no_statement(client, statements):
    client.get("/api/v1/me")
    client.set_cookie("session", "broken.cookie.value")
    client.get("/api/v1/me")

    assert statements == []


def test_a_guest_with_a_cookie_costs_no_statement(client, statements):
    with client.session_transaction() as session:
        session["cart"] = "some key"

    assert client.get("/api/v1/me").status_code == 401
    assert statements == []


def test_a_member_costs_one_statement(client, statements):
    make_user()
    log_in(client)
    statements.clear()

    client.get("/api/v1/me")

    assert len(statements) == 1


def test_a_session_ends_after_thirty_quiet_days(client):
    make_user()
    log_in(client)
    age(timedelta(days=29, hours=23))
    assert client.get("/api/v1/me").status_code == 200

    age(timedelta(days=30, minutes=1))

    assert client.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_ninety_days_however_busy(client):
    make_user()
    log_in(client)

    for _month in range(3):
        age(timedelta(days=29))
        assert client.get("/api/v1/me").status_code == 200
    age(timedelta(days=4))

    assert client.get("/api/v1/me").status_code == 401


def test_a_visit_is_noted_every_few_minutes_only(client, statements):
    make_user()
    log_in(client)
    statements.clear()
    client.get("/api/v1/me")
    assert not [statement for statement in statements if statement.startswith("UPDATE")]

    age(timedelta(minutes=6))
    client.get("/api/v1/me")
    client.get("/api/v1/me")

    assert len([statement for statement in statements if statement.startswith("UPDATE login_sessions SET seen_at")]) == 1
    assert now() - row(SESSION).seen_at < timedelta(minutes=1)


def test_a_visit_is_never_noted_by_a_page_for_everybody(app, client, statements):
    make_user()
    log_in(client)
    age(timedelta(minutes=6))
    statements.clear()

    client.get("/problems/not-found")

    assert not [statement for statement in statements if statement.startswith("UPDATE")]


def test_an_ended_session_is_not_brought_back_by_a_late_visit(client):
    make_user()
    log_in(client)
    with client.session_transaction() as session:
        token = session["_user_id"]
    from shop.auth.services import log_out, note_visit

    inside(log_out)(token, at=now())
    inside(note_visit)(1, at=now() + timedelta(days=1), before=now() + timedelta(hours=1))

    assert row(SESSION).seen_at < now()
    assert row(SESSION).ended_at is not None


def test_the_cookie_is_not_sent_again_by_pages_that_change_nothing(client):
    """A slow answer from before a log-in would bring back the old cookie."""
    make_user()
    log_in(client)

    assert "Set-Cookie" not in client.get("/api/v1/me").headers


def test_the_cookie_cannot_be_read_by_scripts_and_stays_here(client):
    make_user()

    cookie = log_in(client).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_a_forged_or_damaged_cookie_is_a_stranger(client):
    make_user()
    log_in(client)
    good = client.get_cookie("session").value

    for bad in (good[:-2], good + "A", good.replace(".", "", 1), "x", "", "é".encode().decode("latin-1"), "." * 3000):
        client.set_cookie("session", bad)
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_household_is_one_network(app, address, key):
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert current.network() == key


@pytest.mark.parametrize(
    ("role", "passes"),
    [("customer", ["customer"]), ("staff", ["customer", "staff"]), ("admin", ["customer", "staff", "admin"])],
)
def test_a_role_opens_its_doors_and_those_below(client, app, role, passes):
    make_user(role=role)
    log_in(client)
    cookie = {"Cookie": f"session={client.get_cookie('session').value}"}

    with app.test_request_context(headers=cookie):
        opened = [wanted for wanted in ("customer", "staff", "admin") if _opens(wanted)]

    assert opened == passes


def _opens(role):
    try:
        current.require_role(role)
    except Forbidden:
        return False
    return True


def test_a_changed_role_ends_all_sessions(client):
    from shop.auth.models import Role
    from shop.auth.services import set_role

    user_id = make_user()
    log_in(client)

    inside(set_role)(user_id, Role.STAFF, at=now())

    assert client.get("/api/v1/me").status_code == 401
    assert row(select(User.role)).role == "staff"


def test_sessions_that_are_long_over_are_deleted(client):
    from shop.auth.services import sweep_sessions

    make_user()
    log_in(client)
    log_in(client)
    inside(sweep_sessions)(now() + timedelta(days=89))
    assert len(rows(SESSION)) == 2

    inside(sweep_sessions)(now() + timedelta(days=91))

    assert [found.ended_at for found in rows(SESSION)] == [None]
