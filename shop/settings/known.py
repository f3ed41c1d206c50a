"""Every setting that staff may change, declared once: its name, what it may be, its words and what counts where nothing is written.

Reading (``shop.settings.queries``), the page, JSON and the table in the README follow this list. Settings of the machine stand in ``config.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Kind(StrEnum):
    """What a setting holds; all are kept as text."""

    LINE = "line"
    LINES = "lines"
    EMAIL = "email"
    CODE = "code"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Known:
    """A setting. ``low`` and ``high`` bound the number, or the length of the text; ``effect`` says what a change does to what exists already."""

    name: str
    kind: Kind
    label: Any
    low: int = 0
    high: int = 200
    default: str = ""
    help: Any = ""
    effect: Any = ""
    choices: tuple[tuple[str, Any], ...] = ()
    per_language: bool = False

    @property
    def key(self) -> str:
        """Its name where dots may not stand: in forms and schemas."""
        return self.name.replace(".", "__")

    def read(self, written: str | None) -> str:
        """What counts: what is written, as far as it makes sense; else the default."""
        return written if written and self.makes_sense(written) else self.default

    def makes_sense(self, text: str) -> bool:
        """May this stand in the table?"""
        if self.kind is Kind.NUMBER:
            return text.isascii() and text.isdigit() and len(text) < 10 and self.low <= int(text) <= self.high
        if self.kind in {Kind.CHOICE, Kind.FLAG}:
            return text in [value for value, _words in self.choices or (("0", ""), ("1", ""))]
        return self.low <= len(text) <= self.high


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that stand together on a page, under a name of its own."""

    name: str
    title: Any
    settings: tuple[Known, ...]


