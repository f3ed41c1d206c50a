"""Vendure's product files: a row with a name begins a product, rows without one add variants; texts may have a column per language."""

from __future__ import annotations

from collections.abc import Iterator

from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import ImportedCategory, ImportedImage, ImportedProduct, ImportedVariant, Lost, Names, Record
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
from shop.catalog.transfer.report import WARNING, Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, Table
from shop.catalog.transfer.values import parse_flag, split_list

TAKEN = ("name", "slug", "description", "assets", "facets", "optiongroups", "optionvalues")
PLAIN = ("sku", "price", "taxcategory", "stockonhand", "trackinventory", "variantassets", "variantfacets")


def is_vendure(names: set[str]) -> bool:
    bare = {name.partition(":")[0] for name in names}
    return bare >= {"name", "sku", "price", "optiongroups", "optionvalues"}


def read_vendure(source: Source) -> Iterator[Record]:
    """Products with their variants."""
    table = source.table()
    table.read_header()
    languages = _languages(source, table)
    reader = _Reader(source, languages)
    leftovers = Leftovers(table, PLAIN, lambda name: name.partition(":")[0] in TAKEN)
    group: list[Row] = []
    for row in table.rows():
        leftovers.look(row)
        if group and reader.texts(row, "name"):
            yield reader.read(group)
            group = []
        if not group and not reader.texts(row, "name") and row.fault is None:
            problem = Problem(row.line, "name", "the row has no name, and no product stands above it", "Write the product's name.")
            yield Lost(row.line, problem)
            continue
        group.append(row)
    if group:
        yield reader.read(group)


def _languages(source: Source, table: Table) -> dict[str, str]:
    """Which suffix of a column is which language; "" is the first one of the shop."""
    suffixes = {name.partition(":")[2] for name in table.index if name.startswith("name")}
    if suffixes <= {""}:
        return {"": ""}
    known = {}
    for suffix in sorted(suffixes):
        if suffix in source.locales:
            known[suffix] = "" if suffix == source.locales[0] else suffix
            continue
        reason = f"the shop does not speak the language {suffix!r}"
        remedy = "Its texts were left out; add the language in SHOP_LOCALES to have them."
        source.report.add(Problem(table.header_line, f"name:{suffix}", reason, remedy, WARNING))
    if "" not in known.values() and suffixes:
        known[sorted(suffixes)[0]] = ""
    return known


class _Reader:
    def __init__(self, source: Source, languages: dict[str, str]) -> None:
        self.source = source
        self.languages = languages

    def texts(self, row: Row, column: str) -> Names:
        """The cell in every language that the shop speaks."""
        found = {}
        for suffix, locale in self.languages.items():
            if text := row.get(f"{column}:{suffix}" if suffix else column, *([] if suffix else [column])):
                found[locale] = text
        return found or ({"": row.get(column)} if row.get(column) else {})

    def read(self, rows: list[Row]) -> ImportedProduct:
        first = rows[0]
        names = self.texts(first, "name")
        name = names.get("") or next(iter(names.values()), "")
        slug = slugify(first.get("slug") or name, "product")
        product = ImportedProduct(handle=slug, line=first.line, slug_hint=slug, published=True)
        product.faults += [row.fault for row in rows if row.fault]
        if product.faults:
            return product
        for locale, text in names.items():
            product.texts.setdefault(locale, {})["name"] = text
        for locale, text in self.texts(first, "description").items():
            product.texts.setdefault(locale, {})["description_html"] = read_description(product, first, "description", text)
        self._facets(product, first)
        product.images = [ImportedImage(name, {}, first.line) for name in split_list(first.get("assets"), "|")]
        book = OptionBook(self._split(self.texts(first, "optiongroups")))
        product.variants = [self._variant(product, row, book) for row in rows]
        return finish(product, book)

    def _split(self, cells: Names) -> list[str | Names]:
        """``{"": "size|color", "es": "talla|color"}`` → names by place."""
        parts = {locale: [part.strip() for part in text.split("|")] for locale, text in cells.items()}
        length = max((len(names) for names in parts.values()), default=0)
        return [{locale: names[place] for locale, names in parts.items() if place < len(names)} for place in range(length)]

    def _facets(self, product: ImportedProduct, row: Row) -> None:
        """Categories stand from the general to the special one; the brand is a facet; what else there is are properties."""
        path: list[str] = []
        properties: dict[str, list[str]] = {}
        tags = []
        for facet in split_list(self.texts(row, "facets").get("", ""), "|"):
            key, colon, value = (part.strip() for part in facet.partition(":"))
            if not colon:
                tags.append(key)
            elif key.lower() == "category":
                path.append(value)
            elif key.lower() == "brand":
                product.brand = value
            else:
                properties.setdefault(key, []).append(value)
        product.tags = tags
        product.categories = [ImportedCategory(tuple(path))] if path else []
        product.attributes = [text_attribute(name.capitalize(), values) for name, values in properties.items()]

    def _variant(self, product: ImportedProduct, row: Row, book: OptionBook) -> ImportedVariant:
        variant = ImportedVariant(row.line, book.choose(self._split(self.texts(row, "optionvalues"))), sku=read_code(row.get("sku")))
        variant.prices = read_price(product, row, "price", row.get("price"), self.source.currency)
        variant.on_hand = read_stock(product, row, "stockOnHand", row.get("stockonhand"))
        tracked = read_cell(product, row, "trackInventory", row.get("trackinventory"), parse_flag)
        variant.is_tracked = variant.on_hand is not None if tracked is None else tracked
        for name in split_list(row.get("variantassets"), "|"):
            if product.images is not None:
                if name not in [image.source for image in product.images]:
                    product.images.append(ImportedImage(name, {}, row.line))
                variant.image = [image.source for image in product.images].index(name)
        return variant
