"""The tables that are exported, column by column. A column may be added, with the next ``VERSION``; none is renamed, narrowed or taken away.

Amounts are whole minor units beside their ``currency``; moments are UTC. Names of people stand in one table alone, ``customers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VERSION = 1


class Kind(StrEnum):
    """What a column holds, in the words of BigQuery. ``JSON`` is text."""

    TEXT = "STRING"
    WHOLE = "INTEGER"
    FLAG = "BOOLEAN"
    MOMENT = "TIMESTAMP"


@dataclass(frozen=True, slots=True)
class Column:
    """``says`` is its description there; ``since`` the version that brought it."""

    name: str
    kind: Kind = Kind.TEXT
    says: str = ""
    since: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """``key`` is one column: of two rows with the same key the one with the later ``exported_at`` counts. A fixed table's rows never change."""

    name: str
    key: str
    says: str
    columns: tuple[Column, ...]
    is_fixed: bool = False

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def _amounts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(f"{name}_minor", Kind.WHOLE, "minor units of the currency") for name in names)


EXPORTED = Column("exported_at", Kind.MOMENT, "when this row was read from the shop")

TABLES: tuple[Table, ...] = (
    Table(
        "events",
        "id",
        "What happened, as the shop tells it to the world outside; no person is named.",
        (
            Column("id", says="the same in webhooks, topics and queues"),
            Column("shop", says="the name of the shop that tells it"),
            Column("kind", says="such as order.placed"),
            Column("subject", says="such as order:K7QX2B"),
            Column("at", Kind.MOMENT),
            Column("version", Kind.WHOLE, "of the envelope"),
            Column("data", says="JSON, as it stood when it was exported"),
            EXPORTED,
        ),
        is_fixed=True,
    ),
    Table(
        "orders",
        "number",
        "One row per order, as it stands.",
        (
            Column("number"),
            Column("customer", says="pseudonym, see customers; null once the person is erased"),
            Column("state"),
            Column("payment"),
            Column("fulfillment"),
            Column("placed_at", Kind.MOMENT),
            Column("canceled_at", Kind.MOMENT),
            Column("locale"),
            Column("country", says="where the goods go, ISO 3166-1"),
            Column("payment_method"),
            Column("shipping_method"),
            Column("is_pickup", Kind.FLAG),
            Column("is_demo", Kind.FLAG),
            Column("currency", says="ISO 4217"),
            *_amounts("subtotal", "discount", "shipping", "tax", "total"),
            Column("prices_include_tax", Kind.FLAG),
            Column("revision", Kind.WHOLE, "how often staff changed it"),
            EXPORTED,
        ),
    ),
    Table(
        "order_lines",
        "line",
        "What was ordered, line by line.",
        (
            Column("line", says="the order's number and the line's place"),
            Column("order_number"),
            Column("sku"),
            Column("name"),
            Column("options"),
            *(Column(name, Kind.WHOLE) for name in ("quantity", "shipped", "canceled", "returned")),
            Column("currency"),
            *_amounts("unit_price", "discount", "net", "tax", "gross"),
            Column("tax_rate_ppm", Kind.WHOLE, "parts per million"),
            EXPORTED,
        ),
    ),
    Table(
        "payments",
        "payment",
        "Every attempt to pay.",
        (
            Column("payment", says="the order's number and a count"),
            Column("order_number"),
            Column("gateway"),
            Column("state"),
            Column("currency"),
            *_amounts("amount", "captured", "refunded"),
            Column("created_at", Kind.MOMENT),
            Column("settled_at", Kind.MOMENT),
            EXPORTED,
        ),
    ),
    Table(
        "refunds",
        "refund",
        "Money given back.",
        (
            Column("refund", says="the payment and a count"),
            Column("payment"),
            Column("order_number"),
            Column("state"),
            Column("currency"),
            *_amounts("amount"),
            Column("created_at", Kind.MOMENT),
            EXPORTED,
        ),
    ),
    Table(
        "customers",
        "customer",
        "Who buys: a pseudonym; name and e-mail for members alone who agreed to it and have not taken it back.",
        (
            Column("customer", says="keyed hash: the same in every export of this shop"),
            Column("is_member", Kind.FLAG),
            Column("is_erased", Kind.FLAG, "forget what you know of this one"),
            Column("locale"),
            Column("since", Kind.MOMENT),
            Column("email"),
            Column("name"),
            EXPORTED,
        ),
    ),
)
BY_NAME = {table.name: table for table in TABLES}
