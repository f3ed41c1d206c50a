"""A place in a list is opaque, and nothing but a place in a list."""

import pytest

from shop.errors import Invalid
from shop.web.pagination import decode_cursor, encode_cursor


def test_a_place_is_found_again():
    assert decode_cursor(encode_cursor(1999, "café", 7), int, str, int) == (1999, "café", 7)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        "W10",
        encode_cursor(1),
        encode_cursor("1", 2),
        encode_cursor(2**63, 1),
        "A" * 400,
        "é",
        "\0",
        encode_cursor(1, 2, 3),
        "W1sxLDJdXQ",
    ],
)
def test_anything_else_is_refused(cursor):
    with pytest.raises(Invalid):
        decode_cursor(cursor, int, int)
