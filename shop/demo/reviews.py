"""What customers say: each review in its writer's language, and its translation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random

from shop.db import transaction
from shop.demo.goods import Shelved
from shop.demo.people import Buyer
from shop.demo.place import Place
from shop.demo.sources import site
from shop.review.models import Review

AFTER_H = (30, 60 * 24)


def write_reviews(place: Place, shelved: Shelved, buyers: Mapping[str, Buyer], chance: Random) -> None:
    """All 25, each in every language of the shop."""
    arrived = {sold.product_id: sold.published_at for sold in shelved.variants.values()}
    with transaction() as session:
        for entry in site()["reviews"]:
            buyer = buyers[entry["name"]]
            product_id = shelved.products[entry["product"]]
            longest = min(AFTER_H[1], int((place.now - arrived[product_id]) / timedelta(hours=1)) - 1)
            created_at = arrived[product_id] + timedelta(
                hours=chance.randint(AFTER_H[0], max(longest, AFTER_H[0])), minutes=chance.randrange(60)
            )
            columns = {"product_id": product_id, "user_id": buyer.user_id, "author": entry["name"], "stars": entry["stars"]}
            columns |= {"created_at": created_at, "approved_at": created_at + timedelta(hours=chance.randint(1, 5))}
            original = Review(locale=buyer.locale, text=entry["text"][buyer.locale], **columns)
            session.add(original)
            session.flush()
            session.add_all(
                Review(locale=locale, text=entry["text"][locale], translation_of=original.id, **columns)
                for locale in place.locales
                if locale != buyer.locale
            )
