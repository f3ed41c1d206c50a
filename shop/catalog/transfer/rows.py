"""What a batch writes: rows by table, ids given beforehand, few statements however many products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, func, select, text

from shop.catalog.bulk import insert_many
from shop.catalog.models import (
    Attribute,
    AttributeText,
    OldSlug,
    Option,
    OptionText,
    OptionValue,
    OptionValueText,
    Price,
    Product,
    ProductAttribute,
    ProductCategory,
    ProductImage,
    ProductImageText,
    ProductTag,
    ProductText,
    Variant,
    VariantOption,
)
from shop.db import Base, is_sqlite, transaction
from shop.inventory.models import StockItem, StockMovement

IN_ORDER: tuple[type[Base], ...] = (
    Attribute,
    AttributeText,
    Product,
    ProductText,
    ProductCategory,
    ProductTag,
    ProductAttribute,
    ProductImage,
    ProductImageText,
    Option,
    OptionText,
    OptionValue,
    OptionValueText,
    Variant,
    VariantOption,
    Price,
    StockItem,
    StockMovement,
    OldSlug,
)
IDS_AT_ONCE = 500


class Rows:
    """Rows to be written, deleted and changed by one batch."""

    def __init__(self) -> None:
        self.inserts: defaultdict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        self.updates: defaultdict[tuple[type[Base], tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        self.deletes: defaultdict[tuple[type[Base], str], set[int]] = defaultdict(set)
        self._ids: dict[type[Base], Iterator[int]] = {}

    def new_id(self, table: type[Base]) -> int:
        """An id that nobody has; on PostgreSQL from the table's sequence, on SQLite the next one, for nobody else can write now."""
        found = next(self._ids.get(table, iter(())), None)
        if found is None:
            self._ids[table] = self._reserve(table)
            found = next(self._ids[table])
        return found

    @staticmethod
    def _reserve(table: type[Base]) -> Iterator[int]:
        with transaction() as session:
            if is_sqlite():
                last = session.execute(select(func.max(_table(table).c.id))).scalar_one() or 0
                return iter(range(last + 1, 2**62))
            wanted = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :many)")
            return iter(session.execute(wanted, {"name": _table(table).name, "many": IDS_AT_ONCE}).scalars().all())

    def add(self, table: type[Base], **columns: Any) -> None:
        self.inserts[table].append(columns)

    def change(self, table: type[Base], keys: dict[str, Any], columns: dict[str, Any]) -> None:
        if columns:
            shape = (*sorted(keys), "|", *sorted(columns))
            self.updates[table, shape].append({**{f"key_{name}": value for name, value in keys.items()}, **columns})

    def delete(self, table: type[Base], column: str, key: int) -> None:
        """Everything of ``table`` whose ``column`` is ``key``."""
        self.deletes[table, column].add(key)

    def write(self) -> None:
        """Deletes, then inserts in the order of references, then changes. Only inside ``transaction()``."""
        with transaction() as session:
            link = session.connection()
            for (table, column), keys in self.deletes.items():
                self._delete(link, _table(table), column, keys)
            for table in IN_ORDER:
                insert_many(link, _table(table), self.inserts[table])
            for (table, shape), rows in self.updates.items():
                self._update(link, _table(table), shape, rows)

    @staticmethod
    def _delete(link: Connection, table: Table, column: str, keys: Collection[int]) -> None:
        link.execute(table.delete().where(table.c[column].in_(sorted(keys))))

    @staticmethod
    def _update(link: Connection, table: Table, shape: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
        cut = shape.index("|")
        wanted = [table.c[name] == bindparam(f"key_{name}") for name in shape[:cut]]
        link.execute(table.update().where(*wanted).values({name: bindparam(name) for name in shape[cut + 1 :]}), rows)


def _table(table: type[Base]) -> Table:
    return cast("Table", table.__table__)
