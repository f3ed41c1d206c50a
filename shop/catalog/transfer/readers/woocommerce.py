"""WooCommerce's product files. Variations may stand anywhere: they are put aside on disk by parent in a first pass, so that memory stays flat."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from shop.catalog.html import describe_html
from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import ImportedCategory, ImportedImage, ImportedProduct, ImportedVariant, Lost, Record
from shop.catalog.transfer.readers.common import (
    Leftovers,
    OptionBook,
    finish,
    read_cell,
    read_code,
    read_description,
    read_price,
    read_stock,
    text_attribute,
)
from shop.catalog.transfer.readers.woocommerce_names import TRANSLATIONS
from shop.catalog.transfer.report import Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, Table, normal
from shop.catalog.transfer.values import parse_flag, parse_weight, path_of, shown, split_list, unprotect_cell

NEEDED = {"type", "name"}
TYPICAL = {"regular price", "sku", "parent", "published", "categories"}
WEIGHT = re.compile(r"weight \((.+)\)")
SILENT = re.compile(
    r"id|type|sku|name|published|short description|description|stock|in stock\?|backorders allowed\?|sale price|regular price|categories|tags"
    r"|images|parent|position|weight.*|length.*|width.*|height.*|attribute \d+ .*|date sale price (starts|ends)|visibility in catalog|tax status"
    r"|meta: _wpcom_is_markdown|allow customer reviews\?|is featured\?|sold individually\?|gtin, upc, ean, or isbn|brands"
)
COMMAS = re.compile(r"(?<!\\),")
ANY = "Any"
DAYS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%d/%m/%Y", "%Y/%m/%d")


def english(name: str) -> str:
    """The English name of a column that the shop's language has translated."""
    name = normal(name)
    for pattern, column in TRANSLATIONS:
        if found := pattern.fullmatch(name):
            return found.expand(column)
    return name


def is_woocommerce(names: set[str]) -> bool:
    translated = {english(name) for name in names}
    return translated >= NEEDED and len(translated & TYPICAL) >= 3


def read_woocommerce(source: Source) -> Iterator[Record]:
    """Simple, variable, virtual and external products; groups are described, their parts are sold on their own."""
    with _Aside() as aside:
        for row in _rows(source.table()):
            if "variation" in _kinds(row):
                aside.put(row)
        source.rewind()
        source.report.rows = 0
        table = source.table()
        reader = None
        for row in _rows(table):
            if reader is None:
                reader = _Reader(source, table, aside)
                leftovers = Leftovers(table, [], lambda name: SILENT.fullmatch(english(name)) is not None)
            leftovers.look(row)
            if "variation" not in _kinds(row):
                yield reader.read(row)
        for line, parent in aside.orphans():
            problem = Problem(
                line, "Parent", f"the parent {shown(parent)!r} is not in the file", "Put the variable product into the same file."
            )
            yield Lost(line, problem)


def _rows(table: Table) -> Iterator[Row]:
    table.read_header()
    table.index = {}
    for place, name in enumerate(table.header):
        table.index.setdefault(english(name), place)
    yield from table.rows()


def _kinds(row: Row) -> set[str]:
    return {word.lower() for word in split_list(row.get("type"))}


class _Aside:
    """Variations on disk, by parent."""

    def __enter__(self) -> _Aside:
        self._store = sqlite3.connect("")
        self._store.execute("CREATE TABLE variations (parent TEXT, line INTEGER, cells TEXT, fault TEXT)")
        self._is_indexed = False
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def put(self, row: Row) -> None:
        fault = json.dumps(row.fault) if row.fault else ""
        self._store.execute("INSERT INTO variations VALUES (?, ?, ?, ?)", (row.get("parent"), row.line, json.dumps(row.cells), fault))

    def take(self, parents: list[str], index: dict[str, int]) -> list[Row]:
        if not self._is_indexed:
            self._store.execute("CREATE INDEX by_parent ON variations (parent)")
            self._is_indexed = True
        found = []
        for parent in parents:
            if parent:
                found += self._store.execute(
                    "SELECT line, cells, fault FROM variations WHERE parent = ? ORDER BY line", (parent,)
                ).fetchall()
                self._store.execute("DELETE FROM variations WHERE parent = ?", (parent,))
        return [Row(line, json.loads(cells), index, Problem(*json.loads(fault)) if fault else None) for line, cells, fault in sorted(found)]

    def orphans(self) -> Iterator[tuple[int, str]]:
        yield from self._store.execute("SELECT line, parent FROM variations ORDER BY line")


