"""The withdrawal function: plain, from every page, for guests, in two steps, with a receipt that names the time; and it tells nobody which orders exist."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from shop.clock import now
from shop.db import db, row, rows, scalar
from shop.mail.models import Mail
from shop.order.links import order_key
from shop.order.queries import get_order
from shop.order.services import ship_order
from shop.order.withdrawal.models import Withdrawal
from shop.order.withdrawal.services import declare_withdrawal, new_reference
from shop.outbox.courier import deliver_due
from tests.factories import NOON
from tests.office import Desk, fields_of, words
from tests.orders import make_order
from tests.people import inside
from tests.races import in_parallel

SAID = {"name": "Lucía Ferrer", "order_number": "B7K4-4QX2", "email": "lucia@example.com", "note": "Only the lamp"}


def carry() -> None:
    while deliver_due(at=now()).delivered:
        pass


def declare(client, **said):
    """Both steps, as a person takes them."""
    review = client.post("/withdrawal/review", data={**SAID, **said})
    return client.post("/withdrawal", data=fields_of(review.text, "/withdrawal"))


def test_every_page_of_the_shop_leads_there(client):
    order = inside(make_order)()

    for path in (
        "/",
        "/cart",
        "/search?q=mug",
        "/orders",
        "/login",
        f"/orders/{order.number}?key={inside(order_key)(order.number)}",
        "/nothing-here",
    ):
        page = client.get(path).text
        assert re.search(r'<a href="/withdrawal[^"]*">Withdraw from contract here</a>', page), path


def test_a_stranger_withdraws_in_two_steps_and_has_the_time_on_page_and_by_mail(app, client):
    review = client.post("/withdrawal/review", data=SAID)
    assert inside(rows)(select(Withdrawal.id)) == []
    answer = client.post("/withdrawal", data=fields_of(review.text, "/withdrawal"))

    found = inside(row)(select(Withdrawal))
    receipt = words(client.get(answer.location).text)
    inside(carry)()
    mail = inside(row)(select(Mail.recipient, Mail.subject, Mail.text))
    assert "Confirm withdrawal" in words(review.text)
    assert answer.status_code == 303
    assert (found.name, found.order_number, found.email, found.note) == tuple(SAID.values())
    moment = found.received_at.astimezone(__import__("zoneinfo").ZoneInfo("Europe/Madrid"))
    written = f"{moment:%H:%M:%S}".lstrip("0") if moment.hour > 12 else f"{moment:%M:%S}"
    for text in (receipt, mail.text):
        assert found.reference in text
        assert "Only the lamp" in text
        assert f"{moment.day}, {moment.year}" in text
        assert written[-5:] in text
    assert mail.recipient == "lucia@example.com"


def test_whether_an_order_exists_is_seen_by_staff_alone(app, client):
    order = inside(make_order)()

    real = declare(client, order_number=order.number.lower(), email="lucia@example.com")
    false = declare(client, order_number="ZZZZ-ZZZZ", email="lucia@example.com")
    others = declare(client, order_number=order.number, email="eva@example.com")

    shown = [
        re.sub(r"[2-9B-Z]{4}-[2-9B-Z]{4}(-[2-9B-Z]{4})?|[\d:]+|\S+@\S+", "", words(client.get(answer.location).text), flags=re.I)
        for answer in (real, false, others)
    ]
    assert shown[0] == shown[1] == shown[2]
    assert inside(rows)(select(Withdrawal.order_id).order_by(Withdrawal.id)) == [(order.id,), (None,), (None,)]
    assert [entry.kind for entry in inside(get_order)(order.number).entries] == ["withdrawal"]


def test_pressed_twice_it_is_one_withdrawal(client):
    review = client.post("/withdrawal/review", data=SAID)
    sent = fields_of(review.text, "/withdrawal")

    answers = [client.post("/withdrawal", data=sent) for _press in range(2)]

    assert answers[0].location == answers[1].location
    assert len(inside(rows)(select(Withdrawal.id))) == 1


def test_twenty_presses_at_once_are_one_withdrawal(app):
    with app.app_context():
        order, reference = make_order(), new_reference()
        db.session.remove()
    said = {"name": "Lucía", "order_number": order.number, "email": "lucia@example.com", "locale": "en"}

    answers = in_parallel(app, [lambda: declare_withdrawal(**said, reference=reference, at=NOON) for _press in range(20)])

    assert set(answers) == {reference}
    with app.app_context():
        assert len(rows(select(Withdrawal.id))) == 1
        assert [entry.kind for entry in get_order(order.number).entries] == ["withdrawal"]


def test_a_reference_of_somebody_else_is_not_taken_over(client):
    first = declare(client)
    review = client.post("/withdrawal/review", data={**SAID, "name": "Eva"})

    second = client.post("/withdrawal", data={**fields_of(review.text, "/withdrawal"), "reference": first.location.rpartition("/")[2]})

    assert first.location != second.location
    assert "Eva" not in client.get(first.location).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("order_number", ""),
        ("email", "nobody"),
        ("name", "x" * 201),
        ("note", "x" * 1001),
        ("name", "a\0b"),
        ("email", "a@b@c"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(client, field, value):
    for path in ("/withdrawal/review", "/withdrawal"):
        answer = client.post(path, data={**SAID, field: value})
        assert answer.status_code == 422
        assert "Only the lamp" in answer.text or field == "note"
    assert inside(rows)(select(Withdrawal.id)) == []


def test_one_network_cannot_send_receipts_without_end(client):
    answers = [declare(client, name=f"Name {number}").status_code for number in range(22)]

    assert answers[-1] == 429
    assert answers[0] == 303


def test_from_an_order_that_is_ones_own_the_form_is_filled_in(client):
    order = inside(make_order)()
    key = inside(order_key)(order.number)

    mine = client.get(f"/withdrawal?order={order.number}&key={key}").text
    foreign = client.get(f"/withdrawal?order={order.number}&key=x").text

    assert "lucia@example.com" in mine
    assert "lucia@example.com" not in foreign


def test_staff_see_it_with_what_can_follow_and_handle_it_once(app, client):
    desk = Desk(client)
    here, gone = inside(make_order)(), inside(make_order)()
    inside(ship_order)(gone.id, by="shop", at=NOON)
    guest = app.test_client()
    references = [declare(guest, order_number=number).location.rpartition("/")[2] for number in (here.number, gone.number, "none")]
    pages = [desk.see(f"/admin/withdrawals/{reference}") for reference in references]

    assert f"/admin/orders/{here.number}/cancellation" in pages[0]
    assert f"/admin/orders/{gone.number}/returns/new" in pages[1]
    assert "There is no order with this number" in pages[2]
    act = f"/admin/withdrawals/{references[0]}/handling"
    done = [desk.press(pages[0], act, outcome="Canceled").status_code for _press in range(2)]
    assert done == [303, 409]
    assert inside(scalar)(select(Withdrawal.handled_by).where(Withdrawal.reference == references[0])) == desk.email
    assert references[0] not in desk.see("/admin/withdrawals?open=1")
    assert references[1] in desk.see("/admin/withdrawals?open=1")


def test_programs_withdraw_and_staff_read_and_handle(app, client):
    desk, guest = Desk(client), app.test_client()

    said = guest.post("/api/v1/withdrawals", json=SAID, headers={"Idempotency-Key": "once"})
    again = guest.post("/api/v1/withdrawals", json=SAID, headers={"Idempotency-Key": "once"})
    listed = desk.client.get("/api/v1/withdrawals?open=1").json["items"]
    handled = desk.client.post(f"/api/v1/withdrawals/{said.json['reference']}/handling", json={"outcome": "Done"})

    assert said.status_code == 201
    assert set(said.json) == {"reference", "received_at"}
    assert again.json == said.json
    assert [found["reference"] for found in listed] == [said.json["reference"]]
    assert handled.json["handled_by"] == desk.email
    assert guest.get("/api/v1/withdrawals").status_code == 401
    assert guest.post("/api/v1/withdrawals", json={**SAID, "email": "x"}).status_code == 422


def test_it_speaks_spanish_where_the_visitor_does(client):
    review = client.post("/es/withdrawal/review", data=SAID)
    answer = client.post("/es/withdrawal", data=fields_of(review.text, "/es/withdrawal"))
    inside(carry)()

    assert answer.location.startswith("/es/withdrawal/")
    assert inside(scalar)(select(Withdrawal.locale)) == "es"
