"""What leaves the house is published by name, says the same at every try, and never tells of a person."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from shop.clock import now
from shop.db import rows, transaction
from shop.order.services import cancel_order
from shop.outbox import Happened, Outbox, subscribe
from shop.outbox.courier import deliver_due
from shop.outbox.envelope import Told, envelope_of, kinds_matching, publish, published_kinds
from shop.outbox.models import Event
from shop.outbox.services import record_event
from tests.factories import NOON, make_product
from tests.orders import make_order

PERSONAL = (
    "lucia@example.com",
    "Lucía",
    "Ferrer",
    "Feria",
    "Sevilla",
    "41003",
    "ring twice",
    "ana@shop.example",
    "told me on the phone",
    "key=",
)


@pytest.fixture
def published(context: Flask) -> Iterator[Flask]:
    """A shop that publishes ``test.happened`` and keeps ``test.secret`` to itself; its own words come back afterwards."""
    before, outbox = context.extensions["published"], context.extensions["outbox"]
    context.extensions["published"], context.extensions["outbox"] = {}, Outbox()
    publish(context, "test.happened", lambda event: Told("thing:K7", {"number": event.payload["number"]}), says="It happened.")
    yield context
    context.extensions["published"], context.extensions["outbox"] = before, outbox


def test_an_envelope_names_the_event_and_its_subject_as_the_world_knows_them(published):
    envelope = envelope_of(Happened(7, "test.happened", "thing:1", {"number": 3, "ticket": "secret"}, NOON, "ab" * 16))

    assert envelope.dump() == {
        "id": "ab" * 16,
        "shop": "shop",
        "kind": "test.happened",
        "subject": "thing:K7",
        "at": NOON.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "version": 1,
        "data": {"number": 3},
    }


def test_what_nobody_publishes_stays_in_the_house(published):
    assert envelope_of(Happened(7, "test.secret", "thing:1", {"ticket": "secret"}, NOON)) is None


def test_an_event_keeps_its_name_at_every_try_and_no_two_share_one(published):
    heard: list[Happened] = []
    for consumer in ("one", "other"):
        subscribe(published, "test.happened", consumer, lambda event: heard.append(event))
    with transaction():
        for number in (1, 2):
            record_event("test.happened", f"thing:{number}", {"number": number}, at=NOON)

    deliver_due(at=now())

    kept = {event.id: event.public_id for event in rows(select(Event.id, Event.public_id))}
    assert len(heard) == 4
    assert [event.public_id for event in heard] == [kept[event.id] for event in heard]
    assert len(set(kept.values())) == 2


def test_two_features_cannot_tell_of_the_same(published):
    with pytest.raises(ValueError, match="told by two"):
        publish(published, "test.happened", lambda _event: None, says="")


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["order.paid"], {"order.paid"}),
        (["order.part*"], {"order.partly_refunded"}),
        (["order.p*", "audit.failed"], {"order.placed", "order.paid", "order.packed", "order.parcel_delivered", "order.partly_refunded", "audit.failed"}),
        (["mail.*", "user.*", "audit.wanted", "order.message", "order.credit_due", "payment.refund_due"], set()),
    ],
)  # fmt: skip
def test_a_pattern_means_published_kinds_only(context, patterns, wanted):
    assert set(kinds_matching(context, patterns)) == wanted


def test_a_star_means_all_and_each_has_a_sentence(context):
    assert set(kinds_matching(context, ["*"])) == {one.kind for one in published_kinds(context)}
    assert all(one.says.endswith(".") for one in published_kinds(context))


def test_an_order_is_told_with_its_goods_and_sums(context):
    order = make_order([(make_product(), 2)])

    envelope = envelope_of(Happened(1, "order.placed", f"order:{order.id}", {"order_id": order.id, "number": order.number}, NOON))

    told = envelope.dump()["data"]["order"]
    assert envelope.subject == f"order:{order.number}"
    assert (told["number"], told["state"], told["payment"], told["country"]) == (order.number, "open", "unpaid", "ES")
    assert told["total"] == {"minor": order.total_minor, "currency": "EUR"}
    assert [(line["quantity"], line["shipped"]) for line in told["lines"]] == [(2, 0)]


def test_no_published_event_tells_of_a_person_or_a_running_number(context):
    order = make_order(note="ring twice")
    cancel_order(order.id, by="ana@shop.example", note="told me on the phone", at=NOON)
    payload = {
        "order_id": order.id, "number": order.number, "by": "ana@shop.example", "note": "told me on the phone", "was_paid": True, "is_last": True,
        "shipment_id": 990_001, "return_id": 990_002, "place": 1, "revision": 1, "difference_minor": -100, "withdrawal_id": 990_003,
        "payment_id": 990_004, "reference": "dp_1", "state": "open", "run_id": 990_005,
    }  # fmt: skip

    for kind in (one.kind for one in published_kinds(context)):
        envelope = envelope_of(Happened(990_006, kind, f"order:{order.id}", payload, NOON))
        if kind == "audit.failed":  # of a run that is forgotten
            assert envelope is None
            continue
        said = json.dumps(envelope.dump(), ensure_ascii=False)
        assert [word for word in (*PERSONAL, "99000") if word in said] == [], kind
        assert envelope.data["by"] == "staff"
        assert f"order:{order.id}" != envelope.subject


def test_a_withdrawal_that_means_no_order_of_ours_is_not_told(context):
    assert envelope_of(Happened(1, "withdrawal.declared", "withdrawal:1", {"withdrawal_id": 1, "order_id": None}, NOON)) is None
