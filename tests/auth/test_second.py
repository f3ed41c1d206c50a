"""The second factor: an app, recovery codes, the second step, and staff who must have one."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp import TOTP
from sqlalchemy import select, update

from shop.auth.models import AppKey, LoginSession, RecoveryCode, User
from tests.factories import NOON
from tests.mailbox import letters_to
from tests.people import PASSWORD, change, log_in, make_user, row, rows

ANA = "ana@example.com"


def form_token(page):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


def press(client, path, page="/account/security", **fields):
    return client.post(path, data={"csrf_token": form_token(client.get(page).text), **fields})


def set_up(client):
    """Switch an app on; gives it and the recovery codes. Its last code may be used again: the tests need not wait for half a minute."""
    key = client.post("/api/v1/me/security/app").json
    app = TOTP(parse_qs(urlsplit(key["uri"]).query)["secret"][0])
    codes = client.post("/api/v1/me/security/app/confirmation", json={"code": app.now()}).json["codes"]
    change(update(AppKey).values(last_step=0))
    return app, codes


@pytest.fixture
def member(client):
    make_user()
    log_in(client)
    return client


def step_up(client, code, **kwargs):
    log_in(client, **kwargs)
    return client.post("/login/code", data={"code": code})


def test_an_app_is_set_up_by_pages(member):
    shown = press(member, "/account/security/app")
    page = member.get(shown.location).text
    letters = re.search(r'id="letters">([A-Z2-7 ]+)<', page)[1].replace(" ", "")

    wrong = press(member, "/account/security/app/confirmation", "/account/security/app", code="000000")
    right = press(member, "/account/security/app/confirmation", "/account/security/app", code=TOTP(letters).now())

    assert 'src="data:image/png;base64,' in page
    assert (wrong.status_code, right.status_code) == (422, 200)
    codes = re.findall(r"<code>([a-z2-7-]+)</code>", right.text)
    assert len(set(codes)) == 10
    assert "10 codes are left" in member.get("/account/security").text


def test_the_picture_holds_the_key_that_counts(member):
    answer = member.post("/api/v1/me/security/app").json

    asked = parse_qs(urlsplit(answer["uri"]).query)
    assert asked["secret"] == [answer["letters"].replace(" ", "")]
    assert answer["uri"].startswith("otpauth://totp/")


def test_a_log_in_asks_for_the_code_and_opens_no_session_before_it(app, member):
    totp, _codes = set_up(member)
    browser = app.test_client()

    first = log_in(browser)

    assert (first.status_code, first.location) == (303, "/login/code")
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.post("/login/code", data={"code": "000000"}).status_code == 422
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.post("/login/code", data={"code": f"{totp.now()[:3]} {totp.now()[3:]}"}).status_code == 303
    assert browser.get("/api/v1/me").status_code == 200


def test_one_goes_on_to_where_one_wanted_to(app, member):
    totp, _codes = set_up(member)
    browser = app.test_client()
    browser.post("/login", data={"email": ANA, "password": PASSWORD, "next": "/checkout"})

    assert browser.post("/login/code", data={"code": totp.now()}).location == "/checkout"


def test_a_code_works_once(app, member):
    totp, _codes = set_up(member)
    code = totp.now()
    assert step_up(app.test_client(), code).status_code == 303

    assert step_up(app.test_client(), code).status_code == 422
    assert step_up(app.test_client(), totp.at(int(time.time()) - 30)).status_code == 422


def test_of_two_who_use_a_code_at_once_one_gets_in(app, member):
    totp, _codes = set_up(member)
    code = totp.now()
    tickets = [
        app.test_client().post("/api/v1/auth/login", json={"email": ANA, "password": PASSWORD}).json["ticket"] for _browser in range(4)
    ]

    def go(ticket):
        return app.test_client().post("/api/v1/auth/login/code", json={"ticket": ticket, "code": code}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(go, tickets)) == [200, 422, 422, 422]


def test_an_old_code_and_one_of_another_key_are_refused(app, member):
    totp, _codes = set_up(member)

    assert step_up(app.test_client(), totp.at(int(time.time()) - 90)).status_code == 422
    assert step_up(app.test_client(), TOTP("JBSWY3DPEHPK3PXP" * 2).now()).status_code == 422


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "١٢٣٤٥٦", "000000\0", "'; --", "x" * 40, "x" * 500])
def test_what_is_no_code_is_refused(app, member, code):
    set_up(member)

    assert step_up(app.test_client(), code).status_code == 422


def test_codes_can_be_tried_ten_times(app, member):
    totp, _codes = set_up(member)
    browser = app.test_client()
    log_in(browser)
    statuses = [browser.post("/login/code", data={"code": f"00000{number % 10}"}).status_code for number in range(12)]

    assert statuses[-2:] == [429, 429]
    assert browser.post("/login/code", data={"code": totp.now()}).status_code == 429


def test_a_recovery_code_works_once_and_its_owner_is_told(app, member):
    _totp, codes = set_up(member)

    assert step_up(app.test_client(), codes[3].upper()).status_code == 303
    assert step_up(app.test_client(), codes[3]).status_code == 422
    assert step_up(app.test_client(), codes[4].replace("-", "")).status_code == 303
    assert letters_to(app, ANA)[-1].subject == "A recovery code was used"
    assert member.get("/api/v1/me/security").json["codes_left"] == 8


def test_codes_are_kept_hashed_and_new_ones_end_the_old(app, member):
    _totp, codes = set_up(member)
    kept = " ".join(found.code_hash for found in rows(select(RecoveryCode.code_hash)))
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)

    fresh = member.post("/api/v1/me/security/codes").json["codes"]

    assert step_up(app.test_client(), codes[0]).status_code == 422
    assert step_up(app.test_client(), fresh[0]).status_code == 303


def test_the_table_holds_no_key(member):
    totp, _codes = set_up(member)

    assert totp.secret not in str(rows(select(AppKey.__table__)))


def test_a_second_factor_begins_a_new_session_and_ends_the_others(app, member):
    phone = app.test_client()
    log_in(phone)
    before = member.get_cookie("session").value

    set_up(member)

    assert phone.get("/api/v1/me").status_code == 401
    assert member.get("/api/v1/me").status_code == 200
    assert member.get_cookie("session").value != before
    assert letters_to(app, ANA)[-1].subject == "Your account has a second factor"


def test_a_reset_of_the_password_does_not_skip_the_second_step(app, member):
    set_up(member)
    browser = app.test_client()
    browser.post("/forgotten", data={"email": ANA})
    browser.get(letters_to(app, ANA)[-1].path)
    browser.post("/password", data={"new": "five loud summer pears"})

    assert log_in(browser, password="five loud summer pears").location == "/login/code"
    assert browser.get("/api/v1/me").status_code == 401


def test_a_new_password_ends_a_half_done_log_in(app, member):
    totp, _codes = set_up(member)
    thief = app.test_client()
    log_in(thief)
    press(member, "/account/password", "/account/profile", current=PASSWORD, new="five loud summer pears")

    answer = thief.post("/login/code", data={"code": totp.now()})

    assert (answer.status_code, answer.location) == (303, "/login")
    assert thief.get("/api/v1/me").status_code == 401


def test_a_ticket_of_the_first_step_is_no_other_ticket(app, member):
    set_up(member)
    ticket = app.test_client().post("/api/v1/auth/login", json={"email": ANA, "password": PASSWORD}).json["ticket"]

    assert client_get(app, f"/links/{ticket}") == 410
    body = {"token": ticket, "new": "five loud summer pears"}
    assert app.test_client().post("/api/v1/auth/password-resets/confirmation", json=body).status_code == 410


def client_get(app, path):
    return app.test_client().get(path).status_code


def test_removing_the_app_wants_a_proof_of_now(app, member):
    set_up(member)
    change(update(LoginSession).values(proved_at=NOON))

    refused = member.delete("/api/v1/me/security/app")
    page = press(member, "/account/security/app/removal")

    assert (refused.status_code, refused.json["type"]) == (403, "/problems/proof-needed")
    assert page.location.startswith("/account/proof")
    assert member.post("/api/v1/me/proof", json={"password": "not this one"}).status_code == 422
    assert member.post("/api/v1/me/proof", json={"password": PASSWORD}).status_code == 204
    assert member.delete("/api/v1/me/security/app").status_code == 204
    assert log_in(app.test_client()).location == "/account"
    assert rows(select(RecoveryCode.code_hash)) == []


def test_a_proof_by_page_comes_back_to_where_it_was_wanted(member):
    change(update(LoginSession).values(proved_at=NOON))

    asked = member.get("/account/email")
    answer = press(member, asked.location, asked.location, password=PASSWORD)

    assert asked.location == "/account/proof?next=/account/email"
    assert answer.location == "/account/email"
    assert member.get("/account/email").status_code == 200


# Staff


@pytest.fixture
def strict(app):
    config = app.extensions["config"]
    app.extensions["config"] = replace(config, staff_second_factor=True)
    yield app
    app.extensions["config"] = config


def test_staff_may_do_nothing_before_a_second_factor(strict, client):
    make_user("keeper@example.com", role="admin")
    log_in(client, "keeper@example.com")

    door = client.get("/admin")
    assert (door.status_code, door.location) == (303, "/account/security")
    answer = client.get("/api/v1/staff/orders")
    assert answer.status_code in {403, 404}
    totp, _codes = set_up(client)
    assert client.get("/admin").status_code == 200
    browser = strict.test_client()
    log_in(browser, "keeper@example.com")
    assert browser.get("/admin").status_code == 303
    browser.post("/login/code", data={"code": totp.now()})
    assert browser.get("/admin").status_code == 200


def test_customers_need_none(strict, client):
    make_user()
    log_in(client)

    assert client.get("/account").status_code == 200
    assert row(select(User.role)).role == "customer"


def test_staff_needs_none_unless_the_setting_says_so(client):
    make_user("keeper@example.com", role="admin")
    log_in(client, "keeper@example.com")

    assert client.get("/admin").status_code == 200
