"""The memory that pages, cards and frames are kept in."""

from __future__ import annotations

import pytest

from shop.cache.memory import Memory


def test_what_was_asked_for_lately_stays_and_the_rest_is_forgotten() -> None:
    memory = Memory(3)
    for number in range(6):
        memory.put(number, str(number))
        memory.get(0)

    assert memory.get(0) == "0"
    assert memory.get(1) is None
    assert len(memory.young) + len(memory.old) <= 6


@pytest.mark.parametrize("size", [10, 35, 99])
def test_large_things_fill_it_by_their_bytes(size: int) -> None:
    memory = Memory(1_000, bytes_most=100)
    for number in range(50):
        memory.put(number, "x" * size, size)
        memory.put(number, "y" * size, size)  # the newer replaces the older
        memory.get(number - 1)
        kept = [entry[1] for generation in (memory.young, memory.old) for entry in generation.values()]

        assert sum(kept) <= 200
        assert memory.bytes == sum(entry[1] for entry in memory.young.values()) <= 100
        assert memory.get(number) == "y" * size
