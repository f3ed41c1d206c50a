"""People for staff: lists with a search, one with everything, acts by page and by program, all of them in the log."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.auth.models import User
from shop.trail.models import StaffAct
from tests.office import Desk, offers, words
from tests.orders import make_order
from tests.people import inside, log_in, make_user, rows

ACTS = select(StaffAct.subject, StaffAct.before, StaffAct.after).order_by(StaffAct.position)


@pytest.fixture
def desk(client):
    return Desk(client, "boss@example.com", role="admin")


def test_accounts_are_found_by_address_name_role_and_lock(desk):
    make_user("ana@example.com", name="Ana Ñúñez")
    make_user("leo@example.com", name="Leo", role="support")

    assert "ana@example.com" in desk.see("/admin/users?q=ñÚñ")
    assert "leo@example.com" not in desk.see("/admin/users?q=ana@")
    assert "leo@example.com" in desk.see("/admin/users?role=support")
    assert "leo@example.com" not in desk.see("/admin/users?locked=1")
    found = desk.client.get("/api/v1/users?q=ana@").json["items"]
    assert [user["email"] for user in found] == ["ana@example.com"]
    assert "password_hash" not in found[0]


def test_the_list_of_accounts_goes_on_by_a_cursor(desk):
    for number in range(55):
        make_user(f"u{number}@example.com")

    first = desk.client.get("/api/v1/users").json
    second = desk.client.get(first["next"]).json

    assert (len(first["items"]), len(second["items"]), second["next"]) == (50, 6, None)
    assert len({user["id"] for user in (*first["items"], *second["items"])}) == 56


def test_an_account_is_locked_and_opened_on_its_page(desk):
    user_id = make_user()
    page = desk.see(f"/admin/users/{user_id}")

    assert desk.press(page, f"/admin/users/{user_id}/lock").status_code == 303
    page = desk.see(f"/admin/users/{user_id}")
    assert not offers(page, f"/admin/users/{user_id}/lock")
    assert desk.press(page, f"/admin/users/{user_id}/unlock").status_code == 303

    assert [(act.before, act.after) for act in rows(ACTS)] == [
        ({"is_locked": False}, {"is_locked": True}),
        ({"is_locked": True}, {"is_locked": False}),
    ]


def test_a_role_is_given_on_the_page_and_by_a_program(desk):
    user_id = make_user()
    page = desk.see(f"/admin/users/{user_id}")

    assert desk.press(page, f"/admin/users/{user_id}/role", role="support").status_code == 303
    answer = desk.client.put(f"/api/v1/users/{user_id}/role", json={"role": "accountant"})

    assert (answer.status_code, answer.json["role"]) == (200, "accountant")
    assert [(act.subject, act.before, act.after) for act in rows(ACTS)] == [
        (f"user:{user_id}", {"role": "customer"}, {"role": "support"}),
        (f"user:{user_id}", {"role": "support"}, {"role": "accountant"}),
    ]


def test_the_last_administrator_reads_why_he_stays(desk):
    (me,) = rows(select(User.id))
    page = desk.see(f"/admin/users/{me.id}")

    answer = desk.press(page, f"/admin/users/{me.id}/lock")
    assert answer.status_code == 409
    assert "Make somebody else an administrator first" in answer.text
    answer = desk.client.put(f"/api/v1/users/{me.id}/role", json={"role": "customer"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/last-admin")


def test_a_new_account_gets_a_link_to_choose_a_password(desk):
    answer = desk.press(desk.see("/admin/users/new"), "/admin/users", email="new@example.com", name="New", role="support", locale="en")

    assert answer.status_code == 303, answer.text
    assert "new@example.com" in words(desk.see(answer.location))
    again = desk.press(desk.see("/admin/users/new"), "/admin/users", email="new@example.com", name="New", role="support", locale="en")
    assert again.status_code == 422


def test_an_account_is_made_and_changed_by_a_program(desk):
    body = {"email": "new@example.com", "name": "New", "locale": "en", "role": "support"}
    made = desk.client.post("/api/v1/users", json=body, headers={"Idempotency-Key": "k"})
    again = desk.client.post("/api/v1/users", json=body, headers={"Idempotency-Key": "k"})
    assert (made.status_code, again.status_code, made.json["id"]) == (201, 201, again.json["id"])

    where = made.headers["Location"]
    assert desk.client.patch(where, json={"name": "Nora", "locale": "es", "version": 1}).json["name"] == "Nora"
    assert desk.client.patch(where, json={"name": "Nina", "locale": "es", "version": 1}).status_code == 409
    assert desk.client.post(f"{where}/lock").json["locked_at"]
    assert desk.client.delete(f"{where}/lock").json["locked_at"] is None
    assert desk.client.delete(f"{where}/sessions").status_code == 200
    assert desk.client.post(f"{where}/reset").status_code == 200
    assert desk.client.get("/api/v1/users/999").status_code == 404


def test_a_role_is_made_on_a_page(desk):
    page = desk.see("/admin/roles/new")
    typed = {"code": "packer", "name": "Packer", "permissions": ["orders.view", "orders.fulfill"]}
    token = {}
    if 'name="csrf_token"' in page:
        token = {"csrf_token": page.split('name="csrf_token" value="')[1].split('"')[0]}

    answer = desk.client.post("/admin/roles", data={**typed, **token})

    assert answer.status_code == 303, answer.text
    assert "Pack, ship and hand over" in words(desk.see("/admin/roles"))
    page = desk.see("/admin/roles/packer")
    assert offers(page, "/admin/roles/packer/deletion")
    assert desk.press(page, "/admin/roles/packer/deletion").status_code == 303
    assert desk.client.get("/admin/roles/packer").status_code == 404


def test_roles_are_written_by_a_program(desk):
    body = {"name": "Packer", "permissions": ["orders.view"]}

    assert desk.client.put("/api/v1/roles/packer", json=body).json["version"] == 1
    assert desk.client.put("/api/v1/roles/packer", json=body).status_code == 422
    assert desk.client.put("/api/v1/roles/packer", json={**body, "version": 1}).json["version"] == 2
    assert desk.client.put("/api/v1/roles/packer", json={**body, "version": 1}).status_code == 409
    assert [role["code"] for role in desk.client.get("/api/v1/roles").json["items"] if role["own"]] == ["packer"]
    assert desk.client.delete("/api/v1/roles/packer").status_code == 204
    assert desk.client.delete("/api/v1/roles/admin").status_code == 404


def test_a_customer_is_found_and_shown_with_orders(desk):
    number = inside(make_order)().number
    page = desk.see("/admin/customers?q=lucia@")
    assert "lucia@example.com" in page
    (found,) = desk.client.get("/api/v1/customers?q=lucia").json["items"]

    page = desk.see(f"/admin/customers/{found['id']}")

    assert number in page
    record = desk.client.get(f"/api/v1/customers/{found['id']}").json
    assert [order["number"] for order in record["newest_orders"]] == [number]


def test_a_customer_is_written_down_and_corrected(desk):
    answer = desk.press(desk.see("/admin/customers/new"), "/admin/customers", email="tel@example.com", name="Tel", locale="en")
    assert answer.status_code == 303
    assert desk.press(desk.see(answer.location), answer.location, name="Telma", locale="es").status_code == 303
    assert "Telma" in desk.see(answer.location)
    body = {"email": "tel@example.com", "name": "Tel", "locale": "en"}
    assert desk.client.post("/api/v1/customers", json=body).status_code == 409
    assert "Telma" not in str([tuple(act) for act in rows(ACTS)])


def test_who_may_only_look_is_shown_no_buttons(app):
    inside(make_order)()
    browser = app.test_client()
    make_user("support@example.com", role="support")
    log_in(browser, "support@example.com")

    assert "/admin/customers/new" not in browser.get("/admin/customers").text
    assert browser.get("/admin/users").status_code == 403
    assert browser.get("/api/v1/users").status_code == 403
    assert "/admin/users" not in browser.get("/admin").text