SHOP = Group(
    "shop",
    _l("The shop"),
    (
        Known("shop.name", Kind.LINE, _l("Name"), low=1, high=80, default="Bodega", help=_l("On every page and in every mail.")),
        Known("shop.email", Kind.EMAIL, _l("E-mail"), high=254, help=_l("Where customers write to.")),
        Known("shop.phone", Kind.LINE, _l("Phone"), high=40),
        Known("shop.address", Kind.LINES, _l("Address"), high=400, per_language=True),
        Known("shop.claim", Kind.LINE, _l("In one sentence"), high=200, per_language=True),
        Known("shop.about", Kind.LINES, _l("About the shop"), high=2000, per_language=True),
    ),
)
WORDS = Group(
    "words",
    _l("What customers are told"),
    (
        Known(
            "shop.delivery", Kind.LINES, _l("About delivery"), high=400, per_language=True, help=_l("Beside every product and at the foot.")
        ),
        Known("shop.returns", Kind.LINES, _l("About returns"), high=400, per_language=True),
        Known("shop.pickup", Kind.LINES, _l("About collecting"), high=400, per_language=True),
        Known("shop.hero_title", Kind.LINE, _l("Title of the start page"), high=120, per_language=True),
        Known("shop.hero_text", Kind.LINES, _l("Text below it"), high=400, per_language=True),
        Known("shop.hero_button", Kind.LINE, _l("Words of its button"), high=60, per_language=True),
        Known("shop.hero_alt", Kind.LINE, _l("What its picture shows"), high=200, per_language=True),
        Known("shop.hero_image", Kind.LINE, _l("Its picture"), high=64, help=_l("The number or the hash of a picture of the shop.")),
    ),
)
PAPERS = Group(
    "papers",
    _l("Invoices and other papers"),
    (
        Known("seller.name", Kind.LINE, _l("Seller"), high=120, help=_l("As the register has it; empty for the shop's name.")),
        Known("seller.address", Kind.LINES, _l("Seller's address"), high=400, help=_l("Empty for the shop's address.")),
        Known("seller.vat_number", Kind.LINE, _l("VAT number"), high=20),
        Known("seller.registration", Kind.LINE, _l("Entry in the register"), high=120),
        Known(
            "invoice.when",
            Kind.CHOICE,
            _l("An invoice is issued"),
            default="payment",
            choices=(("payment", _l("When the money came")), ("shipment", _l("When the first parcel leaves"))),
            effect=_l("An order that has its invoice keeps it; one without gets it at its next step."),
        ),
        Known(
            "invoice.prefix",
            Kind.CODE,
            _l("Numbers of invoices begin with"),
            low=1,
            high=12,
            default="INV",
            effect=_l("Another beginning opens another series, from 1 on. Papers that were issued keep their numbers."),
        ),
        Known(
            "credit_note.prefix",
            Kind.CODE,
            _l("Numbers of credit notes begin with"),
            low=1,
            high=12,
            default="CN",
            effect=_l("As above: another beginning, another series."),
        ),
    ),
)
RETURNS = Group(
    "returns",
    _l("Returns"),
    (
        Known(
            "returns.days",
            Kind.NUMBER,
            _l("Days in which goods may come back"),
            low=14,
            high=365,
            default="30",
            help=_l("From their arrival on. The law of the European Union gives fourteen."),
            effect=_l("It counts for what has arrived already as well: whoever was promised more days should keep them."),
        ),
    ),
)
TAXES = Group(
    "taxes",
    _l("How prices and taxes are read"),
    (
        Known(
            "prices_include_tax",
            Kind.FLAG,
            _l("Prices contain the tax"),
            default="1",
            help=_l("Prices in the catalog stay the figures that they are; what they mean changes."),
            effect=_l("Orders that were placed keep what they were placed with; open carts are counted anew."),
        ),
        Known(
            "eu_sales",
            Kind.CHOICE,
            _l("Sales to consumers in other member states of the European Union"),
            default="destination",
            choices=(
                ("destination", _l("Taxed where the goods arrive (one-stop shop)")),
                ("home", _l("Taxed at home: all such sales stay within 10,000 EUR a year")),
            ),
            effect=_l("Orders that were placed keep what they were placed with; open carts are counted anew."),
        ),
        Known(
            "tax_rounding",
            Kind.CHOICE,
            _l("Tax is rounded"),
            default="line",
            choices=(("line", _l("Line by line")), ("order", _l("Once for the whole order"))),
            effect=_l("Orders that were placed keep what they were placed with; open carts are counted anew."),
        ),
    ),
)


def _days(name: str, label: Any, default: int, help: Any = "") -> Known:  # noqa: A002 - the word of ``Known``
    return Known(f"retention.{name}", Kind.NUMBER, label, low=1, high=3650, default=str(default), help=help)


RETENTION = Group(
    "retention",
    _l("How long things are kept"),
    (
        _days("carts", _l("Days that an abandoned cart is kept"), 90),
        _days("log_ins", _l("Days that a log-in is kept after its end"), 90, _l("From which device and network somebody was logged in.")),
        _days("mails", _l("Days that the text of a mail is kept"), 365, _l("That it was sent, and about what, is kept for good.")),
        _days("outbox", _l("Days that a delivered event is kept"), 90),
        _days("webhooks", _l("Days that a try to tell a webhook is kept"), 30),
        _days("keys", _l("Days that a program may ask for an answer again"), 2),
    ),
)
GROUPS: tuple[Group, ...] = (SHOP, WORDS, PAPERS, RETURNS, TAXES, RETENTION)
KNOWN: dict[str, Known] = {known.name: known for group in GROUPS for known in group.settings}


def columns_of(known: Known, locales: Sequence[str]) -> tuple[str, ...]:
    """The languages in which a setting is written; "" where it has none."""
    return tuple(locales) if known.per_language else ("",)


def what_counts(known: Known, written: Mapping[tuple[str, str], str], locale: str = "") -> str:
    """A setting in a language, from what stands in the table by (name, language)."""
    return known.read(written.get((known.name, locale), written.get((known.name, ""))))
