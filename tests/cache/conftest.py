from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redis import OwnRedis, own_redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """A Redis for the tests of one file."""
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
