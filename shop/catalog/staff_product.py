"""One product as staff edits it: in every language, drafts and archived variants included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, func, select

from shop.catalog.models import (
    Attribute,
    AttributeKind,
    AttributeText,
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
    Variant,
    VariantOption,
)
from shop.catalog.price_history import find_untrue
from shop.catalog.prices import NEWEST_PRICE
from shop.catalog.staff_queries import ProductState, state_of
from shop.db import row, rows
from shop.errors import NotFound
from shop.inventory.models import StockItem
from shop.media.models import Image
from shop.media.urls import ImageView, image_view
from shop.money import Money

Names = dict[str, str]

_id: Any = bindparam("product_id")
PRODUCT = select(*Product.__table__.c).where(Product.id == _id)
TEXTS = select(*ProductText.__table__.c).where(ProductText.product_id == _id)
SHELVES = (
    select(ProductCategory.category_id)
    .where(ProductCategory.product_id == _id)
    .order_by(ProductCategory.position, ProductCategory.category_id)
)
TAGS = select(ProductTag.tag).where(ProductTag.product_id == _id).order_by(ProductTag.tag)
OPTIONS = (
    select(Option.id, Option.code, OptionText.locale, OptionText.name)
    .outerjoin(OptionText, OptionText.option_id == Option.id)
    .where(Option.product_id == _id)
    .order_by(Option.position, Option.id)
)
VALUES = (
    select(OptionValue.id, OptionValue.option_id, OptionValue.code, OptionValue.swatch, OptionValueText.locale, OptionValueText.name)
    .join(Option, Option.id == OptionValue.option_id)
    .outerjoin(OptionValueText, OptionValueText.value_id == OptionValue.id)
    .where(Option.product_id == _id)
    .order_by(OptionValue.position, OptionValue.id)
)
VARIANTS = (
    select(*Variant.__table__.c, Price.minor, Price.compare_at_minor, StockItem.on_hand, StockItem.low_at, StockItem.is_tracked)
    .outerjoin(Price, Price.id == NEWEST_PRICE)
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Variant.product_id == _id)
    .order_by(Variant.archived_at.is_not(None), Variant.position, Variant.id)
)
CHOICES = (
    select(VariantOption.variant_id, VariantOption.option_id, VariantOption.value_id)
    .join(Variant, Variant.id == VariantOption.variant_id)
    .where(Variant.product_id == _id)
)
PICTURES = (
    select(
        ProductImage.id,
        Image.hash,
        Image.width,
        Image.height,
        Image.widths,
        Image.original_name,
        ProductImageText.locale,
        ProductImageText.alt,
    )
    .join(Image, Image.id == ProductImage.image_id)
    .outerjoin(ProductImageText, ProductImageText.product_image_id == ProductImage.id)
    .where(ProductImage.product_id == _id)
    .order_by(ProductImage.position, ProductImage.id)
)
FACTS = (
    select(Attribute.id, Attribute.code, Attribute.kind, Attribute.unit, ProductAttribute.locale, ProductAttribute.text)
    .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
    .where(ProductAttribute.product_id == _id)
    .order_by(ProductAttribute.position, Attribute.id, ProductAttribute.item)
)
ATTRIBUTES = (
    select(Attribute.id, Attribute.code, Attribute.kind, Attribute.unit, AttributeText.locale, AttributeText.name)
    .outerjoin(AttributeText, AttributeText.attribute_id == Attribute.id)
    .order_by(Attribute.code)
)
PRODUCT_OF_VARIANT = select(Variant.product_id).where(Variant.id == bindparam("key"))
SKU = (
    select(Variant.id.label("variant_id"), Variant.product_id, func.coalesce(ProductText.name, Product.handle).label("name"))
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(ProductText, (ProductText.product_id == Product.id) & (ProductText.locale == bindparam("default")))
    .where(Variant.sku == bindparam("sku"), Variant.archived_at.is_(None))
    .limit(1)
)
PRODUCT_OF_OPTION = select(Option.product_id).where(Option.id == bindparam("key"))


@dataclass(slots=True)
class StaffValue:
    """One value of an option."""

    id: int
    code: str
    swatch: str
    names: Names = field(default_factory=dict)


@dataclass(slots=True)
class StaffOption:
    """A choice that the product offers."""

    id: int
    code: str
    names: Names = field(default_factory=dict)
    values: list[StaffValue] = field(default_factory=list)


@dataclass(slots=True)
class StaffVariant:
    """What is bought. ``on_hand`` is None where nobody counts; ``words`` are the names of its values."""

    id: int
    version: int
    sku: str
    barcode: str
    weight_g: int
    requires_shipping: bool
    product_image_id: int | None
    archived_at: datetime | None
    price: Money | None
    compare_at: Money | None
    on_hand: int | None
    low_at: int
    values: dict[int, int]
    words: str = ""
    untrue_from: Money | None = None

    @property
    def is_low(self) -> bool:
        return self.on_hand is not None and self.on_hand <= self.low_at


@dataclass(slots=True)
class StaffPicture:
    """A picture in its place, with its text per language."""

    id: int
    image: ImageView
    file: str
    alts: Names = field(default_factory=dict)


class StaffAttribute(NamedTuple):
    """A property that products share; ``name`` in the language of the page."""

    id: int
    code: str
    kind: AttributeKind
    unit: str
    name: str


@dataclass(slots=True)
class StaffProduct:
    """Everything about a product. ``facts`` maps the code of an attribute to its values by language ("" needs none)."""

    row: Row[Any]
    state: ProductState
    texts: dict[str, Names]
    category_ids: list[int]
    tags: list[str]
    options: list[StaffOption]
    variants: list[StaffVariant]
    pictures: list[StaffPicture]
    facts: dict[str, dict[str, list[str]]]

    @property
    def id(self) -> int:
        return int(self.row.id)

    @property
    def version(self) -> int:
        return int(self.row.version)

    @property
    def name(self) -> str:
        """In the shop's first language, or else in any."""
        return next((text["name"] for text in self.texts.values()), str(self.row.handle))

    @property
    def on_sale(self) -> list[StaffVariant]:
        return [variant for variant in self.variants if variant.archived_at is None]

    def variant(self, variant_id: int) -> StaffVariant | None:
        return next((variant for variant in self.variants if variant.id == variant_id), None)

    def option(self, option_id: int) -> StaffOption | None:
        return next((option for option in self.options if option.id == option_id), None)

    @property
    def missing(self) -> list[list[StaffValue]]:
        """The combinations of values that no variant on sale has; at most fifty."""
        taken = {frozenset(variant.values.values()) for variant in self.on_sale}
        combinations: list[list[StaffValue]] = [[]]
        for option in self.options:
            combinations = [[*chosen, value] for chosen in combinations for value in option.values][:1000]
        return [chosen for chosen in combinations if frozenset(value.id for value in chosen) not in taken][:50] if self.options else []


