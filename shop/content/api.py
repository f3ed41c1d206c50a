"""What programs read that walk through shops: robots.txt, the sitemap in parts, the feed of new goods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from flask import Response, abort, current_app, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from shop.catalog.cards import product_url
from shop.catalog.pictures import picture_url
from shop.catalog.tree import category_tree
from shop.clock import now
from shop.content import bp
from shop.content.queries import list_foot_pages, list_newest, list_parts, walk_part
from shop.media.urls import image_view
from shop.settings.queries import shop_texts
from shop.web.locale import absolute_url, current_locale, path_in
from shop.web.pages import public_page

URLS_MOST = 50_000
PRODUCTS_MOST = 10_000
PICTURES_MOST = 1000
IN_FEED = 30
PRIVATE = ("/account", "/orders", "/search", "/login", "/register")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
    ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


@bp.get("/robots.txt")
@public_page
def robots() -> ResponseReturnValue:
    """Everything may be walked but what belongs to one visitor. Source: RFC 9309."""
    lines = ["User-agent: *", "Disallow: /admin", "Disallow: /api/"]
    lines += [f"Disallow: {path_in(locale, path)}" for locale in _locales() for path in PRIVATE]
    text = "\n".join([*lines, "", f"Sitemap: {absolute_url('/sitemap.xml')}", ""])
    return Response(text, mimetype="text/plain")


@bp.get("/sitemap.xml")
@public_page
def sitemap() -> ResponseReturnValue:
    """The parts of the sitemap. Source: sitemaps.org."""
    names = ["pages", *(f"products-{part}" for part in list_parts(_size()))]
    entries = "".join(f"<sitemap><loc>{escape(absolute_url(f'/sitemap/{name}.xml'))}</loc></sitemap>\n" for name in names)
    body = f'{HEAD}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</sitemapindex>\n'
    return Response(body, mimetype="application/xml")


@bp.get("/sitemap/pages.xml")
@public_page
def sitemap_pages() -> ResponseReturnValue:
    """Start page, shelves, pages of text."""
    return _stream(_walk_pages())


@bp.get("/sitemap/products-<number>.xml")
@public_page
def sitemap_products(number: str) -> ResponseReturnValue:
    """A part of all goods with their pictures."""
    part = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else -1
    if part not in list_parts(_size()):
        abort(404)
    return _stream(_walk_products(part))


def _locales() -> tuple[str, ...]:
    locales: tuple[str, ...] = current_app.extensions["config"].locales
    return locales


def _size() -> int:
    """How many ids a part spans, so that its URLs in all languages stay below the limit."""
    return min(PRODUCTS_MOST, URLS_MOST // len(_locales()))


def _stream(entries: Iterator[str]) -> Response:
    def body() -> Iterator[str]:
        yield f"{HEAD}<urlset {NAMES}>\n"
        yield from entries
        yield "</urlset>\n"

    return Response(stream_with_context(body()), mimetype="application/xml")


def _walk_pages() -> Iterator[str]:
    locales, at = _locales(), now()
    yield from _entries({locale: path_in(locale, "/") for locale in locales})
    yield from _entries({locale: path_in(locale, "/products") for locale in locales})
    trees = {locale: category_tree(locale) for locale in locales}
    for shelf in trees[locales[0]]:
        found = {locale: tree.by_id.get(shelf.id) for locale, tree in trees.items()}
        yield from _entries(
            {locale: other.url for locale, other in found.items() if other}, images=[picture_url(shelf.image)] if shelf.image else []
        )
    pages = {locale: list_foot_pages(locale, at=at) for locale in locales}
    for places in zip(*pages.values(), strict=True):
        yield from _entries({locale: page.url for locale, page in zip(pages, places, strict=True)}, places[0].updated_at)


def _walk_products(part: int) -> Iterator[str]:
    locales = _locales()
    for product, slugs, pictures in walk_part(part, _size()):
        usual = slugs.get(locales[0]) or next(iter(slugs.values()), "")
        if usual:
            views = [image_view(picture.hash, picture.width, picture.height, picture.widths) for picture in pictures[:PICTURES_MOST]]
            urls = {locale: product_url(locale, slugs.get(locale) or usual) for locale in locales}
            yield from _entries(urls, product.updated_at, [picture_url(view) for view in views if view])


def _entries(urls: dict[str, str], changed_at: datetime | None = None, images: Sequence[str] = ()) -> Iterator[str]:
    """One entry per language, each naming all of them and the page's pictures. Source: Google's image sitemaps."""
    whole = {locale: absolute_url(url) for locale, url in urls.items()}
    links = "".join(f'<xhtml:link rel="alternate" hreflang="{escape(locale)}" href="{escape(url)}"/>' for locale, url in whole.items())
    if len(whole) == 1:
        links = ""
    changed = f"<lastmod>{changed_at:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed_at else ""
    pictures = "".join(f"<image:image><image:loc>{escape(absolute_url(image))}</image:loc></image:image>" for image in images)
    for url in whole.values():
        yield f"<url><loc>{escape(url)}</loc>{changed}{links}{pictures}</url>\n"


@bp.get("/feed.xml")
@public_page
def feed() -> ResponseReturnValue:
    """What came last, as Atom. Source: RFC 4287."""
    locale = current_locale()
    goods = list_newest(locale, most=IN_FEED)
    updated_at = max((good.updated_at for good in goods), default=None)
    body = render_template(
        "content/feed.xml", goods=goods, updated_at=updated_at or now(), texts=shop_texts(locale), product_url=product_url
    )
    response = Response(body, mimetype="application/atom+xml")
    if updated_at:
        response.add_etag()
        response.make_conditional(request)
    return response
