"""Reading pages of text, and what the start page, the feed and the sitemap show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import current_app
from markupsafe import Markup
from sqlalchemy import bindparam, func, select, true
from sqlalchemy.orm import aliased

from shop.catalog.cards import OTHER_LOCALE
from shop.catalog.models import Product, ProductImage, ProductText
from shop.content.models import Page, PageText
from shop.db import row, rows
from shop.media.models import Image
from shop.media.urls import ImageView, image_view
from shop.review.queries import VOICE
from shop.settings.queries import kept
from shop.web.locale import path_in

AT_ONCE = 1000

_own, _other, _any = aliased(PageText), aliased(PageText), aliased(PageText)
_other_locale = (
    select(_any.locale)
    .where(_any.page_id == Page.id)
    .order_by((_any.locale == bindparam("default")).desc(), _any.locale)
    .limit(1)
    .correlate(Page)
    .scalar_subquery()
)
_pages = (
    select(
        Page.id,
        Page.kind,
        Page.updated_at,
        func.coalesce(_own.title, _other.title).label("title"),
        func.coalesce(_own.slug, _other.slug).label("slug"),
        func.coalesce(_own.body_html, _other.body_html).label("body_html"),
        _other.slug.label("word"),
    )
    .select_from(Page)
    .outerjoin(_own, (_own.page_id == Page.id) & (_own.locale == bindparam("locale")))
    .outerjoin(_other, (_other.page_id == Page.id) & (_other.locale == _other_locale))
    .where(Page.published_at <= bindparam("at"))
)
_found = aliased(PageText)
PAGE = (
    _pages.join(_found, _found.page_id == Page.id)
    .where(_found.slug == bindparam("slug"), _found.locale.in_(bindparam("locales", expanding=True)))
    .order_by((_found.locale == bindparam("locale")).desc(), (_found.locale == bindparam("default")).desc(), Page.id)
    .limit(1)
)
PAGES = _pages.order_by(Page.position, Page.id)
PAGE_SLUGS = select(PageText.locale, PageText.slug).where(PageText.page_id == bindparam("page_id"))
PICTURE = select(Image.hash, Image.width, Image.height, Image.widths)


class FootPage(NamedTuple):
    """A page as the foot links to it. ``word`` is its slug in the shop's first language, by which the shop itself knows its terms."""

    title: str
    url: str
    slug: str
    updated_at: datetime
    word: str


class TextPage(NamedTuple):
    """A page of text in one language; ``slugs`` say where it stands in the others."""

    title: str
    slug: str
    body: Markup
    slugs: dict[str, str]


def page_path(slug: str) -> str:
    """Where a page stands, without the prefix of a language."""
    return f"/pages/{quote(slug)}"


def page_url(locale: str, slug: str) -> str:
    return path_in(locale, page_path(slug))


def list_foot_pages(locale: str, *, at: datetime) -> list[FootPage]:
    """The published pages in the order of the foot, kept until staff change one."""
    return kept("content", ("foot", locale), lambda: _read_foot(locale, at))


def _read_foot(locale: str, at: datetime) -> list[FootPage]:
    found = rows(PAGES, locale=locale, default=_default(), at=at)
    return [FootPage(page.title, page_url(locale, page.slug), page.slug, page.updated_at, page.word) for page in found if page.slug]


def find_page(slug: str, locale: str, *, at: datetime) -> TextPage | None:
    """The page that has this slug here, or else in another language."""
    locales = current_app.extensions["config"].locales
    found = row(PAGE, slug=slug, locale=locale, default=_default(), locales=list(locales), at=at)
    if found is None:
        return None
    own = {text.locale: text.slug for text in rows(PAGE_SLUGS, page_id=found.id)}
    slugs = {other: own.get(other) or own.get(locales[0]) or found.slug for other in locales}
    return TextPage(found.title, found.slug, Markup(found.body_html), slugs)  # noqa: S704 - sanitized when it was written


def _default() -> str:
    return str(current_app.extensions["config"].locales[0])


def find_hero(name: str) -> ImageView | None:
    """The picture of the start page, which the settings name by its hash or its id."""
    return kept("settings", ("hero", name), lambda: _read_hero(name)) if name else None


def _read_hero(name: str) -> ImageView | None:
    by_id = Image.id == int(name) if name.isascii() and name.isdigit() and len(name) < 19 else Image.hash == name
    found = row(PICTURE.where(by_id))
    return image_view(found.hash, found.width, found.height, found.widths) if found else None


def find_voice(locale: str) -> Any | None:
    """A short sentence of a customer who gave all stars."""
    return kept("reviews", ("voice", locale), lambda: row(VOICE, locale=locale))


# The feed and the sitemap

_text, _else = aliased(ProductText), aliased(ProductText)
NEWEST = (
    select(
        Product.id,
        Product.published_at,
        Product.updated_at,
        func.coalesce(_text.name, _else.name).label("name"),
        func.coalesce(_text.slug, _else.slug).label("slug"),
        func.coalesce(_text.subtitle, _else.subtitle).label("subtitle"),
        func.coalesce(_text.description_html, _else.description_html).label("description_html"),
    )
    .outerjoin(_text, (_text.product_id == Product.id) & (_text.locale == bindparam("locale")))
    .outerjoin(_else, (_else.product_id == Product.id) & (_else.locale == OTHER_LOCALE))
    .where(Product.is_listed == true())
    .order_by(Product.published_at.desc(), Product.id.desc())
    .limit(bindparam("most"))
)
PARTS = select((Product.id // bindparam("size")).label("part")).where(Product.is_listed == true()).distinct().order_by("part")
LISTED = (
    select(Product.id, Product.updated_at)
    .where(Product.id > bindparam("after"), Product.id < bindparam("end"), Product.is_listed == true())
    .order_by(Product.id)
    .limit(AT_ONCE)
)
PICTURES = (
    select(ProductImage.product_id, Image.hash, Image.width, Image.height, Image.widths)
    .join(Image, Image.id == ProductImage.image_id)
    .where(ProductImage.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(ProductImage.product_id, ProductImage.position, ProductImage.id)
)
SLUGS = (
    select(ProductText.product_id, ProductText.locale, ProductText.slug)
    .where(ProductText.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(ProductText.product_id)
)


def list_newest(locale: str, *, most: int) -> list[Any]:
    """The goods that came last, with their texts."""
    return list(rows(NEWEST, locale=locale, default=_default(), most=most))


def list_parts(size: int) -> list[int]:
    """Which runs of ``size`` ids hold goods that are shown; kept per version of the catalog."""
    return kept("catalog", ("sitemap", size), lambda: [int(found.part) for found in rows(PARTS, size=size)])


def walk_part(part: int, size: int) -> Iterator[tuple[Any, dict[str, str], list[Any]]]:
    """Each shown product of a run of ids, with its slugs by language and its pictures; some at a time, so that memory stays flat."""
    after, end = part * size - 1, (part + 1) * size
    while found := rows(LISTED, after=after, end=end):
        ids = [product.id for product in found]
        slugs: dict[int, dict[str, str]] = {}
        pictures: dict[int, list[Any]] = {}
        for text in rows(SLUGS, ids=ids):
            slugs.setdefault(text.product_id, {})[text.locale] = text.slug
        for picture in rows(PICTURES, ids=ids):
            pictures.setdefault(picture.product_id, []).append(picture)
        yield from ((product, slugs.get(product.id, {}), pictures.get(product.id, [])) for product in found)
        after = found[-1].id
