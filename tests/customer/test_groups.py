"""Groups of customers by the command line, by pages and by programs."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.customer.models import CustomerGroupMember
from shop.trail.models import StaffAct
from tests.office import Desk, words
from tests.people import log_in, make_user, row, rows
from tests.people import the_shop as the_shop  # noqa: PLC0414 - a fixture


def members() -> int:
    found = row(select(func.count()).select_from(CustomerGroupMember))
    assert found is not None
    return int(found[0])


def test_accounts_come_into_a_group_and_out_of_it(app: Flask) -> None:
    make_user("ana@example.com")
    run = app.test_cli_runner().invoke

    first = run(args=["customer", "group", "club", "--name", "The club", "--add", "Ana@example.com"])
    again = run(args=["customer", "group", "club", "--add", "ana@example.com"])
    inside = members()
    unknown = run(args=["customer", "group", "club", "--add", "eva@example.com"])
    wrong = run(args=["customer", "group", "The Club"])
    run(args=["customer", "group", "club", "--remove", "ana@example.com"])

    assert (first.exit_code, again.exit_code, inside, members()) == (0, 0, 1, 0), first.output
    assert "Nobody logs in by this address." in unknown.output
    assert wrong.exit_code == 1


PAGE, API = "/admin/customer-groups", "/api/v1/customer-groups"


@pytest.fixture
def desk(client: FlaskClient) -> Desk:
    return Desk(client, "boss@example.com", role="admin")


def test_staff_put_people_into_a_group_and_take_them_out(desk: Desk) -> None:
    make_user("ana@example.com")
    desk.press(desk.see(PAGE), PAGE, code="club", name="The club")

    answer = desk.press(desk.see(f"{PAGE}/club"), f"{PAGE}/club/members", email="Ana@example.com")
    page = desk.see(f"{PAGE}/club")
    counted = members()
    desk.press(page, f"{PAGE}/club/members/ana@example.com/removal")

    assert (answer.status_code, counted, members()) == (303, 1, 0)
    assert "ana@example.com" in words(page)
    acts = [(act.subject, act.before, act.after) for act in rows(select(StaffAct.subject, StaffAct.before, StaffAct.after))]
    assert acts[-2:] == [("group:club", {}, {"in": "ana@example.com"}), ("group:club", {"in": "ana@example.com"}, {})]


def test_a_wrong_code_and_an_unknown_address_are_said_at_their_field(desk: Desk) -> None:
    wrong = desk.press(desk.see(PAGE), PAGE, code="The Club", name="The club")
    desk.press(desk.see(PAGE), PAGE, code="club", name="The club")
    unknown = desk.press(desk.see(f"{PAGE}/club"), f"{PAGE}/club/members", email="eva@example.com")

    assert (wrong.status_code, unknown.status_code, members()) == (422, 422, 0)
    assert "Use 1 to 40 letters" in wrong.text
    assert "Nobody logs in by this address." in unknown.text
    assert desk.client.get(f"{PAGE}/nowhere").status_code == 404


def test_programs_do_the_same(desk: Desk) -> None:
    make_user("ana@example.com")
    send = desk.client

    made = send.post(API, json={"code": "club", "name": "The club"})
    put = send.post(f"{API}/club/members", json={"email": "ana@example.com"})
    counted = send.get(API).json
    out = send.delete(f"{API}/club/members/ana@example.com")

    assert (made.status_code, put.status_code, out.status_code) == (201, 201, 204)
    assert [item["email"] for item in put.json["items"]] == ["ana@example.com"]
    assert counted == {"items": [{"code": "club", "name": "The club", "members": 1}]}
    assert send.get(f"{API}/club/members").json == {"items": [], "next": None}
    assert send.get(f"{API}/nowhere/members").status_code == 404
    assert send.post(API, json={"code": "A B", "name": "x"}).status_code == 422
    assert send.post(f"{API}/club/members", json={"email": "eva@example.com"}).status_code == 404


def test_who_may_not_change_customers_sees_no_groups(client: FlaskClient) -> None:
    make_user("sam@example.com", role="support")
    log_in(client, "sam@example.com")

    assert [client.get(path).status_code for path in (PAGE, API)] == [403, 403]
    assert client.post(f"{API}/club/members", json={"email": "sam@example.com"}).status_code == 403
