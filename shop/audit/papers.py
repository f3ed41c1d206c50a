"""Papers and promotions: numbers without a gap, documents that nobody changed, limits that held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from shop.audit.rules import Finding, by_python, sql
from shop.db import connection, rows
from shop.errors import N_
from shop.order.documents.models import Document, DocumentSeries
from shop.order.documents.services import digest_of

sql(
    "I14",
    N_("A promotion was used as often as orders that stand have used it, and never more often than it may be."),
    """
    SELECT CAST(p.id AS TEXT) AS promotion, p.used, coalesce(r.uses, 0) AS redemptions, p.max_uses FROM promotions p
    LEFT JOIN (SELECT promotion_id, count(*) AS uses FROM redemptions WHERE released_at IS NULL GROUP BY promotion_id) r ON r.promotion_id = p.id
    WHERE p.used <> coalesce(r.uses, 0) OR p.used > p.max_uses
    """,
)
sql(
    "I14b",
    N_("A code, and a customer, used a promotion no more often than they may."),
    """
    SELECT 'code ' || c.code AS ref, c.max_uses AS most, count(*) AS uses FROM promotion_codes c
    JOIN redemptions r ON r.code_id = c.id AND r.released_at IS NULL
    WHERE c.max_uses IS NOT NULL GROUP BY c.id, c.code, c.max_uses HAVING count(*) > c.max_uses
    UNION ALL
    SELECT 'promotion ' || CAST(p.id AS TEXT) || ' by ' || r.email, p.max_uses_each, count(*) FROM promotions p
    JOIN redemptions r ON r.promotion_id = p.id AND r.released_at IS NULL
    WHERE p.max_uses_each IS NOT NULL GROUP BY p.id, r.email, p.max_uses_each HAVING count(*) > p.max_uses_each
    """,
)
sql(
    "I14c",
    N_("No canceled order holds a use of a promotion."),
    """
    SELECT o.number, r.promotion_id AS promotion FROM redemptions r JOIN orders o ON o.id = r.order_id
    WHERE r.released_at IS NULL AND o.state = 'canceled'
    """,
)
sql(
    "I16b",
    N_("The numbers of papers have no gap and none is given twice."),
    """
    SELECT s.series, s.last_position AS last, coalesce(d.papers, 0) AS papers, coalesce(d.highest, 0) AS highest FROM document_series s
    LEFT JOIN (SELECT series, count(DISTINCT position) AS papers, max(position) AS highest, count(*) AS rows_of FROM documents GROUP BY series) d
      ON d.series = s.series
    WHERE s.last_position <> coalesce(d.papers, 0) OR s.last_position <> coalesce(d.highest, 0) OR coalesce(d.rows_of, 0) <> coalesce(d.papers, 0)
    """,
)
sql(
    "I16c",
    N_("Credit notes take back no more than was invoiced."),
    """
    SELECT o.number, d.invoiced, d.credited FROM
      (SELECT order_id, sum(CASE WHEN kind = 'invoice' THEN gross_minor ELSE 0 END) AS invoiced,
              sum(CASE WHEN kind = 'credit_note' THEN gross_minor ELSE 0 END) AS credited FROM documents GROUP BY order_id) d
    JOIN orders o ON o.id = d.order_id
    WHERE d.credited > d.invoiced
    """,
)
sql(
    "I16d",
    N_("The first invoice of an order that was never edited is over its total."),
    """
    SELECT o.number, o.total_minor AS total, d.gross_minor AS invoiced FROM documents d JOIN orders o ON o.id = d.order_id
    WHERE d.kind = 'invoice' AND o.revision = 0 AND d.gross_minor <> o.total_minor
    """,
)


PAPERS = (
    select(Document.number, Document.position, Document.facts, Document.paper, Document.hash)
    .where(Document.series == bindparam("series"), Document.position > bindparam("last"))
    .order_by(Document.position)
    .limit(500)
)


@by_python("I16e", N_("No paper was changed after it was issued: each hash covers the paper and the one before it."))
def chained_papers(at: datetime) -> Iterator[Finding]:  # noqa: ARG001
    for series in connection().execute(select(DocumentSeries.series, DocumentSeries.last_hash)).all():
        yield from _chain(series)


def _chain(series: Any) -> Iterator[Finding]:
    """Read in pieces, in the order of their numbers; the first that breaks is named, the others follow from it."""
    before, last = "", 0
    while papers := rows(PAPERS, series=series.series, last=last):
        for paper in papers:
            if digest_of(before, paper.number, paper.facts, paper.paper) != paper.hash:
                yield Finding(paper.number, {"series": series.series})
                return
            before, last = paper.hash, paper.position
    if before != series.last_hash:
        yield Finding(series.series, {"last_hash": "is not that of its last paper"})
