"""What staff set about orders: when an invoice is issued, how papers are numbered, who sells, how long goods may come back.

They are declared in ``shop.settings.known``. Whatever is missing or no longer makes sense counts as its default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shop.settings.queries import named_settings, setting


class InvoiceWhen(StrEnum):
    """The moment at which an order gets its invoice."""

    PAYMENT = "payment"
    SHIPMENT = "shipment"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as papers name them; empty fields are left out."""

    name: str = ""
    address: tuple[str, ...] = field(default=())
    vat_number: str = ""
    registration: str = ""


def invoice_when() -> InvoiceWhen:
    """At payment, unless the setting ``invoice.when`` says ``shipment``."""
    return InvoiceWhen(setting("invoice.when"))


def prefix_of(kind: str) -> str:
    """What the numbers of ``invoice`` or ``credit_note`` begin with."""
    return setting(f"{kind}.prefix")


def seller(*, name: str, address: str) -> Seller:
    """The seller of the settings; without one, the shop's own name and address."""
    known = named_settings("seller.")
    lines = (known.get("address") or address).splitlines()
    return Seller(
        known.get("name") or name,
        tuple(line.strip() for line in lines if line.strip()),
        known.get("vat_number", ""),
        known.get("registration", ""),
    )


def return_days() -> int:
    """So many days after it arrived something may be asked back; never fewer than the law gives.

    Source: Directive 2011/83/EU, article 9: fourteen days.
    """
    return int(setting("returns.days"))
