"""One contract for both backends, and what Redis does when it is gone, paused, full or emptied."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shop.cache.backend import HEAD, LONGEST_VALUE, Backend, Turn
from shop.cache.memory_backend import MemoryBackend
from shop.cache.redis_backend import RedisBackend
from tests.redis import OwnRedis
from tests.servers import free_port

STATE = b"s" * HEAD
ANOTHER = b"t" * HEAD


def until(is_so: Callable[[], object], *, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def redis(server: OwnRedis) -> Iterator[RedisBackend]:
    server.empty()
    backend = RedisBackend(server.url, timeout_s=0.2, looks_every_s=0.02)
    yield backend
    backend.close()


@pytest.fixture(params=["memory", "redis"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return MemoryBackend() if request.param == "memory" else request.getfixturevalue("redis")


# What both do


def test_what_was_put_is_there_under_its_name_alone(backend: Backend) -> None:
    backend.put("a", b"\x00one\xff", ttl_s=60)
    backend.put("b", b"two", ttl_s=60)
    backend.put("a", b"three", ttl_s=60)

    assert backend.get(["b", "nothing", "a"]) == [b"two", None, b"three"]


def test_what_is_dropped_or_too_old_is_gone(backend: Backend) -> None:
    backend.put("a", b"one", ttl_s=60)
    backend.put("b", b"two", ttl_s=0.02)

    backend.drop(["a", "nothing"])

    until(lambda: backend.get(["a", "b"]) == [None, None])


def test_a_very_long_value_is_not_taken_and_its_turn_is_over(backend: Backend) -> None:
    assert backend.claim("a", STATE, for_s=60) is Turn.MINE

    backend.put("a", b"x" * (LONGEST_VALUE + 1), ttl_s=60)

    assert backend.get(["a"]) == [None]
    assert backend.claim("a", STATE, for_s=60) is Turn.MINE


def test_one_of_a_hundred_has_the_turn(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _number: backend.claim("a", STATE, for_s=60), range(100)))

    assert turns.count(Turn.MINE) == 1
    assert turns.count(Turn.THEIRS) == 99


def test_the_others_find_what_was_made_in_the_state_that_they_want(backend: Backend) -> None:
    backend.claim("a", STATE, for_s=60)
    backend.put("a", STATE + b"made", ttl_s=60)

    assert backend.claim("a", STATE, for_s=60) == STATE + b"made"
    assert backend.claim("a", ANOTHER, for_s=60) is Turn.MINE
    assert backend.claim("a", ANOTHER, for_s=60) is Turn.THEIRS
    assert backend.claim("a", STATE, for_s=60) == STATE + b"made", "others may still want the older"


def test_a_turn_ends_by_release_or_by_itself(backend: Backend) -> None:
    backend.claim("a", STATE, for_s=60)
    backend.release("a")
    assert backend.claim("a", STATE, for_s=0.02) is Turn.MINE

    until(lambda: backend.claim("a", STATE, for_s=60) is Turn.MINE)


def test_a_hundred_at_once_are_counted_one_by_one(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda _number: backend.count("a", window_s=60), range(100)))

    assert sorted(found.number for found in counted if found) == list(range(1, 101))
    assert all(0 < found.ends_in_s <= 60 for found in counted if found)


def test_a_window_ends_by_itself_however_often_is_counted(backend: Backend) -> None:
    for _time in range(3):
        backend.count("a", window_s=0.05)

    until(lambda: (backend.count("a", window_s=0.05) or (0, 0))[0] == 1)


# What only the memory must do


def test_the_memory_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.cache.memory_backend.BYTES_MOST", 10_000)
    backend = MemoryBackend()

    for number in range(100):
        backend.put(str(number), b"x" * 1000, ttl_s=60)

    assert sum(value is not None for value in backend.get([str(number) for number in range(100)])) <= 20


# What only Redis can do to us


@pytest.fixture
def alone(tmp_path) -> Iterator[OwnRedis]:
    """A Redis that may be broken."""
    from tests.redis import own_redis

    with own_redis(tmp_path) as server:
        yield server


@pytest.fixture
def frail(alone: OwnRedis) -> Iterator[RedisBackend]:
    backend = RedisBackend(alone.url, timeout_s=0.1, looks_every_s=0.02)
    backend.put("a", b"one", ttl_s=60)
    yield backend
    backend.close()


def asked(backend: Backend) -> list[object]:
    """One question of each kind."""
    backend.put("b", b"two", ttl_s=60)
    backend.drop(["c"])
    backend.release("a")
    return [backend.get(["a"]), backend.claim("a", STATE, for_s=1), backend.count("n", window_s=60)]


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_who_is_away_is_waited_for_once_and_used_again_when_back(alone, frail, how, caplog) -> None:
    caplog.set_level(logging.WARNING)
    begun = time.monotonic()
    getattr(alone, how)()

    assert asked(frail) == [None, None, None]
    assert frail.is_away
    assert time.monotonic() - begun < 5
    begun = time.monotonic()
    for _time in range(1000):
        assert frail.get(["a"]) is None
    assert time.monotonic() - begun < 0.1, "nobody asks who is away"

    alone.start() if how == "stop" else alone.go_on()
    until(lambda: not frail.is_away)
    assert frail.get(["a"]) == [None if how == "stop" else b"one"]
    assert [record.getMessage() for record in caplog.records].count("Redis is back") == 1
    assert sum("the shop goes on without it" in record.getMessage() for record in caplog.records) == 1


def test_one_that_takes_nothing_is_away_until_it_does(alone, frail) -> None:
    alone.client.config_set("maxmemory", "1")

    frail.put("b", b"two", ttl_s=60)

    assert frail.is_away
    alone.client.config_set("maxmemory", "0")
    until(lambda: not frail.is_away)


def test_a_connection_that_was_closed_while_idle_is_no_outage(alone, frail) -> None:
    alone.client.client_kill_filter(_type="normal", skipme=True)

    assert frail.get(["a"]) == [b"one"]
    assert not frail.is_away


def test_one_that_was_emptied_knows_the_scripts_again(alone, frail) -> None:
    frail.count("n", window_s=60)
    alone.empty()
    alone.client.script_flush()

    assert frail.count("n", window_s=60).number == 1
    assert frail.claim("a", STATE, for_s=1) is Turn.MINE


def test_nobody_there_at_the_start_is_no_failure() -> None:
    backend = RedisBackend(f"redis://127.0.0.1:{free_port()}/0", timeout_s=0.1)

    assert asked(backend) == [None, None, None]
    backend.close()
