"""Plain builders of what tests need: ``make_product(name="Mug", price=1450)``. They write as services do and return ids or rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask import current_app

from shop.catalog.listing import refresh_listing
from shop.catalog.models import (
    Category,
    CategoryText,
    Option,
    OptionText,
    OptionValue,
    OptionValueText,
    Price,
    Product,
    ProductCategory,
    ProductText,
    Variant,
    VariantOption,
)
from shop.db import transaction
from shop.inventory.models import Reason, StockItem, StockMovement

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_numbers = count(1)


@dataclass
class Made:
    """A product that a factory made."""

    id: int
    slug: str
    variant_ids: list[int] = field(default_factory=list)

    @property
    def variant_id(self) -> int:
        return self.variant_ids[0]


def make_category(name: str = "Table", *, parent: int | None = None, slug: str | None = None, position: int = 0) -> int:
    """A category with the same name in all languages of the shop; gives its id."""
    number = next(_numbers)
    with transaction() as session:
        category = Category(parent_id=parent, position=position)
        session.add(category)
        session.flush()
        above = session.get_one(Category, parent).path + "/" if parent else ""
        category.path = f"{above}{category.id}"
        for locale in current_app.extensions["config"].locales:
            session.add(
                CategoryText(category_id=category.id, locale=locale, name=name, slug=slug or f"{name.lower().replace(' ', '-')}-{number}")
            )
        session.flush()
        return category.id


def make_product(
    name: str = "Stoneware mug",
    *,
    slug: str | None = None,
    price: int = 1450,
    compare_at: int | None = None,
    stock: int | None = 10,
    sku: str | None = None,
    categories: Sequence[int] = (),
    options: dict[str, Sequence[str]] | None = None,
    published_at: datetime | None = NOON - timedelta(days=30),
    at: datetime = NOON - timedelta(days=30),
    tax_class: str = "standard",
    weight_g: int = 300,
    requires_shipping: bool = True,
    **columns: Any,
) -> Made:
    """A product with one variant per combination of ``options`` (``{"Color": ["Sage", "Cream"]}``); ``stock=None`` is not counted."""
    number = next(_numbers)
    locales = current_app.extensions["config"].locales
    slug = slug or f"{name.lower().replace(' ', '-')}-{number}"
    with transaction() as session:
        product = Product(
            handle=slug, published_at=published_at, created_at=at, updated_at=at, tax_class=tax_class, position=number, **columns
        )
        session.add(product)
        session.flush()
        for locale in locales:
            session.add(
                ProductText(product_id=product.id, locale=locale, name=name, slug=slug, subtitle="", description_html=f"<p>{name}.</p>")
            )
        for position, category_id in enumerate(categories):
            session.add(ProductCategory(product_id=product.id, category_id=category_id, position=position))
        made = Made(product.id, slug)
        for position, chosen in enumerate(_combinations(session, product.id, options or {}, locales)):
            variant = Variant(
                product_id=product.id,
                position=position,
                sku=sku or f"SKU-{number}-{position}",
                weight_g=weight_g,
                requires_shipping=requires_shipping,
            )
            session.add(variant)
            session.flush()
            made.variant_ids.append(variant.id)
            session.add(
                Price(
                    variant_id=variant.id,
                    currency=current_app.extensions["config"].currency,
                    valid_from=at,
                    minor=price,
                    compare_at_minor=compare_at,
                )
            )
            session.add(
                StockItem(
                    variant_id=variant.id, on_hand=stock or 0, is_tracked=stock is not None, tracked_since=None if stock is None else at
                )
            )
            if stock:
                session.add(StockMovement(variant_id=variant.id, delta=stock, reason=Reason.DELIVERY, actor="ana@example.com", at=at))
            for option_id, value_id in chosen:
                session.add(VariantOption(variant_id=variant.id, option_id=option_id, value_id=value_id))
        session.flush()
        refresh_listing([product.id], at=max(at, NOON))
    return made


def _combinations(session: Any, product_id: int, options: dict[str, Sequence[str]], locales: Sequence[str]) -> list[list[tuple[int, int]]]:
    combinations: list[list[tuple[int, int]]] = [[]]
    for position, (name, values) in enumerate(options.items()):
        option = Option(product_id=product_id, position=position, code=name.lower())
        session.add(option)
        session.flush()
        session.add_all(OptionText(option_id=option.id, locale=locale, name=name) for locale in locales)
        made = []
        for place, value_name in enumerate(values):
            value = OptionValue(option_id=option.id, position=place, code=value_name.lower())
            session.add(value)
            session.flush()
            session.add_all(OptionValueText(value_id=value.id, locale=locale, name=value_name) for locale in locales)
            made.append((option.id, value.id))
        combinations = [[*chosen, pair] for chosen in combinations for pair in made]
    return combinations
