"""A shop with two workers sells on while its Redis is stopped, started, paused and emptied, and nobody may guess more often than before."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete, func, select

from shop.auth.models import LoginTry
from shop.db import scalar, transaction
from shop.order.models import Order
from tests.bench.acts import checkout_form, put_into_cart
from tests.bench.load import Browser
from tests.fire.world import World, serving, wait_until, world
from tests.people import PASSWORD, make_user
from tests.redis import OwnRedis, own_redis
from tests.servers import Server

ACTS = 3  # of each kind in each state of Redis
PATHS = ("/", "/products", "/search?q=o", "/api/v1/products/suggestions?q=mu", "/es/products?sort=price_asc")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def made(redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Goods enough for everybody, and a member."""
    stocks = {f"Mug {number}": 100_000 for number in range(5)}
    with world(tmp_path_factory.mktemp("shop"), "drill", stocks, REDIS_URL=redis.url, REDIS_TIMEOUT_MS="500", SHOP_PROXIES="1") as made:
        with made.app.app_context():
            make_user()
        yield made


@pytest.fixture(scope="module")
def shop(made: World) -> Iterator[Server]:
    with serving(made, WEB_CONCURRENCY="2") as server:
        yield server


@pytest.fixture(autouse=True)
def well(redis: OwnRedis, shop: Server) -> Iterator[None]:
    yield
    if redis.process is None:
        redis.start()
    redis.go_on()
    assert wait_until(lambda: all(is_well(shop) for _worker in range(8))), "both workers have noticed"


def is_well(shop: Server) -> bool:
    return bool(json.loads(shop.get("/readyz").body)["cache"] == "ok")


def count_orders(made: World) -> int:
    with made.app.app_context():
        return int(scalar(select(func.count()).select_from(Order)))


class Visitors:
    """Somebody who looks, somebody who orders, somebody who logs in: each acts again and again, and every act must come to a good end."""

    def __init__(self, shop: Server, goods: list[int]) -> None:
        self.shop, self.goods, self.over = shop, goods, Event()
        self.done = {"look": 0, "order": 0, "log_in": 0}

    def __enter__(self) -> Visitors:
        self.pool = ThreadPoolExecutor(3)
        self.visits: list[Future[None]] = [self.pool.submit(self.go_on, act) for act in self.done]
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.pool.shutdown()
        for visit in self.visits:
            visit.result()

    def go_on(self, act: str) -> None:
        while not self.over.is_set():
            getattr(self, act)()
            self.done[act] += 1

    def act_on(self) -> None:
        """Until each has acted ``ACTS`` times more."""
        goals, until = {act: done + ACTS for act, done in self.done.items()}, time.monotonic() + 60
        while any(self.done[act] < goal for act, goal in goals.items()):
            for visit in self.visits:
                if visit.done():
                    visit.result()
            assert time.monotonic() < until, (self.done, goals)
            time.sleep(0.02)

    def look(self) -> None:
        for path in PATHS:
            assert self.shop.get(path).status == 200, path

    def order(self) -> None:
        browser = Browser(self.shop.url)
        put_into_cart(browser, [secrets.choice(self.goods)])
        browser.ask("POST", "/orders", checkout_form(browser), expect=303)
        browser.connection.close()

    def log_in(self) -> None:
        assert try_log_in(self.shop, "ana@example.com", PASSWORD) == 303


def try_log_in(shop: Server, email: str, password: str) -> int:
    """The status, from a network of its own each time: only the account's own limit counts."""
    network = f"203.0.{secrets.randbelow(250)}.{secrets.randbelow(250)}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": network, "Sec-Fetch-Site": "same-origin"}
    return shop.ask("POST", "/login", headers=headers, body=urlencode({"email": email, "password": password})).status


def test_the_shop_sells_on_whatever_redis_does(made: World, shop: Server, redis: OwnRedis) -> None:
    with Visitors(shop, list(made.goods.values())) as visitors:
        for happens in (redis.empty, redis.pause, redis.go_on, redis.stop, redis.start, redis.empty):
            happens()
            visitors.act_on()

    assert count_orders(made) == visitors.done["order"]
    log = shop.log.read_text()
    assert "Redis is away" in log
    assert "Traceback" not in log


def test_what_one_worker_made_lies_there_for_the_other(shop: Server, redis: OwnRedis) -> None:
    redis.empty()
    path = "/products?min_price=1"
    for _time in range(20):
        shop.get(path)

    assert len([name for name in redis.names() if ":page catalog.list_products:" in name]) == 1


@pytest.mark.parametrize("happens", ["stop", "pause", "empty"])
def test_who_was_refused_stays_refused(shop: Server, redis: OwnRedis, happens: str) -> None:
    email = f"{happens}@example.com"
    assert [try_log_in(shop, email, "wrong") for _try in range(11)] == [422] * 10 + [429]

    getattr(redis, happens)()

    assert [try_log_in(shop, email, "wrong") for _try in range(6)] == [429] * 6


@pytest.mark.parametrize("happens", ["stop", "pause", "empty"])
def test_half_used_tries_stay_used(shop: Server, redis: OwnRedis, happens: str) -> None:
    email = f"half-{happens}@example.com"
    assert [try_log_in(shop, email, "wrong") for _try in range(5)] == [422] * 5

    getattr(redis, happens)()

    assert [try_log_in(shop, email, "wrong") for _try in range(8)] == [422] * 5 + [429] * 3


def test_a_flood_is_refused_without_the_database(made: World, shop: Server, redis: OwnRedis) -> None:
    for _try in range(11):
        try_log_in(shop, "flood@example.com", "wrong")
    with made.app.app_context(), transaction() as session:
        session.execute(delete(LoginTry))

    assert [try_log_in(shop, "flood@example.com", "wrong") for _try in range(6)] == [429] * 6
    redis.empty()
    assert try_log_in(shop, "flood@example.com", "wrong") == 422


def test_searches_are_counted_over_both_workers(made: World, redis: OwnRedis) -> None:
    with serving(made, WEB_CONCURRENCY="2", SHOP_SEARCH_LIMIT="10") as strict:

        def search(network: str) -> int:
            return strict.get("/api/v1/products/suggestions?q=mu", X_Forwarded_For=network).status

        assert [search("198.51.100.1") for _time in range(13)] == [200] * 10 + [429] * 3
        assert search("198.51.100.2") == 200
        assert search("127.0.0.1") == 200
        redis.stop()
        assert search("198.51.100.2") == 200


def test_those_who_watch_are_told(shop: Server, redis: OwnRedis) -> None:
    assert is_well(shop)

    redis.stop()

    told = json.loads(shop.get("/readyz").body)
    assert (told["status"], told["cache"]) == ("ready", "away")
