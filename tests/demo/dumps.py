"""All rows of a shop, to compare one with another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shop.db import Base, rows

CHANCE = {"password_hash"}  # salted anew each time


def dump() -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: [
            {name: value for name, value in row._mapping.items() if name not in CHANCE}
            for row in rows(select(table).order_by(*table.primary_key.columns))
        ]
        for table in Base.metadata.sorted_tables
    }
