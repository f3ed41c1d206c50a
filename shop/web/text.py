"""What a text, number, address or amount must look like, whoever sends it: one set of rules for forms, JSON, URLs and imports.

Plain libraries take ``NaN``, ``1_0``, ``٣``, NUL, lone surrogates and megabytes without a word. These functions do not: they return the clean value or
raise ``ValueError`` with a sentence for the person who typed it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask_babel import gettext as _

from shop.db import MAX_INT
from shop.money import MAX_MINOR, Money, decimals, parse_amount

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
BIDI = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"))
LINE_BREAKS = re.compile(r"\r\n?|\u2028|\u2029")
EMAIL_MAX = 254
CARD_STARTS = re.compile(r"(?<!\d)\d(?=(?:[ .\u00a0-]?\d){13})")
CARDS = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}"
)
CARD_REACH = 40
GAPS = frozenset(" .-\u00a0")


def clean_text(value: str, *, maximum: int, minimum: int = 0, multiline: bool = False, is_code: bool = False) -> str:
    """NFC, trimmed, without bidi overrides; control characters and lone surrogates are refused. Lengths count characters.

    The number of a payment card is refused as well, so that none is ever kept; ``is_code`` lets codes of goods and parcels pass, which may look alike.
    """
    if len(value) > maximum * 4 + 16:
        raise ValueError(_("Use at most %(count)d characters.", count=maximum))
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise ValueError(_("This text is damaged. Please type it again."))
    value = unicodedata.normalize("NFC", LINE_BREAKS.sub("\n", value)).translate(BIDI).strip()
    allowed = "\n\t" if multiline else ""
    if any(unicodedata.category(char) == "Cc" and char not in allowed for char in value):
        raise ValueError(_("This text holds characters that cannot be shown. Please type it again."))
    if len(value) > maximum:
        raise ValueError(_("Use at most %(count)d characters.", count=maximum))
    if len(value) < minimum:
        raise ValueError(_("Please fill this in.") if minimum == 1 else _("Use at least %(count)d characters.", count=minimum))
    if not is_code and holds_card(value):
        raise ValueError(_("This looks like the number of a card. Leave it out, please: we never keep those."))
    return value


def holds_card(text: str) -> bool:
    """Does the number of a payment card stand in it, with or without gaps? By the ranges of the card schemes and the check digit of ISO/IEC 7812-1.

    Source: PCI DSS 4.0.1, 3.3 and 3.4: what is never kept cannot be stolen.
    """
    return any(
        _is_card(digits) for start in CARD_STARTS.finditer(text) for digits in _digit_runs(text[start.start() : start.start() + CARD_REACH])
    )


def _digit_runs(text: str) -> Iterator[str]:
    """The digits from the start of ``text`` to each place where a group of them ends."""
    digits = ""
    for place, char in enumerate(text):
        if char.isdecimal():
            digits += str(int(char))
            if not text[place + 1 : place + 2].isdecimal():
                yield digits
        elif char not in GAPS or not text[place + 1 : place + 2].isdecimal():
            return


def _is_card(digits: str) -> bool:
    if not CARDS.fullmatch(digits):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def clean_integer(value: str, *, low: int = 0, high: int = MAX_INT) -> int:
    """A whole number in ASCII digits within both bounds: no ``+``, ``1_000``, ``1e3``, ``2,5`` or ``٣``."""
    value = value.strip(" ")
    if not WHOLE.fullmatch(value):
        raise ValueError(_("Write a whole number."))
    number = int(value)
    if not low <= number <= high:
        raise ValueError(_("Write a whole number from %(low)s to %(high)s.", low=low, high=high))
    return number


def clean_email(value: str) -> str:
    """An address that mail can reach by its form; lower-case, normalized. No look-up in the net."""
    from email_validator import EmailNotValidError, validate_email

    value = clean_text(value, maximum=EMAIL_MAX, minimum=1)
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        raise ValueError(_("Write an e-mail address such as ana@example.com.")) from None


def clean_url(value: str) -> str:
    """An absolute http or https address."""
    value = clean_text(value, maximum=2000, is_code=True)
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine = False
    if value and (not port_is_fine or parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", value)):
        raise ValueError(_("Write an address that begins with https://."))
    return value


def host_of(address: str | None) -> str:
    """The host and port that an address names, as browsers send it in ``Origin`` and ``Referer``; "" where it names none."""
    try:
        return urlsplit(address or "").netloc
    except ValueError:  # such as http://[x]
        return ""


def clean_amount(value: str, currency: str, *, low: int = 0, high: int = MAX_MINOR) -> Money:
    """An amount of money as a person types it, ``19.99`` or ``19,99``, within bounds in minor units."""
    try:
        amount = parse_amount(clean_text(value, maximum=40), currency)
    except ValueError:
        example = "1250" if decimals(currency) == 0 else "19.99"
        raise ValueError(_("Write an amount such as %(example)s.", example=example)) from None
    if not low <= amount.minor <= high:
        raise ValueError(_("This amount is out of range."))
    return amount


def safe_next(target: str) -> str:
    """A path of this shop to go on to, or "" when the target would leave it. Source: browsers drop tab, CR and LF from URLs."""
    if not target.startswith("/") or target[1:2] in {"/", "\\"} or "\\" in target:
        return ""
    return "" if any(ord(char) <= ord(" ") or ord(char) == 0x7F or 0xD800 <= ord(char) <= 0xDFFF for char in target) else target
