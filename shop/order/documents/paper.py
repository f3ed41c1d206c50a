"""The words of a document, in the customer's language: what the page and the PDF show, text for text. Frozen with the document.

A paper is JSON: ``title``, ``number``, ``facts`` (name, value), ``seller`` and ``buyer`` (lines), ``columns`` and ``rows`` of the table, ``sums``,
``taxes``, ``notes``, ``foot``. Whoever shows it adds no word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import format_date, format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.money import format_minor
from shop.order.documents.models import DocumentKind
from shop.order.policy import Seller
from shop.order.queries import OrderView, ParcelView
from shop.pricing.tax import TaxNote

Paper = dict[str, Any]
# What the law wants written where no tax is asked. Source: Directive 2006/112/EC, articles 226 (11) and (11a).
TAX_NOTES: dict[str, Any] = {
    TaxNote.REVERSE_CHARGE.value: _l("Reverse charge: the recipient owes the VAT (article 196 of Directive 2006/112/EC)."),
    TaxNote.EXPORT.value: _l("Export, exempt from VAT (article 146 of Directive 2006/112/EC)."),
}


def document_paper(
    kind: DocumentKind, facts: Mapping[str, Any], *, number: str, seller: Seller, contact: str, issued_at: datetime, corrects: str = ""
) -> Paper:
    """Invoice or credit note as it is read. Called while the customer's language is spoken."""
    is_credit = kind is DocumentKind.CREDIT_NOTE
    title = _("Credit note") if is_credit else _("Invoice")
    about = [(title, number), (_("Date"), str(format_date(issued_at, "long")))]
    if corrects:
        about.append((_("Corrects invoice"), corrects))
    about.append((_("Order"), facts["order"]))
    about.append((_("Ordered on"), str(format_date(datetime.fromisoformat(facts["placed_at"]), "long"))))
    sells = [seller.name, *seller.address]
    if seller.vat_number:
        sells.append(_("VAT number %(number)s", number=seller.vat_number))
    buys = list(facts["buyer"])
    if facts["vat_number"]:
        buys.append(_("VAT number %(number)s", number=facts["vat_number"]))
    return {
        **_blank(facts["locale"], title, number),
        "facts": [list(pair) for pair in about],
        "seller": [line for line in sells if line],
        "buyer": {"title": _("Bill to"), "lines": buys},
        "goes_to": {"title": _("Deliver to"), "lines": facts["goes_to"]} if facts["goes_to"] else None,
        "columns": [_("What"), _("Number"), _("Each"), _("Tax"), _("Amount")],
        "rows": _rows(facts, is_credit=is_credit),
        "sums": _sums(facts, is_credit=is_credit),
        "taxes": _taxes(facts),
        "notes": _notes(facts),
        "foot": [part for part in (" · ".join(line for line in (seller.name, seller.registration) if line), contact) if part],
    }


def packing_slip(order: OrderView, parcel: ParcelView | None, *, seller: Seller, contact: str, at: datetime) -> Paper:
    """What lies in a parcel, or what is still to be packed when there is none yet; without prices."""
    pieces = parcel.pieces if parcel else [(line, line.left) for line in order.lines if line.left]
    facts = [[_("Order"), order.number], [_("Ordered on"), str(format_date(order.placed_at, "long"))]]
    if parcel and (parcel.carrier or parcel.tracking_number):
        facts.append([_("Carrier"), " ".join(part for part in (parcel.carrier, parcel.tracking_number) if part)])
    from shop.customer.addresses import address_lines

    lines = address_lines(order.shipping_address, order.locale) if order.shipping_address else [order.name, order.shipping_name]
    return {
        **_blank(order.locale, _("Packing slip"), order.number),
        "facts": [*facts, [_("Date"), str(format_date(parcel.shipped_at if parcel else at, "long"))]],
        "seller": [line for line in (seller.name, *seller.address) if line],
        "buyer": {"title": _("Deliver to"), "lines": [line for line in lines if line]},
        "columns": [_("What"), _("SKU"), _("Number")],
        "rows": [{"name": line.name, "under": line.options, "cells": [line.sku, str(count)]} for line, count in pieces],
        "notes": [order.note] if order.note else [],
        "foot": [contact] if contact else [],
    }


