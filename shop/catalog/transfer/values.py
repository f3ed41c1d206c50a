"""What stands in a cell: amounts, pieces, weights, yes and no, as the world writes them. Each raises ``Unreadable`` with what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import list_currencies

from shop.money import MAX_MINOR, Money, decimals

NUMBER = re.compile(r"[0-9][0-9.,' \u00a0\u202f\u2009’]*|[.,][0-9]+", re.ASCII)
CODE = re.compile(r"[A-Z]{3}")
SYMBOLS = {"€": "EUR", "£": "GBP", "¥": "JPY"}
BLANKS = re.compile(r"[ \u00a0\u202f\u2009’']")
WHOLE = re.compile(r"-?[0-9]{1,12}([.,]0{1,4})?", re.ASCII)
PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)
YES = {"true", "1", "yes", "y", "on", "active", "sí", "si", "ja", "oui", "wahr", "verdadero", "vrai"}
NO = {"false", "0", "no", "n", "off", "", "-1", "nein", "non", "falsch", "falso", "faux"}
GRAMS = {
    "g": Decimal(1),
    "gr": Decimal(1),
    "grams": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "lbs": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
MAX_STOCK = 1_000_000_000
PROTECTED = re.compile(r"'+[=+\-@\t\r]")
PROTECTED_CODE = re.compile(r"'+[=+\-@\t\r0-9]")
TO_PROTECT = re.compile(r"'*[=+\-@\t\r]")


class Unreadable(ValueError):
    """A cell says something that the shop cannot take: the reason, and the remedy."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


