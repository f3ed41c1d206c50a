"""How the products of a batch stand in the shop now, read in a dozen statements however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select

from shop.catalog.models import (
    Attribute,
    OldSlug,
    Option,
    OptionText,
    OptionValue,
    OptionValueText,
    Price,
    Product,
    ProductAttribute,
    ProductCategory,
    ProductImage,
    ProductImageText,
    ProductTag,
    ProductText,
    SlugKind,
    Variant,
    VariantOption,
)
from shop.db import rows
from shop.inventory.models import StockItem

Key = tuple[tuple[tuple[str, str], ...], int]  # {(option, value)}, and which of several with the same

_ids: Any = bindparam("ids", expanding=True)
MARKS = select(Product.id, Product.handle, Product.version, Product.import_mark).where(
    Product.handle.in_(bindparam("handles", expanding=True))
)
PRODUCTS = select(
    Product.id,
    Product.handle,
    Product.brand,
    Product.kind,
    Product.tax_class,
    Product.position,
    Product.published_at,
    Product.archived_at,
    Product.import_mark,
    Product.version,
).where(Product.id.in_(_ids))
TEXTS = select(
    ProductText.product_id,
    ProductText.locale,
    ProductText.name,
    ProductText.slug,
    ProductText.subtitle,
    ProductText.description_html,
    ProductText.seo_title,
    ProductText.seo_description,
).where(ProductText.product_id.in_(_ids))
SHELVES = (
    select(ProductCategory.product_id, ProductCategory.category_id)
    .where(ProductCategory.product_id.in_(_ids))
    .order_by(ProductCategory.product_id, ProductCategory.position)
)
TAGS = select(ProductTag.product_id, ProductTag.tag).where(ProductTag.product_id.in_(_ids))
ATTRIBUTES = (
    select(ProductAttribute.product_id, Attribute.code, ProductAttribute.locale, ProductAttribute.text)
    .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
    .where(ProductAttribute.product_id.in_(_ids))
    .order_by(ProductAttribute.product_id, ProductAttribute.position, ProductAttribute.locale, ProductAttribute.item)
)
OPTIONS = (
    select(Option.product_id, Option.id, Option.code, Option.position)
    .where(Option.product_id.in_(_ids))
    .order_by(Option.position, Option.id)
)
OPTION_TEXTS = (
    select(OptionText.option_id, OptionText.locale, OptionText.name)
    .join(Option, Option.id == OptionText.option_id)
    .where(Option.product_id.in_(_ids))
)
VALUES = (
    select(OptionValue.option_id, OptionValue.id, OptionValue.code, OptionValue.swatch, OptionValue.position)
    .join(Option, Option.id == OptionValue.option_id)
    .where(Option.product_id.in_(_ids))
    .order_by(OptionValue.position, OptionValue.id)
)
VALUE_TEXTS = (
    select(OptionValueText.value_id, OptionValueText.locale, OptionValueText.name)
    .join(OptionValue, OptionValue.id == OptionValueText.value_id)
    .join(Option, Option.id == OptionValue.option_id)
    .where(Option.product_id.in_(_ids))
)
VARIANTS = (
    select(
        Variant.product_id,
        Variant.id,
        Variant.position,
        Variant.sku,
        Variant.barcode,
        Variant.weight_g,
        Variant.requires_shipping,
        Variant.product_image_id,
        Variant.archived_at,
        Variant.version,
        StockItem.on_hand,
        StockItem.is_tracked,
        StockItem.low_at,
    )
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Variant.product_id.in_(_ids))
    .order_by(Variant.product_id, Variant.archived_at.is_not(None), Variant.position, Variant.id)
)
CHOICES = (
    select(VariantOption.variant_id, VariantOption.option_id, VariantOption.value_id)
    .join(Variant, Variant.id == VariantOption.variant_id)
    .where(Variant.product_id.in_(_ids))
)
PRICES = (
    select(Price.variant_id, Price.currency, Price.customer_group, Price.valid_from, Price.minor, Price.compare_at_minor)
    .join(Variant, Variant.id == Price.variant_id)
    .where(Variant.product_id.in_(_ids))
    .order_by(Price.variant_id, Price.valid_from, Price.id)
)
IMAGES = (
    select(ProductImage.product_id, ProductImage.id, ProductImage.image_id, ProductImage.position)
    .where(ProductImage.product_id.in_(_ids))
    .order_by(ProductImage.product_id, ProductImage.position, ProductImage.id)
)
ALTS = (
    select(ProductImageText.product_image_id, ProductImageText.locale, ProductImageText.alt)
    .join(ProductImage, ProductImage.id == ProductImageText.product_image_id)
    .where(ProductImage.product_id.in_(_ids))
)
OLD_SLUGS = select(OldSlug.target_id, OldSlug.locale, OldSlug.slug).where(OldSlug.kind == SlugKind.PRODUCT, OldSlug.target_id.in_(_ids))


class PricePoint(NamedTuple):
    """One row of a variant's price history."""

    currency: str
    customer_group: str
    valid_from: datetime
    minor: int
    compare_at_minor: int | None


