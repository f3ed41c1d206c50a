"""The neutral product: what every reader gives and the importer takes. None says: the file does not speak of it, leave it as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from shop.catalog.transfer.report import ERROR, WARNING, Problem

ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Names = dict[str, str]  # by locale; "" is the language that the file is written in


class ImportedPrice(NamedTuple):
    """An amount as written, in minor units. ``valid_from`` is known only by our own format, which keeps the history."""

    currency: str
    minor: int
    compare_at_minor: int | None = None
    customer_group: str = ""
    valid_from: str = ""


class ImportedImage(NamedTuple):
    """A picture by its address or file name; ``facts`` are those of our own format: hash, width, height, widths, bytes, name."""

    source: str
    alt: Names
    line: int = 0
    facts: dict[str, Any] | None = None


class ImportedValue(NamedTuple):
    """A value of an option. ``code`` identifies it within the option."""

    code: str
    names: Names
    swatch: str | None = None


class ImportedOption(NamedTuple):
    code: str
    names: Names
    values: list[ImportedValue]


class ImportedAttribute(NamedTuple):
    """A property: ``values`` by locale, "" where they need no language."""

    code: str
    kind: str
    names: Names
    values: dict[str, list[str]]
    unit: str = ""


class ImportedCategory(NamedTuple):
    """A shelf: by the names on the way to it, or by the slug that our own format uses."""

    path: tuple[str, ...]
    slug: str = ""


@dataclass(slots=True)
class ImportedVariant:
    """What is bought. ``values`` are the codes of its option values, in the order of the product's options."""

    line: int
    values: tuple[str, ...] = ()
    sku: str | None = None
    barcode: str | None = None
    weight_g: int | None = None
    requires_shipping: bool | None = None
    prices: list[ImportedPrice] = field(default_factory=list)
    on_hand: int | None = None
    is_tracked: bool | None = None
    low_at: int | None = None
    image: int | None = None  # index into the product's images
    archived_at: str | None = None
    position: int | None = None

    def facts(self) -> tuple[Any, ...]:
        return (
            self.values,
            self.sku,
            self.barcode,
            self.weight_g,
            self.requires_shipping,
            self.prices,
            self.on_hand,
            self.is_tracked,
            self.low_at,
            self.image,
            self.archived_at,
            self.position,
        )


@dataclass(slots=True)
class ImportedProduct:
    """A product as a file tells it, with the faults found on the way. ``handle`` identifies it, ``texts`` hold name, slug, subtitle and so on."""

    handle: str
    line: int
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    slug_hint: str = ""
    brand: str | None = None
    kind: str | None = None
    tax_class: str | None = None
    position: int | None = None
    published: bool | datetime | None = None
    archived_at: str | None = None
    tags: list[str] | None = None
    categories: list[ImportedCategory] | None = None
    attributes: list[ImportedAttribute] | None = None
    options: list[ImportedOption] = field(default_factory=list)
    variants: list[ImportedVariant] = field(default_factory=list)
    images: list[ImportedImage] | None = None
    old_slugs: dict[str, list[str]] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    is_complete: bool = False  # our own format: what is missing is meant to be gone
    keeps_stock: bool = False  # the file is the one imported last: what was sold since stays sold
    variants_left_out: int = 0
    faults: list[Problem] = field(default_factory=list)

    def fault(self, line: int, column: str, reason: str, remedy: str) -> None:
        """Something that keeps the product out."""
        self.faults.append(Problem(line, column, reason, remedy, ERROR))

    def warn(self, line: int, column: str, reason: str, remedy: str) -> None:
        """Something to look at; the product goes in."""
        self.faults.append(Problem(line, column, reason, remedy, WARNING))

    @property
    def is_broken(self) -> bool:
        return any(problem.severity == ERROR for problem in self.faults)

    def mark(self, salt: str) -> str:
        """A short hash of everything that the file says of it; the same file gives the same. ``salt`` is what else decides how it is read."""
        images = None if self.images is None else [(image.source, image.alt, image.facts) for image in self.images]
        facts = (
            salt,
            self.handle,
            self.texts,
            self.slug_hint,
            self.brand,
            self.kind,
            self.tax_class,
            self.position,
            self.published if self.published is None or isinstance(self.published, bool) else self.published.isoformat(),
            self.archived_at,
            self.tags,
            self.categories,
            self.attributes,
            self.options,
            [variant.facts() for variant in self.variants],
            images,
            self.old_slugs,
        )
        text = ENCODE(facts)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(slots=True)
class CategoryRecord:
    """A category by itself, as our own format lists them before the products; ``slug`` (first language) identifies it."""

    line: int
    slug: str
    parent: str
    texts: dict[str, dict[str, str]]
    position: int = 0
    image: ImportedImage | None = None
    archived_at: str | None = None
    old_slugs: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class AttributeRecord:
    """An attribute by itself, as our own format lists them before the products."""

    line: int
    code: str
    kind: str
    unit: str
    names: Names


@dataclass(slots=True)
class Lost:
    """A product that could not even be named; its problem was reported."""

    line: int
    problem: Problem


Record = ImportedProduct | CategoryRecord | AttributeRecord | Lost
