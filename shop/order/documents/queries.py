"""Reading papers: an order's own, one of them, and those whose chain is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, select

from shop.db import row, rows
from shop.errors import NotFound
from shop.order.documents.models import Document, DocumentSeries
from shop.order.documents.services import digest_of

AT_ONCE = 1000
LIST = select(
    Document.id,
    Document.number,
    Document.kind,
    Document.issued_at,
    Document.currency,
    Document.net_minor,
    Document.tax_minor,
    Document.gross_minor,
)
OF_ORDER = LIST.where(Document.order_id == bindparam("order_id")).order_by(Document.id)
ONE = LIST.add_columns(Document.facts, Document.paper, Document.hash).where(
    Document.order_id == bindparam("order_id"), Document.number == bindparam("number")
)
CHAIN = (
    select(Document.series, Document.position, Document.number, Document.facts, Document.paper, Document.hash)
    .where(Document.series == bindparam("series"), Document.position > bindparam("after"))
    .order_by(Document.position)
    .limit(AT_ONCE)
)
SERIES = select(DocumentSeries.series, DocumentSeries.last_position, DocumentSeries.last_hash).order_by(DocumentSeries.series)


def list_documents(order_id: int) -> Sequence[Row[Any]]:
    """The invoices and credit notes of an order, oldest first."""
    return rows(OF_ORDER, order_id=order_id)


def get_document(order_id: int, number: str) -> Row[Any]:
    """One of them, with all it says.

    Raises:
        NotFound: this order has no such paper.
    """
    found = row(ONE, order_id=order_id, number=number)
    if found is None:
        raise NotFound(_("There is no such paper."))
    return found


def find_broken_documents() -> list[str]:
    """What is wrong with the series: a gap, a paper that is not the one that was issued. Empty when all is well."""
    found = []
    for series in rows(SERIES):
        position, digest = 0, ""
        for issued in _walk(series.series):
            if issued.position != position + 1:
                found.append(f"{series.series}: number {position + 1} is missing before {issued.number}")
            if issued.hash != digest_of(digest, issued.number, issued.facts, issued.paper):
                found.append(f"{issued.number} is not as it was issued")
            position, digest = issued.position, issued.hash
        if (position, digest) != (series.last_position, series.last_hash):
            found.append(f"{series.series}: ends at {position} instead of {series.last_position}")
    return found


def _walk(series: str) -> Iterator[Row[Any]]:
    """The papers of a series in order; some at a time, so that memory stays flat."""
    after = 0
    while found := rows(CHAIN, series=series, after=after):
        yield from found
        after = found[-1].position
