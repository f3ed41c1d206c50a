"""A receiver on loopback, and a shop that may send to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask

from config_outside import Webhooks
from tests.people import the_shop  # noqa: F401
from tests.webhook.receiver import Receiver, serve_receiver

PATIENCE_S = 0.4


@pytest.fixture(scope="module")
def the_receiver() -> Iterator[Receiver]:
    with serve_receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(the_receiver: Receiver, app: Flask) -> Iterator[Receiver]:
    """A receiver that heard nothing yet, at an address that this shop may send to."""
    the_receiver.forget()
    before = app.extensions["config"]
    settings = Webhooks(timeout_s=PATIENCE_S, days=5, named_hosts=frozenset({"127.0.0.1", "receiver.test"}))
    app.extensions["config"] = dataclasses.replace(before, webhooks=settings)
    yield the_receiver
    app.extensions["config"] = before
