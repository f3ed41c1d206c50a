"""What the shop sells: categories, products with their texts, options, variants, prices and pictures.

Texts have a row per locale. Prices are appended, never overwritten. ``CategoryProduct`` and the kept columns of ``Product`` are derived,
written by ``shop.catalog.listing`` in the same transaction as their cause, so that lists are one flat read.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Double, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice

PRICE_RANGE = "BETWEEN 0 AND 100000000000000"


class Category(Base):
    """A shelf in the tree of categories. ``product_count`` counts what is on sale in it and below; ``path`` is ``1/7/12``, ids from the top."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    path: Mapped[str] = mapped_column(default="", index=True)
    position: Mapped[int] = mapped_column(default=0)
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"), index=True)
    product_count: Mapped[int] = mapped_column(default=0)
    archived_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class CategoryText(Base):
    """What a customer reads about a category."""

    __tablename__ = "category_texts"

    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str]
    sentence: Mapped[str] = mapped_column(default="")

    __table_args__ = (UniqueConstraint("locale", "slug"), CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"))


class Product(Base):
    """What is described. Bought are its variants.

    ``handle`` names it for imports. Draft: ``published_at`` is empty; planned: it lies ahead. The columns from ``price_from_minor`` on are derived:
    of the variants on sale the lowest and highest price, the former price beside the lowest, whether any can be bought, how many are left when few,
    and the swatches of its colors joined by blanks.
    """

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(unique=True)
    brand: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")
    tax_class: Mapped[str] = mapped_column(default="standard")
    position: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    import_mark: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)

    is_listed: Mapped[bool] = mapped_column(default=False)
    price_from_minor: Mapped[int | None]
    price_to_minor: Mapped[int | None]
    compare_at_minor: Mapped[int | None]
    available: Mapped[bool] = mapped_column(default=False)
    pieces_left: Mapped[int | None]
    swatches: Mapped[str] = mapped_column(default="")
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"), index=True)
    second_image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"), index=True)
    sold_count: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        Index("ix_products_listed_position", "is_listed", "position", "id"),
        Index("ix_products_listed_published", "is_listed", "published_at", "id"),
        Index("ix_products_listed_price", "is_listed", "price_from_minor", "id"),
        Index("ix_products_listed_sold", "is_listed", "sold_count", "id"),
        Index("ix_products_published_at", "published_at"),
        CheckConstraint(f"price_from_minor IS NULL OR price_from_minor {PRICE_RANGE}", name="price_from_range"),
    )


class ProductText(Base):
    """What a customer reads about a product; ``description_html`` is sanitized when it is written."""

    __tablename__ = "product_texts"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str]
    subtitle: Mapped[str] = mapped_column(default="")
    description_html: Mapped[str] = mapped_column(default="")
    seo_title: Mapped[str] = mapped_column(default="")
    seo_description: Mapped[str] = mapped_column(default="")

    __table_args__ = (UniqueConstraint("locale", "slug"), CheckConstraint("length(name) BETWEEN 1 AND 500", name="name_length"))


class SlugKind(StrEnum):
    """What an old slug led to."""

    PRODUCT = "product"
    CATEGORY = "category"


class OldSlug(Base):
    """A slug that somebody may still follow: it redirects for ever to where its object is now."""

    __tablename__ = "old_slugs"

    kind: Mapped[SlugKind] = mapped_column(choice(SlugKind, "kind"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int]
    at: Mapped[datetime]


class ProductCategory(Base):
    """On which shelves a product was put by hand; position 0 is its main one."""

    __tablename__ = "product_categories"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)


class CategoryProduct(Base):
    """Derived: each listed product in each of its categories and all their ancestors, with what lists sort and filter by."""

    __tablename__ = "category_products"

    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int]
    price_from_minor: Mapped[int]
    available: Mapped[bool]
    published_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_category_products_position", "category_id", "position", "product_id"),
        Index("ix_category_products_price", "category_id", "price_from_minor", "product_id"),
        Index("ix_category_products_published", "category_id", "published_at", "product_id"),
    )


class ProductTag(Base):
    """A word by which staff group products."""

    __tablename__ = "product_tags"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True, index=True)


