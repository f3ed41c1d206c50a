"""The verbs of categories: a tree without circles, whose lists are kept right when a branch moves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update

from shop.catalog.listing import refresh_listing
from shop.catalog.models import Category, CategoryProduct, CategoryText, OldSlug, ProductCategory, SlugKind
from shop.catalog.services.core import KEEP, Keep, Texts, changed, claim_category, known_locales, locales, require
from shop.catalog.slugs import free_slug, remember_slug, slugify
from shop.db import transaction
from shop.errors import Conflict, NotFound
from shop.settings.services import touch_topic

TEXT_FIELDS = ("name", "slug", "sentence")


def create_category(
    texts: Texts, *, parent_id: int | None = None, position: int | None = None, image_id: int | None = None, at: datetime
) -> int:
    """Add a shelf to the tree, behind its siblings unless ``position`` says otherwise; gives its id.

    ``texts`` has ``name`` and, as wished, ``slug`` and ``sentence`` per locale; a language without a name shows the first language's.

    Raises:
        Invalid: the first language has no name.
        NotFound: the parent does not exist.
    """
    known_locales(texts)
    require(texts.get(locales()[0], {}), "name")
    with transaction() as session:
        touch_topic("catalog")  # one at a time from here on: each sees the places and names that the others took
        above = _path_of(parent_id)
        if position is None:
            last = select(func.max(Category.position)).where(Category.parent_id.is_not_distinct_from(parent_id))
            position = (session.scalars(last).one() or 0) + 10
        category = Category(parent_id=parent_id, position=position, image_id=image_id)
        session.add(category)
        session.flush()
        session.execute(update(Category).where(Category.id == category.id).values(path=f"{above}{category.id}"))
        _write_texts(category.id, texts, at)
        return category.id


def change_category(
    category_id: int,
    *,
    texts: Texts | None = None,
    parent_id: int | Keep | None = KEEP,
    position: int | Keep = KEEP,
    image_id: int | Keep | None = KEEP,
    expected_version: int | None = None,
    at: datetime,
) -> None:
    """Change what is named; moving it takes its branch along. An old slug redirects to the new one.

    Raises:
        NotFound: it, or the new parent, does not exist.
        StaleVersion: somebody was faster.
        Conflict: it would stand below itself.
    """
    known_locales(texts or {})
    with transaction():
        claim_category(category_id, expected_version, **changed(position=position, image_id=image_id))
        if texts:
            _write_texts(category_id, texts, at)
        touch_topic("catalog")  # one at a time from here on: two moves at once could close a circle that neither sees
        if parent_id is not KEEP:
            _move(category_id, parent_id, at)


def archive_category(category_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Take a shelf and those below it out of the shop; its products stay where else they are. It can be brought back."""
    with transaction():
        claim_category(category_id, expected_version)
        _set_archived(category_id, Category.archived_at.is_(None), at, at=at)