def _blank(lang: str, title: str, number: str) -> Paper:
    return {
        "lang": lang,
        "title": title,
        "number": number,
        "facts": [],
        "seller": [],
        "buyer": None,
        "goes_to": None,
        "columns": [],
        "rows": [],
        "sums": [],
        "taxes": None,
        "notes": [],
        "foot": [],
    }


def _rows(facts: Mapping[str, Any], *, is_credit: bool) -> list[dict[str, Any]]:
    return [_row(facts, item, is_credit=is_credit) for item in [*facts["items"], *facts.get("goods", ())]]


def _row(facts: Mapping[str, Any], item: Mapping[str, Any], *, is_credit: bool) -> dict[str, Any]:
    """Name, what stands under it, and number, unit price, rate, amount."""
    locale, currency = facts["locale"], facts["currency"]
    if item["kind"] == "goods":
        return {"name": item["name"], "under": _under(item), "cells": [str(item["quantity"]), "", "", ""]}
    shown = item["gross_minor"] if facts["prices_include_tax"] else item["net_minor"]
    amount = format_minor(-shown if is_credit else shown, currency, locale)
    rate = percent(item["rate_ppm"])
    if item["kind"] == "line":
        unit, under = item["unit_price_minor"], _under(item)
        if item["discount_minor"]:
            less = _("less %(amount)s discount", amount=format_minor(item["discount_minor"], currency, locale))
            under = " · ".join(part for part in (under, less) if part)
        return {"name": item["name"], "under": under, "cells": [str(item["quantity"]), format_minor(unit, currency, locale), rate, amount]}
    if item["kind"] == "credit":
        return {"name": _("Given back at %(rate)s tax", rate=rate), "under": "", "cells": ["", "", rate, amount]}
    return {"name": item["label"] or item.get("name", ""), "under": "", "cells": ["", "", rate, amount]}


def _under(item: Mapping[str, Any]) -> str:
    return " · ".join(part for part in (item["options"], item["sku"]) if part)


def _sums(facts: Mapping[str, Any], *, is_credit: bool) -> list[list[str]]:
    """(name, amount, kind): net, each tax, and all together."""
    sign = -1 if is_credit else 1

    def written(minor: int) -> str:
        return format_minor(sign * minor, facts["currency"], facts["locale"])

    taxes = [
        [
            _("Tax %(rate)s of %(amount)s", rate=percent(tax["rate_ppm"]), amount=written(tax["net_minor"])),
            written(tax["tax_minor"]),
            "",
        ]
        for tax in facts["taxes"]
    ]
    name = _("Credited") if is_credit else _("Total")
    return [[_("Net"), written(facts["net_minor"]), ""], *taxes, [name, written(facts["gross_minor"]), "all"]]


def _taxes(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The summary per rate, where there is more than one."""
    if len(facts["taxes"]) < 2:
        return None

    def written(minor: int) -> str:
        return format_minor(minor, facts["currency"], facts["locale"])

    rows: Sequence[Sequence[str]] = [
        [percent(tax["rate_ppm"]), *(written(tax[name]) for name in ("net_minor", "tax_minor", "gross_minor"))] for tax in facts["taxes"]
    ]
    return {"title": _("Tax by rate"), "columns": [_("Rate"), _("Net"), _("Tax"), _("Gross")], "rows": [list(line) for line in rows]}


def _notes(facts: Mapping[str, Any]) -> list[str]:
    notes = []
    if facts["tax_note"]:
        notes.append(str(TAX_NOTES.get(facts["tax_note"], facts["tax_note"])))
    notes.append(_("Prices include tax.") if facts["prices_include_tax"] else _("Prices are without tax."))
    return notes


def percent(rate_ppm: int) -> str:
    """A rate as people write it: ``21 %``, ``5.5 %``."""
    from decimal import Decimal

    return f"{format_decimal(Decimal(rate_ppm) / 10_000, '0.####')} %"
