"""Files of other shops: Medusa, PrestaShop, Magento, Oscar, and lists of parts as JSON lines. Recognized by their columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from html import unescape
from typing import Any

from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import (
    ImportedAttribute,
    ImportedCategory,
    ImportedImage,
    ImportedPrice,
    ImportedProduct,
    ImportedVariant,
    Lost,
    Record,
)
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
from shop.catalog.transfer.report import WARNING, Problem
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import Row, Table
from shop.catalog.transfer.values import Unreadable, parse_flag, parse_price, parse_weight, path_of, split_list

MEDUSA_PRICE = re.compile(r"(?:variant )?price ([a-z]{3})")
MEDUSA_REGION = re.compile(r"(?:variant )?price .+ \[[a-z]{3}\]")
OSCAR = ("class", "categories", "upc", "title", "description", "partner", "partner_sku", "price", "stock")
MAGENTO_ATTRIBUTE = re.compile(r",(?=[a-z0-9_]+=)")
PROPERTY = (str, int, Decimal, list)
PROPERTIES_KEPT = 20_000
DECODE = json.JSONDecoder(parse_float=Decimal).decode
PARTS_KNOWN = {"sku", "category", "name", "price", "fill_price"}


# Medusa


def is_medusa(names: set[str]) -> bool:
    return {"product handle", "product title"} <= names


def read_medusa(source: Source) -> Iterator[Record]:
    """Rows repeat the product; each is a variant."""
    table = source.table()
    table.read_header()
    for name in table.index:
        if MEDUSA_REGION.fullmatch(name):
            column = table.header[table.index[name]]
            remedy = "It was left out; only prices of a currency are taken."
            source.report.add(Problem(table.header_line, column, "prices of a region are not known here", remedy, WARNING))
    known = re.compile(
        r"product (handle|title|subtitle|description|status|thumbnail|image \d+|tag \d+|tags|type|collection title|id|weight)|image \d+ url"
        r"|variant (sku|barcode|ean|upc|inventory quantity|allow backorder|manage inventory|weight|title|id|product id|variant rank)"
        r"|(variant )?option \d+ (name|value)|(variant )?price .+|.+ (created|updated|deleted) at|product discountable|product is giftcard"
        r"|product (type|collection) (id|handle)"
    )
    leftovers = Leftovers(table, [], lambda name: known.fullmatch(name) is not None)
    group: list[Row] = []
    for row in table.rows():
        leftovers.look(row)
        key = row.get("product handle") or slugify(row.get("product title"), "")
        if group and key != (group[0].get("product handle") or slugify(group[0].get("product title"), "")):
            yield _medusa(source, table, group)
            group = []
        if not key and row.fault is None:
            yield Lost(row.line, Problem(row.line, "Product Handle", "the row has neither handle nor title", "Write the product's handle."))
            continue
        group.append(row)
    if group:
        yield _medusa(source, table, group)


def _medusa(source: Source, table: Table, rows: list[Row]) -> ImportedProduct:
    first = rows[0]
    handle = first.get("product handle") or slugify(first.get("product title"), "product")
    product = ImportedProduct(handle=handle, line=first.line, slug_hint=slugify(handle, "product"))
    product.faults += [row.fault for row in rows if row.fault]
    if product.faults:
        return product
    description = first.get("product description").replace("\\n", "\n")
    product.texts[""] = {"description_html": read_description(product, first, "Product Description", description)}
    for field, column in (("name", "product title"), ("subtitle", "product subtitle")):
        if first.get(column):
            product.texts[""][field] = first.get(column)
    product.published = first.get("product status").lower() == "published"
    product.kind = first.get("product type") or None
    product.tags = split_list(first.get("product tags")) + [
        first.get(name) for name in sorted(table.index) if re.fullmatch(r"product tag \d+", name) and first.get(name)
    ]
    if shelf := first.get("product collection title"):
        product.categories = [ImportedCategory((shelf,))]
    pictures = [first.get("product thumbnail")]
    pictures += [first.get(name) for name in sorted(table.index) if re.fullmatch(r"product image \d+|image \d+ url", name)]
    product.images = [ImportedImage(name, {}, first.line) for name in dict.fromkeys(pictures) if name]
    numbers = sorted({int(found[1]) for name in table.index if (found := re.fullmatch(r"(?:variant )?option (\d+) name", name))})
    numbers = [number for number in numbers if first.get(f"variant option {number} name", f"option {number} name")]
    book = OptionBook([first.get(f"variant option {number} name", f"option {number} name") for number in numbers])
    for row in rows:
        values = [row.get(f"variant option {number} value", f"option {number} value") for number in numbers]
        product.variants.append(_medusa_variant(source, table, product, row, book.choose(values)))
    return finish(product, book)


def _medusa_variant(source: Source, table: Table, product: ImportedProduct, row: Row, values: tuple[str, ...]) -> ImportedVariant:
    variant = ImportedVariant(row.line, values, sku=read_code(row.get("variant sku")))
    codes = [row.get(name) for name in ("variant barcode", "variant ean", "variant upc")]
    variant.barcode = read_barcode(product, row, "Variant Barcode", next((code for code in codes if code), ""))
    for name, place in table.index.items():
        found = MEDUSA_PRICE.fullmatch(name)
        if found and row.get(name):
            currency = found[1].upper()
            money = read_cell(product, row, table.header[place], row.get(name), partial(parse_price, currency=currency))
            if money is not None:
                variant.prices.append(ImportedPrice(money.currency, money.minor))
    if not variant.prices:
        product.warn(row.line, "Price", "there is no price", "It goes in, but cannot be bought until it has a price.")
    variant.prices.sort(key=lambda price: price.currency != source.currency)
    variant.on_hand = read_stock(product, row, "Variant Inventory Quantity", row.get("variant inventory quantity"))
    managed = read_cell(product, row, "Variant Manage Inventory", row.get("variant manage inventory"), parse_flag)
    backorder = row.get("variant allow backorder").lower() == "true"
    if variant.on_hand is not None or managed is not None:
        variant.is_tracked = managed is not False and not backorder
        variant.on_hand = variant.on_hand or 0
    variant.weight_g = read_cell(product, row, "Variant Weight", row.get("variant weight", "product weight"), parse_weight)
    return variant


# PrestaShop


def is_prestashop(names: set[str]) -> bool:
    return any(name.startswith("active (0/1)") for name in names) and any(name.startswith("name") for name in names)


def read_prestashop(source: Source) -> Iterator[Record]:
    """One product a row; what stands behind the names in brackets is help for people."""
    table = source.table()
    table.read_header()
    columns = list(table.index)
    table.index = {re.sub(r" ?(\*|#|\(.*\))$", "", name).strip(): table.index[name] for name in columns}
    price = next((name for name in table.index if name.startswith("price")), "price")
    for row in table.rows():
        name = row.get("name")
        slug = slugify(row.get("url rewritten") or name, "product")
        product = ImportedProduct(handle=slug, line=row.line, slug_hint=slug)
        if row.fault:
            product.faults.append(row.fault)
            yield product
            continue
        texts = {"name": name, "description_html": read_description(product, row, "Description", row.get("description"))}
        subtitle = unescape(" ".join(re.sub(r"<[^>]+>", " ", row.get("short description")).split()))
        texts |= {"subtitle": subtitle} if 0 < len(subtitle) <= 300 else {}
        texts |= {
            field: row.get(column)
            for field, column in (("seo_title", "meta title"), ("seo_description", "meta description"))
            if row.get(column)
        }
        product.texts[""] = texts
        product.brand = row.get("manufacturer")
        product.published = read_cell(product, row, "Active", row.get("active"), parse_flag)
        product.categories = [ImportedCategory(path_of(part, ("/",))) for part in split_list(row.get("categories"))]
        product.tags = split_list(row.get("tags"))
        product.attributes = [
            text_attribute(parts[0], [parts[1]]) for cell in split_list(row.get("feature")) if len(parts := cell.split(":")) > 1
        ]
        product.images = [ImportedImage(address, {}, row.line) for address in split_list(row.get("image urls"))]
        variant = ImportedVariant(row.line, (), sku=read_code(row.get("reference")))
        variant.barcode = read_barcode(product, row, "EAN13", row.get("ean13", "upc"))
        variant.prices = read_price(
            product, row, table.header[table.index.get(price, 0)], row.get(price), source.currency, comma_decimals=True
        )
        variant.on_hand = read_stock(product, row, "Quantity", row.get("quantity"))
        variant.is_tracked = variant.on_hand is not None
        variant.weight_g = read_cell(product, row, "Weight", row.get("weight"), lambda text: parse_weight(text, "kg"))
        product.variants = [variant]
        yield finish(product)


# Magento


def is_magento(names: set[str]) -> bool:
    return {"sku", "attribute_set_code", "name"} <= names


def read_magento(source: Source) -> Iterator[Record]:
    """One product a row, found by its SKU."""
    table = source.table()
    table.read_header()
    leftovers = Leftovers(
        table,
        [
            "sku",
            "product_type",
            "name",
            "price",
            "categories",
            "additional_attributes",
            "description",
            "short_description",
            "weight",
            "qty",
        ],
        lambda name: name in {"attribute_set_code", "url_key", "product_online", "is_in_stock", "base_image", "additional_images"},
    )
    for row in table.rows():
        leftovers.look(row)
        sku = row.get("sku")
        product = ImportedProduct(
            handle=slugify(sku, "product"), line=row.line, slug_hint=slugify(row.get("url_key") or row.get("name"), "product")
        )
        if row.fault or not sku:
            problem = Problem(row.line, "sku", "the row has no SKU", "Write the product's SKU.")
            product.faults.append(row.fault or problem)
            yield product
            continue
        product.texts[""] = {
            "name": row.get("name"),
            "description_html": read_description(product, row, "description", row.get("description")),
        }
        product.published = row.get("product_online") != "2"
        paths = [path_of(part, ("/",)) for part in split_list(row.get("categories"))]
        product.categories = [
            ImportedCategory(path[1:] if path[0] == "Default Category" and len(path) > 1 else path) for path in paths if path
        ]
        pairs = (cell.partition("=") for cell in MAGENTO_ATTRIBUTE.split(row.get("additional_attributes")))
        product.attributes = [
            text_attribute(key.strip().replace("_", " ").capitalize(), [value.strip()], code=slugify(key).replace("-", "_"))
            for key, mark, value in pairs
            if mark and value.strip()
        ]
        product.images = [
            ImportedImage(name, {}, row.line) for name in [row.get("base_image"), *split_list(row.get("additional_images"))] if name
        ]
        variant = ImportedVariant(row.line, (), sku=read_code(sku))
        variant.prices = read_price(product, row, "price", row.get("price"), source.currency)
        variant.weight_g = read_cell(product, row, "weight", row.get("weight"), lambda text: parse_weight(text, "kg"))
        variant.on_hand = read_stock(product, row, "qty", row.get("qty"))
        variant.is_tracked = variant.on_hand is not None
        product.variants = [variant]
        yield finish(product)


# Oscar


def is_oscar(cells: list[str]) -> bool:
    """No header: the class, a path of categories, a long number."""
    return len(cells) >= 3 and " > " in cells[1] and re.match(r"[0-9]{8,13}\b", cells[2].strip().strip('"')) is not None


def read_oscar(source: Source) -> Iterator[Record]:
    """Books without a header; a row of five cells has no price."""
    table = source.table()
    table.use_header(list(OSCAR))
    for row in table.rows():
        cells = ["" if cell.strip() == "NULL" else cell for cell in row.cells]
        row.cells = cells
        product = ImportedProduct(
            handle=slugify(row.get("upc"), "book"), line=row.line, slug_hint=slugify(row.get("title"), "book"), published=True
        )
        if len(cells) < 5 or len(cells) > len(OSCAR) or (row.fault and len(cells) == len(OSCAR)):
            product.faults.append(row.fault or Problem(row.line, "", "the row has too few cells", "Give it nine."))
            yield product
            continue
        product.kind = row.get("class")
        product.texts[""] = {
            "name": row.get("title"),
            "description_html": read_description(product, row, "description", row.get("description")),
        }
        product.categories = [ImportedCategory(path_of(row.get("categories"), (">",)))]
        variant = ImportedVariant(row.line, (), sku=read_code(row.get("partner_sku")), barcode=read_code(row.get("upc")))
        variant.prices = read_price(product, row, "price", row.get("price"), source.currency)
        variant.on_hand = read_stock(product, row, "stock", row.get("stock"))
        variant.is_tracked = variant.on_hand is not None
        product.variants = [variant]
        yield finish(product)


# Parts: JSON lines


def is_parts(found: dict[str, object]) -> bool:
    return {"sku", "name", "price"} <= set(found)


def read_parts(source: Source) -> Iterator[Record]:
    """One object a line: sku, name, category, price; everything else is a property. ``fill_price`` stands in where there is no price."""
    properties = _Properties()
    for line, text in enumerate(source.stream, start=1):
        if not text.strip():
            continue
        source.report.rows += 1
        try:
            part = DECODE(text)
        except (ValueError, RecursionError):
            part = None
        if not isinstance(part, dict) or not isinstance(part.get("sku"), str) or not isinstance(part.get("name"), str):
            problem = Problem(line, "", "the line is no JSON object with sku and name", "Write one object a line.")
            yield Lost(line, problem)
            continue
        yield _part(source, line, part, properties)


def _part(source: Source, line: int, part: dict[str, Any], properties: _Properties) -> ImportedProduct:
    sku = part["sku"]
    product = ImportedProduct(
        handle=slugify(sku, "part"),
        line=line,
        texts={"": {"name": part["name"]}},
        slug_hint=slugify(part["name"], "part"),
        published=True,
        variants=[ImportedVariant(line, (), sku=sku)],
    )
    category = part.get("category")
    if isinstance(category, str) and category:
        product.categories = [ImportedCategory((category.replace("-", " ").capitalize(),))]
    product.attributes = [
        found
        for key, value in part.items()
        if key not in PARTS_KNOWN and isinstance(value, PROPERTY) and (found := properties.get(key, value))
    ]
    amount = part.get("price")
    if amount is None and part.get("fill_price") is not None:
        amount = part["fill_price"]
        remedy = "It was taken where the price is missing, so that the goods can be sold; set real prices."
        source.report.add_once("fill_price", Problem(line, "fill_price", "this price was made up", remedy, WARNING))
    product.variants[0].prices = _part_price(source, product, line, amount)
    return product


def _part_price(source: Source, product: ImportedProduct, line: int, amount: object) -> list[ImportedPrice]:
    if amount is None:
        product.warn(line, "price", "there is no price", "It goes in, but cannot be bought until it has a price.")
        return []
    try:
        money = parse_price(str(amount), source.currency)
    except Unreadable as problem:
        product.fault(line, "price", str(problem), problem.remedy)
        return []
    return [ImportedPrice(money.currency, money.minor)]


class _Properties:
    """Properties by key and value: a catalog says the same few thousand things again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, type, object], ImportedAttribute | None] = {}

    def get(self, key: str, value: object) -> ImportedAttribute | None:
        if isinstance(value, list):
            return self._make(key, value)
        known = (key, type(value), value)
        if known not in self._known:
            if len(self._known) >= PROPERTIES_KEPT:
                self._known.clear()
            self._known[known] = self._make(key, [value])
        return self._known[known]

    @staticmethod
    def _make(key: str, items: list[object]) -> ImportedAttribute | None:
        items = [item for item in items if isinstance(item, str | int | Decimal) and item != ""]
        if not items:
            return None
        kinds = {"text" if isinstance(item, str) else "boolean" if isinstance(item, bool) else "number" for item in items}
        texts = [("true" if item else "false") if isinstance(item, bool) else str(item) for item in items]
        name = key.replace("_", " ").capitalize()
        return ImportedAttribute(key, kinds.pop() if len(kinds) == 1 else "text", {"": name}, {"": texts})
