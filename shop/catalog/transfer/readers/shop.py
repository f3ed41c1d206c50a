"""Our own formats. JSON lines hold everything and come from ``flask catalog export``; the sheet (CSV) is what people write by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shop.catalog.html import sanitize_html
from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import (
    AttributeRecord,
    CategoryRecord,
    ImportedAttribute,
    ImportedCategory,
    ImportedImage,
    ImportedOption,
    ImportedPrice,
    ImportedProduct,
    ImportedValue,
    ImportedVariant,
    Lost,
    Names,
    Record,
)
from shop.catalog.transfer.readers.common import OptionBook, finish, read_cell, read_code, read_description, read_price, read_stock
from shop.catalog.transfer.report import WARNING, Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, Table
from shop.catalog.transfer.values import Unreadable, parse_flag, parse_stock, path_of, split_list, unprotect_cell
from shop.money import MAX_MINOR

FORMAT = "bodega-catalog"
UNITS = re.compile(r"(.+)_(mm|cm|m|ml|l|g|kg|w|v)")
TEXTS = ("name", "slug", "subtitle", "description_html", "seo_title", "seo_description")


# JSON lines


def is_shop_lines(found: Mapping[str, object]) -> bool:
    return found.get("format") == FORMAT


def read_shop_lines(source: Source) -> Iterator[Record]:
    """Attributes and categories first, then products; each line stands for itself."""
    for number, text in enumerate(source.stream, start=1):
        if not text.strip() or (number == 1 and f'"{FORMAT}"' in text):
            continue
        source.report.rows += 1
        try:
            record = json.loads(text)
            ((kind, facts),) = record.items()
            yield LINES[kind](number, facts)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"the line cannot be read ({type(error).__name__}: {error})"
            yield Lost(number, Problem(number, "", reason, "Export it again, or mend the line."))


def _attribute(line: int, facts: Mapping[str, Any]) -> AttributeRecord:
    return AttributeRecord(line, str(facts["code"]), str(facts["kind"]), str(facts["unit"]), _names(facts["names"]))


def _category(line: int, facts: Mapping[str, Any]) -> CategoryRecord:
    return CategoryRecord(
        line=line,
        slug=str(facts["slug"]),
        parent=str(facts["parent"] or ""),
        texts={str(locale): _names(texts) for locale, texts in facts["texts"].items()},
        position=int(facts["position"]),
        image=_image(line, facts["image"]) if facts["image"] else None,
        archived_at=facts["archived_at"] or "",
        old_slugs=_old_slugs(facts["old_slugs"]),
    )


def _product(line: int, facts: Mapping[str, Any]) -> ImportedProduct:
    texts = {str(locale): _names(words) for locale, words in facts["texts"].items()}
    for words in texts.values():
        words["description_html"] = sanitize_html(words.get("description_html", ""))
    product = ImportedProduct(
        handle=str(facts["handle"]),
        line=line,
        texts=texts,
        brand=str(facts["brand"]),
        kind=str(facts["kind"]),
        tax_class=str(facts["tax_class"]),
        position=int(facts["position"]),
        published=_moment(facts["published_at"]) or False,
        archived_at=facts["archived_at"] or "",
        tags=[str(tag) for tag in facts["tags"]],
        categories=[ImportedCategory((), str(slug)) for slug in facts["categories"]],
        attributes=[
            ImportedAttribute(str(found["code"]), "", {}, {str(key): list(map(str, items)) for key, items in found["values"].items()})
            for found in facts["attributes"]
        ],
        options=[_option(option) for option in facts["options"]],
        images=[_image(line, image) for image in facts["images"]],
        variants=[_variant(line, position, variant) for position, variant in enumerate(facts["variants"])],
        old_slugs=_old_slugs(facts["old_slugs"]),
        created_at=facts["created_at"],
        updated_at=facts["updated_at"],
        is_complete=True,
    )
    for moment in (product.created_at, product.updated_at, product.archived_at):
        _moment(moment)
    return product


def _option(facts: Mapping[str, Any]) -> ImportedOption:
    values = [ImportedValue(str(value["code"]), _names(value["names"]), str(value["swatch"])) for value in facts["values"]]
    return ImportedOption(str(facts["code"]), _names(facts["names"]), values)


def _variant(line: int, position: int, facts: Mapping[str, Any]) -> ImportedVariant:
    stock = facts["stock"]
    return ImportedVariant(
        line=line,
        values=tuple(map(str, facts["values"])),
        sku=str(facts["sku"]),
        barcode=str(facts["barcode"]),
        weight_g=int(facts["weight_g"]),
        requires_shipping=bool(facts["requires_shipping"]),
        prices=[_price(price) for price in facts["prices"]],
        on_hand=None if stock is None else parse_stock(str(stock["on_hand"])),
        is_tracked=None if stock is None else bool(stock["tracked"]),
        low_at=None if stock is None else parse_stock(str(stock["low_at"])),
        image=None if facts["image"] is None else int(facts["image"]),
        archived_at=facts["archived_at"] or "",
        position=int(facts.get("position", position)),
    )


def _price(facts: Mapping[str, Any]) -> ImportedPrice:
    for amount in (facts["minor"], facts["compare_at"]):
        if amount is not None and (type(amount) is not int or not 0 <= amount <= MAX_MINOR):
            raise ValueError(f"{amount!r} is no price in minor units")
    _moment(facts["from"])
    return ImportedPrice(str(facts["currency"]), facts["minor"], facts["compare_at"], str(facts["group"]), str(facts["from"]))


def _image(line: int, facts: Mapping[str, Any]) -> ImportedImage:
    kept = {name: facts[name] for name in ("hash", "name", "width", "height", "widths", "bytes")}
    if not re.fullmatch(r"[0-9a-f]{32}", str(kept["hash"])):
        raise ValueError("the picture has no hash")
    return ImportedImage(str(facts["name"]), _names(facts["alt"]), line, kept)


def _names(facts: Mapping[str, Any]) -> Names:
    return {str(locale): str(name) for locale, name in facts.items()}


def _old_slugs(facts: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    return {str(locale): [str(slug) for slug in slugs] for locale, slugs in facts.items()}


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


LINES: dict[str, Callable[[int, Mapping[str, Any]], Record]] = {"product": _product, "category": _category, "attribute": _attribute}


# The sheet


def is_sheet(names: set[str], locales: Sequence[str]) -> bool:
    """A table with ``slug`` and a name per language."""
    return "slug" in names and f"name_{locales[0]}" in names


def read_sheet(source: Source) -> Iterator[Record]:
    """Categories when there is a ``path``, else products with one row per variant."""
    table = source.table()
    table.read_header()
    if "path" in table.index:
        yield from (_sheet_category(source, row) for row in table.rows())
        return
    reader = _Sheet(source, table)
    group: list[Row] = []
    for row in table.rows():
        slug = row.get("slug")
        if group and slug != group[0].get("slug"):
            yield reader.read(group)
            group = []
        if not slug and row.fault is None:
            yield Lost(row.line, Problem(row.line, "slug", "the row has no slug", "Write the slug of its product."))
            continue
        group.append(row)
    if group:
        yield reader.read(group)


def _sheet_category(source: Source, row: Row) -> Record:
    path = path_of(row.get("path"), (">",))
    if row.fault or not path:
        return Lost(row.line, row.fault or Problem(row.line, "path", "the row has no path", "Write a path such as Table > Mugs."))
    texts = {}
    for locale in source.locales:
        found = {field: row.get(f"{field}_{locale}") for field in ("name", "sentence") if row.get(f"{field}_{locale}")}
        slug = row.get(f"slug_{locale}") or (row.get("slug") if locale == source.locales[0] else "")
        texts[locale] = {**found, **({"slug": slug} if slug else {})}
    texts[source.locales[0]].setdefault("name", path[-1])
    image = ImportedImage(row.get("image"), {}, row.line) if row.get("image") else None
    try:
        position = parse_stock(row.get("position") or "0")
    except Unreadable as problem:
        return Lost(row.line, Problem(row.line, "position", str(problem), problem.remedy))
    return CategoryRecord(row.line, slug=row.get("slug"), parent=" > ".join(path[:-1]), texts=texts, position=position, image=image)


class _Sheet:
    def __init__(self, source: Source, table: Table) -> None:
        self.source = source
        self.prices = [(found[1].upper(), name) for name in table.index if (found := re.fullmatch(r"price_([a-z]{3})", name))]
        self.spoken = [locale for locale in source.locales if f"name_{locale}" in table.index]
        self.options = sorted({int(found[1]) for name in table.index if (found := re.match(r"option(\d)_name_", name))})
        for name in table.index:
            found = re.fullmatch(r"name_([a-z]{2})", name)
            if found and found[1] not in source.locales:
                reason = f"the shop does not speak the language {found[1]!r}"
                remedy = "Its texts were left out; add the language in SHOP_LOCALES to have them."
                source.report.add(Problem(table.header_line, name, reason, remedy, WARNING))

    def read(self, rows: list[Row]) -> ImportedProduct:
        first = rows[0]
        product = ImportedProduct(handle=first.get("slug"), line=first.line, slug_hint=slugify(first.get("slug"), "product"))
        product.faults += [row.fault for row in rows if row.fault]
        if product.faults:
            return product
        for locale in self.spoken:
            product.texts[locale] = self._texts(product, first, locale)
        product.brand = first.get("brand") or None
        product.kind = first.get("kind") or None
        product.tax_class = first.get("tax_class") or None
        product.position = read_cell(product, first, "position", first.get("position"), parse_stock)
        product.published = read_cell(product, first, "published", first.get("published"), parse_flag)
        product.tags = split_list(first.get("tags"), "|")
        product.categories = [ImportedCategory(path_of(path, (">",))) for path in split_list(first.get("categories"), "|")]
        product.attributes = self._attributes(first)
        product.images = [self._image(first.line, text) for text in split_list(first.get("images"), ";")]
        book = OptionBook([names for number in self.options if (names := self._by_locale(first, f"option{number}_name"))])
        product.variants = [self._variant(product, row, book) for row in rows]
        return finish(product, book)

    def _by_locale(self, row: Row, field: str) -> Names:
        names = {locale: row.get(f"{field}_{locale}") for locale in self.spoken if row.get(f"{field}_{locale}")}
        if self.source.locales[0] in names:
            names[""] = names.pop(self.source.locales[0])
        return {locale: unprotect_cell(name) for locale, name in names.items()}

    def _texts(self, product: ImportedProduct, row: Row, locale: str) -> dict[str, str]:
        texts = {
            field: unprotect_cell(row.get(f"{field}_{locale}")) for field in ("name", "slug", "subtitle", "seo_title", "seo_description")
        }
        texts = {field: text for field, text in texts.items() if text or (field == "subtitle" and row.has(f"subtitle_{locale}"))}
        column = f"description_{locale}"
        return {**texts, "description_html": read_description(product, row, column, row.get(column))}

    def _attributes(self, row: Row) -> list[ImportedAttribute]:
        """``key:value`` in each language, the same keys in the same order; ``_mm`` and the like name the unit."""
        first, *others = self.spoken
        columns = {locale: row.get(f"attributes_{locale}") for locale in self.spoken}
        columns[first] = columns[first] or row.get("attributes")
        cells = {locale: [part.partition(":") for part in text.split("|") if ":" in part] for locale, text in columns.items()}
        made = []
        for place, (key, _, value) in enumerate(cells[first]):
            unit = UNITS.fullmatch(key.strip())
            code = slugify(unit[1] if unit else key).replace("-", "_")
            is_number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value.strip()) is not None
            values = {first: [value.strip()]}
            values |= {locale: [cells[locale][place][2].strip()] for locale in others if place < len(cells[locale])}
            if is_number or len({text[0] for text in values.values()}) == 1:
                values = {"": values[first]}
            name = code.replace("_", " ").capitalize()
            made.append(ImportedAttribute(code, "number" if is_number else "text", {"": name}, values, unit[2] if unit else ""))
        return made

    def _image(self, line: int, text: str) -> ImportedImage:
        name, *alts = text.split("|")
        return ImportedImage(
            name.strip(), {locale: alt.strip() for locale, alt in zip(self.spoken, alts, strict=False) if alt.strip()}, line
        )

    def _variant(self, product: ImportedProduct, row: Row, book: OptionBook) -> ImportedVariant:
        numbers = [number for number in self.options if self._by_locale(row, f"option{number}_name") or len(book) >= number]
        values = [self._by_locale(row, f"option{number}_value") for number in numbers]
        variant = ImportedVariant(row.line, book.choose(values), sku=read_code(row.get("sku")), barcode=read_code(row.get("barcode")))
        for currency, column in self.prices:
            was = f"compare_at_{currency.lower()}"
            variant.prices += read_price(product, row, column, row.get(column), currency, compare_at=row.get(was), compare_column=was)
        variant.weight_g = read_cell(product, row, "weight_g", row.get("weight_g"), parse_stock)
        variant.requires_shipping = read_cell(product, row, "requires_shipping", row.get("requires_shipping"), parse_flag)
        variant.on_hand = read_stock(product, row, "stock", row.get("stock"))
        variant.is_tracked = variant.on_hand is not None
        variant.low_at = read_cell(product, row, "low_stock_threshold", row.get("low_stock_threshold"), parse_stock)
        variant.position = read_cell(product, row, "variant_position", row.get("variant_position"), parse_stock)
        sources = [image.source for image in product.images or []]
        picture = row.get("variant_image").split("|")[0].strip()
        if picture and picture in sources:
            variant.image = sources.index(picture)
        elif picture:
            product.warn(row.line, "variant_image", f"{picture!r} is none of the product's images", "Name one of the column images.")
        return variant