def restore_category(category_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Bring an archived shelf back, with those below it that went with it.

    Raises:
        Conflict: it stands in an archived one.
    """
    with transaction() as session:
        claim_category(category_id, expected_version)
        category = session.get_one(Category, category_id, populate_existing=True)
        above = session.get(Category, category.parent_id) if category.parent_id else None
        if above is not None and above.archived_at is not None:
            raise Conflict(_("The category above is archived. Bring that one back first."))
        _set_archived(category_id, Category.archived_at == category.archived_at, None, at=at)


def delete_category(category_id: int, *, expected_version: int | None = None) -> None:
    """Remove an empty shelf for good.

    Raises:
        Conflict: there are products or shelves in it; archive it instead.
    """
    with transaction() as session:
        claim_category(category_id, expected_version)
        below = session.scalars(select(Category.id).where(Category.parent_id == category_id).limit(1)).first()
        placed = session.scalars(select(ProductCategory.product_id).where(ProductCategory.category_id == category_id).limit(1)).first()
        if below is not None or placed is not None:
            raise Conflict(_("This category is not empty. Archive it instead."))
        session.execute(delete(OldSlug).where(OldSlug.kind == SlugKind.CATEGORY, OldSlug.target_id == category_id))
        session.execute(delete(Category).where(Category.id == category_id))
        touch_topic("catalog")


def _set_archived(category_id: int, which: ColumnElement[bool], moment: datetime | None, *, at: datetime) -> None:
    """Archive the shelf and ``which`` of those below it, or bring them back (None)."""
    with transaction() as session:
        branch = _branch(category_id)
        affected = _products_on(branch)
        session.execute(
            update(Category).where(Category.id.in_(branch), which).values(archived_at=moment),
            execution_options={"synchronize_session": False},
        )
        refresh_listing(affected, at=at)
        touch_topic("catalog")


def _write_texts(category_id: int, texts: Texts, at: datetime) -> None:
    with transaction() as session:
        found = select(CategoryText).where(CategoryText.category_id == category_id)
        before = {text.locale: text for text in session.scalars(found.execution_options(populate_existing=True))}
        for locale, given in texts.items():
            values = {name: value for name, value in given.items() if name in TEXT_FIELDS}
            if values.get("name") or (values and locale in before):
                _write_text(category_id, locale, before.get(locale), values, at)


def _write_text(category_id: int, locale: str, old: CategoryText | None, values: dict[str, str], at: datetime) -> None:
    with transaction() as session:
        name = values.get("name") or (old.name if old else "")
        if values.get("slug") or old is None:
            values["slug"] = free_slug(SlugKind.CATEGORY, locale, slugify(values.get("slug") or name, "category"), own_id=category_id)
        else:
            values.pop("slug", None)
        if old is None:
            session.execute(insert(CategoryText).values(category_id=category_id, locale=locale, **{**values, "name": name}))
            return
        remember_slug(SlugKind.CATEGORY, locale, category_id, old=old.slug, new=values.get("slug", old.slug), at=at)
        session.execute(
            update(CategoryText)
            .where(CategoryText.category_id == category_id, CategoryText.locale == locale)
            .values(**{**values, "name": name}),
            execution_options={"synchronize_session": False},
        )


def _move(category_id: int, parent_id: int | None, at: datetime) -> None:
    """Hang the branch below another parent: paths, and every list and count above it before and after."""
    with transaction() as session:
        old = session.execute(select(Category.parent_id, Category.path).where(Category.id == category_id)).one()
        if old.parent_id == parent_id:
            return
        above = _path_of(parent_id)
        if f"/{category_id}/" in f"/{above}":
            raise Conflict(_("A category cannot stand below itself."))
        branch = _branch(category_id)
        affected = _products_on(branch)
        session.execute(
            update(Category).where(Category.id == category_id).values(parent_id=parent_id), execution_options={"synchronize_session": False}
        )
        session.execute(
            update(Category)
            .where(Category.id.in_(branch))
            .values(path=f"{above}" + func.substr(Category.path, len(old.path) - len(str(category_id)) + 1)),
            execution_options={"synchronize_session": False},
        )
        refresh_listing(affected, at=at)


def _path_of(parent_id: int | None) -> str:
    """The path up to and with the parent, ready to be continued."""
    if parent_id is None:
        return ""
    with transaction() as session:
        path = session.scalars(select(Category.path).where(Category.id == parent_id)).first()
        if path is None:
            raise NotFound(_("The category above does not exist any more."))
        return f"{path}/"


def _branch(category_id: int) -> list[int]:
    """This category and all below it."""
    with transaction() as session:
        path = session.scalars(select(Category.path).where(Category.id == category_id)).one()
        return list(session.scalars(select(Category.id).where(or_(Category.id == category_id, Category.path.startswith(f"{path}/")))))


def _products_on(category_ids: Collection[int]) -> list[int]:
    with transaction() as session:
        placed = select(ProductCategory.product_id).where(ProductCategory.category_id.in_(category_ids))
        listed = select(CategoryProduct.product_id).where(CategoryProduct.category_id.in_(category_ids))
        return sorted({*session.scalars(placed), *session.scalars(listed)})
