"""Reads the files of ``world``: what the demo shop sells and says."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

WORLD = Path(__file__).with_name("world")
LANGUAGES = ("en", "es")
OPTIONS = (1, 2, 3)

Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category; ``path`` is ``Table > Ceramics``."""

    path: str
    slug: str
    name: Words
    sentence: Words
    image: str
    position: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of ``world/images`` and what it shows."""

    file: str
    alt: Words


@dataclass(frozen=True, slots=True)
class Piece:
    """A variant; ``values`` has one value per option of the good. Prices are cents, tax included."""

    sku: str
    barcode: str
    cents: int
    compare_at_cents: int | None
    weight_g: int
    stock: int
    low_at: int
    image: str
    values: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Good:
    """A product with its variants."""

    slug: str
    position: int
    name: Words
    subtitle: Words
    description: Words
    shelves: tuple[str, ...]
    tax_class: str
    tags: tuple[str, ...]
    attributes: tuple[tuple[str, Words], ...]
    pictures: tuple[Picture, ...]
    options: tuple[Words, ...]
    pieces: tuple[Piece, ...]


@cache
def site() -> dict[str, Any]:
    """Name, sentences, hero, names of customers and reviews."""
    found: dict[str, Any] = json.loads((WORLD / "site.json").read_text("utf-8"))
    return found


@cache
def shelves() -> tuple[Shelf, ...]:
    """Categories, each after the one above it."""
    return tuple(
        Shelf(row["path"], row["slug"], _words(row, "name"), _words(row, "sentence"), row["image"], int(row["position"]))
        for row in _rows("categories.csv")
    )


@cache
def goods() -> tuple[Good, ...]:
    """Products in the order of the shop."""
    groups = (list(rows) for _, rows in groupby(_rows("products.csv"), key=lambda row: row["slug"]))
    return tuple(sorted((_good(rows) for rows in groups), key=lambda good: good.position))


def page_html(slug: str, language: str) -> str:
    """A legal page."""
    return (WORLD / "pages" / f"{slug}.{language}.html").read_text("utf-8").strip()


def image_files() -> list[Path]:
    return sorted((WORLD / "images").glob("*.jpg"))


def _rows(name: str) -> list[Words]:
    with (WORLD / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _words(row: Words, name: str) -> Words:
    return {language: row[f"{name}_{language}"] for language in LANGUAGES}


def _good(rows: list[Words]) -> Good:
    first = rows[0]
    used = [number for number in OPTIONS if first[f"option{number}_name_en"]]
    return Good(
        slug=first["slug"],
        position=int(first["position"]),
        name=_words(first, "name"),
        subtitle=_words(first, "subtitle"),
        description=_words(first, "description"),
        shelves=tuple(first["categories"].split("|")),
        tax_class=first["tax_class"],
        tags=tuple(filter(None, first["tags"].split("|"))),
        attributes=_attributes(first),
        pictures=tuple(_picture(entry) for entry in first["images"].split(";")),
        options=tuple(_words(first, f"option{number}_name") for number in used),
        pieces=tuple(_piece(row, used) for row in sorted(rows, key=lambda row: int(row["variant_position"]))),
    )


def _attributes(row: Words) -> tuple[tuple[str, Words], ...]:
    pairs = zip(row["attributes"].split("|"), row["attributes_es"].split("|"), strict=True)
    found = []
    for english, spanish in pairs:
        key, _, value = english.partition(":")
        if key:
            found.append((key, {"en": value, "es": spanish.partition(":")[2]}))
    return tuple(found)


def _picture(entry: str) -> Picture:
    file, english, spanish = entry.split("|")
    return Picture(file, {"en": english, "es": spanish})


def _piece(row: Words, used: list[int]) -> Piece:
    return Piece(
        sku=row["sku"],
        barcode=row["barcode"],
        cents=_cents(row["price_eur"]),
        compare_at_cents=_cents(row["compare_at_eur"]) if row["compare_at_eur"] else None,
        weight_g=int(row["weight_g"]),
        stock=int(row["stock"]),
        low_at=int(row["low_stock_threshold"]),
        image=row["variant_image"].partition("|")[0],
        values=tuple(_words(row, f"option{number}_value") for number in used),
    )


def _cents(euros: str) -> int:
    return int(Decimal(euros) * 100)
