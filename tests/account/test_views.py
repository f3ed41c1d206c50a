"""What is mine, by pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from shop.auth.models import LoginSession, User
from shop.clock import now
from shop.customer.models import Address, Customer
from tests.people import PASSWORD, change, log_in, make_user, register, row, rows

ADDRESS = {"country": "ES", "name": "Lucía Ferrer", "line1": "Calle Feria 18", "line2": "2º B", "postcode": "41003", "city": "Sevilla"}
PHONE_UA = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


@pytest.fixture
def member(client):
    """A browser in which Ana is logged in."""
    make_user()
    log_in(client, headers={"User-Agent": FIREFOX})
    return client


def token(client, path):
    """The token that the forms of a page carry."""
    return re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get(path).text)[1]


def send(client, path, data=(), *, page=None):
    """Send a form as its page would."""
    return client.post(path, data={**dict(data), "csrf_token": token(client, page or path)})


@pytest.mark.parametrize(
    "path", ["/account", "/account/addresses", "/account/addresses/new", "/account/addresses/1", "/account/profile", "/account/devices"]
)
def test_the_account_is_for_its_owner(client, path):
    assert client.get(path).status_code == 303
    assert client.get(path).location == f"/login?next={path}"


# Profile


def test_a_new_name_is_kept(member):
    answer = send(member, "/account/profile", {"name": "Ana Luz"})

    assert (answer.status_code, answer.location) == (303, "/account/profile")
    assert "Your profile is saved." in member.get("/account/profile").text
    assert member.get("/api/v1/me").json["name"] == "Ana Luz"


def test_a_form_without_its_token_does_nothing_and_loses_nothing(member):
    answer = member.post("/account/profile", data={"name": "Ana Luz"})

    assert answer.status_code == 422
    assert "send it once more" in answer.text
    assert 'value="Ana Luz"' in answer.text
    assert member.get("/api/v1/me").json["name"] == "Ana"
    again = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', answer.text)[1]
    assert member.post("/account/profile", data={"name": "Ana Luz", "csrf_token": again}).status_code == 303


def test_a_token_of_somebody_else_is_no_token(app, member):
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    answer = member.post("/account/profile", data={"name": "Hacked", "csrf_token": token(eve, "/account/profile")})

    assert answer.status_code == 422


def test_a_new_password_wants_the_current_one(member):
    answer = send(member, "/account/password", {"current": "not mine", "new": "a quite new one"}, page="/account/profile")

    assert answer.status_code == 422
    assert "This is not your password of today." in answer.text
    assert "a quite new one" not in answer.text


@pytest.mark.parametrize("new", ["short", "password123", "ana@example.com"])
def test_a_new_password_must_be_a_good_one(member, new):
    assert send(member, "/account/password", {"current": PASSWORD, "new": new}, page="/account/profile").status_code == 422


def test_a_new_password_ends_all_other_sessions_and_renews_this_one(app, member):
    other, thief = app.test_client(), app.test_client()
    log_in(other)
    thief.set_cookie("session", member.get_cookie("session").value)

    answer = send(member, "/account/password", {"current": PASSWORD, "new": "a quite new one"}, page="/account/profile")

    assert answer.status_code == 303
    assert member.get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert thief.get("/api/v1/me").status_code == 401
    assert log_in(other).status_code == 422
    assert log_in(other, password="a quite new one").status_code == 303


def test_the_current_password_cannot_be_guessed_in_a_stolen_session(member):
    statuses = [
        send(member, "/account/password", {"current": f"guess {number}", "new": "a quite new one"}, page="/account/profile").status_code
        for number in range(11)
    ]

    assert statuses == [422] * 10 + [429]


# Devices


def test_every_device_is_listed_by_what_it_is(app, member):
    log_in(app.test_client(), headers={"User-Agent": PHONE_UA})

    page = member.get("/account/devices").text

    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("This device, now") == 1


def test_a_device_is_named_without_believing_it(app, client):
    make_user()
    log_in(client, headers={"User-Agent": "<script>alert(1)</script>\x1b[31m"})

    page = client.get("/account/devices").text

    assert "<script>alert" not in page
    assert "A device that does not say what it is" in page


def test_one_device_can_be_logged_out(app, member):
    other = app.test_client()
    log_in(other)
    their_id = max(found.id for found in rows(select(LoginSession.id)))

    send(member, f"/account/devices/{their_id}/logout", page="/account/devices")

    assert other.get("/api/v1/me").status_code == 401
    assert member.get("/api/v1/me").status_code == 200


def test_all_other_devices_can_be_logged_out(app, member):
    others = [app.test_client() for _number in range(3)]
    for other in others:
        log_in(other)

    send(member, "/account/devices/logout", page="/account/devices")

    assert [other.get("/api/v1/me").status_code for other in others] == [401] * 3
    assert member.get("/api/v1/me").status_code == 200


def test_a_button_without_its_token_does_nothing_and_says_so(app, member):
    other = app.test_client()
    log_in(other)

    answer = member.post("/account/devices/logout")

    assert answer.status_code == 303
    assert "nothing was done" in member.get("/account/devices").text
    assert other.get("/api/v1/me").status_code == 200


def test_nobody_logs_out_somebody_elses_device(app, member):
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")
    log_in(app.test_client())
    anas = min(found.id for found in rows(select(LoginSession.id)))

    send(eve, f"/account/devices/{anas}/logout", page="/account/profile")

    assert member.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("number", ["0", "9223372036854775808", "99999999999999999999999", "-1", "1e3", "%D9%A3"])
def test_numbers_that_are_no_ids_lead_nowhere(member, number):
    assert member.get(f"/account/addresses/{number}").status_code == 404
    assert member.post(f"/account/devices/{number}/logout").status_code == 404


# Addresses


def test_an_address_is_written_changed_and_deleted(member):
    assert send(member, "/account/addresses/new", ADDRESS).status_code == 303
    address_id = row(select(Address.id)).id
    assert "Calle Feria 18" in member.get("/account/addresses").text

    changed = send(member, f"/account/addresses/{address_id}", {**ADDRESS, "line1": "Alameda 44"})

    assert changed.status_code == 303
    assert row(select(Address.line1, Address.region, Address.is_default)) == ("Alameda 44", row(select(Address.region)).region, True)

    send(member, f"/account/addresses/{address_id}/deletion", page="/account/addresses")

    assert rows(select(Address.id)) == []
    assert "No addresses yet" in member.get("/account/addresses").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"postcode": "1"}, "Postcode"),
        ({"postcode": ""}, "Postcode"),
        ({"name": ""}, "Write the name of whoever takes it."),
        ({"line1": "x" * 201}, "at most 200"),
        ({"city": "\0"}, "cannot be shown"),
        ({"country": "XX"}, "Choose one of the countries"),
        ({"phone": "call me"}, "Write a phone number"),
    ],
)
def test_an_address_that_will_not_do_keeps_what_was_typed(member, changes, said):
    answer = send(member, "/account/addresses/new", {**ADDRESS, **changes})

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="2º B"' in answer.text
    assert rows(select(Address.id)) == []


def test_another_country_has_other_fields_and_keeps_what_was_typed(member):
    answer = send(member, "/account/addresses/new", {**ADDRESS, "country": "US", "other_country": "1"})

    assert answer.status_code == 200
    assert "ZIP code" in answer.text
    assert '<option value="CA">California</option>' in answer.text
    assert 'value="Calle Feria 18"' in answer.text
    assert 'aria-invalid="true"' not in answer.text


def test_the_first_address_is_the_usual_one_until_another_is_chosen(member):
    send(member, "/account/addresses/new", ADDRESS)
    send(member, "/account/addresses/new", {**ADDRESS, "line1": "Second 2"})
    second = row(select(Address.id).where(Address.line1 == "Second 2")).id
    assert _usual() == ["Calle Feria 18"]

    send(member, f"/account/addresses/{second}/default", page="/account/addresses")
    assert _usual() == ["Second 2"]

    send(member, f"/account/addresses/{second}/deletion", page="/account/addresses")
    assert _usual() == ["Calle Feria 18"]


def _usual():
    return [found.line1 for found in rows(select(Address.line1).where(Address.is_default))]


def test_somebody_elses_address_is_not_there(app, member):
    send(member, "/account/addresses/new", ADDRESS)
    address_id = row(select(Address.id)).id
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")
    send(eve, "/account/addresses/new", {**ADDRESS, "line1": "Eve 1"})

    assert eve.get(f"/account/addresses/{address_id}").status_code == 404
    assert send(eve, f"/account/addresses/{address_id}", ADDRESS, page="/account/addresses/new").status_code == 404
    assert send(eve, f"/account/addresses/{address_id}/deletion", page="/account/addresses").status_code == 404
    assert send(eve, f"/account/addresses/{address_id}/default", page="/account/addresses").status_code == 404
    assert len(rows(select(Address.id))) == 2


def test_a_book_has_an_end(member, monkeypatch):
    monkeypatch.setattr("shop.account.services.KEPT_MOST", 2)
    for _number in range(2):
        send(member, "/account/addresses/new", ADDRESS)

    answer = send(member, "/account/addresses/new", ADDRESS)

    assert answer.status_code == 422
    assert "Delete an address that you no longer need" in answer.text


# Registration makes a customer


def test_who_registers_is_a_customer_apart_from_guests_with_the_same_address(client):
    change(insert(Customer).values(email="lucia@example.com", name="A guest", locale="en", created_at=now()))

    register(client)

    user_id = row(select(User.id)).id
    found = [(customer.user_id, customer.name) for customer in rows(select(Customer.user_id, Customer.name).order_by(Customer.id))]
    assert found == [(None, "A guest"), (user_id, "Lucía")]


def test_nothing_of_a_failed_registration_remains(client, monkeypatch):
    from shop.auth.signals import user_registered

    def fail(_app, **_facts):
        raise RuntimeError

    with user_registered.connected_to(fail), pytest.raises(RuntimeError):
        client.application.config["PROPAGATE_EXCEPTIONS"] = True
        try:
            register(client)
        finally:
            client.application.config["PROPAGATE_EXCEPTIONS"] = None

    assert rows(select(User.id)) == rows(select(Customer.id)) == rows(select(LoginSession.id)) == []


def test_old_sessions_are_not_listed(member):
    change(update(LoginSession).values(seen_at=now() - timedelta(days=1)))
    change(
        insert(LoginSession).values(
            token_hash="old",
            user_id=row(select(User.id)).id,
            created_at=now(),
            seen_at=now(),
            proved_at=now(),
            expires_at=now() - timedelta(days=1),
            device=PHONE_UA,
        )
    )

    assert "iPhone" not in member.get("/account/devices").text
