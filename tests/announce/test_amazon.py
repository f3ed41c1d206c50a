"""Topics and queues hear of what they asked for, over the wire: at least once, in order per subject, and never stand before an order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from config_amazon import Account, read_listeners
from environment import ConfigError, Environment
from shop import announce
from shop.amazon import new_session
from shop.clock import now
from shop.db import row, rows, transaction
from shop.order.services import cancel_order
from shop.outbox import Outbox
from shop.outbox.courier import deliver_due
from shop.outbox.models import Delivery, DeliveryState
from shop.outbox.services import record_event
from tests.factories import NOON
from tests.orders import make_order
from tests.servers import Server


class Merchant:
    """A merchant's account at the local Amazon."""

    def __init__(self) -> None:
        self.sns, self.sqs = new_session(Account()).client("sns"), new_session(Account()).client("sqs")

    def queue(self, name: str) -> str:
        options = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
        return str(self.sqs.create_queue(QueueName=name, **options)["QueueUrl"])

    def topic(self, name: str, *, to: str, **attributes: str) -> str:
        """A topic with a queue behind it, which gets the messages as they are."""
        options = {"Attributes": {"FifoTopic": "true"}} if name.endswith(".fifo") else {}
        arn = str(self.sns.create_topic(Name=name, **options)["TopicArn"])
        queue_arn = self.sqs.get_queue_attributes(QueueUrl=to, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true", **attributes})
        return arn

    def heard(self, queue: str) -> list[dict[str, Any]]:
        """What waits in a queue, taken out of it."""
        found: list[dict[str, Any]] = []
        while got := self.sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages"):
            for message in got:
                found.append({**json.loads(message["Body"]), "message": message})
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def account(amazon: Server) -> Merchant:
    return Merchant()


@pytest.fixture
def shop(context: Flask) -> Iterator[Flask]:
    """A shop whose outbox knows nobody but the topics and queues of the test."""
    before, config = context.extensions["outbox"], context.extensions["config"]
    context.extensions["outbox"] = Outbox()
    yield context
    context.extensions["outbox"], context.extensions["config"] = before, config


def listen(shop: Flask, **environ: str) -> None:
    """Read the settings and subscribe, as the start of the shop does."""
    from dataclasses import replace

    reader = Environment(environ)
    listeners = read_listeners(reader)
    reader.raise_problems()
    shop.extensions["config"] = replace(shop.extensions["config"], listeners=listeners)
    announce.init_app(shop)


def carry(*, later: timedelta = timedelta(0)) -> None:
    while deliver_due(at=now() + later).delivered:
        pass


def test_an_order_is_announced_to_a_topic_and_a_queue(shop, account):
    behind, own = account.queue("behind"), account.queue("own")
    listen(shop, SHOP_SNS_TOPICS=f"order.*={account.topic('orders', to=behind)}", SHOP_SQS_QUEUES=own)
    order = make_order()

    carry()

    for queue in (behind, own):
        [told] = account.heard(queue)
        assert (told["kind"], told["subject"], told["version"]) == ("order.placed", f"order:{order.number}", 1)
        assert told["data"]["order"]["total"] == {"minor": order.total_minor, "currency": "EUR"}
        attributes = told["message"]["MessageAttributes"]
        assert {name: value["StringValue"] for name, value in attributes.items()} == {"kind": "order.placed", "version": "1"}
        assert "lucia" not in told["message"]["Body"]


def test_each_hears_only_of_what_it_asked_for(shop, account):
    placed, ended = account.queue("placed"), account.queue("ended")
    listen(shop, SHOP_SQS_QUEUES=f"order.placed,payment.*={placed} order.cancel*={ended}")
    order = make_order()
    cancel_order(order.id, by="customer", at=NOON)

    carry()

    assert [told["kind"] for told in account.heard(placed)] == ["order.placed"]
    assert [told["kind"] for told in account.heard(ended)] == ["order.canceled"]


def test_a_subscription_can_choose_by_the_kind(shop, account):
    behind = account.queue("behind")
    topic = account.topic("all", to=behind, FilterPolicy=json.dumps({"kind": ["order.canceled"]}))
    listen(shop, SHOP_SNS_TOPICS=topic)
    cancel_order(make_order().id, by="customer", at=NOON)

    carry()

    assert [told["kind"] for told in account.heard(behind)] == ["order.canceled"]


def test_fifo_keeps_the_order_and_lays_a_second_telling_aside(shop, account):
    behind, own = account.queue("behind.fifo"), account.queue("own.fifo")
    listen(shop, SHOP_SNS_TOPICS=account.topic("orders.fifo", to=behind), SHOP_SQS_QUEUES=own)
    order = make_order()
    cancel_order(order.id, by="customer", at=NOON)
    carry()
    with transaction() as session:  # a courier died before it wrote down that it had told
        session.query(Delivery).update({"state": DeliveryState.WAITING})

    carry()

    for queue in (behind, own):
        heard = account.heard(queue)
        assert [told["kind"] for told in heard] == ["order.placed", "order.canceled"]
        assert {told["message"]["Attributes"]["MessageGroupId"] for told in heard} == {f"order:{order.number}"}
        assert [told["message"]["Attributes"]["MessageDeduplicationId"] for told in heard] == [told["id"] for told in heard]


def test_a_queue_that_is_gone_delays_nobody_else_and_hears_it_later(shop, account):
    lost, kept = account.queue("lost"), account.queue("kept")
    account.sqs.delete_queue(QueueUrl=lost)
    listen(shop, SHOP_SQS_QUEUES=f"{lost} {kept}")
    make_order()

    carry()

    assert len(account.heard(kept)) == 1
    waiting = row(select(Delivery.state, Delivery.error).where(Delivery.consumer == lost))
    assert waiting.state is DeliveryState.WAITING
    assert "NonExistentQueue" in waiting.error or "QueueDoesNotExist" in waiting.error

    account.queue("lost")
    carry(later=timedelta(minutes=1))

    assert [told["kind"] for told in account.heard(lost)] == ["order.placed"]


def test_a_dead_line_is_not_asked_by_every_event_in_turn(shop, account, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    listen(shop, SHOP_SNS_TOPICS="arn:aws:sns:eu-west-1:123456789012:orders")
    for _ in range(3):
        make_order()

    carry()

    errors = [delivery.error for delivery in rows(select(Delivery.error).order_by(Delivery.id))]
    assert "EndpointConnectionError" in errors[0]
    assert all("a moment ago" in error for error in errors[1:])
    assert len(errors) == 3


def test_what_stays_in_the_house_makes_no_delivery(shop, account):
    listen(shop, SHOP_SQS_QUEUES=account.queue("own"))

    with transaction():
        record_event("user.reset_asked", "ticket:1", {"ticket": "secret"}, at=NOON)
        record_event("mail.queued", "mail:1", {"mail_id": 1}, at=NOON)

    assert rows(select(Delivery.id)) == []


def test_an_event_that_there_is_not_is_named_at_start(shop):
    with pytest.raises(ConfigError, match=r"SHOP_SNS_TOPICS: no event is called 'order.plcaed'; there are .*order.placed"):
        listen(shop, SHOP_SNS_TOPICS="order.plcaed=arn:aws:sns:eu-west-1:123456789012:orders")
