"""The visitor of a request: what he costs, how long he lasts, whom the doors let through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select, update

from shop.auth import current
from shop.auth.models import LoginSession, Role, User
from shop.auth.permissions import BUILT_IN, PERMISSIONS
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
    log_in(client, remember=True)
    age(timedelta(days=29, hours=23))
    assert client.get("/api/v1/me").status_code == 200

    age(timedelta(days=30, minutes=1))

    assert client.get("/api/v1/me").status_code == 401


def test_who_did_not_want_to_stay_is_out_after_twelve_quiet_hours(client):
    make_user()
    log_in(client)
    for _visit in range(3):
        age(timedelta(hours=11))
        assert client.get("/api/v1/me").status_code == 200

    age(timedelta(hours=12, minutes=1))

    assert client.get("/api/v1/me").status_code == 401


def test_only_who_wants_to_stay_gets_a_cookie_that_outlives_the_browser(app, client):
    make_user()

    assert "Expires" not in log_in(client).headers["Set-Cookie"]
    assert "Expires" in log_in(app.test_client(), remember=True).headers["Set-Cookie"]


def test_a_session_ends_after_ninety_days_however_busy(client):
    make_user()
    log_in(client, remember=True)

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
    from shop.auth.sessions import log_out, note_visit

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


def allowed(app, client) -> frozenset[str]:
    """What the door lets this visitor do."""
    cookie = {"Cookie": f"session={client.get_cookie('session').value}"}
    with app.test_request_context(headers=cookie):
        return frozenset(permission for permission in PERMISSIONS if _opens(permission))


def _opens(permission):
    try:
        current.require_permission(permission)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("role", BUILT_IN)
def test_a_role_opens_what_its_permissions_say_and_nothing_else(client, app, role):
    make_user(role=role)
    log_in(client)

    assert allowed(app, client) == BUILT_IN[role]


def test_a_role_of_the_shops_own_opens_what_the_shop_put_into_it(client, app):
    change(insert(Role).values(code="packer", name="Packer", permissions=["orders.view", "orders.fulfill", "no.such"]))
    make_user(role="packer")
    log_in(client)

    assert allowed(app, client) == {"office.view", "orders.view", "orders.fulfill"}


def test_a_role_that_nobody_knows_opens_nothing(client, app):
    make_user(role="gone")
    log_in(client)

    assert allowed(app, client) == frozenset()
    assert client.get("/admin").status_code == 403


def test_a_changed_role_ends_all_sessions(client):
    from shop.auth.staff_services import give_role

    user_id = make_user()
    log_in(client)

    inside(give_role)(user_id, "staff", at=now())

    assert client.get("/api/v1/me").status_code == 401
    assert row(select(User.role)).role == "staff"


def test_sessions_that_are_long_over_are_deleted(client):
    from shop.auth.sessions import sweep_sessions

    make_user()
    log_in(client, remember=True)
    log_in(client, remember=True)
    inside(sweep_sessions)(now() + timedelta(days=89))
    assert len(rows(SESSION)) == 2

    inside(sweep_sessions)(now() + timedelta(days=91))

    assert [found.ended_at for found in rows(SESSION)] == [None]
