"""The catalog as a file, written piece by piece, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO

from shop.catalog.transfer.writers.shop import write_shop
from shop.catalog.transfer.writers.shopify import write_shopify

Writer = Callable[[IO[str], datetime], int]
WRITERS: dict[str, Writer] = {"shop": write_shop, "shopify": write_shopify}


def export_catalog(path: Path, file_format: str, *, at: datetime) -> int:
    """Write the whole catalog; gives how many products there were. The file appears when it is complete."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            products = WRITERS[file_format](file, at)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return products
