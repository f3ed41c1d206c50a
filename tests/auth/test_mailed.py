"""What is proven by a link in a mail, by pages and as JSON: registration, a forgotten password, another address."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shop.auth.models import LoginSession, LoginTry, Ticket, User
from shop.customer.models import Customer
from shop.mail.models import Mail
from shop.order.models import Order
from shop.outbox.models import Event
from tests.factories import NOON
from tests.mailbox import letters_to
from tests.orders import make_order
from tests.people import PASSWORD, change, inside, log_in, make_user, register, row, rows

NEW = "five loud summer pears"
LUCIA = {"name": "Lucía", "email": "lucia@example.com", "password": PASSWORD}
ANA = "ana@example.com"


def forget(client, email=ANA):
    return client.post("/forgotten", data={"email": email})


def no_limits():
    change(LoginTry.__table__.delete())


# Registration


def test_registering_says_to_look_into_the_mail_and_makes_no_account_yet(app, client):
    answer = client.post("/register", data=LUCIA, follow_redirects=True)

    assert "We wrote to lucia@example.com" in answer.text
    assert rows(select(User.id)) == []
    assert [letter.subject for letter in letters_to(app, "lucia@example.com")] == ["Confirm your address"]


def test_a_taken_address_gets_the_same_answer_and_its_owner_a_mail(app, client):
    make_user()

    free = client.post("/register", data=LUCIA, follow_redirects=True)
    taken = app.test_client().post("/register", data={**LUCIA, "email": ANA}, follow_redirects=True)

    said = [re.sub(r"[0-9a-f]{16,}", "", answer.text).replace(ANA, "lucia@example.com") for answer in (free, taken)]
    assert said[0] == said[1]
    assert (free.status_code, free.history[0].status_code) == (taken.status_code, taken.history[0].status_code)
    (letter,) = letters_to(app, ANA)
    assert letter.subject == "You have an account already"
    assert "/links/" not in letter.text


def test_a_taken_address_takes_the_same_statements(app, client, statements):
    make_user()
    client.get("/forgotten")
    sent = []
    for email in ("lucia@example.com", ANA):
        for path, field in (("/register", LUCIA), ("/forgotten", {})):
            statements.clear()
            app.test_client().post(path, data={**field, "email": email})
            sent.append([statement for statement in statements if not statement.startswith("SELECT versions")])

    assert sent[0] == sent[2]
    assert sent[1] == sent[3]


def test_a_get_of_the_link_changes_nothing(app, client):
    client.post("/register", data=LUCIA)
    path = letters_to(app, "lucia@example.com")[0].path

    shown = client.get(path, follow_redirects=True)

    assert "Finish my account" in shown.text
    assert path.rpartition("/")[2] not in shown.request.path
    assert client.get(path).headers["Referrer-Policy"] == "no-referrer"
    assert rows(select(User.id)) == []


def test_a_link_works_once(app, client):
    register(client)
    path = letters_to(app, "lucia@example.com")[0].path

    assert client.get(path).status_code == 410
    assert client.post("/register/confirmation").status_code == 410
    assert len(rows(select(User.id))) == 1


def test_a_link_dies_after_a_day(app, client):
    client.post("/register", data=LUCIA)
    path = letters_to(app, "lucia@example.com")[0].path
    change(update(Ticket).values(expires_at=NOON - timedelta(days=999)))

    assert client.get(path).status_code == 410


def test_another_browser_must_know_the_password(app, client):
    """Else a stranger registers an address, and its owner confirms an account whose password the stranger knows."""
    client.post("/register", data=LUCIA)
    path = letters_to(app, "lucia@example.com")[0].path
    owner = app.test_client()
    owner.get(path)

    assert owner.post("/register/confirmation").status_code == 422
    assert owner.post("/register/confirmation", data={"password": "not this one"}).status_code == 422
    assert rows(select(User.id)) == []
    assert owner.post("/register/confirmation", data={"password": PASSWORD}).status_code == 303
    assert owner.get("/api/v1/me").json["name"] == "Lucía"


def test_the_mail_can_be_had_again_and_the_first_link_is_dead(app, client):
    client.post("/register", data=LUCIA)

    answer = client.post("/register/mail")

    first, second = (letter.path for letter in letters_to(app, "lucia@example.com"))
    assert answer.status_code == 303
    assert client.get(first).status_code == 410
    assert client.get(second).status_code == 303
    assert client.post("/register/confirmation").status_code == 303


def test_one_address_gets_five_mails_in_a_quarter_of_an_hour(app, client):
    client.post("/register", data=LUCIA)
    for _again in range(6):
        client.post("/register/mail")

    assert len(letters_to(app, "lucia@example.com")) == 5
    assert app.test_client().post("/forgotten", data={"email": "lucia@example.com"}).status_code == 429


def test_who_registers_twice_has_one_account(app, client):
    other = app.test_client()
    client.post("/register", data=LUCIA)
    other.post("/register", data={**LUCIA, "name": "Luz"})
    first, second = (letter.path for letter in letters_to(app, "lucia@example.com"))
    client.get(first)
    other.get(second)

    client.post("/register/confirmation")
    late = other.post("/register/confirmation")

    assert late.status_code == 410
    assert [found.name for found in rows(select(User.name))] == ["Lucía"]


def test_two_presses_at_once_make_one_account(app, client):
    client.post("/register", data=LUCIA)
    token = letters_to(app, "lucia@example.com")[0].token

    def press(_number):
        return app.test_client().post("/api/v1/auth/register/confirmation", json={"token": token, "password": PASSWORD}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(press, range(4)))

    assert statuses == [201, 410, 410, 410]
    assert len(rows(select(User.id))) == 1


def test_neither_tables_nor_mails_hold_a_link_that_works(app, client):
    client.post("/register", data=LUCIA)
    make_user()
    forget(client)
    tokens = [letters_to(app, "lucia@example.com")[0].token, letters_to(app, ANA)[0].token]

    kept = " ".join(str(tuple(found)) for model in (Ticket, Mail, Event) for found in rows(select(model.__table__)))

    for token in tokens:
        assert token not in kept
        assert hashlib.sha256(token.encode()).hexdigest() in kept


def test_a_seal_opens_only_for_the_address_that_it_was_sent_to(app, client):
    """A name that holds somebody else's seal is a name."""
    make_user()
    forget(client)
    letters_to(app, ANA)
    salt = row(select(Ticket.salt)).salt
    client.post("/register", data={**LUCIA, "name": f"sealed-ticket-{salt}-sealed"})
    make_user("eve@example.com", name=f"sealed-ticket-{salt}-sealed")

    (letter,) = letters_to(app, "lucia@example.com")

    assert inside(lambda: __import__("shop.mail.sealed").mail.sealed.open_seals(f"sealed-ticket-{salt}-sealed", "eve@example.com"))() == (
        f"sealed-ticket-{salt}-sealed"
    )
    assert letters_to(app, ANA)[0].token not in letter.text


