"""Puts the goods on the shelves: categories, products, options, variants, prices, pictures. Stock comes with the orders, see ``ledger``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from shop.catalog.html import sanitize_html
from shop.catalog.listing import refresh_listing
from shop.catalog.models import (
    Attribute,
    AttributeKind,
    AttributeText,
    Category,
    CategoryText,
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
from shop.catalog.slugs import slugify
from shop.db import transaction
from shop.demo import days
from shop.demo.names import ATTRIBUTES, SWATCHED, SWATCHES, UNITS
from shop.demo.place import Place
from shop.demo.sources import Good, Piece, Shelf, Words, goods, shelves


@dataclass(frozen=True, slots=True)
class Sold:
    """What the orders need to know of a variant. ``prices`` are (valid from, minor, former price), oldest first."""

    id: int
    product_id: int
    good: Good
    slug: Words
    piece: Piece
    image_id: int
    published_at: datetime
    prices: tuple[tuple[datetime, int, int | None], ...]

    def price_at(self, moment: datetime) -> tuple[int, int | None]:
        """Price and former price that were shown then."""
        return next((minor, former) for valid_from, minor, former in reversed(self.prices) if valid_from <= moment)


@dataclass(slots=True)
class Shelved:
    """Everything that was put on the shelves: variants by SKU, ids of products by slug."""

    variants: dict[str, Sold] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Store:
    """What writing a product needs: ids of pictures by file, of categories by path, attributes by key."""

    session: Session
    place: Place
    images: Mapping[str, int]
    categories: Mapping[str, int]
    attributes: Mapping[str, Attribute]


def stock_shelves(place: Place, images: Mapping[str, int]) -> Shelved:
    """Write the whole catalog."""
    shelved = Shelved()
    with transaction() as session:
        store = Store(session, place, images, _write_categories(session, place, images), _write_attributes(session, place))
        for number, good in enumerate(goods()):
            _write_good(store, good, days.published(place.now, _arrival(number), len(goods())), shelved)
    return shelved


def list_goods(shelved: Shelved, place: Place) -> None:
    """Derive what lists show, once stock is known."""
    refresh_listing(shelved.products.values(), at=place.now)


def _arrival(number: int) -> int:
    """The goods did not arrive in the order of the shelves: 23 shares no factor with their number, so every place is taken once."""
    return number * 23 % len(goods())


def _write_categories(session: Session, place: Place, images: Mapping[str, int]) -> dict[str, int]:
    """Ids by path."""
    ids: dict[str, int] = {}
    paths: dict[str, str] = {}
    for shelf in shelves():
        above = shelf.path.rpartition(" > ")[0]
        category = Category(parent_id=ids.get(above), position=shelf.position, image_id=images[shelf.image])
        session.add(category)
        session.flush()
        ids[shelf.path] = category.id
        category.path = paths[shelf.path] = f"{paths[above]}/{category.id}" if above else str(category.id)
        session.add_all(_category_text(category.id, shelf, locale) for locale in place.locales)
    session.flush()
    return ids


def _category_text(category_id: int, shelf: Shelf, locale: str) -> CategoryText:
    return CategoryText(
        category_id=category_id,
        locale=locale,
        name=shelf.name[locale],
        slug=slug_in(locale, shelf.slug, shelf.name),
        sentence=shelf.sentence[locale],
    )


def slug_in(locale: str, english: str, name: Words) -> str:
    """Where something stands in a language: the English slug was chosen, others follow the name."""
    return english if locale == "en" else slugify(name[locale])


def _write_attributes(session: Session, place: Place) -> dict[str, Attribute]:
    """Attributes by the key that the files use, such as ``height_mm``."""
    found: dict[str, Attribute] = {}
    for key in dict.fromkeys(key for good in goods() for key, _ in good.attributes):
        unit = UNITS.get(key.rpartition("_")[2], "")
        code = key.rpartition("_")[0] if unit else key
        values = [words["en"] for good in goods() for name, words in good.attributes if name == key]
        kind = AttributeKind.NUMBER if all(value.isdecimal() for value in values) else AttributeKind.TEXT
        found[key] = Attribute(code=code, kind=kind, unit=unit)
        session.add(found[key])
        session.flush()
        session.add_all(AttributeText(attribute_id=found[key].id, locale=locale, name=ATTRIBUTES[code][locale]) for locale in place.locales)
    return found


def _write_good(store: Store, good: Good, published_at: datetime, shelved: Shelved) -> None:
    session, place = store.session, store.place
    created_at = published_at - timedelta(days=2)
    product = Product(
        handle=good.slug,
        tax_class=good.tax_class,
        position=good.position,
        published_at=published_at,
        created_at=created_at,
        updated_at=created_at,
    )
    session.add(product)
    session.flush()
    shelved.products[good.slug] = product.id
    session.add_all(_product_text(product.id, good, locale) for locale in place.locales)
    session.add_all(
        ProductCategory(product_id=product.id, category_id=store.categories[path], position=position)
        for position, path in enumerate(good.shelves)
    )
    session.add_all(ProductTag(product_id=product.id, tag=tag) for tag in good.tags)
    _write_values(store, product.id, good)
    pictures = _write_pictures(store, product.id, good)
    choices = _write_options(store, product.id, good)
    slug = {locale: slug_in(locale, good.slug, good.name) for locale in place.locales}
    for position, piece in enumerate(good.pieces):
        variant = Variant(
            product_id=product.id,
            position=position,
            sku=piece.sku,
            barcode=piece.barcode,
            weight_g=piece.weight_g,
            product_image_id=pictures.get(piece.image),
        )
        session.add(variant)
        session.flush()
        session.add_all(
            VariantOption(variant_id=variant.id, option_id=option_id, value_id=values[piece.values[number]["en"]])
            for number, (option_id, values) in enumerate(choices)
        )
        prices = _prices(piece, created_at, place)
        session.add_all(
            Price(variant_id=variant.id, currency=place.currency, valid_from=since, minor=minor, compare_at_minor=former)
            for since, minor, former in prices
        )
        image_id = store.images[piece.image or good.pictures[0].file]
        shelved.variants[piece.sku] = Sold(variant.id, product.id, good, slug, piece, image_id, published_at, prices)


def _product_text(product_id: int, good: Good, locale: str) -> ProductText:
    return ProductText(
        product_id=product_id,
        locale=locale,
        name=good.name[locale],
        slug=slug_in(locale, good.slug, good.name),
        subtitle=good.subtitle[locale],
        description_html=sanitize_html(good.description[locale]),
    )


def _write_values(store: Store, product_id: int, good: Good) -> None:
    """Numbers need no language, words one row in each."""
    for position, (key, words) in enumerate(good.attributes):
        attribute = store.attributes[key]
        is_number = attribute.kind is AttributeKind.NUMBER
        store.session.add_all(
            ProductAttribute(
                product_id=product_id,
                attribute_id=attribute.id,
                locale=locale,
                position=position,
                text=words[locale or "en"],
                number=int(words["en"]) if is_number else None,
            )
            for locale in ([""] if is_number else store.place.locales)
        )


def _write_pictures(store: Store, product_id: int, good: Good) -> dict[str, int]:
    """Ids of the product's pictures by file."""
    ids: dict[str, int] = {}
    for position, picture in enumerate(good.pictures):
        shown = ProductImage(product_id=product_id, image_id=store.images[picture.file], position=position)
        store.session.add(shown)
        store.session.flush()
        ids[picture.file] = shown.id
        store.session.add_all(
            ProductImageText(product_image_id=shown.id, locale=locale, alt=picture.alt[locale]) for locale in store.place.locales
        )
    return ids


