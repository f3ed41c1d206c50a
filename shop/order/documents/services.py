"""Issuing papers: within the transaction of what they are about, so that neither a number nor a paper is ever missing or double.

The caller holds the order's row. The row of the series is held from the number on until the commit: whoever issues meanwhile waits, and a number that
is rolled back is given to the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, insert, select, update

from shop.db import insert_missing, row, rows, scalar, transaction
from shop.order.documents.facts import (
    CREDITED,
    LAST_INVOICE,
    credit_facts,
    invoice_facts,
    invoice_of,
    left_to_credit,
    read_order,
    taken_facts,
)
from shop.order.documents.models import Document, DocumentKind, DocumentSeries
from shop.order.documents.paper import document_paper
from shop.order.documents.splitting import Taxed, split_credit
from shop.order.models import CreditKind, OrderCredit
from shop.order.policy import prefix_of, seller
from shop.order.times import shop_day
from shop.settings.queries import shop_texts
from shop.web.locale import speaking

series_table = cast("Table", DocumentSeries.__table__)
CLAIM = (
    update(series_table)
    .where(series_table.c.series == bindparam("name"))
    .values(last_position=series_table.c.last_position + 1)
    .returning(series_table.c.last_position, series_table.c.last_hash)
)
REMEMBER = update(series_table).where(series_table.c.series == bindparam("name")).values(last_hash=bindparam("digest"))
EARLY_REFUNDS = (
    select(OrderCredit.amount_minor, OrderCredit.source)
    .where(OrderCredit.order_id == bindparam("order_id"), OrderCredit.kind == CreditKind.REFUND, OrderCredit.done_at.is_not(None))
    .order_by(OrderCredit.id)
)
INSERT = insert(cast("Table", Document.__table__))


def issue_invoice(order_id: int, *, at: datetime) -> str | None:
    """The invoice of the order as it stands, once; gives its number, or None when it has one or nothing is sold."""
    with transaction():
        if has_invoice(order_id):
            return None
        order = read_order(order_id)
        facts = invoice_facts(order)
        if not facts["items"]:
            return None
        number = _issue(DocumentKind.INVOICE, order, facts, cause=f"order:{order_id}", at=at)
        for refund in rows(EARLY_REFUNDS, order_id=order_id):
            issue_credit_note(order_id, refund.amount_minor, cause=refund.source, at=at)
        return number


def issue_credit_note(
    order_id: int,
    gross_minor: int,
    *,
    cause: str,
    wished: Mapping[int, int] | None = None,
    goods: Sequence[Mapping[str, Any]] = (),
    at: datetime,
) -> str | None:
    """A credit note over ``gross_minor``, at most what was invoiced and not yet credited, once per ``cause``. None when there is nothing to credit."""
    with transaction():
        invoice = invoice_of(order_id, goods)
        if invoice is None or scalar(CREDITED, cause=cause):
            return None
        parts: list[Taxed] = split_credit(gross_minor, left_to_credit(order_id), wished)
        if not parts:
            return None
        order = read_order(order_id)
        return _issue(DocumentKind.CREDIT_NOTE, order, credit_facts(order, parts, goods), cause=cause, corrects=invoice, at=at)


def paper_revision(order_id: int, revision: int, *, at: datetime) -> None:
    """The papers of an edit, where the order was invoiced before: a credit note over what was taken off, an invoice over what was added."""
    with transaction():
        if not has_invoice(order_id):
            return
        order = read_order(order_id)
        taken, added = taken_facts(order, revision), invoice_facts(order, revision=revision)
        cause = f"revision:{order_id}:{revision}"
        if taken["items"]:
            invoice = invoice_of(order_id, taken["items"])
            _issue(DocumentKind.CREDIT_NOTE, order, taken, cause=f"{cause}:taken", corrects=invoice, at=at)
        if added["items"]:
            _issue(DocumentKind.INVOICE, order, added, cause=f"{cause}:added", at=at)


def has_invoice(order_id: int) -> bool:
    return row(LAST_INVOICE, order_id=order_id) is not None


def _issue(
    kind: DocumentKind, order: Row[Any], facts: dict[str, Any], *, cause: str, corrects: Row[Any] | None = None, at: datetime
) -> str:
    with transaction() as session:
        series = f"{prefix_of(kind.value)}-{shop_day(at).year}"
        link = session.connection()
        claimed = link.execute(CLAIM, {"name": series}).first()
        if claimed is None:  # the first of its year
            insert_missing(DocumentSeries, {"series": series, "last_position": 0, "last_hash": ""})
            claimed = link.execute(CLAIM, {"name": series}).one()
        number = f"{series}-{claimed.last_position:05d}"
        paper = _write_paper(kind, facts, number=number, at=at, corrects=corrects.number if corrects else "")
        digest = digest_of(claimed.last_hash, number, facts, paper)
        values = {name: facts[name] for name in ("currency", "net_minor", "tax_minor", "gross_minor")}
        link.execute(
            INSERT,
            {
                **values,
                "order_id": order.id,
                "kind": kind,
                "series": series,
                "position": claimed.last_position,
                "number": number,
                "cause": cause,
                "corrects_id": corrects.id if corrects else None,
                "issued_at": at,
                "facts": facts,
                "paper": paper,
                "hash": digest,
            },
        )
        link.execute(REMEMBER, {"name": series, "digest": digest})
        return number


def _write_paper(kind: DocumentKind, facts: dict[str, Any], *, number: str, at: datetime, corrects: str) -> dict[str, Any]:
    with speaking(facts["locale"]):
        texts = shop_texts(facts["locale"])
        sells = seller(name=texts.name, address=texts.address)
        contact = " · ".join(part for part in (texts.email, texts.phone) if part)
        return document_paper(kind, facts, number=number, seller=sells, contact=contact, issued_at=at, corrects=corrects)


def digest_of(previous: str, number: str, facts: Mapping[str, Any], paper: Mapping[str, Any]) -> str:
    """What a document's hash must be: over the one before it in its series, its number, its facts and its words."""
    written = json.dumps([previous, number, facts, paper], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