# A forgotten password


def test_a_forgotten_password_is_replaced_by_the_link_and_everybody_is_out(app, client):
    make_user()
    log_in(client)
    stranger = app.test_client()

    assert "If there is an account with this address" in forget(stranger).text
    stranger.get(letters_to(app, ANA)[0].path)
    answer = stranger.post("/password", data={"new": NEW})

    assert (answer.status_code, answer.location) == (303, "/login")
    assert client.get("/api/v1/me").status_code == 401
    assert stranger.get("/api/v1/me").status_code == 401
    assert log_in(stranger).status_code == 422
    assert log_in(stranger, password=NEW).status_code == 303
    assert letters_to(app, ANA)[-1].subject == "Your password was changed"


def test_nobody_is_written_to_where_there_is_no_account(app, client):
    make_user()

    known, unknown = forget(client), forget(client, "nobody@example.com")

    assert re.sub(r"[0-9a-f]{16,}", "", known.text).replace(ANA, "x") == re.sub(r"[0-9a-f]{16,}", "", unknown.text).replace(
        "nobody@example.com", "x"
    )
    assert letters_to(app, "nobody@example.com") == []


@pytest.mark.parametrize("dies", ["used", "late", "changed", "other kind"])
def test_a_reset_link_dies(app, client, dies):
    make_user()
    forget(client)
    path = letters_to(app, ANA)[0].path
    if dies == "used":
        client.get(path)
        client.post("/password", data={"new": NEW})
    elif dies == "late":
        change(update(Ticket).values(expires_at=NOON))
    elif dies == "changed":
        log_in(client)
        page = client.get("/account/profile").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        client.post("/account/password", data={"current": PASSWORD, "new": NEW, "csrf_token": token})
    else:
        change(update(Ticket).values(kind="second_step"))

    assert app.test_client().get(path).status_code == 410
    token = path.rpartition("/")[2]
    answer = client.post("/api/v1/auth/password-resets/confirmation", json={"token": token, "new": "six brown autumn plums"})
    assert answer.status_code == 410


def test_a_reset_is_no_way_around_the_rules_for_passwords(app, client):
    make_user()
    forget(client)
    client.get(letters_to(app, ANA)[0].path)

    answer = client.post("/password", data={"new": "password123"})

    assert answer.status_code == 422
    assert "Many people use this password" in answer.text
    assert client.post("/password", data={"new": NEW}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"}, {"X-Forwarded-Server": "evil.test"}, {"Forwarded": "host=evil.test"}],
)
def test_links_lead_to_the_shop_whatever_host_was_named(app, client, headers):
    make_user()

    client.post("/forgotten", data={"email": ANA}, headers=headers)

    (letter,) = letters_to(app, ANA)
    assert f"{app.extensions['config'].base_url}/links/" in letter.text
    assert "evil" not in letter.text