def shown(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def protect_cell(text: str) -> str:
    """Spreadsheets run cells that begin with = + - @ as formulas; an apostrophe keeps them text. ``unprotect_cell`` takes it off again."""
    return f"'{text}" if TO_PROTECT.match(text) else text


def unprotect_cell(text: str) -> str:
    return text[1:] if text[:1] == "'" and PROTECTED.match(text) else text


def unprotect_code(text: str) -> str:
    """The same for SKUs and barcodes, where spreadsheets also guard leading digits: ``'12075``."""
    return text[1:] if text[:1] == "'" and PROTECTED_CODE.match(text) else text


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def parse_price(text: str, currency: str, *, comma_decimals: bool = False) -> Money:
    """``12,50``, ``1.234,99``, ``1 250,00``, ``$19.99``, ``352 AED``, ``10.000 KWD`` (ten dinars). Without a currency it is ``currency``.

    Raises:
        Unreadable: it is no amount, negative, too large, has more decimals than the currency, or may mean two things.
    """
    if PLAIN.fullmatch(text):
        return _money(Decimal(text), currency, text)
    text = text.strip()
    found = CODE.search(text)
    if found:
        if found[0] not in currencies():
            raise Unreadable(f"{shown(text)!r} is in no currency known", "Write a code such as EUR.")
        currency = found[0]
    rest = CODE.sub("", text, count=1) if found else text
    for symbol, code in SYMBOLS.items():
        if symbol in rest:
            currency, rest = (currency if found else code), rest.replace(symbol, "", 1)
    rest = rest.replace("$", "", 1).strip(" \u00a0\u202f")
    if rest.startswith(("-", "−", "(")):
        raise Unreadable(f"{shown(text)!r} is negative", "A price is zero or more; write it without the minus.")
    if not NUMBER.fullmatch(rest):
        raise Unreadable(f"{shown(text)!r} is no amount", "Write an amount such as 19.99.")
    return _money(_to_decimal(BLANKS.sub("", rest), decimals(currency), text, comma_decimals=comma_decimals), currency, text)


def _to_decimal(number: str, digits: int, text: str, *, comma_decimals: bool) -> Decimal:
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        mark = "," if number.rfind(",") > number.rfind(".") else "."
        if number.count(mark) > 1:
            raise Unreadable(f"{shown(text)!r} is no amount", "Write an amount such as 19.99.")
    elif dots + commas > 1:
        mark = ""
    else:
        mark = "," if commas else "."
        if len(number.rpartition(mark)[2]) == 3 and dots + commas == 1 and digits != 3:
            mark = _settle(mark, text, comma_decimals=comma_decimals)
    whole, _, fraction = number.rpartition(mark) if mark and mark in number else (number, "", "")
    groups = re.split(r"[.,]", whole)
    if len(groups) > 1 and any(len(group) != 3 for group in groups[1:]):
        raise Unreadable(f"{shown(text)!r} is no amount", "Write an amount such as 19.99.")
    return Decimal(f"{''.join(groups) or '0'}.{fraction or '0'}")


def _settle(mark: str, text: str, *, comma_decimals: bool) -> str:
    """One mark and three digits: thousands where the file writes decimals with the other mark; else nobody can know."""
    if (mark == ".") == comma_decimals:
        return ""
    raise Unreadable(f"{shown(text)!r} has more decimals than the currency", "Write it with two decimals, or without a mark for thousands.")


def _money(amount: Decimal, currency: str, text: str) -> Money:
    try:
        money = Money.from_decimal(amount, currency)
    except ValueError:
        raise Unreadable(
            f"{shown(text)!r} has more decimals than {currency} knows",
            f"Round it to {decimals(currency)} decimals; the shop rounds no prices.",
        ) from None
    if money.minor > MAX_MINOR:
        raise Unreadable(f"{shown(text)!r} is too large", "Write a price below a trillion.")
    return money


def parse_stock(text: str) -> int:
    """Pieces, perhaps negative (a shop that sold more than it had).

    Raises:
        Unreadable: it is no whole number.
    """
    text = text.strip().replace("−", "-")
    if not WHOLE.fullmatch(text):
        raise Unreadable(f"{shown(text)!r} is no whole number of pieces", "Write a number such as 12.")
    pieces = int(re.split(r"[.,]", text)[0])
    if abs(pieces) > MAX_STOCK:
        raise Unreadable(f"{shown(text)!r} is too large", f"Write at most {MAX_STOCK:,}.")
    return pieces


def parse_weight(text: str, unit: str = "g") -> int:
    """Whole grams, half up. ``.5`` and ``0,5`` are read as well.

    Raises:
        Unreadable: it is no weight, or in an unknown unit.
    """
    factor = GRAMS.get(unit.strip().lower())
    number = text.strip().replace(",", ".")
    if factor is None or not re.fullmatch(r"[0-9]{0,9}(\.[0-9]{0,12})?", number, re.ASCII) or number in {"", "."}:
        raise Unreadable(f"{shown(text)!r} {unit} is no weight", "Write a number, and g, kg, lb or oz as its unit.")
    grams = int((Decimal(number) * factor).quantize(Decimal(1), ROUND_HALF_UP))
    if grams > MAX_STOCK:
        raise Unreadable(f"{shown(text)!r} is too heavy", "Write at most 1,000 tons.")
    return grams


def parse_flag(text: str) -> bool:
    """Yes or no in several spellings.

    Raises:
        Unreadable: it is neither.
    """
    word = text.strip().lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise Unreadable(f"{shown(text)!r} is neither yes nor no", "Write true or false.")


def split_list(text: str, mark: str = ",") -> list[str]:
    """``"a, b,,c"`` → ``["a", "b", "c"]``, each once; quotes around a word are dropped."""
    return list(dict.fromkeys(part.strip().strip('"').strip() for part in text.split(mark) if part.strip().strip('"').strip()))


def is_scientific(text: str) -> bool:
    """A long number that a spreadsheet rounded away: ``4.00638E+12``."""
    return re.fullmatch(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+", text.strip(), re.ASCII) is not None


def path_of(text: str, marks: Sequence[str] = (">", "/")) -> tuple[str, ...]:
    """``"Clothing > T-shirts"`` → ``("Clothing", "T-shirts")``."""
    for mark in marks:
        if mark in text:
            return tuple(part.strip() for part in text.split(mark) if part.strip())
    return (text.strip(),) if text.strip() else ()