class AttributeKind(StrEnum):
    """What values an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Attribute(Base):
    """A typed property that products share, such as ``height``; ``unit`` is a symbol such as ``mm``."""

    __tablename__ = "attributes"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[AttributeKind] = mapped_column(choice(AttributeKind, "kind"))
    unit: Mapped[str] = mapped_column(default="")


class AttributeText(Base):
    """The attribute's name for people."""

    __tablename__ = "attribute_texts"

    attribute_id: Mapped[int] = mapped_column(ForeignKey("attributes.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class ProductAttribute(Base):
    """One value of one attribute. ``locale`` is "" where the value needs no language; a list has several ``item``s. ``text`` is what is shown."""

    __tablename__ = "product_attributes"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    attribute_id: Mapped[int] = mapped_column(ForeignKey("attributes.id"), primary_key=True, index=True)
    locale: Mapped[str] = mapped_column(primary_key=True, default="")
    item: Mapped[int] = mapped_column(primary_key=True, default=0)
    position: Mapped[int] = mapped_column(default=0)
    text: Mapped[str]
    number: Mapped[float | None] = mapped_column(Double)


class Option(Base):
    """A choice that a product offers, such as its color. ``code`` names it in URLs and imports."""

    __tablename__ = "options"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str]

    __table_args__ = (UniqueConstraint("product_id", "code"),)


class OptionText(Base):
    """The option's name for people."""

    __tablename__ = "option_texts"

    option_id: Mapped[int] = mapped_column(ForeignKey("options.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class OptionValue(Base):
    """One value of an option; ``swatch`` is a CSS color ``#a9bf9d`` or ""."""

    __tablename__ = "option_values"

    id: Mapped[int] = mapped_column(primary_key=True)
    option_id: Mapped[int] = mapped_column(ForeignKey("options.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str]
    swatch: Mapped[str] = mapped_column(default="")

    __table_args__ = (UniqueConstraint("option_id", "code"), UniqueConstraint("id", "option_id"))


class OptionValueText(Base):
    """The value's name for people."""

    __tablename__ = "option_value_texts"

    value_id: Mapped[int] = mapped_column(ForeignKey("option_values.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class ProductImage(Base):
    """A picture of a product; position 0 is the main one."""

    __tablename__ = "product_images"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    position: Mapped[int]


class ProductImageText(Base):
    """What the picture shows, for those who do not see it."""

    __tablename__ = "product_image_texts"

    product_image_id: Mapped[int] = mapped_column(ForeignKey("product_images.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    alt: Mapped[str]


class Variant(Base):
    """What is bought. The SKU may be missing and, in imported catalogs, repeated: it identifies for people, not for the database."""

    __tablename__ = "variants"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    sku: Mapped[str] = mapped_column(default="", index=True)
    barcode: Mapped[str] = mapped_column(default="")
    weight_g: Mapped[int] = mapped_column(default=0)
    requires_shipping: Mapped[bool] = mapped_column(default=True)
    product_image_id: Mapped[int | None] = mapped_column(ForeignKey("product_images.id", ondelete="SET NULL"), index=True)
    archived_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint("weight_g BETWEEN 0 AND 1000000000", name="weight_range"),
        CheckConstraint("length(sku) <= 200", name="sku_length"),
    )


class VariantOption(Base):
    """Which value a variant has for an option."""

    __tablename__ = "variant_options"

    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True)
    option_id: Mapped[int] = mapped_column(ForeignKey("options.id", ondelete="CASCADE"), primary_key=True, index=True)
    value_id: Mapped[int] = mapped_column(index=True)

    __table_args__ = (ForeignKeyConstraint(["value_id", "option_id"], ["option_values.id", "option_values.option_id"], ondelete="CASCADE"),)


class Price(Base):
    """What a variant costs in a currency, for a customer group ("" is everybody), from a moment on. The newest that is valid counts."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    currency: Mapped[str]
    customer_group: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[datetime]
    minor: Mapped[int]
    compare_at_minor: Mapped[int | None]

    __table_args__ = (
        Index("ix_prices_lookup", "variant_id", "currency", "customer_group", "valid_from", "id"),
        CheckConstraint(f"minor {PRICE_RANGE}", name="minor_range"),
        CheckConstraint(f"compare_at_minor IS NULL OR compare_at_minor {PRICE_RANGE}", name="compare_at_range"),
    )
