"""A large catalog, written by plain bulk inserts: the same products for the same number, on SQLite or PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Table, insert

from shop.catalog.models import (
    Category,
    CategoryProduct,
    CategoryText,
    Price,
    Product,
    ProductCategory,
    ProductImage,
    ProductImageText,
    ProductText,
    Variant,
)
from shop.db import Base, transaction
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.media.models import Image
from shop.settings.services import touch_topic

CATEGORIES = 50
EVERYTHING = CATEGORIES + 1
BATCH = 2_000
SUBTITLE, DESCRIPTION = "Made by hand, one after another", "<p>" + "Amber oak linen. " * 18 + "</p>"
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = [
    "amber",
    "walnut",
    "linen",
    "oak",
    "clay",
    "copper",
    "sage",
    "dusk",
    "olive",
    "salt",
    "river",
    "stone",
    "lantern",
    "mug",
    "board",
    "throw",
    "vase",
    "tin",
    "jar",
    "bowl",
]

TABLES = (
    Image,
    Product,
    ProductText,
    ProductImage,
    ProductImageText,
    Variant,
    Price,
    StockItem,
    StockMovement,
    ProductCategory,
    CategoryProduct,
)


def build(app: Flask, products: int) -> None:
    """Fill an empty shop: 50 categories in the menu, and one more that holds everything."""
    with app.app_context():
        with transaction() as session:
            session.execute(insert(Category), list(_categories(products)))
            session.execute(insert(CategoryText), list(_category_texts()))
        for start in range(1, products + 1, BATCH):
            rows: dict[str, list[dict[str, Any]]] = {model.__tablename__: [] for model in TABLES}
            for number in range(start, min(start + BATCH, products + 1)):
                for table, row in _product(number):
                    rows[table].append(row)
            with transaction() as session:
                for model in TABLES:
                    session.connection().execute(insert(_table(model)), rows[model.__tablename__])
        with transaction() as session:
            if session.get_bind().dialect.name == "postgresql":
                for name in ("images", "products", "product_images", "variants", "categories"):
                    session.connection().exec_driver_sql(
                        f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                    )
            touch_topic("catalog")
        with transaction() as session:
            session.connection().exec_driver_sql("ANALYZE")


def _table(model: type[Base]) -> Table:
    return Base.metadata.tables[model.__tablename__]


def category_of(number: int) -> int:
    return number % CATEGORIES + 1


def _categories(products: int) -> Iterator[dict[str, Any]]:
    for number in range(1, EVERYTHING + 1):
        count = products if number == EVERYTHING else sum(1 for product in range(1, products + 1) if category_of(product) == number)
        yield {"id": number, "path": str(number), "position": number, "product_count": count, "version": 1}


def _category_texts() -> Iterator[dict[str, Any]]:
    for number in range(1, EVERYTHING + 1):
        for locale in ("en", "es"):
            yield {
                "category_id": number,
                "locale": locale,
                "name": f"Amber and Walnut {number}",
                "slug": f"category-{number}",
                "sentence": "Good things.",
            }


def _product(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    chance = random.Random(number)
    minor, stock = chance.randrange(300, 20_000), chance.randrange(5_000, 10_000)
    published = OPENED + timedelta(seconds=number)
    name = " ".join(chance.sample(WORDS, 3)).capitalize() + f" {number}"
    ids = {"product_id": number}
    yield (
        "images",
        {
            "id": number,
            "hash": f"{number:032x}",
            "width": 1200,
            "height": 1500,
            "widths": "320 640 960",
            "original_name": "",
            "bytes": 1,
            "created_at": OPENED,
        },
    )
    yield (
        "products",
        {
            "id": number, "handle": f"product-{number}", "brand": "Bodega", "kind": "", "tax_class": "standard", "position": number, "published_at": published,
            "created_at": OPENED, "updated_at": OPENED, "import_mark": "", "version": 1, "is_listed": True, "price_from_minor": minor, "price_to_minor": minor,
            "available": True, "pieces_left": None, "swatches": "", "image_id": number, "sold_count": 0,
        },
    )  # fmt: skip
    for locale in ("en", "es"):
        yield (
            "product_texts",
            {
                **ids, "locale": locale, "name": name, "slug": f"product-{number}",
                "subtitle": SUBTITLE, "description_html": DESCRIPTION, "seo_title": "", "seo_description": ""},
        )  # fmt: skip
        yield "product_image_texts", {"product_image_id": number, "locale": locale, "alt": name}
    yield "product_images", {"id": number, **ids, "image_id": number, "position": 0}
    yield (
        "variants",
        {
            "id": number,
            **ids,
            "position": 0,
            "sku": f"SKU-{number}",
            "barcode": "",
            "weight_g": 300,
            "requires_shipping": True,
            "version": 1,
        },
    )
    yield (
        "prices",
        {"variant_id": number, "currency": "EUR", "customer_group": "", "valid_from": OPENED, "minor": minor, "compare_at_minor": None},
    )
    yield "stock_items", {"variant_id": number, "on_hand": stock, "low_at": 3, "is_tracked": True}
    yield (
        "stock_movements",
        {"variant_id": number, "delta": stock, "reason": Reason.DELIVERY, "reference": "", "actor": "ana@example.com", "at": OPENED},
    )
    yield "product_categories", {**ids, "category_id": category_of(number), "position": 0}
    for category_id in (category_of(number), EVERYTHING):
        yield (
            "category_products",
            {
                **ids,
                "category_id": category_id,
                "position": number,
                "price_from_minor": minor,
                "available": True,
                "published_at": published,
            },
        )
