"""Buy X, get Y: how many pieces are free, and which. Counting only; what they are worth is said in ``discounts``."""

from __future__ import annotations

from collections.abc import Iterable


def count_free(*, bought: int, shared: int, only_got: int, buy: int, get: int, times: int | None) -> tuple[int, int]:
    """How many pieces are got, and how many of them at most out of those that could also be bought.

    ``bought`` pieces are in the first scope, ``shared`` of them also in the second, ``only_got`` in the second alone. No piece counts twice: for
    each ``get`` pieces got, ``buy`` others have to be paid. The last set may be got in part.
    """

    def can_get(pieces: int) -> bool:
        from_bought = max(pieces - only_got, 0)
        return from_bought <= shared and -(-pieces // get) * buy + from_bought <= bought

    low, high = 0, only_got + shared
    if times is not None:
        high = min(high, times * get)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if can_get(middle) else (low, middle - 1)
    return low, min(bought - -(-low // get) * buy, shared)


def pick_cheapest(shelves: Iterable[tuple[int, int, bool]], free: int, from_bought: int) -> list[tuple[int, int]]:
    """``free`` pieces, from the first shelves on. A shelf is (line, pieces, could it also be bought?); of the latter at most ``from_bought``."""
    picked = []
    for line, pieces, could_be_bought in shelves:
        taken = min(pieces, free, from_bought if could_be_bought else free)
        if taken > 0:
            picked.append((line, taken))
            free -= taken
            from_bought -= taken if could_be_bought else 0
    return picked
