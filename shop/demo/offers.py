"""What the demo shop offers: a welcome by code, parcels for nothing by code, and a fourth soap."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from shop.catalog.models import ProductCategory
from shop.db import scalar
from shop.demo import days
from shop.demo.goods import Shelved
from shop.demo.place import Place
from shop.demo.sources import goods
from shop.pricing.promotions import PromotionKind
from shop.promotion.drafts import Draft, Targets
from shop.promotion.services import add_code, create_promotion

BATH = "Home > Bath"
WELCOME = {"en": "Ten percent to begin with", "es": "Diez por ciento para empezar"}
PARCEL = {"en": "The parcel is on us", "es": "El paquete, a nuestra cuenta"}
FOURTH = {"en": "Bath: the fourth is free", "es": "Baño: el cuarto, gratis"}


def write_offers(place: Place, shelved: Shelved) -> None:
    """Two promotions by code, one that works by itself."""
    opened = place.now - timedelta(days=days.OPENED_DAYS_AGO)
    welcome = create_promotion(
        Draft(
            kind=PromotionKind.PERCENT,
            names=_names(place, WELCOME),
            percent_bp=1000,
            minimum_minor=place.minor(2000),
            needs_code=True,
            max_uses_each=1,
            valid_from=opened,
        ),
        at=opened,
    )
    add_code(welcome, "WELCOME10", at=opened)
    parcel = create_promotion(
        Draft(
            kind=PromotionKind.FREE_DELIVERY,
            names=_names(place, PARCEL),
            minimum_minor=place.minor(3000),
            needs_code=True,
            max_uses=500,
            valid_from=opened,
        ),
        at=opened,
    )
    add_code(parcel, "PARCEL", at=opened)
    create_promotion(
        Draft(
            kind=PromotionKind.BUY_GET,
            names=_names(place, FOURTH),
            buy=3,
            get=1,
            scope=Targets(category_ids=(_bath(shelved),)),
            valid_from=opened,
        ),
        at=opened,
    )


def _names(place: Place, names: dict[str, str]) -> dict[str, str]:
    """In the languages of the shop; English where we have no words."""
    return {locale: names.get(locale, names["en"]) for locale in place.locales}


def _bath(shelved: Shelved) -> int:
    good = next(good for good in goods() if good.shelves[0] == BATH)
    first = select(ProductCategory.category_id).where(
        ProductCategory.product_id == shelved.products[good.slug], ProductCategory.position == 0
    )
    return int(scalar(first))
