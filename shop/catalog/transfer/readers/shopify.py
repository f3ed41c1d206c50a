"""Shopify's product files, in all three generations of column names (2017, 2021, 2025), found by name, never by place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import ImportedCategory, ImportedImage, ImportedProduct, ImportedVariant, Lost, Record
from shop.catalog.transfer.readers.common import (
    Leftovers,
    OptionBook,
    finish,
    read_barcode,
    read_cell,
    read_code,
    read_description,
    read_price,
    read_stock,
    text_attribute,
)
from shop.catalog.transfer.report import Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, Table, normal
from shop.catalog.transfer.values import parse_flag, parse_weight, path_of, shown, split_list, unprotect_cell

HANDLE = ("handle", "url handle")
TITLE = ("title",)
BODY = ("body (html)", "description")
VENDOR = ("vendor",)
KIND = ("type",)
CATEGORY = ("product category",)
PUBLISHED = ("published", "published on online store")
SKU = ("variant sku", "sku")
BARCODE = ("variant barcode", "barcode")
PRICE = ("variant price", "price")
COMPARE_AT = ("variant compare at price", "compare-at price")
QUANTITY = ("variant inventory qty", "inventory quantity")
TRACKER = ("variant inventory tracker", "inventory tracker")
POLICY = ("variant inventory policy", "continue selling when out of stock")
GRAMS = ("variant grams", "weight value (grams)")
SHIPPING = ("variant requires shipping", "requires shipping")
IMAGE = ("image src", "product image url")
ALT = ("image alt text",)
VARIANT_IMAGE = ("variant image", "variant image url")
OPTIONS = tuple((f"option{n} name", f"option{n} value") for n in (1, 2, 3))
KNOWN = [
    *(HANDLE + TITLE + BODY + VENDOR + KIND + CATEGORY + PUBLISHED + SKU + BARCODE + PRICE + COMPARE_AT + QUANTITY + TRACKER + POLICY),
    *(GRAMS + SHIPPING + IMAGE + ALT + VARIANT_IMAGE),
    *("tags", "status", "seo title", "seo description", "image position", "gift card"),
    *("variant weight unit", "weight unit for display", "variant fulfillment service", "fulfillment service"),
    *(name for pair in OPTIONS for name in pair),
]
METAFIELD = re.compile(r"(.+?) \(product\.metafields\.[^.)]+\.([^.)]+)\)")


def is_shopify(names: set[str]) -> bool:
    return bool(names & set(HANDLE)) and bool(names & {"title", "variant price", "option1 value", "variant sku", "body (html)"})


def read_shopify(source: Source) -> Iterator[Record]:
    """One product for each run of rows with the same handle."""
    table = source.table()
    table.read_header()
    leftovers = Leftovers(table, KNOWN, lambda name: METAFIELD.fullmatch(name) is not None)
    reader = _Reader(source, table)
    group: list[Row] = []
    for row in table.rows():
        leftovers.look(row)
        handle = row.get(*HANDLE)
        if group and handle != group[0].get(*HANDLE):
            yield reader.read(group)
            group = []
        if not handle and row.fault is None:
            yield _lost(row, table)
            continue
        group.append(row)
    if group:
        yield reader.read(group)


def _lost(row: Row, table: Table) -> Lost:
    column = table.header[table.index.get("handle", table.index.get("url handle", 0))]
    return Lost(
        row.line,
        Problem(row.line, column, "the row has no handle, so nobody knows which product it belongs to", "Write the product's handle."),
    )


class _Reader:
    def __init__(self, source: Source, table: Table) -> None:
        self.currency = source.currency
        self.comma_decimals = table.dialect.mark == ";"
        self.has_price = any(name in table.index for name in PRICE)
        self.names = {key: table.header[place] for key, place in table.index.items()}
        self.metafields = [
            (place, found[1], found[2]) for place, name in enumerate(table.header) if (found := METAFIELD.fullmatch(name)) is not None
        ]

    def name(self, names: tuple[str, ...]) -> str:
        """The column as the file writes it."""
        return next((self.names[name] for name in names if name in self.names), names[0])

    def read(self, rows: list[Row]) -> ImportedProduct:
        first = rows[0]
        handle = first.get(*HANDLE)
        product = ImportedProduct(handle=handle, line=first.line, slug_hint=slugify(handle, "product"))
        for row in rows:
            if row.fault:
                product.faults.append(row.fault)
        if product.faults:
            return product
        self._describe(product, first)
        product.images = []
        book = OptionBook([first.get(name) for name, value in OPTIONS if first.get(name) or any(row.get(value) for row in rows)])
        if self._has_one_shape(rows, first):
            book = OptionBook([])
        places: dict[str, int] = {}
        for row in rows:
            self._picture(product, row, row.get(*IMAGE), row.get(*ALT), places)
            if self._is_variant(row, is_first=row is first):
                product.variants.append(self._variant(product, row, book, places))
        return finish(product, book)

    def _has_one_shape(self, rows: list[Row], first: Row) -> bool:
        """Products without options have one called Title with one value."""
        return first.get("option1 name").lower() in {"title", ""} and all(
            row.get("option1 value").lower() in {"default title", ""} and not row.get("option2 value") for row in rows
        )

    def _is_variant(self, row: Row, *, is_first: bool) -> bool:
        """Rows without a price only add an image, unless they name a SKU or an option's value."""
        if row.get(*PRICE) or row.get(*SKU) or row.get("option1 value"):
            return True
        return is_first and not row.get(*IMAGE)

    def _describe(self, product: ImportedProduct, row: Row) -> None:
        texts = {"name": unprotect_cell(row.get(*TITLE))}
        if any(row.has(name) for name in BODY):
            texts["description_html"] = read_description(product, row, self.name(BODY), row.get(*BODY))
        for field in ("seo title", "seo description"):
            if row.get(field):
                texts[field.replace(" ", "_")] = unprotect_cell(row.get(field))
        product.texts[""] = {name: text for name, text in texts.items() if text or name != "name"}
        product.brand = unprotect_cell(row.get(*VENDOR)) if row.has(*VENDOR) else None
        product.kind = unprotect_cell(row.get(*KIND)) if row.has(*KIND) else None
        product.tags = [unprotect_cell(tag) for tag in split_list(row.get("tags"))] if row.has("tags") else None
        shelf = row.get(*CATEGORY) or product.kind or ""
        if shelf:
            product.categories = [ImportedCategory(path_of(unprotect_cell(shelf), (" > ",)))]
        self._publish(product, row)
        product.attributes = [
            text_attribute(name, split_list(unprotect_cell(row.cells[place]), ";"), code=normal(key).replace("-", "_"))
            for place, name, key in self.metafields
            if row.cells[place].strip()
        ]

    def _publish(self, product: ImportedProduct, row: Row) -> None:
        published = read_cell(product, row, self.name(PUBLISHED), row.get(*PUBLISHED), parse_flag)
        status = row.get("status").lower()
        if status and status not in {"active", "draft", "archived", "unlisted"}:
            product.fault(row.line, "Status", f"{shown(status)!r} is no status", "Write active, draft or archived.")
        if published is not None or status:
            product.published = published is not False and status in {"", "active", "archived"}
        if status == "archived":
            product.archived_at = "now"

    def _picture(self, product: ImportedProduct, row: Row, address: str, alt: str, places: dict[str, int]) -> None:
        if not address or product.images is None or address in places:
            return
        if urlsplit(address).scheme not in {"http", "https", ""}:
            product.warn(
                row.line,
                self.name(IMAGE),
                f"{shown(address)!r} is no address of a picture",
                "It was left out; write one that begins with https.",
            )
            return
        places[address] = len(product.images)
        product.images.append(ImportedImage(address, {"": unprotect_cell(alt)} if alt else {}, row.line))

    def _variant(self, product: ImportedProduct, row: Row, book: OptionBook, places: dict[str, int]) -> ImportedVariant:
        variant = ImportedVariant(row.line, book.choose([unprotect_cell(row.get(value)) for _, value in OPTIONS]))
        variant.sku = read_code(row.get(*SKU)) if row.has(*SKU) else None
        variant.barcode = read_barcode(product, row, self.name(BARCODE), row.get(*BARCODE)) if row.has(*BARCODE) else None
        variant.prices = read_price(
            product,
            row,
            self.name(PRICE),
            row.get(*PRICE),
            self.currency,
            compare_at=row.get(*COMPARE_AT),
            compare_column=self.name(COMPARE_AT),
            comma_decimals=self.comma_decimals,
        )
        variant.weight_g = read_cell(product, row, self.name(GRAMS), row.get(*GRAMS), parse_weight)
        variant.requires_shipping = read_cell(product, row, self.name(SHIPPING), row.get(*SHIPPING), parse_flag)
        variant.on_hand = read_stock(product, row, self.name(QUANTITY), row.get(*QUANTITY))
        if row.has(*TRACKER) or row.has(*POLICY):
            variant.is_tracked = bool(row.get(*TRACKER)) and row.get(*POLICY).lower() != "continue"
        elif variant.on_hand is not None:
            variant.is_tracked = True
        if picture := row.get(*VARIANT_IMAGE):
            self._picture(product, row, picture, "", places)
            variant.image = places.get(picture)
        return variant