def test_a_reset_by_json(app, client):
    make_user()

    assert client.post("/api/v1/auth/password-resets", json={"email": ANA}).status_code == 202
    token = letters_to(app, ANA)[0].token
    assert client.post("/api/v1/auth/password-resets/confirmation", json={"token": token, "new": NEW}).status_code == 204
    assert client.post("/api/v1/auth/login", json={"email": ANA, "password": NEW}).status_code == 200


# Orders of a guest, and another address


@inside
def order_of_guest(email):
    return make_order(email=email)


def test_orders_of_a_guest_join_the_account_once_the_address_is_confirmed(app, client):
    theirs, others = order_of_guest("lucia@example.com"), order_of_guest("somebody@example.com")
    client.post("/register", data=LUCIA)
    letters_to(app, "lucia@example.com")
    assert [found.user_id for found in rows(select(Order.user_id))] == [None, None]

    register(client)
    letters_to(app, "lucia@example.com")

    user_id, customer_id = row(select(User.id)).id, row(select(Customer.id).where(Customer.user_id.is_not(None))).id
    found = {order.id: (order.user_id, order.customer_id) for order in rows(select(Order.id, Order.user_id, Order.customer_id))}
    assert found[theirs.id] == (user_id, customer_id)
    assert found[others.id][0] is None
    assert theirs.number in client.get("/account").text


def test_an_account_moves_to_another_address_when_the_new_one_confirms_and_the_old_is_told(app, client):
    make_user()
    log_in(client)
    phone = app.test_client()
    log_in(phone)

    assert client.post("/api/v1/me/email", json={"email": "new@example.com"}).status_code == 202
    assert client.get("/api/v1/me").json["email"] == ANA
    token = letters_to(app, "new@example.com")[0].token
    assert phone.post("/api/v1/me/email/confirmation", json={"token": "x" * 43}).status_code == 410
    answer = client.post("/api/v1/me/email/confirmation", json={"token": token})

    assert answer.json["email"] == "new@example.com"
    assert client.get("/api/v1/me").status_code == 200
    assert phone.get("/api/v1/me").status_code == 401
    assert letters_to(app, ANA)[-1].subject == "Your account has another address"
    assert log_in(app.test_client(), "new@example.com").status_code == 303


def test_a_new_address_is_confirmed_only_by_who_asked(app, client):
    make_user()
    make_user("eve@example.com", name="Eve")
    log_in(client)
    client.post("/api/v1/me/email", json={"email": "typo@example.com"})
    token = letters_to(app, "typo@example.com")[0].token
    eve = app.test_client()

    assert eve.post("/api/v1/me/email/confirmation", json={"token": token}).status_code == 401
    log_in(eve, "eve@example.com")
    assert eve.post("/api/v1/me/email/confirmation", json={"token": token}).status_code == 410
    assert {found.email for found in rows(select(User.email))} == {ANA, "eve@example.com"}


def test_nobody_moves_to_an_address_that_has_an_account(app, client):
    make_user()
    make_user("eve@example.com", name="Eve")
    log_in(client)

    assert client.post("/api/v1/me/email", json={"email": "eve@example.com"}).status_code == 202
    assert [letter.subject for letter in letters_to(app, "eve@example.com")] == ["You have an account already"]
    assert len({found.email for found in rows(select(User.email))}) == 2


def test_of_two_accounts_that_take_one_address_one_gets_it(app):
    browsers = []
    for email in (ANA, "eve@example.com"):
        make_user(email)
        browser = app.test_client()
        log_in(browser, email)
        browser.post("/api/v1/me/email", json={"email": "new@example.com"})
        browsers.append(browser)
    tokens = [letter.token for letter in letters_to(app, "new@example.com")]

    def confirm(number):
        return browsers[number].post("/api/v1/me/email/confirmation", json={"token": tokens[number]}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(confirm, range(2)))

    assert statuses == [200, 410]
    assert len({found.email for found in rows(select(User.email))}) == 2


def test_a_borrowed_device_moves_no_account(client):
    make_user()
    log_in(client)
    change(update(LoginSession).values(proved_at=NOON))

    answer = client.post("/api/v1/me/email", json={"email": "thief@example.com"})

    assert (answer.status_code, answer.json["type"]) == (403, "/problems/proof-needed")


def test_an_admin_of_the_command_line_confirms_the_address_later(app, client):
    make_user(verified_at=None)
    log_in(client)

    client.post("/api/v1/me/verification")
    answer = client.post("/api/v1/me/verification/confirmation", json={"token": letters_to(app, ANA)[0].token})

    assert answer.status_code == 204
    assert row(select(User.email_verified_at)).email_verified_at is not None


def test_old_tickets_are_swept_out(context):
    from shop.auth.mailed.recovery import ask_to_reset
    from shop.auth.tickets import sweep_tickets

    ask_to_reset(email=ANA, network="192.0.2.1", locale="en", at=NOON)
    sweep_tickets(NOON + timedelta(hours=24))
    assert len(rows(select(Ticket.id))) == 1

    sweep_tickets(NOON + timedelta(hours=25))

    assert rows(select(Ticket.id)) == []
