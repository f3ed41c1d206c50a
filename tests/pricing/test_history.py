"""The lowest price of the 30 days before a reduction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.pricing.history import PricePoint, is_honest, prior_prices

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def asked(days_ago: float, minor: int, compare_at: int | None = None) -> PricePoint:
    return PricePoint(NOW - timedelta(days=days_ago), minor, compare_at)


@pytest.mark.parametrize(
    ("points", "lowest"),
    [
        ([asked(60, 1000), asked(0, 800, 1000)], 1000),
        # Aldi Süd (C-330/23): raised shortly before, so that the cut looks deeper
        ([asked(60, 900), asked(10, 1200), asked(0, 1000, 1200)], 900),
        # a cheap day more than 30 days ago does not count, one within does
        ([asked(90, 500), asked(31, 1000), asked(0, 800, 1000)], 1000),
        ([asked(90, 500), asked(29, 1000), asked(0, 800, 1000)], 500),
        # the price that ended just when the window begins was not asked in it
        ([asked(90, 500), asked(30, 1000), asked(0, 800, 1000)], 1000),
        ([asked(90, 500), asked(30 - 1e-6, 1000), asked(0, 800, 1000)], 500),
        # a reduction that only grows counts from its beginning (paragraph 5)
        ([asked(60, 1000), asked(20, 900, 1000), asked(10, 800, 1000)], 1000),
        # one that shrinks is another one: the lower price was asked before it
        ([asked(60, 1000), asked(20, 700, 1000), asked(10, 800, 1000)], 700),
        # an earlier sale within the window
        ([asked(60, 1000), asked(20, 700, 1000), asked(15, 1000), asked(0, 800, 1000)], 700),
        # on sale for less than 30 days: as long as it is (paragraph 4)
        ([asked(5, 1000), asked(0, 800, 1000)], 1000),
        # the reduction began long ago: the 30 days before it count, not those before today
        ([asked(200, 1000), asked(100, 800, 1000)], 1000),
        # of two of the same moment the one written later was asked
        ([asked(60, 1000), asked(20, 100), asked(20, 1000), asked(0, 800, 1000)], 1000),
        # nothing is announced, or nothing was asked before
        ([asked(60, 1000), asked(0, 800)], None),
        ([asked(0, 800, 1000)], None),
        ([asked(60, 800, 800)], None),
        ([], None),
    ],
)
def test_the_lowest_price_before_a_reduction(points: list[PricePoint], lowest: int | None) -> None:
    found = prior_prices(points)

    assert (found.lowest_minor if found else None) == lowest


@pytest.mark.parametrize(
    ("points", "honest"),
    [
        ([asked(60, 1000), asked(0, 800, 1000)], True),
        ([asked(60, 1000), asked(0, 800, 1001)], False),
        ([asked(90, 2000), asked(40, 1000), asked(0, 800, 2000)], False),
        ([asked(0, 800, 1000)], False),
        ([asked(0, 800)], True),
        ([asked(0, 800, 700)], True),
    ],
)
def test_a_former_price_is_honest_when_it_was_asked(points: list[PricePoint], honest: bool) -> None:
    assert is_honest(points[-1], prior_prices(points)) is honest


days = st.integers(0, 100)
histories = st.lists(
    st.builds(asked, days, st.integers(1, 5000), st.none() | st.integers(1, 9000)), max_size=12, unique_by=lambda p: p.since
)


@given(histories, st.randoms())
def test_the_order_of_rows_does_not_matter_and_only_prices_that_were_asked_are_named(points: list[PricePoint], random: object) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    found = prior_prices(points)

    assert prior_prices(shuffled) == found
    if found:
        assert {found.lowest_minor, found.highest_minor} <= {point.minor for point in points if point.since < found.began_at}
        assert found.lowest_minor <= found.highest_minor
