"""The verbs of products: describe, put on shelves, publish, archive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update

from shop.catalog.html import sanitize_html
from shop.catalog.listing import refresh_listing
from shop.catalog.models import Category, OldSlug, Product, ProductCategory, ProductTag, ProductText, SlugKind, Variant
from shop.catalog.services.core import KEEP, Keep, Texts, changed, claim_product, is_referred_to, known_locales, locales, require
from shop.catalog.slugs import free_slug, numbered, remember_slug, slugify
from shop.db import transaction
from shop.errors import Conflict, NotFound
from shop.settings.services import touch_topic

TEXT_FIELDS = ("name", "slug", "subtitle", "description_html", "seo_title", "seo_description")


def create_product(
    texts: Texts,
    *,
    handle: str | None = None,
    brand: str = "",
    kind: str = "",
    tax_class: str = "standard",
    position: int = 0,
    category_ids: Sequence[int] = (),
    tags: Collection[str] = (),
    published_at: datetime | None = None,
    at: datetime,
) -> int:
    """Describe a new product; gives its id. It is a draft until it is published, and cannot be bought until it has a variant with a price.

    ``texts`` has ``name`` and, as wished, ``slug``, ``subtitle``, ``description_html``, ``seo_title``, ``seo_description`` per locale; a language
    without a name of its own shows the first language's texts.

    Raises:
        Invalid: the first language has no name.
        Conflict: the handle names another product.
    """
    known_locales(texts)
    first = texts.get(locales()[0], {})
    require(first, "name")
    with transaction() as session:
        product = Product(
            handle=_free_handle(handle, first.get("slug") or first["name"]),
            brand=brand,
            kind=kind,
            tax_class=tax_class,
            position=position,
            published_at=published_at,
            created_at=at,
            updated_at=at,
        )
        session.add(product)
        session.flush()
        write_product_texts(product.id, texts, at=at)
        _place(product.id, category_ids)
        _tag(product.id, tags)
        refresh_listing([product.id], at=at)
        return product.id


def change_product(
    product_id: int,
    *,
    texts: Texts | None = None,
    brand: str | Keep = KEEP,
    kind: str | Keep = KEEP,
    tax_class: str | Keep = KEEP,
    position: int | Keep = KEEP,
    published_at: datetime | Keep | None = KEEP,
    category_ids: Sequence[int] | Keep = KEEP,
    tags: Collection[str] | Keep = KEEP,
    expected_version: int | None = None,
    at: datetime,
) -> None:
    """Change what is named; the rest stays. An old slug redirects to the new one. The first of ``category_ids`` is the main shelf.

    Raises:
        NotFound: it, or a category, does not exist.
        StaleVersion: somebody was faster.
        Invalid: a language that the shop does not speak.
    """
    known_locales(texts or {})
    columns = changed(brand=brand, kind=kind, tax_class=tax_class, position=position, published_at=published_at)
    with transaction():
        claim_product(product_id, expected_version, at=at, **columns)
        if texts:
            write_product_texts(product_id, texts, at=at)
        if category_ids is not KEEP:
            _place(product_id, category_ids)
        if tags is not KEEP:
            _tag(product_id, tags)
        refresh_listing([product_id], at=at)


def publish_product(product_id: int, *, from_: datetime | None = None, expected_version: int | None = None, at: datetime) -> None:
    """Show it in the shop from ``from_`` on, at once by default."""
    change_product(product_id, published_at=from_ or at, expected_version=expected_version, at=at)


def withdraw_product(product_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Make it a draft again."""
    change_product(product_id, published_at=None, expected_version=expected_version, at=at)


