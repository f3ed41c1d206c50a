"""Our own format: JSON lines that hold everything of the catalog, so that import and export again give the same bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Any

from flask import current_app
from sqlalchemy import bindparam, select

from shop.catalog.models import Attribute, AttributeText, Category, CategoryText, OldSlug, Product, SlugKind
from shop.catalog.transfer.present import PresentProduct, PresentVariant, load_present
from shop.catalog.transfer.readers.shop import FORMAT
from shop.db import rows
from shop.media.models import Image

AT_ONCE = 200

HANDLES = (
    select(Product.id, Product.handle, Product.created_at, Product.updated_at)
    .where(Product.handle > bindparam("after"))
    .order_by(Product.handle)
    .limit(AT_ONCE)
)
CATEGORIES = select(Category.id, Category.parent_id, Category.path, Category.position, Category.image_id, Category.archived_at)
CATEGORY_TEXTS = select(CategoryText.category_id, CategoryText.locale, CategoryText.name, CategoryText.slug, CategoryText.sentence)
ATTRIBUTES = select(Attribute.id, Attribute.code, Attribute.kind, Attribute.unit).order_by(Attribute.code)
ATTRIBUTE_TEXTS = select(AttributeText.attribute_id, AttributeText.locale, AttributeText.name)
OLD_SLUGS = select(OldSlug.target_id, OldSlug.locale, OldSlug.slug).where(OldSlug.kind == SlugKind.CATEGORY)
IMAGES = select(Image.id, Image.hash, Image.original_name, Image.width, Image.height, Image.widths, Image.bytes).where(
    Image.id.in_(bindparam("ids", expanding=True))
)


def write_shop(file: IO[str], at: datetime) -> int:  # noqa: ARG001
    """Attributes, categories from the top down, products by handle; gives the number of products."""
    config = current_app.extensions["config"]
    _line(file, {"format": FORMAT, "version": 1, "currency": config.currency, "locales": list(config.locales)})
    for attribute in _attributes():
        _line(file, {"attribute": attribute})
    slugs = {}
    for category_id, category in _categories(config.locales[0]):
        slugs[category_id] = category["slug"]
        _line(file, {"category": category})
    products = 0
    for product in _products(slugs):
        products += 1
        _line(file, {"product": product})
    return products


def _line(file: IO[str], facts: dict[str, Any]) -> None:
    file.write(json.dumps(facts, ensure_ascii=False) + "\n")


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _attributes() -> Iterator[dict[str, Any]]:
    names: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for found in rows(ATTRIBUTE_TEXTS):
        names[found.attribute_id][found.locale] = found.name
    for found in rows(ATTRIBUTES):
        yield {"code": found.code, "kind": str(found.kind), "unit": found.unit, "names": _sorted(names[found.id])}


def _categories(default: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parents first; among siblings by position, then by slug, so that ids do not matter."""
    texts: defaultdict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    for found in rows(CATEGORY_TEXTS):
        texts[found.category_id][found.locale] = {"name": found.name, "slug": found.slug, "sentence": found.sentence}
    old: defaultdict[int, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for found in rows(OLD_SLUGS):
        old[found.target_id][found.locale].append(found.slug)
    all_found = rows(CATEGORIES)
    images = _images({found.image_id for found in all_found if found.image_id})
    slugs = {key: (words.get(default) or next(iter(words.values())))["slug"] for key, words in texts.items()}
    ordered = sorted(all_found, key=lambda found: (found.path.count("/"), found.position, slugs[found.id]))
    for found in ordered:
        yield (
            found.id,
            {
                "slug": slugs[found.id],
                "parent": slugs[found.parent_id] if found.parent_id else None,
                "position": found.position,
                "archived_at": _moment(found.archived_at),
                "texts": _sorted(texts[found.id]),
                "image": {**images[found.image_id], "alt": {}} if found.image_id else None,
                "old_slugs": {locale: sorted(names) for locale, names in sorted(old[found.id].items())},
            },
        )


def _images(ids: set[int]) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    return {
        found.id: {
            "hash": found.hash,
            "name": found.original_name,
            "width": found.width,
            "height": found.height,
            "widths": found.widths,
            "bytes": found.bytes,
        }
        for found in rows(IMAGES, ids=sorted(ids))
    }


def _sorted(facts: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(facts.items()))


def _products(categories: dict[int, str]) -> Iterator[dict[str, Any]]:
    after = ""
    while found := rows(HANDLES, after=after):
        after = found[-1].handle
        present = load_present([row.id for row in found])
        images = _images({image.image_id for product in present.values() for image in product.images})
        for row in found:
            facts = _product(present[row.id], categories, images)
            yield {**facts, "created_at": _moment(row.created_at), "updated_at": _moment(row.updated_at)}


def _product(present: PresentProduct, categories: dict[int, str], images: dict[int, dict[str, Any]]) -> dict[str, Any]:
    row = present.row
    places = {image.id: place for place, image in enumerate(present.images)}
    options = sorted(present.options.values(), key=lambda option: (option.position, option.code))
    old: defaultdict[str, list[str]] = defaultdict(list)
    for locale, slug in sorted(present.old_slugs):
        old[locale].append(slug)
    return {
        "handle": row.handle,
        "texts": _sorted(present.texts),
        "brand": row.brand,
        "kind": row.kind,
        "tax_class": row.tax_class,
        "position": row.position,
        "published_at": _moment(row.published_at),
        "archived_at": _moment(row.archived_at),
        "tags": sorted(present.tags),
        "categories": [categories[key] for key in present.categories],
        "attributes": _values(present.attributes),
        "options": [
            {
                "code": option.code,
                "names": _sorted(option.names),
                "values": [
                    {"code": value.code, "names": _sorted(value.names), "swatch": value.swatch}
                    for value in sorted(option.values.values(), key=lambda value: (value.position, value.code))
                ],
            }
            for option in options
        ],
        "images": [{**images[image.image_id], "alt": _sorted(image.alt)} for image in present.images],
        "variants": [_variant(variant, [option.code for option in options], places) for variant in present.variants.values()],
        "old_slugs": dict(old),
    }


def _values(attributes: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Attributes in their order, each with its items by language."""
    by_code: dict[str, dict[str, list[str]]] = {}
    for code, locale, text in attributes:
        by_code.setdefault(code, {}).setdefault(locale, []).append(text)
    return [{"code": code, "values": _sorted(values)} for code, values in by_code.items()]


def _variant(variant: PresentVariant, options: list[str], places: dict[int, int]) -> dict[str, Any]:
    row, chosen = variant.row, dict(variant.key[0])
    stock = None if row.on_hand is None else {"on_hand": row.on_hand, "low_at": row.low_at, "tracked": bool(row.is_tracked)}
    return {
        "values": [chosen.get(option, "") for option in options],
        "sku": row.sku,
        "barcode": row.barcode,
        "weight_g": row.weight_g,
        "requires_shipping": row.requires_shipping,
        "position": row.position,
        "archived_at": _moment(row.archived_at),
        "image": places.get(row.product_image_id),
        "stock": stock,
        "prices": [
            {
                "currency": price.currency,
                "group": price.customer_group,
                "from": _moment(price.valid_from),
                "minor": price.minor,
                "compare_at": price.compare_at_minor,
            }
            for price in variant.prices
        ],
    }