def get_staff_product(product_id: int, *, at: datetime) -> StaffProduct:
    """The product with everything that belongs to it.

    Raises:
        NotFound: there is none.
    """
    found = row(PRODUCT, product_id=product_id)
    if found is None:
        raise NotFound(_("There is no such product."))
    options = _options(product_id)
    return StaffProduct(
        row=found,
        state=state_of(found, at),
        texts=_texts(product_id),
        category_ids=[shelf.category_id for shelf in rows(SHELVES, product_id=product_id)],
        tags=[tag.tag for tag in rows(TAGS, product_id=product_id)],
        options=options,
        variants=_variants(product_id, options, at),
        pictures=_pictures(product_id),
        facts=_facts(product_id),
    )


def get_product_of_variant(variant_id: int, *, at: datetime) -> StaffProduct:
    """The product whose variant this is."""
    return _owner(PRODUCT_OF_VARIANT, variant_id, at, _("There is no such variant."))


def get_product_of_option(option_id: int, *, at: datetime) -> StaffProduct:
    """The product whose option this is."""
    return _owner(PRODUCT_OF_OPTION, option_id, at, _("There is no such option."))


def _owner(statement: Any, key: int, at: datetime, sorry: str) -> StaffProduct:
    owner = row(statement, key=key)
    if owner is None:
        raise NotFound(sorry)
    return get_staff_product(owner.product_id, at=at)


