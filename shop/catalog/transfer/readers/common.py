"""What readers share: cells that are read or become a fault of their product, options told by name, columns that nobody takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from shop.catalog.html import describe_html
from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import (
    ImportedAttribute,
    ImportedOption,
    ImportedPrice,
    ImportedProduct,
    ImportedValue,
    ImportedVariant,
    Names,
)
from shop.catalog.transfer.report import WARNING, Problem, Report
from shop.catalog.transfer.table import Row, Table, normal
from shop.catalog.transfer.values import Unreadable, is_scientific, parse_price, parse_stock, shown, unprotect_cell, unprotect_code

T = TypeVar("T")
DESCRIPTION_MAX = 200_000


def read_cell(product: ImportedProduct, row: Row, column: str, text: str, parse: Callable[[str], T]) -> T | None:
    """``parse(text)``; what cannot be read is a fault of the product. Empty is None."""
    if not text:
        return None
    try:
        return parse(text)
    except Unreadable as problem:
        product.fault(row.line, column, str(problem), problem.remedy)
        return None


def read_price(
    product: ImportedProduct,
    row: Row,
    column: str,
    text: str,
    currency: str,
    *,
    compare_at: str = "",
    compare_column: str = "",
    comma_decimals: bool = False,
) -> list[ImportedPrice]:
    """The price in the cell, with the former price beside it; no price at all is said, and harmless: it cannot be bought until it has one."""

    def parse(cell: str) -> ImportedPrice:
        money = parse_price(cell, currency, comma_decimals=comma_decimals)
        return ImportedPrice(money.currency, money.minor)

    price = read_cell(product, row, column, text, parse)
    if price is None:
        if not text:
            product.warn(row.line, column, "there is no price", "It goes in, but cannot be bought until it has a price.")
        return []
    former = read_cell(product, row, compare_column, compare_at, parse)
    if former is None or former.currency != price.currency or former.minor <= price.minor:
        return [price]
    return [price._replace(compare_at_minor=former.minor)]


def read_stock(product: ImportedProduct, row: Row, column: str, text: str) -> int | None:
    """Pieces; a negative number (sold more than there was) counts as none, and is said."""
    pieces = read_cell(product, row, column, text, parse_stock)
    if pieces is not None and pieces < 0:
        product.warn(row.line, column, f"the stock is negative ({pieces})", "It was taken as 0; count what is there.")
        return 0
    return pieces


def read_code(text: str) -> str:
    """A SKU or barcode without the apostrophe by which spreadsheets keep it a text."""
    return unprotect_code(text)


def read_barcode(product: ImportedProduct, row: Row, column: str, text: str) -> str:
    code = unprotect_code(text)
    if is_scientific(code):
        product.warn(
            row.line, column, f"a spreadsheet has rounded the barcode {shown(code)!r}", "It was left out; type all of its digits as text."
        )
        return ""
    return code


def read_description(product: ImportedProduct, row: Row, column: str, text: str) -> str:
    """HTML or plain text as clean HTML; nothing of unreasonable length."""
    if len(text) > DESCRIPTION_MAX:
        product.fault(
            row.line,
            column,
            f"the description has {len(text):,} characters",
            f"Shorten it to {DESCRIPTION_MAX:,}; pictures do not belong inside.",
        )
        return ""
    return describe_html(unprotect_cell(text))


def value_code(name: str) -> str:
    """How a value is told from others: ``Größe 42½`` → ``grosse-42-1-2``; names without Latin letters stand for themselves."""
    return slugify(name, "") or normal(name)[:100] or "none"


class OptionBook:
    """Collects a product's options and values in the order in which its variants name them."""

    def __init__(self, names: Sequence[str | Names]) -> None:
        self.names: list[Names] = [{"": name} if isinstance(name, str) else name for name in names]
        self._values: list[dict[str, ImportedValue]] = [{} for _ in names]

    def __len__(self) -> int:
        return len(self.names)

    def choose(self, values: Sequence[str | Names]) -> tuple[str, ...]:
        """The codes of one variant's values; a missing one is called "–"."""
        codes = []
        for place in range(len(self.names)):
            given = values[place] if place < len(values) else ""
            names: Names = {"": given} if isinstance(given, str) else given
            names = {locale: name for locale, name in names.items() if name} or {"": "–"}
            code = self._code(place, names)
            known = self._values[place].get(code)
            if known is None or len(names) > len(known.names):
                self._values[place][code] = ImportedValue(code, names)
            codes.append(code)
        return tuple(codes)

    def _code(self, place: int, names: Names) -> str:
        """Two names that slugs cannot tell apart (``½`` and ``1/2``, ``XS`` and ``xs``) stay two values."""
        name = names.get("") or next(iter(names.values()))
        code, number = value_code(name), 1
        wanted = code
        while code in self._values[place] and not _same(self._values[place][code].names, names):
            number += 1
            code = f"{wanted}-{number}"
        return code

    def options(self) -> list[ImportedOption]:
        made, taken = [], set()
        for names, values in zip(self.names, self._values, strict=True):
            code = wanted = value_code(names.get("") or next(iter(names.values()), "option"))
            number = 1
            while code in taken:
                number += 1
                code = f"{wanted}-{number}"
            taken.add(code)
            made.append(ImportedOption(code, names, list(values.values())))
        return made


def _same(one: Names, other: Names) -> bool:
    return all(one[locale] == other[locale] for locale in one.keys() & other.keys())


def finish(product: ImportedProduct, book: OptionBook | None = None) -> ImportedProduct:
    """Options from the book; of two variants that nobody could tell apart the first stays."""
    if book is not None:
        product.options = book.options()
    seen: set[tuple[str, ...]] = set()
    kept: list[ImportedVariant] = []
    for variant in product.variants:
        if variant.values in seen:
            product.variants_left_out += 1
            product.warn(
                variant.line,
                "",
                "another variant of this product has the same options",
                "The later one was left out; give it an option of its own.",
            )
            continue
        seen.add(variant.values)
        kept.append(variant)
    product.variants = kept
    _warn_of_twins(product)
    return product


def _warn_of_twins(product: ImportedProduct) -> None:
    first: dict[str, int] = {}
    for variant in product.variants:
        if variant.sku and variant.sku in first:
            product.warn(
                variant.line,
                "SKU",
                f"the SKU {shown(variant.sku)!r} stands on line {first[variant.sku]} as well",
                "Both went in; give each its own.",
            )
        elif variant.sku:
            first[variant.sku] = variant.line


def text_attribute(name: str, values: Iterable[str], *, code: str = "") -> ImportedAttribute:
    return ImportedAttribute(code or slugify(name, "attribute").replace("-", "_"), "text", {"": name}, {"": list(values)})


class Leftovers:
    """Columns that no reader takes: the first filled cell of each is told, once."""

    def __init__(self, table: Table, taken: Iterable[str], silent: Callable[[str], bool] = lambda _: False) -> None:
        known = {normal(name) for name in taken}
        self.report: Report = table.report
        self.waiting = {
            place: name for place, name in enumerate(table.header) if name and normal(name) not in known and not silent(normal(name))
        }

    def look(self, row: Row) -> None:
        for place in [place for place in self.waiting if place < len(row.cells) and row.cells[place].strip()]:
            name = self.waiting.pop(place)
            remedy = "Nothing to do, unless you need it: then add it by hand."
            self.report.add_once(f"column {name}", Problem(row.line, name, "the shop does not take this column", remedy, WARNING))
