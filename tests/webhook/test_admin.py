"""Staff make, try, change and mend webhooks, on pages and by programs."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select, update

from shop.clock import now
from shop.db import transaction
from shop.outbox.courier import deliver_due
from shop.outbox.models import Delivery, DeliveryState
from shop.trail.models import StaffAct
from shop.webhook.models import WebhookAttempt, WebhookEndpoint
from tests.office import Desk, offers, words
from tests.orders import make_order
from tests.people import inside, row, rows

LIST, API = "/admin/webhooks", "/api/v1/webhooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def desk(client):
    return Desk(client, role="admin")


@inside
def happen():
    make_order()
    for _round in range(2):
        deliver_due(at=now())


def make(desk, receiver, path="/ok", kinds="order.*"):
    """A webhook made on the page; gives its path and the page that showed the secret."""
    answer = desk.press(desk.see(LIST), LIST, url=receiver.url + path, kinds=kinds, note="Warehouse")
    assert answer.status_code == 200, words(answer.text)
    return f"{LIST}/{row(select(WebhookEndpoint.id)).id}", answer.text


def test_a_webhook_is_made_tried_and_told_of_an_order(desk, receiver):
    path, page = make(desk, receiver)
    assert SECRET.search(page)
    assert not SECRET.search(desk.see(path))

    answer = desk.press(page, f"{path}/test")
    happen()

    page = desk.see(path)
    assert answer.status_code == 303
    assert "webhook.test" in words(page)
    assert "order.placed" in words(page)
    assert [message.path for message in receiver.messages] == ["/ok", "/ok"]
    assert "thanks" in words(page)


def test_what_can_be_told_is_explained_in_the_language_of_the_page(desk):
    assert "A customer placed an order." in words(desk.see("/admin/webhooks"))
    assert "Un cliente ha hecho un pedido." in words(desk.see("/es/admin/webhooks"))


def test_what_was_typed_wrong_is_said_at_its_field_and_kept(desk):
    answer = desk.press(desk.see(LIST), LIST, url="https://169.254.169.254/", kinds="order.nothing", note="")

    assert answer.status_code == 422
    assert "is not a public address" in words(answer.text)
    assert "There is no event order.nothing" in words(answer.text)
    assert "169.254.169.254" in answer.text


def test_a_test_that_fails_says_why_and_changes_nothing(desk, receiver):
    path, page = make(desk, receiver, "/500")

    desk.press(page, f"{path}/test")

    page = desk.see(path)
    assert "The test failed: answered 500" in page
    assert row(select(WebhookEndpoint.failures)).failures == 0


def test_what_was_told_is_sent_again_by_its_button(desk, receiver):
    path, _page = make(desk, receiver, "/first")
    receiver.answers["/first"] = 500
    happen()
    page = desk.see(path)
    assert "Fails, will be tried again" in words(page)
    assert not offers(page, f"{path}/deliveries")

    receiver.answers["/first"] = 410
    wake()
    page = desk.see(path)
    assert "Switched off" in words(page)
    assert "It answered 410" in words(page)
    assert desk.press(page, f"{path}/resumption").status_code == 303
    receiver.answers.clear()
    answer = desk.press(desk.see(path), f"{path}/given-up")
    inside(lambda: deliver_due(at=now()))()

    assert answer.status_code == 303
    page = desk.see(path)
    assert desk.press(page, f"{path}/deliveries").status_code == 303
    assert row(select(Delivery.state).where(Delivery.consumer.like("webhook:%"))).state is DeliveryState.WAITING


@inside
def wake():
    """It rests no more, and what waits is due and tried."""
    with transaction() as session:
        session.execute(update(WebhookEndpoint).values(resting_until=None))
        session.execute(update(Delivery).values(due_at=now()))
    deliver_due(at=now())


def test_pausing_changing_secrets_and_removing(desk, receiver):
    path, page = make(desk, receiver)

    assert desk.press(page, f"{path}/pause").status_code == 303
    assert "Paused" in words(desk.see(path))
    assert desk.press(desk.see(path), f"{path}/resumption").status_code == 303
    changed = desk.press(desk.see(path), path, kinds="order.placed\norder.paid")
    secret = desk.press(desk.see(path), f"{path}/secret").text
    dropped = desk.press(desk.see(path), f"{path}/old-secret")
    removed = desk.press(desk.see(path), f"{path}/removal")

    assert [answer.status_code for answer in (changed, dropped, removed)] == [303, 303, 303]
    assert SECRET.search(secret).group() != SECRET.search(page).group()
    assert desk.client.get(path).status_code == 404
    assert "No webhook yet" in words(desk.see(LIST))


def test_without_the_token_nothing_is_done(desk, receiver):
    path, _page = make(desk, receiver)

    for act in ("pause", "resumption", "secret", "old-secret", "test", "deliveries", "given-up", "removal"):
        assert desk.client.post(f"{path}/{act}").status_code == 422, act
    assert receiver.messages == []


def test_only_who_may_manage_webhooks_sees_them(app, desk, receiver):
    path, _page = make(desk, receiver)
    other = Desk(app.test_client(), "eve@example.com", "staff")

    assert other.client.get(LIST).status_code == other.client.get(path).status_code == other.client.get(API).status_code == 403
    assert other.client.post(API, json={"url": receiver.url, "kinds": ["*"]}).status_code == 403
    assert "Webhooks" not in words(other.see("/admin"))


def test_programs_do_the_same(desk, receiver):
    client = desk.client
    made = client.post(API, json={"url": f"{receiver.url}/ok", "kinds": ["order.*"], "note": "Till"})
    one = made.headers["Location"]
    happen()

    assert SECRET.fullmatch(made.json["secret"])
    assert client.get(API).json["items"][0]["note"] == "Till"
    assert client.post(f"{one}/test").json["status"] == 200
    attempts = client.get(f"{one}/attempts").json
    assert [item["kind"] for item in attempts["items"]] == ["webhook.test", "order.placed"]
    again = f"{one}/deliveries/{attempts['items'][1]['delivery_id']}/attempts"
    assert [client.post(again).status_code, client.post(again).status_code] == [204, 409]
    assert client.get(f"{one}/attempts?failed=1").json == {"items": [], "next": None}
    assert client.post(f"{one}/given-up").json == {"count": 0}
    assert client.post(f"{one}/pause").json["state"] == "paused"
    assert client.delete(f"{one}/pause").json["state"] == "active"
    assert client.post(f"{one}/secret").json["secret"] != made.json["secret"]
    assert client.get(one).json["has_two_secrets"] is True
    assert client.delete(f"{one}/old-secret").status_code == 204
    version = client.get(one).json["version"]
    body = {"url": f"{receiver.url}/ok", "kinds": ["*"], "note": "", "version": version}
    assert client.put(one, json=body).json["kinds"] == ["*"]
    assert client.put(one, json=body).status_code == 409
    assert client.post(API, json={"url": "https://10.0.0.1/", "kinds": ["*"]}).status_code == 422
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == client.get(f"{one}/attempts").status_code == 404


def test_what_staff_does_is_in_the_log_without_a_secret(desk, receiver):
    path, page = make(desk, receiver)
    desk.press(page, f"{path}/secret")
    desk.press(desk.see(path), f"{path}/removal")

    acts = [str(tuple(act)) for act in rows(select(*StaffAct.__table__.c).where(StaffAct.subject.like("webhook:%")))]
    assert len(acts) == 3
    assert not SECRET.search(" ".join(acts))


def test_the_log_goes_on_over_pages(desk, receiver):
    path, _page = make(desk, receiver)
    endpoint_id = row(select(WebhookEndpoint.id)).id

    @inside
    def fill():
        values = {"endpoint_id": endpoint_id, "event_id": "a", "kind": "order.paid", "subject": "order:K", "at": now(), "took_ms": 3,
                  "error": "no", "answer": ""}  # fmt: skip
        with transaction() as session:
            session.execute(insert(WebhookAttempt), [values] * 51)

    fill()

    page = desk.see(f"{path}?state=failed")
    refused = desk.press(page, path, url="http://no").text
    older = re.search(r'href="([^"]+cursor=[^"]+)"', page)[1].replace("&amp;", "&")
    assert f'href="{path}?state=failed"' in refused
    assert older.startswith(f"{path}?state=failed&cursor=")
    assert "order.paid" in words(desk.see(older))
    following = desk.client.get(f"{API}/{endpoint_id}/attempts?failed=1").json["next"]
    assert "Older" in words(page)
    assert len(desk.client.get(following).json["items"]) == 1