def list_attributes(locale: str) -> list[StaffAttribute]:
    """All properties that products share, by code."""
    default = _locales()[0]
    names: dict[int, dict[str, str]] = defaultdict(dict)
    known: dict[int, Row[Any]] = {}
    for found in rows(ATTRIBUTES):
        known[found.id] = found
        names[found.id][found.locale] = found.name
    return [
        StaffAttribute(key, one.code, one.kind, one.unit, names[key].get(locale) or names[key].get(default) or one.code)
        for key, one in known.items()
    ]


def _locales() -> Sequence[str]:
    locales: Sequence[str] = current_app.extensions["config"].locales
    return locales


def _texts(product_id: int) -> dict[str, Names]:
    found = {
        text.locale: {name: value for name, value in text._asdict().items() if name not in {"product_id", "locale"}}
        for text in rows(TEXTS, product_id=product_id)
    }
    return {locale: found[locale] for locale in _locales() if locale in found}


def _options(product_id: int) -> list[StaffOption]:
    options: dict[int, StaffOption] = {}
    for found in rows(OPTIONS, product_id=product_id):
        option = options.setdefault(found.id, StaffOption(found.id, found.code))
        if found.locale:
            option.names[found.locale] = found.name
    values: dict[int, StaffValue] = {}
    for found in rows(VALUES, product_id=product_id):
        if found.id not in values:
            values[found.id] = StaffValue(found.id, found.code, found.swatch)
            options[found.option_id].values.append(values[found.id])
        if found.locale:
            values[found.id].names[found.locale] = found.name
    return list(options.values())


def _variants(product_id: int, options: Sequence[StaffOption], at: datetime) -> list[StaffVariant]:
    currency = current_app.extensions["config"].currency
    chosen: dict[int, dict[int, int]] = defaultdict(dict)
    for choice in rows(CHOICES, product_id=product_id):
        chosen[choice.variant_id][choice.option_id] = choice.value_id
    variants = []
    for found in rows(VARIANTS, product_id=product_id, currency=currency, at=at):
        values = chosen[found.id]
        words = [name_of(value) for option in options for value in option.values if values.get(option.id) == value.id]
        variant = StaffVariant(
            id=found.id,
            version=found.version,
            sku=found.sku,
            barcode=found.barcode,
            weight_g=found.weight_g,
            requires_shipping=found.requires_shipping,
            product_image_id=found.product_image_id,
            archived_at=found.archived_at,
            price=None if found.minor is None else Money(found.minor, currency),
            compare_at=None if found.compare_at_minor is None else Money(found.compare_at_minor, currency),
            on_hand=found.on_hand if found.is_tracked else None,
            low_at=3 if found.low_at is None else found.low_at,
            values=values,
            words=", ".join(words),
        )
        variants.append(variant)
    if any(one.compare_at and one.price and one.compare_at.minor > one.price.minor for one in variants):
        untrue = find_untrue(product_id, at=at)
        for one in variants:
            one.untrue_from = Money(untrue[one.id], currency) if one.id in untrue else None
    return variants


def name_of(named: StaffOption | StaffValue) -> str:
    """In the shop's first language, or else its code."""
    return named.names.get(_locales()[0]) or named.code


def _pictures(product_id: int) -> list[StaffPicture]:
    pictures: dict[int, StaffPicture] = {}
    for found in rows(PICTURES, product_id=product_id):
        if found.id not in pictures:
            image = image_view(found.hash, found.width, found.height, found.widths)
            assert image is not None
            pictures[found.id] = StaffPicture(found.id, image, found.original_name)
        if found.locale:
            pictures[found.id].alts[found.locale] = found.alt
    return list(pictures.values())


def _facts(product_id: int) -> dict[str, dict[str, list[str]]]:
    facts: dict[str, dict[str, list[str]]] = {}
    for found in rows(FACTS, product_id=product_id):
        facts.setdefault(found.code, {}).setdefault(found.locale, []).append(found.text)
    return facts


class SkuOwner(NamedTuple):
    """The variant on sale that has a SKU, and whose it is."""

    variant_id: int
    product_id: int
    name: str


def find_sku(sku: str) -> SkuOwner | None:
    """Who has this SKU already."""
    found = row(SKU, sku=sku, default=_locales()[0])
    return SkuOwner(found.variant_id, found.product_id, found.name) if found else None
