"""The list of the shop's account, as banks give it: CSV in many dialects, or camt.053. Only what came in; what went out is left out.

Source: ISO 20022, camt.053 (BkToCstmrStmt); the heads of CSV exports of banks in several languages.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _

from shop.errors import Invalid
from shop.money import MAX_MINOR, Money

LONGEST = 500
MOST_LINES = 20_000
HEADS = {
    "date": {"date", "booking date", "booked on", "buchungstag", "buchungsdatum", "valuta", "fecha", "fecha operacion", "datum", "data"},
    "amount": {"amount", "betrag", "umsatz", "importe", "montant", "importo", "bedrag", "credit", "haben", "abono"},
    "currency": {"currency", "waehrung", "wahrung", "divisa", "moneda", "devise", "valuta iso"},
    "text": {
        "text", "reference", "description", "details", "purpose", "verwendungszweck", "buchungstext", "concepto", "remittance information",
        "memo", "libelle", "descrizione", "omschrijving", "payment reference",
    },
    "payer": {
        "name", "payer", "debtor", "counterparty", "auftraggeber", "beguenstigter/auftraggeber", "name zahlungsbeteiligter", "ordenante",
        "counterparty name", "from",
    },
}  # fmt: skip
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y")
AMOUNT = re.compile(r"[+-]?\d{1,3}(?:[.,' \u00a0\u202f]\d{3})*(?:[.,]\d{1,3})?|[+-]?\d+(?:[.,]\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A line of the bank's list. ``fingerprint`` is the same for the same line in another list."""

    booked_on: date
    amount: Money
    payer: str
    text: str
    fingerprint: str


def read_bank_file(content: bytes, *, currency: str) -> list[Incoming]:
    """The money that came in, as the file says; ``currency`` where a CSV names none.

    Raises:
        Invalid: it is neither, or a line cannot be read; the message names the line.
    """
    is_xml = content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    found = list(_read_camt(content) if is_xml else _read_csv(content, currency))
    if len(found) > MOST_LINES:
        raise _wrong(_("The file has more than %(most)s lines. Send it in parts.", most=MOST_LINES))
    return _named(found)


def _read_csv(content: bytes, currency: str) -> Iterator[tuple[date, Money, str, str, str]]:
    written = _decoded(content)
    head = next((line for line in written.splitlines() if line.strip()), "")
    separator = max(";,\t", key=head.count)
    lines = csv.reader(io.StringIO(written), delimiter=separator)
    places: dict[str, int] = {}
    for number, cells in enumerate(lines, 1):
        if not places:
            places = _places(cells)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        cell = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
        money = _amount(cell["amount"], cell.get("currency") or currency, number)
        if money.minor > 0:
            yield _date(cell["date"], number), money, cell.get("payer", ""), cell.get("text", ""), ""
    if not places:
        raise _wrong(_("No line names the columns: a date, an amount and a text are needed."))


def _read_camt(content: bytes) -> Iterator[tuple[date, Money, str, str, str]]:
    from xml.etree import ElementTree as ET

    if b"\0" in content or b"<!DOCTYPE" in content or b"<!ENTITY" in content:  # in UTF-16 each letter has a NUL beside it
        raise _wrong(_("This is no list of a bank."))
    try:
        root = ET.fromstring(content)  # noqa: S314 - without a document type there is nothing to expand
    except (ET.ParseError, ValueError) as error:
        raise _wrong(_("The file cannot be read: %(why)s", why=str(error))) from None
    for number, entry in enumerate(root.iterfind(".//{*}Ntry"), 1):
        if entry.findtext("{*}CdtDbtInd") != "CRDT" or entry.findtext("{*}RvslInd") == "true":
            continue
        day = (entry.findtext("{*}BookgDt/{*}Dt") or entry.findtext("{*}BookgDt/{*}DtTm") or "")[:10]
        parts = entry.findall("{*}NtryDtls/{*}TxDtls")
        for part in parts if len(parts) > 1 else [entry]:
            amount = part.find("{*}Amt") if part.find("{*}Amt") is not None else part.find("{*}AmtDtls/{*}TxAmt/{*}Amt")
            if amount is None:
                raise _wrong(_("Line %(number)s has no amount.", number=number))
            money = _amount(amount.text or "", amount.get("Ccy", ""), number)
            text = " ".join(found.text or "" for found in part.iterfind(".//{*}RmtInf//{*}Ustrd"))
            text = text or part.findtext(".//{*}RmtInf//{*}Ref") or part.findtext(".//{*}Refs/{*}EndToEndId") or ""
            payer = part.findtext(".//{*}RltdPties/{*}Dbtr/{*}Nm") or part.findtext(".//{*}RltdPties/{*}Dbtr/{*}Pty/{*}Nm") or ""
            name = part.findtext(".//{*}Refs/{*}AcctSvcrRef") or entry.findtext("{*}AcctSvcrRef") or ""
            yield _date(day, number), money, payer, text, name


