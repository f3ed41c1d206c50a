"""Staff see what was given up, why, and send it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from shop.db import transaction
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.outbox.periodic import every, run_due_tasks
from tests.factories import NOON
from tests.office import Desk, fields_of, offers, words
from tests.people import inside, log_in, make_user, row, the_shop  # noqa: F401


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def make_delivery(state=DeliveryState.DEAD, *, kind="order.placed", error="ValueError: no such template"):
    with transaction() as session:
        event_id = session.execute(
            insert(Event).values(kind=kind, subject="order:1", payload={"order_id": 1, "note": "<i>"}, at=NOON).returning(Event.id)
        ).scalar_one()
        values = {"consumer": "order.confirmation", "subject": "order:1", "state": state, "tries": 12, "due_at": NOON, "error": error}
        return session.execute(insert(Delivery).values(event_id=event_id, lease="", **values).returning(Delivery.id)).scalar_one()


def state_of(delivery_id):
    return tuple(row(select(Delivery.state, Delivery.tries).where(Delivery.id == delivery_id)))


def path(delivery_id, act=""):
    return f"/admin/outbox/{delivery_id}{act}"


def test_a_dead_letter_shows_its_error_and_is_sent_again_once(desk):
    delivery_id = make_delivery()
    page = desk.see(path(delivery_id))

    first, second = (desk.press(page, path(delivery_id, "/attempts")) for _click in range(2))

    assert "ValueError: no such template" in words(page)
    assert (first.status_code, second.status_code) == (303, 409)
    assert state_of(delivery_id) == (DeliveryState.WAITING, 0)


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.DONE])
def test_what_is_not_dead_is_not_offered_again(desk, state):
    delivery_id, dead = make_delivery(state), make_delivery(kind="order.paid")
    token = fields_of(desk.see(path(dead)), path(dead, "/attempts"))

    assert not offers(desk.see(path(delivery_id)), path(delivery_id, "/attempts"))
    assert desk.client.post(path(delivery_id, "/attempts"), data=token).status_code == 409
    assert state_of(delivery_id)[0] is state


def test_without_the_token_or_as_somebody_else_nothing_is_sent(app, desk):
    delivery_id = make_delivery()
    make_user("eve@example.com")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    answers = [browser.post(path(delivery_id, "/attempts")).status_code for browser in (desk.client, eve, app.test_client())]

    assert answers == [422, 403, 303]
    assert state_of(delivery_id)[0] is DeliveryState.DEAD


def test_the_list_holds_what_its_tabs_and_filters_say(desk):
    dead, done = make_delivery(), make_delivery(DeliveryState.DONE, kind="order.shipped")

    page = desk.see("/admin/outbox?state=dead")

    assert path(dead) in page
    assert path(done) not in page
    assert path(done) in desk.see("/admin/outbox?q=order.sh")
    assert "1 delivery needs a person." in words(page)
    assert "No delivery matches" in desk.see("/admin/outbox?q=nothing")
    assert desk.client.get("/admin/outbox?state=zzz").status_code == 422
    assert desk.client.get("/admin/outbox?cursor=zzz").status_code == 422
    assert desk.client.get("/admin/outbox/999").status_code == 404


def test_all_dead_letters_are_sent_again_by_one_press_and_nothing_else_is(desk):
    dead = [make_delivery(), make_delivery()]
    done = make_delivery(DeliveryState.DONE)
    page = desk.see("/admin/outbox")

    pressed = desk.press(page, "/admin/outbox/attempts")

    assert pressed.status_code == 303
    assert [state_of(one) for one in dead] == [(DeliveryState.WAITING, 0)] * 2
    assert state_of(done)[0] is DeliveryState.DONE
    assert "2 deliveries are sent again at once." in words(desk.see("/admin/outbox"))
    assert not offers(desk.see("/admin/outbox"), "/admin/outbox/attempts")


def test_periodic_tasks_show_their_last_run_and_why_one_failed(app, desk, monkeypatch):
    with app.app_context():
        monkeypatch.setitem(app.extensions, "periodic", {})
        every(app, timedelta(minutes=1), "test.fails", lambda _at: 1 / 0)
        every(app, timedelta(minutes=1), "test.works", lambda _at: None)
        run_due_tasks(at=NOON)
        every(app, timedelta(days=1), "test.waits", lambda _at: None)

    page = words(desk.see("/admin/outbox/tasks"))

    assert "ZeroDivisionError: division by zero" in page
    assert all(name in page for name in ("test.fails Failed", "test.works Done", "test.waits Not yet run"))
