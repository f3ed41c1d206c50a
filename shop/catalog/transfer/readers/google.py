"""Google product feeds: RSS or Atom with the g: namespace, or text with tabs. XML is read in pieces; declared entities are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

from shop.catalog.slugs import slugify
from shop.catalog.transfer.decode import open_bytes
from shop.catalog.transfer.product import ImportedCategory, ImportedImage, ImportedPrice, ImportedProduct, ImportedVariant, Lost, Record
from shop.catalog.transfer.readers.common import OptionBook, finish, read_cell, read_code, read_description, text_attribute
from shop.catalog.transfer.report import Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, normal
from shop.catalog.transfer.values import parse_price, parse_weight, path_of, split_list

PIECE = 1 << 16
LONGEST_TEXT = 1 << 21
ITEMS = {"item", "entry"}
OPTIONS = ("color", "size", "material", "pattern")
PROPERTIES = ("condition", "gender", "age_group", "mpn", "energy_efficiency_class")
MANY = ("additional_image_link", "product_type")
GONE = {"out_of_stock", "out of stock"}
SALE = re.compile(r"(.+)/(.+)")
WEIGHT = re.compile(r"([0-9.,]+) *(g|kg|lb|oz)", re.IGNORECASE)


class Refused(Exception):
    """The XML declares what a feed does not need, and what attacks are made of."""


def is_google(names: set[str]) -> bool:
    names = {name.removeprefix("g:") for name in names}
    return names >= {"id", "title"} and len(names & {"link", "image_link", "image link", "availability", "price", "condition"}) >= 3


def read_google_xml(source: Source) -> Iterator[Record]:
    """Items of a feed, those of one group as one product."""
    yield from _grouped(source, _items(source))


def read_google_table(source: Source) -> Iterator[Record]:
    """The same from a table."""
    table = source.table()
    table.read_header()
    table.index = {name.removeprefix("g:").replace(" ", "_"): place for name, place in table.index.items()}
    yield from _grouped(source, table.rows())


def _items(source: Source) -> Iterator[Row | Lost]:
    """Each item as a row; what follows a fault of the XML is lost, and said."""
    parsed = _Parser()
    with open_bytes(source.path) as file:
        while True:
            piece = file.read(PIECE)
            fault = parsed.feed(piece)
            for row in parsed.taken():
                source.report.rows += 1
                yield row
            if fault:
                yield Lost(fault.line, fault)
            if fault or not piece:
                return


class _Parser:
    """Expat, told to keep the children of each item as a row of cells."""

    def __init__(self) -> None:
        self._expat = expat.ParserCreate(namespace_separator=" ")
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.EntityDeclHandler = self._refuse
        self._expat.UnparsedEntityDeclHandler = self._refuse
        self._expat.ExternalEntityRefHandler = self._refuse
        self._rows: list[Row] = []
        self._depth = 0
        self._line = 0
        self._cells: dict[str, str] = {}
        self._parts: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> Problem | None:
        try:
            self._expat.Parse(piece, not piece)
        except expat.ExpatError as error:
            reason = f"the XML is not well-formed: {expat.ErrorString(error.code)}"
            return Problem(error.lineno, "", reason, "Mend the XML there; what stands before went in.")
        except Refused as error:
            return Problem(self._expat.CurrentLineNumber, "", str(error), "Leave declarations of entities out of the file.")
        return None

    def taken(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def _refuse(self, *_: object) -> int:
        raise Refused("the XML declares entities")

    def _start(self, name: str, _attributes: object) -> None:
        name = name.rpartition(" ")[2]
        if self._depth:
            self._depth += 1
        elif name in ITEMS:
            self._depth, self._cells, self._line = 1, {}, self._expat.CurrentLineNumber
        self._parts, self._size = [], 0

    def _text(self, text: str) -> None:
        if self._depth == 2:
            self._size += len(text)
            if self._size > LONGEST_TEXT:
                raise Refused("a text has more than two million characters")
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if not self._depth:
            return
        self._depth -= 1
        name = name.rpartition(" ")[2]
        if self._depth == 1:
            text = "".join(self._parts).strip()
            is_more = name in MANY and name in self._cells
            self._cells[name] = f"{self._cells[name]}\t{text}" if is_more else self._cells.get(name) or text
        elif self._depth == 0:
            names = {name: place for place, name in enumerate(self._cells)}
            self._rows.append(Row(self._line, list(self._cells.values()), names))


def _grouped(source: Source, rows: Iterator[Row | Lost] | Iterator[Row]) -> Iterator[Record]:
    group: list[Row] = []
    for row in rows:
        if isinstance(row, Lost):
            if group:
                yield _read(source, group)
                group = []
            yield row
            continue
        key = row.get("item_group_id")
        if group and (not key or key != group[0].get("item_group_id")):
            yield _read(source, group)
            group = []
        if not row.get("id") and row.fault is None:
            yield Lost(row.line, Problem(row.line, "id", "the item has no id", "Give it the id that your feed uses."))
            continue
        group.append(row)
    if group:
        yield _read(source, group)


def _read(source: Source, rows: list[Row]) -> ImportedProduct:
    first = rows[0]
    handle = slugify(first.get("item_group_id") or first.get("id"), "product")
    product = ImportedProduct(handle=handle, line=first.line)
    product.faults += [row.fault for row in rows if row.fault]
    if product.faults:
        return product
    titles = [row.get("title") for row in rows]
    name = _common(titles)
    slug = PurePosixPath(unquote(urlsplit(first.get("link")).path)).name
    product.slug_hint = slugify(slug or name, "product")
    product.texts[""] = {"name": name} if name else {}
    product.texts[""]["description_html"] = read_description(product, first, "description", first.get("description"))
    product.brand = first.get("brand")
    product.published = True
    shelf = first.get("product_type").split("\t")[0] or first.get("google_product_category")
    if shelf and not shelf.isdigit():
        product.categories = [ImportedCategory(path_of(shelf, (">",)))]
    product.attributes = [text_attribute(key.replace("_", " "), [first.get(key)], code=key) for key in PROPERTIES if first.get(key)]
    product.images = []
    book, chosen = _options(rows, titles, name)
    for row, values in zip(rows, chosen, strict=True):
        product.variants.append(_variant(source, product, row, book.choose(values)))
    return finish(product, book)


def _options(rows: list[Row], titles: list[str], name: str) -> tuple[OptionBook, list[list[str]]]:
    """What the items differ by: colors and sizes, or else the ends of their titles."""
    if len(rows) == 1 and not rows[0].get("item_group_id"):
        return OptionBook([]), [[]]
    keys = [key for key in OPTIONS if any(row.get(key) for row in rows)]
    chosen = [[row.get(key) for key in keys] for row in rows]
    if keys and len({tuple(values) for values in chosen}) == len(rows):
        return OptionBook([normal(key).capitalize() for key in keys]), chosen
    ends = [title.removeprefix(name).strip(" -–—,/|") or title for title in titles]
    return OptionBook(["Version"]), [[end] for end in ends]


def _common(titles: list[str]) -> str:
    """The beginning that all titles share, up to a mark between name and version."""
    if len(set(titles)) == 1 and len(titles) > 1:
        return titles[0]
    heads = {title.rpartition(" - ")[0] or title for title in titles} if len(titles) > 1 else {titles[0]}
    if len(heads) == 1:
        return heads.pop()
    shared = titles[0]
    for title in titles[1:]:
        while not title.startswith(shared):
            shared = shared[:-1]
    return shared.strip(" -–—,/|(") or titles[0]


def _variant(source: Source, product: ImportedProduct, row: Row, values: tuple[str, ...]) -> ImportedVariant:
    variant = ImportedVariant(row.line, values, sku=read_code(row.get("id")), barcode=read_code(row.get("gtin")))
    variant.prices = _prices(source, product, row)
    is_gone = row.get("availability").lower() in GONE
    variant.on_hand, variant.is_tracked = (0, True) if is_gone else (None, False)
    if found := WEIGHT.fullmatch(row.get("shipping_weight") or row.get("product_weight")):
        variant.weight_g = read_cell(product, row, "shipping_weight", found[1], lambda text: parse_weight(text, found[2]))
    for address in [row.get("image_link"), *split_list(row.get("additional_image_link"), "\t")]:
        if not address or product.images is None:
            continue
        known = [image.source for image in product.images]
        if address not in known:
            product.images.append(ImportedImage(address, {}, row.line))
        if address == row.get("image_link"):
            variant.image = [image.source for image in product.images].index(address)
    return variant


def _prices(source: Source, product: ImportedProduct, row: Row) -> list[ImportedPrice]:
    """The sale price while its sale runs, with the regular one beside it."""
    regular = read_cell(product, row, "price", row.get("price"), lambda text: parse_price(text, source.currency))
    sale = read_cell(product, row, "sale_price", row.get("sale_price"), lambda text: parse_price(text, source.currency))
    if regular is None:
        if not row.get("price"):
            product.warn(row.line, "price", "there is no price", "It goes in, but cannot be bought until it has a price.")
        return []
    if sale is not None and _is_on(row.get("sale_price_effective_date"), source.at_iso) and sale.currency == regular.currency:
        return [ImportedPrice(sale.currency, sale.minor, regular.minor if regular.minor > sale.minor else None)]
    return [ImportedPrice(regular.currency, regular.minor)]


def _is_on(span: str, now: str) -> bool:
    from datetime import UTC, datetime

    if not (found := SALE.fullmatch(span)):
        return not span
    try:
        start, end = (datetime.fromisoformat(part.strip()) for part in found.groups())
    except ValueError:
        return False
    moments = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (start, end)]
    return moments[0] <= datetime.fromisoformat(now) <= moments[1]