def _named(found: list[tuple[date, Money, str, str, str]]) -> list[Incoming]:
    """Two equal lines of one list are two transfers; the same line in the next list is the same transfer."""
    seen: Counter[str] = Counter()
    named = []
    for day, money, payer, text, name in found:
        words = "\n".join((name, day.isoformat(), str(money.minor), money.currency, payer, text))
        seen[words] += 1
        fingerprint = hashlib.sha256(f"{words}\n{seen[words]}".encode("utf-8", "replace")).hexdigest()
        named.append(Incoming(day, money, _tidy(payer), _tidy(text), fingerprint))
    return named


def _places(cells: list[str]) -> dict[str, int]:
    """Which column is what; empty where this line is not the head."""
    plain = [_plain(cell) for cell in cells]
    places: dict[str, int] = {}
    for name, heads in HEADS.items():
        place = next((place for place, cell in enumerate(plain) if cell in heads and place not in places.values()), None)
        if place is not None:
            places[name] = place
    return places if {"date", "amount"} <= set(places) and {"text", "payer"} & set(places) else {}


def _plain(text: str) -> str:
    letters = text.strip().strip('"').lower().translate(str.maketrans("äöüáéíóúàèç", "aouaeiouaec"))
    return letters.partition("(")[0].strip()


def _amount(text: str, currency: str, number: int) -> Money:
    """``1.234,56``, ``1,234.56``, ``-5`` or ``1'234.50``: the last separator with one or two digits after it is that of the decimals."""
    written = text.strip().removesuffix(currency).strip().replace("\u2212", "-")
    if not AMOUNT.fullmatch(written):
        raise _wrong(_("Line %(number)s: “%(text)s” is no amount.", number=number, text=text[:40]))
    sign = "-" if written.startswith("-") else ""
    digits = written.lstrip("+-")
    cut = re.search(r"[.,]([0-9]{1,2})$", digits)
    whole, cents = (digits[: cut.start()], cut[1]) if cut else (digits, "0")
    try:
        money = Money.from_decimal(Decimal(f"{sign}{re.sub(r'[^0-9]', '', whole) or '0'}.{cents}"), currency)
    except (InvalidOperation, ValueError, LookupError):
        raise _wrong(_("Line %(number)s: “%(text)s” is no amount.", number=number, text=text[:40])) from None
    if len(currency) != len("EUR") or not currency.isalpha() or abs(money.minor) > MAX_MINOR:
        raise _wrong(_("Line %(number)s: “%(text)s” is no amount.", number=number, text=f"{text[:40]} {currency[:10]}"))
    return Money(money.minor, currency.upper())


def _date(text: str, number: int) -> date:
    for form in DATES:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day of the bank, without an hour
        except ValueError:
            continue
    raise _wrong(_("Line %(number)s: “%(text)s” is no date.", number=number, text=text[:40]))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _tidy(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST]


def _wrong(why: str) -> Invalid:
    return Invalid({"/list": [why]}, why)
