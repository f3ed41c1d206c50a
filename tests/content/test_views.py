"""The door of the shop, its pages of text, and what programs read that walk through it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import pytest
from sqlalchemy import update

from shop.catalog.models import Product, ProductImage, ProductText
from shop.content import api
from shop.content.models import Page, PageText
from shop.db import transaction
from shop.media.models import Image
from shop.review.models import Review
from shop.settings.services import save_settings, touch_topic
from tests.factories import NOON, make_category, make_product

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
PICTURE = "{http://www.google.com/schemas/sitemap-image/1.1}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def terms(context):
    with transaction() as session:
        page = Page(kind="legal", published_at=NOON - timedelta(days=1), updated_at=NOON)
        session.add(page)
        session.flush()
        session.add(PageText(page_id=page.id, locale="en", slug="terms", title="Terms of sale", body_html="<p>Be kind.</p>"))
        session.add(PageText(page_id=page.id, locale="es", slug="condiciones", title="Condiciones", body_html="<p>Con calma.</p>"))
        touch_topic("content")


def test_the_start_page_shows_rooms_what_is_new_and_what_is_loved(client, context):
    room = make_category("Table", slug="table")
    make_category("Ceramics", slug="ceramics", parent=room)
    mug = make_product("Mug", categories=[room])
    save_settings({("shop.hero_title", "en"): "The corner shop"})
    with transaction() as session:
        session.add(
            Review(
                product_id=mug.id, locale="en", author="Clara", stars=5, text="I keep pens in it now.", created_at=NOON, approved_at=NOON
            )
        )

    html = client.get("/").get_data(as_text=True)

    assert "<h1>The corner shop</h1>" in html
    assert 'class="door"' in html
    assert "New on the shelf" in html
    assert "I keep pens in it now." in html
    assert html.count("<h1") == 1


def test_an_empty_shop_opens_too(client, context):
    assert client.get("/").status_code == 200
    assert client.get("/es/").status_code == 200


def test_a_page_of_text_stands_in_each_language(client, terms):
    assert "Be kind." in client.get("/pages/terms").get_data(as_text=True)
    assert client.get("/es/pages/terms").location == "/es/pages/condiciones"
    html = client.get("/es/pages/condiciones").get_data(as_text=True)
    assert "Con calma." in html
    assert 'hreflang="en" href="http://127.0.0.1:8000/pages/terms"' in html
    assert '<a href="/es/pages/condiciones">Condiciones</a>' in html  # in the foot


def test_a_page_that_is_no_page_is_404(client, context):
    assert client.get("/pages/nix").status_code == 404


def test_the_sitemap_names_every_page_in_every_language_with_its_picture(client, terms):
    make_category("Table", slug="table")
    make_product("Mug", slug="mug")
    make_product("Draft", slug="draft", published_at=None)

    index = ET.fromstring(client.get("/sitemap.xml").data)
    urls = []
    for part in index.iter(f"{SITEMAP}loc"):
        document = ET.fromstring(client.get(part.text.removeprefix("http://127.0.0.1:8000")).data)
        urls += [url.text.removeprefix("http://127.0.0.1:8000") for url in document.iter(f"{SITEMAP}loc")]
        for url in document.iter(f"{SITEMAP}url"):
            assert [link.get("hreflang") for link in url if link.tag.endswith("link")] == ["en", "es"]

    expected = ["/", "/products", "/c/table", "/pages/terms", "/p/mug"]
    assert sorted(urls) == sorted([*expected, *(f"/es{path}" for path in expected[:3]), "/es/pages/condiciones", "/es/p/mug"])


def test_the_sitemap_names_all_pictures_of_a_product(client, context):
    mug = make_product("Mug", slug="mug")
    with transaction() as session:
        for place, name in enumerate("ba"):
            image = Image(hash=name * 32, width=10, height=10, widths="10", bytes=1, created_at=NOON)
            session.add(image)
            session.flush()
            session.add(ProductImage(product_id=mug.id, image_id=image.id, position=1 - place))

    part = ET.fromstring(client.get("/sitemap.xml").data).findall(f".//{SITEMAP}loc")[-1].text  # its number is that of the ids in it
    document = ET.fromstring(client.get(urlsplit(part).path).data)

    urls = list(document.iter(f"{SITEMAP}url"))
    named = [[place.text.rpartition("/")[2][0] for place in url.iter(f"{PICTURE}loc")] for url in urls]
    assert named == [["a", "b"]] * 2  # in each language


def test_large_catalogs_have_several_parts(client, context, monkeypatch):
    monkeypatch.setattr(api, "PRODUCTS_MOST", 2)
    for _ in range(5):
        make_product()

    parts = [part.text for part in ET.fromstring(client.get("/sitemap.xml").data).iter(f"{SITEMAP}loc")]

    assert len(parts) == 4  # pages, and ids 1 | 2 3 | 4 5
    assert client.get("/sitemap/products-99.xml").status_code == 404
    assert client.get("/sitemap/products-x.xml").status_code == 404


def test_robots_may_walk_everywhere_but_where_visitors_are_by_themselves(client, context):
    robots = RobotFileParser()
    robots.parse(client.get("/robots.txt").get_data(as_text=True).splitlines())

    assert robots.can_fetch("*", "/p/mug")
    assert not any(robots.can_fetch("*", path) for path in ("/account", "/es/orders/ABCD", "/api/v1/products", "/search?q=a"))
    assert robots.site_maps() == ["http://127.0.0.1:8000/sitemap.xml"]


def test_the_feed_tells_what_is_new_in_the_language_of_its_address(client, context):
    old, new = make_product("Old & good", slug="old"), make_product("New", slug="new")
    with transaction() as session:
        session.execute(update(Product).where(Product.id == new.id).values(published_at=NOON - timedelta(days=1)))
        session.execute(update(ProductText).where(ProductText.product_id == new.id, ProductText.locale == "es").values(name="Nuevo"))

    response = client.get("/feed.xml")
    feed = ET.fromstring(response.data)

    assert response.mimetype == "application/atom+xml"
    assert [entry.find(f"{ATOM}title").text for entry in feed.iter(f"{ATOM}entry")] == ["New", "Old & good"]
    assert client.get("/feed.xml", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert b"Nuevo" in client.get("/es/feed.xml").data
    assert old.id != new.id


@pytest.mark.parametrize("path", ["/", "/products", "/search?q=a", "/feed.xml", "/sitemap.xml", "/robots.txt"])
def test_nothing_personal_is_in_pages_for_strangers(client, context, path):
    response = client.get(path)

    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "s-maxage" in response.headers["Cache-Control"]
