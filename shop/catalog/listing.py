"""What lists show is kept, not computed: prices from–to, availability, shelves. Written here, in the transaction of its cause.

Call ``refresh_listing`` after anything about products changed, ``refresh_availability`` after only their stock did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, Table, bindparam, delete, func, select, update

from shop.catalog.bulk import insert_many, update_many
from shop.catalog.models import (
    Category,
    CategoryProduct,
    Option,
    OptionValue,
    Price,
    Product,
    ProductCategory,
    ProductImage,
    Variant,
    VariantOption,
)
from shop.catalog.prices import NEWEST_PRICE
from shop.db import connection, is_sqlite, transaction
from shop.inventory.models import StockItem
from shop.settings.services import touch_topic

BATCH = 500

ON_SALE = (
    select(
        Variant.product_id,
        Variant.id,
        Price.minor,
        Price.compare_at_minor,
        StockItem.on_hand,
        StockItem.low_at,
        StockItem.is_tracked,
        StockItem.backorder_to,
    )
    .join(Price, Price.id == NEWEST_PRICE)
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Variant.product_id.in_(bindparam("ids", expanding=True)), Variant.archived_at.is_(None))
    .order_by(Variant.product_id, Variant.position, Variant.id)
)
PRODUCTS = select(Product.id, Product.position, Product.published_at, Product.archived_at).where(
    Product.id.in_(bindparam("ids", expanding=True))
)
SHELVES = (
    select(ProductCategory.product_id, Category.path)
    .join(Category, Category.id == ProductCategory.category_id)
    .where(ProductCategory.product_id.in_(bindparam("ids", expanding=True)), Category.archived_at.is_(None))
)
SWATCHES = (
    select(Option.product_id, OptionValue.swatch)
    .join(OptionValue, OptionValue.option_id == Option.id)
    .where(Option.product_id.in_(bindparam("ids", expanding=True)), OptionValue.swatch != "")
    .where(
        select(VariantOption.variant_id)
        .join(Variant, Variant.id == VariantOption.variant_id)
        .where(VariantOption.value_id == OptionValue.id, Variant.archived_at.is_(None))
        .exists()
    )
    .order_by(Option.product_id, Option.position, OptionValue.position)
)
PICTURES = (
    select(ProductImage.product_id, ProductImage.image_id)
    .where(ProductImage.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(ProductImage.product_id, ProductImage.position, ProductImage.id)
)
_products_table, _places_table = cast("Table", Product.__table__), cast("Table", CategoryProduct.__table__)
PLACES_GONE = delete(_places_table).where(_places_table.c.product_id.in_(bindparam("ids", expanding=True)))
KEPT = (
    *("is_listed", "price_from_minor", "price_to_minor", "compare_at_minor"),
    *("swatches", "image_id", "second_image_id", "available", "pieces_left"),
)
KEEP = update(_products_table).where(_products_table.c.id == bindparam("key")).values({name: bindparam(name) for name in KEPT})
# Two sales of two variants at once would each take the other's last piece for still there. SQLite has one writer at a time.
HOLD = select(Product.id).where(Product.id.in_(bindparam("ids", expanding=True))).order_by(Product.id).with_for_update()
WRITE_SOLD = update(cast("Table", Product.__table__)).where(Product.__table__.c.id == bindparam("key")).values(sold_count=bindparam("sold"))
COUNTS = (
    select(CategoryProduct.category_id, func.count().label("products"))
    .where(CategoryProduct.product_id.in_(bindparam("ids", expanding=True)))
    .group_by(CategoryProduct.category_id)
)


def refresh_listing(product_ids: Collection[int], *, at: datetime) -> None:
    """Derive anew what lists know of these products: prices, availability, pictures, shelves, counts of categories."""
    ordered = sorted(set(product_ids))
    with transaction():
        for start in range(0, len(ordered), BATCH):
            _refresh_batch(ordered[start : start + BATCH], at)
        if ordered:
            touch_topic("catalog")


def _refresh_batch(ids: Sequence[int], at: datetime) -> None:
    with transaction() as session:
        session.flush()
        link = session.connection()
        hold_products(ids)
        currency = current_app.extensions["config"].currency
        variants = _grouped(link.execute(ON_SALE, {"ids": ids, "currency": currency, "at": at}))
        swatches = _grouped(link.execute(SWATCHES, {"ids": ids}))
        pictures = _grouped(link.execute(PICTURES, {"ids": ids}))
        shelves = _grouped(link.execute(SHELVES, {"ids": ids}))
        before = {found.category_id: found.products for found in link.execute(COUNTS, {"ids": ids})}
        kept, placed = [], []
        for product in link.execute(PRODUCTS, {"ids": ids}).all():
            facts = _derive(product, variants[product.id], swatches[product.id], pictures[product.id], at)
            kept.append({"key": product.id, **facts})
            if facts["is_listed"]:
                placed += _places(product, facts, shelves[product.id])
        _write(kept, placed, ids)
        after: defaultdict[int, int] = defaultdict(int)
        for place in placed:
            after[place["category_id"]] += 1
        _move_counts(before, after)


def _derive(
    product: Any, variants: Sequence[Row[Any]], swatches: Sequence[Row[Any]], pictures: Sequence[Row[Any]], at: datetime
) -> dict[str, Any]:
    cheapest = min(variants, key=lambda variant: variant.minor, default=None)
    is_published = product.archived_at is None and product.published_at is not None and product.published_at <= at
    images = [*list(dict.fromkeys(picture.image_id for picture in pictures))[:2], None, None]
    colors = list(dict.fromkeys(swatch.swatch for swatch in swatches))
    compare_at = cheapest.compare_at_minor if cheapest else None
    return {
        "is_listed": is_published and cheapest is not None,
        "price_from_minor": cheapest.minor if cheapest else None,
        "price_to_minor": max(variant.minor for variant in variants) if variants else None,
        "compare_at_minor": compare_at if cheapest and compare_at and compare_at > cheapest.minor else None,
        "swatches": " ".join(colors),
        "image_id": images[0],
        "second_image_id": images[1],
        **_availability(variants),
    }


def _availability(variants: Sequence[Row[Any]]) -> dict[str, Any]:
    """Can any be bought, and how many are left when all that is left is few?"""
    is_endless = any(variant.is_tracked is not True for variant in variants)
    counted = [variant for variant in variants if variant.is_tracked]
    total = sum(max(variant.on_hand, 0) for variant in counted)
    can_wait = any(variant.on_hand + variant.backorder_to > 0 for variant in counted if variant.backorder_to)
    low_at = max((variant.low_at for variant in counted), default=0)
    is_few = not is_endless and not can_wait and 0 < total <= low_at
    return {"available": is_endless or can_wait or total > 0, "pieces_left": total if is_few else None}


def _places(product: Any, facts: dict[str, Any], shelves: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    categories = {int(part) for shelf in shelves for part in shelf.path.split("/")}
    return [
        {
            "category_id": category_id,
            "product_id": product.id,
            "position": product.position,
            "price_from_minor": facts["price_from_minor"],
            "available": facts["available"],
            "published_at": product.published_at,
        }
        for category_id in sorted(categories)
    ]


def _write(kept: list[dict[str, Any]], placed: list[dict[str, Any]], ids: Sequence[int]) -> None:
    with transaction() as session:
        link = session.connection()
        update_many(link, KEEP, kept)
        link.execute(PLACES_GONE, {"ids": ids})
        insert_many(link, _places_table, placed)


def _move_counts(before: dict[int, int], after: dict[int, int]) -> None:
    with transaction() as session:
        for category_id in sorted({*before, *after}):
            change = after.get(category_id, 0) - before.get(category_id, 0)
            if change:
                session.execute(
                    update(Category).where(Category.id == category_id).values(product_count=Category.product_count + change),
                    execution_options={"synchronize_session": False},
                )


def refresh_availability(product_ids: Collection[int], *, at: datetime) -> None:
    """Only stock changed: derive anew whether these products can be bought and how many are left. Three statements for any number of products,
    and one that holds them where there are many writers.
    """
    ids = sorted(set(product_ids))
    if not ids:
        return
    with transaction() as session:
        hold_products(ids)
        currency = current_app.extensions["config"].currency
        variants = _grouped(session.execute(ON_SALE, {"ids": ids, "currency": currency, "at": at}))
        facts = [{"key": product_id, **_availability(variants[product_id])} for product_id in ids]
        products, places = cast("Table", Product.__table__), cast("Table", CategoryProduct.__table__)
        values: dict[str, Any] = {name: bindparam(name) for name in ("available", "pieces_left")}
        session.connection().execute(update(products).where(products.c.id == bindparam("key")).values(values), facts)
        available = [fact["key"] for fact in facts if fact["available"]]
        changed = places.c.product_id.in_(ids) & (places.c.available != places.c.product_id.in_(available))
        session.connection().execute(update(places).where(changed).values(available=~places.c.available))


def write_sold_counts(sold: Mapping[int, int]) -> None:
    """How many pieces of each product were sold, by which lists of bestsellers are ordered. Whoever counts holds the products first."""
    with transaction():
        connection().execute(WRITE_SOLD, [{"key": product_id, "sold": count} for product_id, count in sold.items()])


def hold_products(ids: Sequence[int]) -> None:
    """Nobody else derives anything for these products until the commit: what is read of their stock from now on is what counts."""
    if not is_sqlite():
        connection().execute(HOLD, {"ids": ids})


def _grouped(rows: Iterable[Row[Any]]) -> defaultdict[int, list[Row[Any]]]:
    """Rows by their first column, the product."""
    groups: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for found in rows:
        groups[found[0]].append(found)
    return groups
