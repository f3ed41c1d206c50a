"""Each address is told at least once, in order per subject, signed; one that is away delays nobody, and is switched off in the end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shop.clock import now
from shop.db import row, rows, transaction
from shop.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion
from shop.outbox import Outbox, subscribe, welcome
from shop.outbox.courier import deliver_due
from shop.outbox.envelope import Told, publish
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.outbox.services import record_event
from shop.webhook.delivering import tell
from shop.webhook.messages import tell_staff
from shop.webhook.models import EndpointState, WebhookAttempt, WebhookEndpoint
from shop.webhook.queries import MOST_ENDPOINTS, ROLL, find_endpoint, get_endpoint
from shop.webhook.services import (
    change_endpoint,
    create_endpoint,
    drop_old_secret,
    forget_attempts,
    pause_endpoint,
    remove_endpoint,
    resend_delivery,
    resend_given_up,
    resume_endpoint,
    rotate_secret,
)
from shop.webhook.signing import secret_of
from tests.mailbox import letters_to
from tests.orders import counted, make_order
from tests.webhook.sample import verify


@pytest.fixture
def shop(receiver, context):
    """A shop that publishes ``thing.made`` and ``thing.sold`` and has no other consumers."""
    before, outbox = context.extensions["published"], context.extensions["outbox"]
    context.extensions["published"], context.extensions["outbox"] = {}, Outbox()
    welcome(context, "webhook", ROLL, tell)
    subscribe(context, "webhook.switched_off", "mail.webhook_switched_off", tell_staff)
    for kind in ("thing.made", "thing.sold"):
        publish(context, kind, lambda event: Told(f"thing:K{event.payload['number']}", dict(event.payload)), says="It happened.")
    yield context
    context.extensions["published"], context.extensions["outbox"] = before, outbox


def happen(number=1, kind="thing.made", subject="thing:1"):
    with transaction():
        return record_event(kind, subject, {"number": number}, at=now())


def endpoint_at(receiver, path="/ok", kinds=("thing.*",)):
    return create_endpoint(url=receiver.url + path, kinds=kinds, at=now())


def wake(made):
    """Time goes by: it rests no more, and what waits is due."""
    with transaction() as session:
        session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == made.id).values(resting_until=None))
        session.execute(update(Delivery).where(Delivery.state == DeliveryState.WAITING).values(due_at=now()))


def states(made):
    found = rows(select(Delivery.state).where(Delivery.consumer == f"webhook:{made.name}").order_by(Delivery.id))
    return [one.state for one in found]


def test_an_address_is_told_of_what_it_wants_with_a_signature_that_holds(shop, receiver):
    made = endpoint_at(receiver, kinds=["thing.sold"])
    happen(1)
    happen(2, "thing.sold")

    deliver_due(at=now())

    (message,) = receiver.messages
    told = json.loads(message.body)
    public_id = row(select(Event.public_id).where(Event.kind == "thing.sold")).public_id
    assert (told["kind"], told["subject"], told["data"]) == ("thing.sold", "thing:K2", {"number": 2})
    assert told["id"] == message.headers["webhook-id"] == public_id
    assert verify(made.secret, message.headers, message.body) == told
    assert states(made) == [DeliveryState.DONE]


def test_a_changed_word_breaks_the_signature(shop, receiver):
    made = endpoint_at(receiver)
    happen()
    deliver_due(at=now())
    message = receiver.messages[0]

    for headers, body in (
        (message.headers, message.body + b" "),
        ({**message.headers, "webhook-id": "another"}, message.body),
        ({**message.headers, "webhook-timestamp": "1"}, message.body),
    ):
        with pytest.raises(ValueError, match=r"signature|old"):
            verify(made.secret, headers, body)


def test_the_statement_that_writes_the_event_finds_its_addresses(shop, receiver):
    endpoint_at(receiver)
    with counted() as statements:
        happen()
    with counted() as silent:
        happen(kind="thing.secret")

    assert len(statements) == 2
    assert len(silent) == 1
    assert len(rows(select(Delivery.id))) == 1


def test_each_address_has_its_own_order_and_its_own_trouble(shop, receiver):
    bad, good = endpoint_at(receiver, "/first"), endpoint_at(receiver, "/second")
    receiver.answers["/first"] = 500
    for number in (1, 2, 3):
        happen(number)

    for _round in range(3):
        deliver_due(at=now())
    told_meanwhile = [json.loads(message.body)["data"]["number"] for message in receiver.messages if message.path == "/second"]
    tried_meanwhile = [json.loads(message.body)["data"]["number"] for message in receiver.messages if message.path == "/first"]
    receiver.forget()
    for _round in range(3):
        wake(bad)
        deliver_due(at=now())

    assert told_meanwhile == [1, 2, 3]
    assert tried_meanwhile == [1]
    assert [json.loads(message.body)["data"]["number"] for message in receiver.messages] == [1, 2, 3]
    assert states(good) == states(bad) == [DeliveryState.DONE] * 3


def test_a_failure_has_the_address_rest_without_wearing_out_what_waits(shop, receiver):
    made = endpoint_at(receiver, "/500")
    for number in range(5):
        happen(number, subject=f"thing:{number}")

    for _round in range(5):
        deliver_due(at=now() + timedelta(seconds=1))

    found = find_endpoint(made.name)
    tries = [one.tries for one in rows(select(Delivery.tries).order_by(Delivery.id))]
    assert len(receiver.messages) == 1
    assert sum(tries) == 1
    assert found.failures == 1
    assert found.resting_until > found.failing_since


def test_the_rest_grows_to_five_minutes_and_a_success_ends_it(shop, receiver):
    made = endpoint_at(receiver, "/first")
    receiver.answers["/first"] = 500
    with transaction() as session:
        session.execute(update(WebhookEndpoint).values(failures=40, failing_since=now()))
    happen()

    deliver_due(at=now())
    rest = find_endpoint(made.name).resting_until - now()
    receiver.answers.clear()
    wake(made)
    deliver_due(at=now())

    after = find_endpoint(made.name)
    assert timedelta(seconds=290) < rest <= timedelta(seconds=300)
    assert (after.failures, after.failing_since, after.resting_until) == (0, None, None)


@pytest.mark.parametrize(("path", "days", "word"), [("/410", 0, "410"), ("/500", 6, "failed for 5 days")])
def test_who_is_gone_or_fails_for_days_is_switched_off_and_staff_hears_of_it(shop, receiver, path, days, word):
    made = endpoint_at(receiver, path)
    if days:
        with transaction() as session:
            session.execute(update(WebhookEndpoint).values(failures=9, failing_since=now() - timedelta(days=days)))
    happen(1)
    happen(2)

    deliver_due(at=now())
    deliver_due(at=now())
    happen(3)

    found = find_endpoint(made.name)
    assert (found.state, word in found.why_off) == (EndpointState.OFF, True)
    assert states(made) == [DeliveryState.DEAD, DeliveryState.DEAD]
    letter = row(select(Event.payload).where(Event.kind == "webhook.switched_off"))
    assert letter.payload["given_up"] == 2
    with pytest.raises(IllegalMove):
        resend_given_up(made.id, at=now())


def test_the_mail_to_staff_names_address_and_reason(receiver, context):
    made = endpoint_at(receiver, "/410", kinds=["order.*"])
    make_order()

    for _round in range(3):
        deliver_due(at=now())

    letter = letters_to(context, context.extensions["config"].mail_from)[-1]
    assert "switched off" in letter.subject
    assert receiver.url + "/410" in letter.text
    assert f"/admin/webhooks/{made.id}" in letter.text


def test_what_was_given_up_is_sent_again_in_its_order(shop, receiver):
    made = endpoint_at(receiver, "/first")
    receiver.answers["/first"] = 410
    for number in (1, 2, 3):
        happen(number)
    deliver_due(at=now())
    receiver.forget()

    resume_endpoint(made.id, at=now())
    count = resend_given_up(made.id, at=now())
    for _round in range(3):
        deliver_due(at=now())

    assert count == 3
    assert [json.loads(message.body)["data"]["number"] for message in receiver.messages] == [1, 2, 3]


def test_what_arrived_is_sent_again_by_hand_under_the_same_name(shop, receiver):
    made, other = endpoint_at(receiver), endpoint_at(receiver, "/second")
    happen()
    deliver_due(at=now())
    mine = row(select(Delivery.id).where(Delivery.consumer == f"webhook:{made.name}")).id

    resend_delivery(made.id, mine, at=now())
    with pytest.raises(IllegalMove):
        resend_delivery(made.id, mine, at=now())
    deliver_due(at=now())

    names = [message.headers["webhook-id"] for message in receiver.messages if message.path == "/ok"]
    assert len(names) == 2
    assert len(set(names)) == 1
    with pytest.raises(NotFound):
        resend_delivery(other.id, mine, at=now())


def test_what_happens_in_a_pause_waits_for_its_end(shop, receiver):
    made = endpoint_at(receiver)
    pause_endpoint(made.id, at=now())
    happen()
    deliver_due(at=now())
    assert receiver.messages == []
    with pytest.raises(IllegalMove):
        pause_endpoint(made.id, at=now())

    resume_endpoint(made.id, at=now())
    deliver_due(at=now())

    assert len(receiver.messages) == 1
    with pytest.raises(IllegalMove):
        resume_endpoint(made.id, at=now())


def test_while_a_secret_is_changed_both_sign_and_then_the_new_one_alone(shop, receiver):
    made = endpoint_at(receiver)
    new = rotate_secret(made.id, at=now())
    happen(1)
    deliver_due(at=now())
    drop_old_secret(made.id, at=now())
    happen(2)
    deliver_due(at=now())

    both, alone = receiver.messages
    assert verify(made.secret, both.headers, both.body) == verify(new.secret, both.headers, both.body)
    assert verify(new.secret, alone.headers, alone.body)
    with pytest.raises(ValueError, match="signature"):
        verify(made.secret, alone.headers, alone.body)


def test_an_old_secret_ends_by_itself_after_a_day(shop, receiver):
    made = endpoint_at(receiver)
    rotate_secret(made.id, at=now() - timedelta(hours=25))
    happen()
    deliver_due(at=now())
    forget_attempts(now())

    message = receiver.messages[0]
    with pytest.raises(ValueError, match="signature"):
        verify(made.secret, message.headers, message.body)
    assert find_endpoint(made.name).old_salt == ""


def test_the_database_holds_no_secret(shop, receiver):
    made = endpoint_at(receiver)

    kept = find_endpoint(made.name)
    assert made.secret == secret_of(kept.salt)
    assert made.secret.removeprefix("whsec_") not in str(tuple(kept))


def test_a_removed_address_leaves_nothing_behind(shop, receiver):
    made = endpoint_at(receiver, "/500")
    happen(1)
    deliver_due(at=now())

    remove_endpoint(made.id, at=now())
    happen(2)
    deliver_due(at=now() + timedelta(hours=1))

    assert rows(select(Delivery.id)) == rows(select(WebhookAttempt.id)) == []
    with pytest.raises(NotFound):
        get_endpoint(made.id)


def test_every_try_is_logged_and_the_log_is_forgotten_in_time(shop, receiver):
    made = endpoint_at(receiver, "/500")
    happen()
    deliver_due(at=now())

    (one,) = rows(select(*WebhookAttempt.__table__.c).where(WebhookAttempt.endpoint_id == made.id))
    assert (one.status, one.error, one.answer, one.kind, one.subject) == (500, "answered 500", "out of order", "thing.made", "thing:K1")
    forget_attempts(now() + timedelta(days=29))
    assert len(rows(select(WebhookAttempt.id))) == 1
    forget_attempts(now() + timedelta(days=31))
    assert rows(select(WebhookAttempt.id)) == []


@pytest.mark.parametrize(
    ("url", "kinds", "field"),
    [("https://10.0.0.1/", ["thing.*"], "/url"), ("http://hooks.example.com/", ["thing.*"], "/url"), ("https://a.example/", [], "/kinds"),
     ("https://a.example/", ["nothing.*"], "/kinds"), ("https://a.example/", ["thing.made x"], "/kinds"), ("https://a.example/", ["["], "/kinds"),
     ("https://a.example/", ["thing.made"] * 2 + [f"thing.*{'*' * n}" for n in range(30)], "/kinds")],
)  # fmt: skip
def test_an_address_or_event_that_makes_no_sense_is_refused(shop, url, kinds, field):
    with pytest.raises(Invalid) as refused:
        create_endpoint(url=url, kinds=kinds, at=now())

    assert list(refused.value.errors) == [field]


def test_nobody_overwrites_what_somebody_else_changed(shop, receiver):
    made = endpoint_at(receiver)
    change_endpoint(made.id, url=receiver.url + "/second", kinds=["thing.made"], note="", expected_version=1, at=now())

    with pytest.raises(StaleVersion):
        change_endpoint(made.id, url=receiver.url, kinds=["*"], note="", expected_version=1, at=now())
    assert find_endpoint(made.name).kinds == "thing.made"


def test_there_are_only_so_many(shop, receiver):
    for _one in range(MOST_ENDPOINTS):
        endpoint_at(receiver)

    with pytest.raises(Conflict):
        endpoint_at(receiver)
