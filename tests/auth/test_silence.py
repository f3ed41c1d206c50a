"""The judge of times: a leak of a tenth of a millisecond is found, and none is found where there is none."""

from __future__ import annotations

import random

from tests.bench.silence import distance, guessed


def times(leak_ms=0.0, seed=1):
    chance = random.Random(seed)
    return [20 + abs(chance.gauss(0, 0.3)) + leak_ms for _try in range(500)]


def test_the_same_work_is_not_told_apart():
    far, chance = distance(times(), times(seed=2))

    assert chance > 0.01
    assert far < 0.1
    assert abs(guessed(times(), times(seed=2)) - 0.5) < 0.05


def test_a_leak_is_found():
    far, chance = distance(times(leak_ms=0.1), times(seed=2))

    assert chance < 0.0001
    assert guessed(times(leak_ms=0.1), times(seed=2)) > 0.55
    assert far > 0.15
