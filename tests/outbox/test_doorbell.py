"""The bell rings at the broker; whoever rings it never waits and never fails."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from config import Config
from environment import ConfigError
from shop import create_app
from shop.clock import now
from shop.db import scalar, transaction
from shop.outbox import Outbox, subscribe
from shop.outbox.courier import start_courier
from shop.outbox.doorbell import MOST_RINGING, Doorbell, make_celery, queue_of
from shop.outbox.models import Event
from shop.outbox.services import record_event
from tests.brokers import RABBITMQ, silent_server, wait_until
from tests.redis import own_redis
from tests.servers import free_port

numbers = itertools.count()


@pytest.fixture(scope="module", params=["rabbitmq", "redis"])
def broker(request, tmp_path_factory) -> Iterator[str]:
    if request.param == "rabbitmq":
        yield RABBITMQ
        return
    with own_redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis.url


@pytest.fixture
def bell(broker) -> Iterator[Doorbell]:
    """The bell of a shop of its own, at whose door nobody is."""
    made = Doorbell(broker, f"bell{os.getpid()}-{next(numbers)}")
    yield made
    with made.celery.connection_for_write() as link, link.channel() as channel:
        queue_of(made.shop)(channel).delete()


def test_a_ring_arrives(bell):
    bell.ring()

    wait_until(lambda: bell.waiting() == 1, what="the ring")


def test_a_bell_that_rings_already_is_left_alone(bell):
    for ring in range(1, MOST_RINGING + 1):
        bell.ring()
        wait_until(lambda count=ring: bell.waiting() == count, what=f"ring {ring}")

    for _ring in range(3):
        bell.ring()
        wait_until(lambda: not bell.wanted.is_set(), what="a ring that was considered")

    assert bell.waiting() == MOST_RINGING


def order_with(context, url: str) -> Doorbell:
    """An event that somebody waits for, in a shop whose broker is at ``url``."""
    bell = Doorbell(url, "shop")
    context.extensions["outbox"] = Outbox(bell)
    subscribe(context, "test.happened", "test.listener", lambda _event: None)
    with transaction():
        record_event("test.happened", "thing:1", {}, at=now())
    return bell


@pytest.fixture
def outbox_kept(context):
    before = context.extensions["outbox"]
    yield
    context.extensions["outbox"] = before


@pytest.mark.usefixtures("outbox_kept")
@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_an_order_does_not_wait_for_a_broker_that_is_silent(context, scheme):
    with silent_server() as port:
        bell = order_with(context, f"{scheme}://127.0.0.1:{port}")

        assert scalar(select(func.count()).select_from(Event)) == 1
        assert bell.failures == 0, "the broker is still being asked, and nobody waited for it"
        wait_until(lambda: bell.failures == 1, what="an end of asking")


@pytest.mark.usefixtures("outbox_kept")
@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_an_order_goes_through_when_nobody_is_at_the_broker(context, scheme, caplog):
    bell = order_with(context, f"{scheme}://127.0.0.1:{free_port()}")

    wait_until(lambda: bell.failures == 1, what="an end of asking")
    assert scalar(select(func.count()).select_from(Event)) == 1
    assert ["the broker does not answer" in record.message for record in caplog.records] == [True], "it is said once"


def test_with_a_broker_the_web_workers_carry_nothing(config):
    app = create_app(Config.from_env({**environ_of(config), "SHOP_BROKER_URL": "amqp://127.0.0.1:1"}, testing=True))

    start_courier(app)

    assert "courier" not in app.extensions
    assert app.extensions["outbox"].doorbell.shop == "shop"


@pytest.mark.parametrize("url", ["kafka://127.0.0.1", "127.0.0.1:5672", "amqp:"])
def test_a_broker_that_the_shop_does_not_know_is_named(config, url):
    with pytest.raises(ConfigError, match="SHOP_BROKER_URL: is not a URL with amqp or amqps or redis or rediss"):
        Config.from_env({**environ_of(config), "SHOP_BROKER_URL": url})


@pytest.mark.parametrize(("url", "library"), [("amqp://127.0.0.1:1", "celery"), ("redis://127.0.0.1:1", "redis")])
def test_a_library_that_is_missing_is_named_with_its_cure(monkeypatch, url, library):
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ConfigError, match=f"needs the library {library}; install it with: pip install --require-hashes"):
        make_celery(url, ["shop"])


@pytest.mark.parametrize("url", ["amqps://127.0.0.1:1", "rediss://127.0.0.1:1"])
def test_a_secure_broker_must_prove_who_it_is(url):
    assert set(make_celery(url, ["shop"]).conf.broker_use_ssl.values()) == {2}, "ssl.CERT_REQUIRED"


def environ_of(config: Config) -> dict[str, str]:
    return {"SHOP_INSTANCE": str(config.instance), "DATABASE_URL": config.database_url, "SECRET_KEY": config.secret_key}
