"""One set of rules for what people and programs may send."""

from __future__ import annotations

import pytest

from shop.web.text import clean_amount, clean_email, clean_integer, clean_text, clean_url, safe_next

LRO, RLO = "\u202d", "\u202e"


@pytest.fixture(autouse=True)
def _context(context):
    """Messages are in the language of a request."""


@pytest.mark.parametrize("wrong", ["a\0b", "\ud800", "a\x1bb", "x" * 11, "a\nb", "x" * 10_000_000])
def test_damaged_or_long_texts_are_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        clean_text(wrong, maximum=10)


@pytest.mark.parametrize(
    ("given", "clean"),
    [("  Ana ", "Ana"), ("Cafe\u0301", "Café"), (f"{RLO}evil", "evil"), ("👩‍👩‍👧", "👩‍👩‍👧"), ("محمد", "محمد"), ("", "")],
)
def test_texts_are_normalized_and_kept(given, clean):
    assert clean_text(given, maximum=10) == clean


def test_lines_end_alike():
    assert clean_text("a\r\nb\rc", maximum=10, multiline=True) == "a\nb\nc"


@pytest.mark.parametrize("wrong", ["", "-1", "1e9", "2,5", "٣", "1_0", "+1", "0x1", "1.0", " ", "00", "1000001", "9" * 5000, "NaN", "1\n"])
def test_what_is_no_whole_number_is_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        clean_integer(wrong, low=0, high=1_000_000)


@pytest.mark.parametrize("right", ["0", "7", "1000000", " 5 "])
def test_whole_numbers_are_read(right):
    assert clean_integer(right, low=0, high=1_000_000) == int(right)


@pytest.mark.parametrize(
    "wrong",
    ["", "ana", "ana@", "@example.com", "a b@example.com", "ana@example.com\r\nBcc: x@y.z", "ana@exa\0mple.com"],
)
def test_what_is_no_address_is_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        clean_email(wrong)


def test_addresses_are_lower_case():
    assert clean_email(" Ana@Example.COM ") == "ana@example.com"


@pytest.mark.parametrize(
    "wrong",
    ["javascript:alert(1)", "//evil.example", "http://", "ftp://x.example", "https://a b", "http://x:99999", "https://["],
)
def test_only_web_addresses_are_links(wrong):
    with pytest.raises(ValueError, match=r".+"):
        clean_url(wrong)


def test_amounts_have_bounds():
    assert clean_amount("19,99", "EUR").minor == 1999
    with pytest.raises(ValueError, match=r".+"):
        clean_amount("20", "EUR", high=1999)


@pytest.mark.parametrize(
    "target",
    [
        "", "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example",
        " /cart", "javascript:alert(1)", "/ok\\evil", "cart", "\x00/cart", "/\ud800", "http:/evil", "/ /evil",
    ],
)  # fmt: skip
def test_a_way_on_never_leaves_the_shop(target):
    assert safe_next(target) == ""


@pytest.mark.parametrize("target", ["/", "/cart", "/p/mug?color=sage", "/es/cart#line-1"])
def test_a_way_on_within_the_shop_is_kept(target):
    assert safe_next(target) == target
