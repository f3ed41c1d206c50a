"""Reading one product: found by its slug in any language, with its texts, options, pictures, facts, shelves and reviews in two statements.

Prices and stock move without the catalog's version: ``list_live_parts`` reads them alone, for a product that is known already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import BigInteger, Select, Text, bindparam, case, cast, func, null, select, union_all
from sqlalchemy.orm import aliased

from shop.catalog.cards import OTHER_LOCALE
from shop.catalog.models import (
    Attribute,
    AttributeText,
    CategoryProduct,
    CategoryText,
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
    ProductText,
    SlugKind,
    Variant,
    VariantOption,
)
from shop.catalog.prices import NEWEST_PRICE
from shop.db import Prepared, UtcDateTime, as_moment, in_words, row, rows, scalar
from shop.inventory.models import StockItem
from shop.media.models import Image
from shop.pricing.history import PricePoint, prior_prices
from shop.review.queries import GIVEN, SHOWN

BESIDE_IT = 4
_found, _own, _other = aliased(ProductText), aliased(ProductText), aliased(ProductText)

_main_shelf = (
    select(ProductCategory.category_id)
    .where(ProductCategory.product_id == Product.id)
    .order_by(ProductCategory.position, ProductCategory.category_id)
    .limit(1)
    .correlate(Product)
    .scalar_subquery()
)
PRODUCT = (
    select(
        Product.id,
        Product.handle,
        Product.brand,
        Product.is_listed,
        Product.position,
        Product.published_at,
        Product.updated_at,
        _main_shelf.label("shelf_id"),
        func.coalesce(_own.name, _other.name).label("name"),
        func.coalesce(_own.slug, _other.slug).label("slug"),
        func.coalesce(_own.subtitle, _other.subtitle).label("subtitle"),
        func.coalesce(_own.description_html, _other.description_html).label("description_html"),
        func.coalesce(_own.seo_title, _other.seo_title).label("seo_title"),
        func.coalesce(_own.seo_description, _other.seo_description).label("seo_description"),
    )
    .select_from(_found)
    .join(Product, Product.id == _found.product_id)
    .outerjoin(_own, (_own.product_id == Product.id) & (_own.locale == bindparam("locale")))
    .outerjoin(_other, (_other.product_id == Product.id) & (_other.locale == OTHER_LOCALE))
    .where(_found.locale.in_(bindparam("locales", expanding=True)), _found.slug == bindparam("slug"))
    .order_by((_found.locale == bindparam("locale")).desc(), (_found.locale == bindparam("default")).desc(), _found.locale)
    .limit(1)
)
_base = [
    Product.id,
    Product.handle,
    Product.brand,
    Product.is_listed,
    Product.published_at,
    Product.updated_at,
    _main_shelf.label("shelf_id"),
]
# The usual case: the slug is one of this language.
PRODUCT_HERE = (
    select(
        *_base,
        ProductText.name,
        ProductText.slug,
        ProductText.subtitle,
        ProductText.description_html,
        ProductText.seo_title,
        ProductText.seo_description,
    )
    .join(Product, Product.id == ProductText.product_id)
    .where(ProductText.locale == bindparam("locale"), ProductText.slug == bindparam("slug"))
)
OLD_PRODUCT = (
    select(func.coalesce(_own.slug, _other.slug))
    .select_from(OldSlug)
    .join(Product, Product.id == OldSlug.target_id)
    .outerjoin(_own, (_own.product_id == Product.id) & (_own.locale == bindparam("locale")))
    .outerjoin(_other, (_other.product_id == Product.id) & (_other.locale == OTHER_LOCALE))
    .where(OldSlug.kind == SlugKind.PRODUCT, OldSlug.slug == bindparam("slug"), Product.is_listed)
    .order_by((OldSlug.locale == bindparam("locale")).desc(), OldSlug.at.desc())
    .limit(1)
)
OLD_CATEGORY = (
    select(OldSlug.target_id)
    .where(OldSlug.kind == SlugKind.CATEGORY, OldSlug.slug == bindparam("slug"))
    .order_by((OldSlug.locale == bindparam("locale")).desc(), OldSlug.at.desc())
    .limit(1)
)
CATEGORY_ELSEWHERE = select(CategoryText.category_id).where(
    CategoryText.locale.in_(bindparam("locales", expanding=True)), CategoryText.slug == bindparam("slug")
)


def _is_own(locale: Any) -> Any:
    return case((locale == bindparam("locale"), 1), else_=0)


# The parts of a product, of any kind, as rows of one shape: what, eight numbers, four texts, a moment.


def _part(what: str, source: Select[Any], *, numbers: Sequence[Any] = (), texts: Sequence[Any] = (), at: Any = None) -> Select[Any]:
    """``source`` without columns of its own becomes rows of the common shape."""
    columns: list[Any] = [in_words(what).label("what")]
    columns += [cast(number, BigInteger()).label(f"n{place}") for place, number in enumerate([*numbers, *[null()] * (8 - len(numbers))])]
    columns += [cast(text, Text()).label(f"t{place}") for place, text in enumerate([*texts, *[null()] * (4 - len(texts))])]
    columns.append((cast(null(), UtcDateTime()) if at is None else at).label("at"))
    return source.with_only_columns(*columns, maintain_column_froms=True)


_id: Any = bindparam("product_id")
_spoken: list[Any] = [bindparam("locale"), bindparam("default")]
_shown, _given = SHOWN.subquery("shown"), GIVEN.subquery("given")
_pictures = (
    select(ProductImage.id)
    .join(Image, Image.id == ProductImage.image_id)
    .outerjoin(ProductImageText, (ProductImageText.product_image_id == ProductImage.id) & ProductImageText.locale.in_(_spoken))
    .where(ProductImage.product_id == _id)
)
_options = (
    select(Option.id)
    .outerjoin(OptionText, (OptionText.option_id == Option.id) & OptionText.locale.in_(_spoken))
    .where(Option.product_id == _id)
)
_values = (
    select(OptionValue.id)
    .join(Option, Option.id == OptionValue.option_id)
    .outerjoin(OptionValueText, (OptionValueText.value_id == OptionValue.id) & OptionValueText.locale.in_(_spoken))
    .where(Option.product_id == _id)
)
_choices = select(VariantOption.variant_id).join(Variant, Variant.id == VariantOption.variant_id).where(Variant.product_id == _id)
_facts = (
    select(ProductAttribute.attribute_id)
    .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
    .outerjoin(AttributeText, (AttributeText.attribute_id == Attribute.id) & AttributeText.locale.in_(_spoken))
    .where(ProductAttribute.product_id == _id, ProductAttribute.locale.in_([in_words(""), *_spoken]))
)
_variants = (
    select(Variant.id)
    .join(Price, Price.id == NEWEST_PRICE)
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Variant.product_id == _id, Variant.archived_at.is_(None))
)
_first = (
    select(CategoryProduct.product_id)
    .where(CategoryProduct.category_id == bindparam("shelf_id"), CategoryProduct.product_id != _id)
    .order_by(CategoryProduct.position, CategoryProduct.product_id)
    .limit(in_words(BESIDE_IT))
    .subquery("first")
)
_past: Any = aliased(Price)
_reduced = (
    select(_past.id)
    .join(Variant, Variant.id == _past.variant_id)
    .join(Price, Price.id == NEWEST_PRICE)
    .where(
        Variant.product_id == _id,
        Variant.archived_at.is_(None),
        Price.compare_at_minor > Price.minor,
        _past.currency == bindparam("currency"),
        _past.customer_group == "",
        _past.valid_from <= bindparam("at"),
    )
)
# What moves without the catalog's version: prices and stock, and those of the goods beside it.
_live = [
    _part(
        "variant",
        _variants,
        numbers=[
            Variant.id,
            Variant.position,
            Variant.weight_g,
            Variant.product_image_id,
            Price.minor,
            Price.compare_at_minor,
            case((StockItem.is_tracked, StockItem.on_hand)),
            StockItem.low_at,
        ],
        texts=[Variant.sku, Variant.barcode, StockItem.backorder_to, StockItem.lead_days],
    ),
    _part("price", _reduced, numbers=[_past.variant_id, _past.id, _past.minor, _past.compare_at_minor], at=_past.valid_from),
    _part(
        "beside",
        select(Product.id).join(_first, _first.c.product_id == Product.id),
        numbers=[
            Product.id,
            Product.position,
            Product.price_from_minor,
            Product.price_to_minor,
            Product.compare_at_minor,
            case((Product.available, 1), else_=0),
            Product.pieces_left,
        ],
    ),
]
LIVE = Prepared(union_all(*_live))
PARTS = Prepared(
    union_all(
        *_live,
        _part("text", select(ProductText.product_id).where(ProductText.product_id == _id), texts=[ProductText.locale, ProductText.slug]),
        _part(
            "picture",
            _pictures,
            numbers=[ProductImage.id, ProductImage.position, Image.width, Image.height],
            texts=[Image.hash, Image.widths, ProductImageText.alt, ProductImageText.locale],
        ),
        _part("option", _options, numbers=[Option.id, Option.position, _is_own(OptionText.locale)], texts=[Option.code, OptionText.name]),
        _part(
            "value",
            _values,
            numbers=[OptionValue.id, OptionValue.option_id, OptionValue.position, _is_own(OptionValueText.locale)],
            texts=[OptionValue.code, OptionValueText.name, OptionValue.swatch],
        ),
        _part("choice", _choices, numbers=[VariantOption.variant_id, VariantOption.option_id, VariantOption.value_id]),
        _part(
            "fact",
            _facts,
            numbers=[Attribute.id, ProductAttribute.position, ProductAttribute.item, _is_own(AttributeText.locale)],
            texts=[func.coalesce(AttributeText.name, Attribute.code), ProductAttribute.text, Attribute.unit, ProductAttribute.locale],
        ),
        _part(
            "shelf",
            select(ProductCategory.category_id).where(ProductCategory.product_id == _id),
            numbers=[ProductCategory.category_id, ProductCategory.position],
        ),
        _part("given", select(_given.c.stars), numbers=[_given.c.stars, _given.c.number]),
        _part(
            "review",
            select(_shown.c.id),
            numbers=[_shown.c.id, _shown.c.stars],
            texts=[_shown.c.locale, _shown.c.author, _shown.c.text],
            at=_shown.c.created_at,
        ),
    )
)


class VariantRow(NamedTuple):
    """A variant that can be asked for; ``on_hand`` is None where nobody counts, ``lowest_minor`` the lowest price before its reduction, if it has one."""

    id: int
    sku: str
    barcode: str
    weight_g: int
    product_image_id: int | None
    price_minor: int
    compare_at_minor: int | None
    on_hand: int | None
    is_low: bool
    lowest_minor: int | None = None
    backorder: int = 0
    lead_days: int = 0

    @property
    def is_reduced(self) -> bool:
        return self.compare_at_minor is not None and self.compare_at_minor > self.price_minor

    @property
    def is_available(self) -> bool:
        return self.on_hand is None or self.on_hand + self.backorder > 0

    @property
    def ships_later(self) -> bool:
        """Nothing is on the shelf, but it may be ordered."""
        return self.on_hand is not None and self.on_hand <= 0 < self.on_hand + self.backorder


def find_product_row(slug: str, locale: str) -> Any | None:
    """The product that has this slug in ``locale``, or else in another language; its texts are those of ``locale``."""
    config = current_app.extensions["config"]
    here = row(PRODUCT_HERE, slug=slug, locale=locale)
    return here or row(PRODUCT, slug=slug, locale=locale, default=config.locales[0], locales=list(config.locales))


def find_moved_product(slug: str, locale: str) -> str | None:
    """The slug of today of a product that had this one once."""
    found = scalar(OLD_PRODUCT, slug=slug, locale=locale, default=current_app.extensions["config"].locales[0])
    return str(found) if found else None


def find_moved_category(slug: str, locale: str) -> list[int]:
    """The categories that have this slug in another language, or had it once."""
    elsewhere = rows(CATEGORY_ELSEWHERE, slug=slug, locales=list(current_app.extensions["config"].locales))
    old = scalar(OLD_CATEGORY, slug=slug, locale=locale)
    return [*(found.category_id for found in elsewhere), *([old] if old else [])]


def list_parts(product_id: int, shelf_id: int, locale: str, *, at: datetime) -> Sequence[Any]:
    """Everything that belongs to a product, as rows of one shape, what moves included; see ``shop.catalog.details``."""
    default = current_app.extensions["config"].locales[0]
    return PARTS.rows(locale=locale, default=default, **_live_params(product_id, shelf_id, at))


def list_live_parts(product_id: int, shelf_id: int, *, at: datetime) -> Sequence[Any]:
    """What moves by itself: the variants that can be bought, with their prices and stock, and the facts of goods beside it on a shelf."""
    return LIVE.rows(**_live_params(product_id, shelf_id, at))


def _live_params(product_id: int, shelf_id: int, at: datetime) -> dict[str, Any]:
    currency = current_app.extensions["config"].currency
    return {"product_id": product_id, "shelf_id": shelf_id, "currency": currency, "at": at}


class Beside(NamedTuple):
    """The row of a good beside another, as lists have it."""

    id: int
    key: int
    price_from_minor: int
    price_to_minor: int
    compare_at_minor: int | None
    available: bool
    pieces_left: int | None


def read_live(parts: Iterable[Any]) -> tuple[list[VariantRow], list[Beside]]:
    """Variants and neighbors among the parts, each in its order."""
    variants, beside, prices = [], [], []
    for part in parts:
        if part.what == "variant":
            variants.append((part.n1, part.n0, part))
        elif part.what == "beside":
            beside.append(Beside(part.n0, part.n1, part.n2, part.n3, part.n4, bool(part.n5), part.n6))
        elif part.what == "price":
            prices.append(part)
    lowest = _lowest(prices) if prices else {}
    return [_variant(part, lowest) for *_place, part in sorted(variants)], sorted(beside, key=lambda row: (row.key, row.id))


def _variant(part: Any, lowest: dict[int, int]) -> VariantRow:
    backorder, lead_days = int(part.t2 or 0), int(part.t3 or 0)
    is_low = part.n6 is not None and 0 < part.n6 <= part.n7 and not backorder
    same = (part.n0, part.t0, part.t1, part.n2, part.n3, part.n4, part.n5, part.n6, is_low)
    return VariantRow(*same, lowest.get(part.n0), backorder, lead_days)


def _lowest(prices: Iterable[Any]) -> dict[int, int]:
    """Variant → the lowest price of the 30 days before its reduction."""
    points: dict[int, list[PricePoint]] = {}
    for part in sorted(prices, key=lambda part: part.n1):
        points.setdefault(part.n0, []).append(PricePoint(as_moment(part.at), part.n2, part.n3))
    found = {variant_id: prior_prices(history) for variant_id, history in points.items()}
    return {variant_id: prior.lowest_minor for variant_id, prior in found.items() if prior}
