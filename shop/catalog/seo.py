"""What machines read of a page: structured data whose prices are those that people see. Source: schema.org, Google's rules for products."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from shop.catalog.details import Detail
from shop.catalog.pictures import picture_url
from shop.catalog.queries import VariantRow
from shop.media.urls import ImageView
from shop.money import Money
from shop.web.locale import absolute_url

GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
SHOWN_REVIEWS = 5
NAMED_OFFERS = 20
DESCRIPTION_MOST = 160
BROAD_IMAGE = 1600


def dump_linked_data(*things: dict[str, Any]) -> Markup:
    """The content of a ``<script type="application/ld+json">``: nothing in it can end the element."""
    value = things[0] if len(things) == 1 else list(things)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - escaped above


class Sale(NamedTuple):
    """How the product's variants are sold: ``asked`` is the one that the address names, if it names one."""

    variants: Sequence[tuple[VariantRow, str]]
    asked: VariantRow | None
    currency: str
    seller: str


def product_data(detail: Detail, variant: VariantRow | None, images: Sequence[ImageView], sale: Sale, *, url: str) -> dict[str, Any]:
    """A Product with the Offer that the page shows; with all of them where prices differ and none was asked for."""
    value: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": detail.name,
        "url": url,
        "description": plain_text(detail),
        "image": [absolute_url(picture_url(image, BROAD_IMAGE)) for image in images],
        **({"brand": {"@type": "Brand", "name": detail.brand}} if detail.brand else {}),
    }
    if variant is not None:
        is_plain = sale.asked is not None or len({other.price_minor for other, _url in sale.variants}) == 1
        value |= {**_marks(variant), "offers": _offer(variant, url, sale)} if is_plain else {"offers": _all_offers(sale)}
    if detail.reviews:
        value["aggregateRating"] = {"@type": "AggregateRating", "ratingValue": detail.rating, "reviewCount": detail.review_count}
        value["review"] = [
            {
                "@type": "Review",
                "author": {"@type": "Person", "name": opinion.author},
                "datePublished": opinion.created_at.date().isoformat(),
                "reviewBody": opinion.text,
                "reviewRating": {"@type": "Rating", "ratingValue": opinion.stars, "bestRating": 5},
            }
            for opinion in detail.reviews[:SHOWN_REVIEWS]
        ]
    return value


def _marks(variant: VariantRow) -> dict[str, Any]:
    """The numbers by which a variant is known."""
    return {
        **({"sku": variant.sku} if variant.sku else {}),
        **({"gtin": variant.barcode} if GTIN.fullmatch(variant.barcode) else {}),
    }


def _offer(variant: VariantRow, url: str, sale: Sale) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "url": url,
        "price": _decimal(variant.price_minor, sale),
        "priceCurrency": sale.currency,
        "availability": f"https://schema.org/{'InStock' if variant.is_available else 'OutOfStock'}",
        "itemCondition": "https://schema.org/NewCondition",
        "seller": {"@type": "Organization", "name": sale.seller},
    }


def _all_offers(sale: Sale) -> dict[str, Any]:
    """From the lowest price to the highest; each variant by itself as long as they are few."""
    prices = [variant.price_minor for variant, _url in sale.variants]
    each = [{**_offer(variant, url, sale), **_marks(variant)} for variant, url in sale.variants]
    return {
        "@type": "AggregateOffer",
        "lowPrice": _decimal(min(prices), sale),
        "highPrice": _decimal(max(prices), sale),
        "priceCurrency": sale.currency,
        "offerCount": len(prices),
        **({"offers": each} if len(each) <= NAMED_OFFERS else {}),
    }


def _decimal(minor: int, sale: Sale) -> str:
    return str(Money(minor, sale.currency).to_decimal())


def crumbs_data(steps: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A BreadcrumbList of (name, rooted URL)."""
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": absolute_url(url)} for place, (name, url) in enumerate(steps, 1)
        ],
    }


def plain_text(detail: Detail) -> str:
    """The product in a sentence or two, for search results: what staff wrote for them, else subtitle and description."""
    if detail.seo_description:
        return detail.seo_description
    subtitle = detail.subtitle.rstrip(".")
    whole = ". ".join(part for part in (subtitle, str(detail.description.striptags())) if part)
    return whole if len(whole) <= DESCRIPTION_MOST else whole[:DESCRIPTION_MOST].rsplit(" ", 1)[0].rstrip(",.;:") + "…"