def _write_options(store: Store, product_id: int, good: Good) -> list[tuple[int, dict[str, int]]]:
    """For each option its id and the ids of its values by their English name."""
    choices = []
    for number, names in enumerate(good.options):
        option = Option(product_id=product_id, position=number, code=slugify(names["en"]))
        store.session.add(option)
        store.session.flush()
        store.session.add_all(OptionText(option_id=option.id, locale=locale, name=names[locale]) for locale in store.place.locales)
        values: dict[str, int] = {}
        offered = {piece.values[number]["en"]: piece.values[number] for piece in good.pieces}
        for position, (english, words) in enumerate(offered.items()):
            swatch = SWATCHES.get(english.partition(",")[0], "") if names["en"] in SWATCHED else ""
            value = OptionValue(option_id=option.id, position=position, code=slugify(english), swatch=swatch)
            store.session.add(value)
            store.session.flush()
            values[english] = value.id
            store.session.add_all(OptionValueText(value_id=value.id, locale=locale, name=words[locale]) for locale in store.place.locales)
        choices.append((option.id, values))
    return choices


def _prices(piece: Piece, created_at: datetime, place: Place) -> tuple[tuple[datetime, int, int | None], ...]:
    """What is reduced now cost its former price before."""
    minor = place.minor(piece.cents)
    if piece.compare_at_cents is None:
        return ((created_at, minor, None),)
    former = place.minor(piece.compare_at_cents)
    reduced_at = max(created_at + timedelta(days=1), place.now - timedelta(days=days.REDUCED_DAYS_AGO))
    return ((created_at, former, None), (reduced_at, minor, former))