def archive_product(product_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Take it out of the shop; orders keep pointing at it, and it can be brought back."""
    with transaction():
        claim_product(product_id, expected_version, at=at, archived_at=at)
        refresh_listing([product_id], at=at)


def restore_product(product_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Bring an archived product back, as it was."""
    with transaction():
        claim_product(product_id, expected_version, at=at, archived_at=None)
        refresh_listing([product_id], at=at)


def delete_product(product_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Remove a product that nobody ever ordered, with everything that belongs to it.

    Raises:
        Conflict: it was ordered or lies in a cart; archive it instead.
    """
    with transaction() as session:
        claim_product(product_id, expected_version, at=at, archived_at=at)
        variant_ids = session.scalars(select(Variant.id).where(Variant.product_id == product_id)).all()
        sold = session.scalars(select(Product.sold_count).where(Product.id == product_id)).one()
        if sold or is_referred_to("variants", variant_ids) or is_referred_to("products", [product_id]):
            raise Conflict(_("This product was ordered or lies in a cart. Archive it instead."))
        refresh_listing([product_id], at=at)
        session.execute(delete(OldSlug).where(OldSlug.kind == SlugKind.PRODUCT, OldSlug.target_id == product_id))
        session.execute(delete(Product).where(Product.id == product_id), execution_options={"synchronize_session": False})
        touch_topic("catalog")


def write_product_texts(product_id: int, texts: Texts, *, at: datetime) -> None:
    """Write what is named of the texts, slugs with their history. Part of a verb that has claimed the product."""
    with transaction() as session:
        found = select(ProductText).where(ProductText.product_id == product_id).execution_options(populate_existing=True)
        before = {text.locale: text for text in session.scalars(found)}
        for locale, given in texts.items():
            values = {name: value for name, value in given.items() if name in TEXT_FIELDS}
            if values.get("name") or (values and locale in before):
                _write_text(product_id, locale, before.get(locale), values, at)


def _write_text(product_id: int, locale: str, old: ProductText | None, values: dict[str, str], at: datetime) -> None:
    if "description_html" in values:
        values["description_html"] = sanitize_html(values["description_html"])
    values["name"] = values.get("name") or (old.name if old else "")
    if values.get("slug") or old is None:
        wanted = slugify(values.get("slug") or values["name"], "product")
        values["slug"] = free_slug(SlugKind.PRODUCT, locale, wanted, own_id=product_id)
    else:
        values["slug"] = old.slug
    with transaction() as session:
        if old is None:
            session.execute(insert(ProductText).values(product_id=product_id, locale=locale, **values))
            return
        remember_slug(SlugKind.PRODUCT, locale, product_id, old=old.slug, new=values["slug"], at=at)
        session.execute(
            update(ProductText).where(ProductText.product_id == product_id, ProductText.locale == locale).values(**values),
            execution_options={"synchronize_session": False},
        )


def _free_handle(handle: str | None, name: str) -> str:
    with transaction() as session:
        if handle:
            if session.scalars(select(Product.id).where(Product.handle == handle)).first() is not None:
                raise Conflict(_("Another product already has the handle %(handle)s.", handle=handle))
            return handle
        wanted = slugify(name, "product")

        def taken_of(handles: Sequence[str]) -> set[str]:
            return set(session.scalars(select(Product.handle).where(Product.handle.in_(handles))))

        return numbered(wanted, taken_of) if taken_of([wanted]) else wanted


def _place(product_id: int, category_ids: Sequence[int]) -> None:
    ordered = list(dict.fromkeys(category_ids))
    with transaction() as session:
        known = session.scalars(select(Category.id).where(Category.id.in_(ordered))).all()
        if len(known) < len(ordered):
            raise NotFound(_("One of the categories does not exist any more."))
        session.execute(delete(ProductCategory).where(ProductCategory.product_id == product_id))
        if ordered:
            rows = [{"product_id": product_id, "category_id": key, "position": place} for place, key in enumerate(ordered)]
            session.execute(insert(ProductCategory), rows)


def _tag(product_id: int, tags: Collection[str]) -> None:
    wanted = sorted({tag.strip() for tag in tags} - {""})
    with transaction() as session:
        session.execute(delete(ProductTag).where(ProductTag.product_id == product_id))
        if wanted:
            session.execute(insert(ProductTag), [{"product_id": product_id, "tag": tag} for tag in wanted])