class _Reader:
    def __init__(self, source: Source, table: Table, aside: _Aside) -> None:
        self.currency = source.currency
        self.now = source.at_iso
        self.aside = aside
        self.index = table.index
        self.names = {key: table.header[place] for key, place in table.index.items()}
        self.comma_decimals = table.dialect.mark == ";"
        weight = next((found for key in table.index if (found := WEIGHT.fullmatch(key))), None)
        self.weight_column, self.weight_unit = (weight[0], weight[1]) if weight else ("weight", "kg")
        self.numbers = sorted({int(found[1]) for key in table.index if (found := re.fullmatch(r"attribute (\d+) name", key))})

    def name(self, column: str) -> str:
        return self.names.get(column, column)

    def read(self, row: Row) -> ImportedProduct:
        name, sku = unprotect_cell(row.get("name")), read_code(row.get("sku"))
        handle = slugify(sku, "") or (f"id-{row.get('id')}" if row.get("id") else "") or slugify(name, "product")
        product = ImportedProduct(handle=handle, line=row.line, slug_hint=slugify(name, "product"))
        variations = self.aside.take([row.get("sku"), f"id:{row.get('id')}" if row.get("id") else ""], row.index)
        for part in (row, *variations):
            if part.fault:
                product.faults.append(part.fault)
        if product.faults:
            return product
        kinds = _kinds(row)
        self._describe(product, row, name)
        self._publish(product, row, kinds)
        product.images = []
        self._pictures(product, row)
        book = self._book(product, row, variations)
        if "variable" in kinds or variations:
            product.variants = [self._variant(product, each, kinds, book.choose(self._chosen(product, each, book))) for each in variations]
        elif "grouped" in kinds:
            product.warn(
                row.line, self.name("type"), "it is a group of other products", "It went in as a draft; its parts are sold on their own."
            )
        else:
            product.variants = [self._variant(product, row, kinds, ())]
        return finish(product, book)

    def _describe(self, product: ImportedProduct, row: Row, name: str) -> None:
        texts = {"name": name} if name else {}
        texts["description_html"] = read_description(product, row, self.name("description"), row.get("description"))
        short = re.sub(r"<[^>]+>", " ", describe_html(row.get("short description")))
        if 0 < len(short) <= 300:
            from html import unescape

            texts["subtitle"] = unescape(" ".join(short.split()))
        product.texts[""] = texts
        product.tags = [unprotect_cell(tag) for tag in split_list(row.get("tags"))]
        product.categories = [
            ImportedCategory(path_of(cell.replace("\\,", ","), (">",))) for cell in COMMAS.split(row.get("categories")) if cell.strip()
        ]
        if row.get("brands"):
            product.brand = unprotect_cell(row.get("brands"))

    def _publish(self, product: ImportedProduct, row: Row, kinds: set[str]) -> None:
        product.published = unprotect_cell(row.get("published")) == "1"
        if row.get("visibility in catalog").lower() == "hidden":
            product.published = False
            product.warn(
                row.line,
                self.name("visibility in catalog"),
                "it is hidden in the catalog",
                "It went in as a draft; publish it when it shall be seen.",
            )
        if "external" in kinds:
            product.published = False
            product.warn(row.line, self.name("type"), "it is sold in another shop", "It went in as a draft; publish it to sell it here.")
        if "grouped" in kinds:
            product.published = False

    def _pictures(self, product: ImportedProduct, row: Row) -> int | None:
        """Add the pictures of the row; the place of its first."""
        first = None
        for address in split_list(row.get("images")):
            known = [image.source for image in product.images or []]
            if address not in known and product.images is not None:
                product.images.append(ImportedImage(address, {}, row.line))
                known.append(address)
            first = known.index(address) if first is None else first
        return first

    def _given(self, row: Row) -> dict[str, list[str]]:
        """The row's attributes: values by name."""
        given = {}
        for number in self.numbers:
            if name := unprotect_cell(row.get(f"attribute {number} name")):
                cell = row.get(f"attribute {number} value(s)")
                given[name] = [part.strip().replace("\\,", ",") for part in COMMAS.split(cell) if part.strip()]
        return given

    def _book(self, product: ImportedProduct, row: Row, variations: list[Row]) -> OptionBook:
        """What variations differ by are options; what else the parent has are properties."""
        options = list(dict.fromkeys(name for variation in variations for name in self._given(variation)))
        product.attributes = [text_attribute(name, values) for name, values in self._given(row).items() if values and name not in options]
        return OptionBook(options)

    def _chosen(self, product: ImportedProduct, row: Row, book: OptionBook) -> list[str]:
        given, chosen = self._given(row), []
        for names in book.names:
            values = given.get(names[""], [])
            if not values:
                reason = f"the variation fits any {names['']}"
                product.warn(row.line, "", reason, f"It went in as “{ANY}”; add a variant for each value if customers shall choose.")
            chosen.append(", ".join(values) or ANY)
        return chosen

    def _variant(self, product: ImportedProduct, row: Row, kinds: set[str], values: tuple[str, ...]) -> ImportedVariant:
        variant = ImportedVariant(row.line, values, sku=read_code(row.get("sku")))
        if row.has("gtin, upc, ean, or isbn"):
            variant.barcode = read_code(row.get("gtin, upc, ean, or isbn"))
        regular, sale = row.get("regular price"), row.get("sale price")
        if sale and not self._is_sale_on(row):
            product.warn(row.line, self.name("sale price"), "the sale is over, or has not begun", "The regular price counts.")
            sale = ""
        variant.prices = read_price(
            product,
            row,
            self.name("sale price" if sale else "regular price"),
            sale or regular,
            self.currency,
            compare_at=regular if sale else "",
            compare_column=self.name("regular price"),
            comma_decimals=self.comma_decimals,
        )
        variant.weight_g = read_cell(
            product, row, self.name(self.weight_column), row.get(self.weight_column), lambda text: parse_weight(text, self.weight_unit)
        )
        variant.requires_shipping = not _kinds(row) & {"virtual", "downloadable"} and not kinds & {"virtual", "downloadable"}
        self._stock(product, row, variant)
        if row.get("parent"):
            variant.image = self._pictures(product, row)
        return variant

    def _stock(self, product: ImportedProduct, row: Row, variant: ImportedVariant) -> None:
        """No number means that nobody counts, unless it says that there is none."""
        variant.on_hand = read_stock(product, row, self.name("stock"), row.get("stock"))
        in_stock = read_cell(product, row, self.name("in stock?"), row.get("in stock?"), parse_flag) is not False
        backorders = row.get("backorders allowed?").lower() in {"1", "yes", "notify"}
        if variant.on_hand is None and not in_stock:
            variant.on_hand = 0
        variant.is_tracked = variant.on_hand is not None and not backorders

    def _is_sale_on(self, row: Row) -> bool:
        starts, ends = _day(row.get("date sale price starts")), _day(row.get("date sale price ends"))
        return not (starts and starts > self.now) and not (ends and ends < self.now)


def _day(text: str) -> str:
    """The moment as ISO text, comparable; "" when empty or unreadable."""
    for form in DAYS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return ""