@dataclass(slots=True)
class PresentOption:
    id: int
    code: str
    position: int
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, PresentValue] = field(default_factory=dict)


@dataclass(slots=True)
class PresentValue:
    id: int
    code: str
    swatch: str
    position: int
    names: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PresentImage:
    id: int
    image_id: int
    position: int
    alt: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PresentVariant:
    row: Row[Any]
    key: Key
    prices: list[PricePoint] = field(default_factory=list)


@dataclass(slots=True)
class PresentProduct:
    """Everything that an import could change."""

    row: Row[Any]
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    categories: list[int] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    options: dict[str, PresentOption] = field(default_factory=dict)
    images: list[PresentImage] = field(default_factory=list)
    variants: dict[Key, PresentVariant] = field(default_factory=dict)
    old_slugs: set[tuple[str, str]] = field(default_factory=set)


def find_marks(handles: Sequence[str]) -> dict[str, Row[Any]]:
    """Id, version and mark by handle."""
    return {found.handle: found for found in rows(MARKS, handles=list(handles))}


def load_present(product_ids: Collection[int]) -> dict[int, PresentProduct]:
    """The products by id."""
    ids = sorted(product_ids)
    if not ids:
        return {}
    products = {found.id: PresentProduct(found) for found in rows(PRODUCTS, ids=ids)}
    for found in rows(TEXTS, ids=ids):
        products[found.product_id].texts[found.locale] = {name: getattr(found, name) for name in found._fields[2:]}
    for found in rows(SHELVES, ids=ids):
        products[found.product_id].categories.append(found.category_id)
    for found in rows(TAGS, ids=ids):
        products[found.product_id].tags.add(found.tag)
    for found in rows(ATTRIBUTES, ids=ids):
        products[found.product_id].attributes.append((found.code, found.locale, found.text))
    for found in rows(OLD_SLUGS, ids=ids):
        products[found.target_id].old_slugs.add((found.locale, found.slug))
    _load_images(products, ids)
    names = _load_options(products, ids)
    _load_variants(products, ids, names)
    return products


def _load_images(products: dict[int, PresentProduct], ids: Sequence[int]) -> None:
    alts: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for found in rows(ALTS, ids=ids):
        alts[found.product_image_id][found.locale] = found.alt
    for found in rows(IMAGES, ids=ids):
        products[found.product_id].images.append(PresentImage(found.id, found.image_id, found.position, alts[found.id]))


def _load_options(products: dict[int, PresentProduct], ids: Sequence[int]) -> dict[int, str]:
    """Options with their values; gives the codes of options and of values by id."""
    by_id: dict[int, PresentOption] = {}
    codes: dict[int, str] = {}
    for found in rows(OPTIONS, ids=ids):
        by_id[found.id] = products[found.product_id].options[found.code] = PresentOption(found.id, found.code, found.position)
    if not by_id:
        return codes
    for found in rows(OPTION_TEXTS, ids=ids):
        by_id[found.option_id].names[found.locale] = found.name
    values: dict[int, PresentValue] = {}
    for found in rows(VALUES, ids=ids):
        value = PresentValue(found.id, found.code, found.swatch, found.position)
        values[found.id] = by_id[found.option_id].values[found.code] = value
        codes[found.id] = found.code
    for found in rows(VALUE_TEXTS, ids=ids):
        values[found.value_id].names[found.locale] = found.name
    return codes


def _load_variants(products: dict[int, PresentProduct], ids: Sequence[int], codes: dict[int, str]) -> None:
    option_codes = {option.id: option.code for product in products.values() for option in product.options.values()}
    chosen: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for found in rows(CHOICES, ids=ids):
        chosen[found.variant_id].append((option_codes[found.option_id], codes[found.value_id]))
    by_id: dict[int, PresentVariant] = {}
    for found in rows(VARIANTS, ids=ids):
        present = products[found.product_id]
        values, number = tuple(sorted(chosen[found.id])), 0
        while (values, number) in present.variants:
            number += 1
        by_id[found.id] = present.variants[values, number] = PresentVariant(found, (values, number))
    for found in rows(PRICES, ids=ids):
        by_id[found.variant_id].prices.append(PricePoint._make(tuple(found)[1:]))
