"""What the demo shop says about itself: settings and legal pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from shop.catalog.html import sanitize_html
from shop.catalog.slugs import slugify
from shop.content.models import Page, PageText
from shop.db import transaction
from shop.demo import days
from shop.demo.place import Place
from shop.demo.sources import page_html, site
from shop.media.models import Image
from shop.settings.services import save_settings

SENTENCES = ("claim", "about", "delivery", "returns", "pickup")
ADDRESS = {"en": "At the corner, with a counter", "es": "En la esquina, con mostrador"}


def write_texts(place: Place, images: Mapping[str, int], email: str) -> None:
    """Settings in each language, then the pages."""
    found = site()
    hero = found["hero"]
    with transaction() as session:
        hash_of_hero = session.scalars(select(Image.hash).where(Image.id == images[hero["image"]])).one()
        values = {("shop.name", ""): found["shop_name"], ("shop.email", ""): email, ("shop.hero_image", ""): hash_of_hero}
        for locale in place.locales:
            values |= {(f"shop.{name}", locale): found[name][locale] for name in SENTENCES}
            values |= {(f"shop.hero_{name}", locale): hero[name][locale] for name in ("title", "text", "alt", "button")}
            values["shop.address", locale] = ADDRESS[locale]
        save_settings(values)
        _write_pages(place, found["shop_name"], email)


def _write_pages(place: Place, name: str, email: str) -> None:
    opened = place.now - timedelta(days=days.OPENED_DAYS_AGO)
    with transaction() as session:
        for position, entry in enumerate(site()["legal_pages"]):
            page = Page(kind="legal", position=position, published_at=opened, updated_at=opened)
            session.add(page)
            session.flush()
            for locale in place.locales:
                title = entry["title"][locale]
                slug = entry["slug"] if locale == "en" else slugify(title)
                body = page_html(entry["slug"], locale).replace("{name}", name).replace("{email}", email)
                session.add(PageText(page_id=page.id, locale=locale, slug=slug, title=title, body_html=sanitize_html(body)))
