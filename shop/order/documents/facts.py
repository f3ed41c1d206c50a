"""What a document says in numbers: read from the order, written down as JSON when it is issued, and never computed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, func, select

from shop.customer.addresses import address_lines
from shop.customer.values import AddressValues
from shop.db import row, rows
from shop.order.documents.models import Document, DocumentKind
from shop.order.documents.splitting import Taxed, by_rate
from shop.order.models import ORDER_COLUMNS, AddressKind, Adjustment, AdjustmentKind, Order, OrderAddress, OrderLine

orders = cast("Table", Order.__table__)
ORDER = select(*ORDER_COLUMNS).where(orders.c.id == bindparam("order_id"))
LINES = select(cast("Table", OrderLine.__table__)).where(OrderLine.order_id == bindparam("order_id")).order_by(OrderLine.position)
ADJUSTMENTS = (
    select(cast("Table", Adjustment.__table__)).where(Adjustment.order_id == bindparam("order_id")).order_by(Adjustment.kind, Adjustment.id)
)
ADDRESSES = select(cast("Table", OrderAddress.__table__)).where(OrderAddress.order_id == bindparam("order_id"))
ISSUED = (
    select(Document.id, Document.kind, Document.number, Document.facts)
    .where(Document.order_id == bindparam("order_id"))
    .order_by(Document.id)
)
LAST_INVOICE = (
    select(Document.id, Document.number)
    .where(Document.order_id == bindparam("order_id"), Document.kind == DocumentKind.INVOICE)
    .order_by(Document.id.desc())
    .limit(1)
)
CREDITED = select(func.count()).select_from(Document).where(Document.cause == bindparam("cause"))


def read_order(order_id: int) -> Row[Any]:
    """The order's own row."""
    found = row(ORDER, order_id=order_id)
    assert found is not None, "the caller holds the order"
    return found


def invoice_facts(order: Row[Any], *, revision: int | None = None) -> dict[str, Any]:
    """Everything that is sold by the order as it stands; with ``revision`` only what that edit added."""
    taken = _taken_off(order.id)
    lines = [
        _line(line, taken.get(line.id, []))
        for line in rows(LINES, order_id=order.id)
        if (line.revision == revision if revision is not None else line.quantity > line.canceled_quantity)
    ]
    beside = [
        _beside(found)
        for found in rows(ADJUSTMENTS, order_id=order.id)
        if found.kind is not AdjustmentKind.EDIT and (found.gross_minor or found.kind is AdjustmentKind.SHIPPING) and revision is None
    ]
    return _facts(order, [*lines, *beside])


def taken_facts(order: Row[Any], revision: int) -> dict[str, Any]:
    """What an edit took off, as plus amounts."""
    lines = {line.id: line for line in rows(LINES, order_id=order.id)}
    parts = [
        {**_beside(found, sign=-1), **_names(lines[found.order_line_id]), "label": found.label}
        for found in rows(ADJUSTMENTS, order_id=order.id)
        if found.kind is AdjustmentKind.EDIT and found.revision == revision
    ]
    return _facts(order, parts)


def credit_facts(order: Row[Any], parts: Sequence[Taxed], goods: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What goes back, by tax rate; ``goods`` names the pieces that it is for."""
    items = [
        {
            "kind": "credit",
            "rate_ppm": part.rate_ppm,
            "net_minor": part.net_minor,
            "tax_minor": part.tax_minor,
            "gross_minor": part.gross_minor,
        }
        for part in parts
    ]
    return {**_facts(order, items), "goods": [dict(one) for one in goods]}


def left_to_credit(order_id: int) -> dict[int, Taxed]:
    """What was invoiced and not yet credited, by tax rate."""
    parts = []
    for issued in rows(ISSUED, order_id=order_id):
        sign = 1 if issued.kind is DocumentKind.INVOICE else -1
        parts += [Taxed(tax["rate_ppm"], sign * tax["net_minor"], sign * tax["tax_minor"]) for tax in issued.facts["taxes"]]
    return by_rate(parts)


def invoice_of(order_id: int, goods: Iterable[Mapping[str, Any]]) -> Row[Any] | None:
    """The invoice that sold all of these goods; the last one when it was not one alone, or none are named."""
    wanted = {one["order_line_id"] for one in goods}
    invoices = [issued for issued in rows(ISSUED, order_id=order_id) if issued.kind is DocumentKind.INVOICE]
    sold = [one for one in invoices if wanted and wanted <= {item.get("order_line_id") for item in one.facts["items"]}]
    fitting = sold or invoices
    return fitting[-1] if fitting else None


def _facts(order: Row[Any], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    taxes = by_rate([Taxed(item["rate_ppm"], item["net_minor"], item["tax_minor"]) for item in items])
    billing, shipping = _addresses(order.id)
    buyer, kept = billing or shipping, order._asdict()
    return {
        "order": order.number,
        "placed_at": order.placed_at.isoformat(),
        "email": order.email,
        "locale": order.locale,
        "currency": order.currency,
        "prices_include_tax": order.prices_include_tax,
        "payment_method": order.payment_method,
        "buyer": address_lines(buyer, order.locale) if buyer else [order.email],
        "goes_to": address_lines(shipping, order.locale) if shipping and shipping != buyer else [],
        "vat_number": kept.get("vat_number") or "",
        "tax_note": kept.get("tax_note") or "",
        "items": [dict(item) for item in items],
        "taxes": [
            {"rate_ppm": tax.rate_ppm, "net_minor": tax.net_minor, "tax_minor": tax.tax_minor, "gross_minor": tax.gross_minor}
            for tax in taxes.values()
        ],
        "net_minor": sum(item["net_minor"] for item in items),
        "tax_minor": sum(item["tax_minor"] for item in items),
        "gross_minor": sum(item["gross_minor"] for item in items),
    }


def _taken_off(order_id: int) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for part in rows(ADJUSTMENTS, order_id=order_id):
        if part.order_line_id is not None:
            found.setdefault(part.order_line_id, []).append(part)
    return found


def _line(line: Row[Any], taken: Sequence[Row[Any]]) -> dict[str, Any]:
    """A line with what later edits took off it."""
    return {
        "kind": "line",
        **_names(line),
        "quantity": line.quantity - line.canceled_quantity,
        "unit_price_minor": line.unit_price_minor,
        "discount_minor": line.discount_minor * (line.quantity - line.canceled_quantity) // line.quantity,
        "rate_ppm": line.tax_rate_ppm,
        **{name: getattr(line, name) + sum(getattr(part, name) for part in taken) for name in ("net_minor", "tax_minor", "gross_minor")},
    }


def _names(line: Row[Any]) -> dict[str, Any]:
    return {"order_line_id": line.id, "name": line.name, "options": line.options, "sku": line.sku}


def _beside(part: Row[Any], *, sign: int = 1) -> dict[str, Any]:
    return {
        "kind": part.kind.value,
        "label": part.label,
        "rate_ppm": part.tax_rate_ppm,
        **{name: sign * getattr(part, name) for name in ("net_minor", "tax_minor", "gross_minor")},
    }


def _addresses(order_id: int) -> tuple[AddressValues | None, AddressValues | None]:
    """Billing and shipping address, None where there is none."""
    found = {address.kind: address._asdict() for address in rows(ADDRESSES, order_id=order_id)}
    return _address(found.get(AddressKind.BILLING)), _address(found.get(AddressKind.SHIPPING))


def _address(kept: dict[str, Any] | None) -> AddressValues | None:
    return AddressValues(**{name: kept[name] for name in AddressValues.__dataclass_fields__}) if kept else None
