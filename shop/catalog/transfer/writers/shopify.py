"""A product file that Shopify takes (its columns of 2021), in the first language. Cells that spreadsheets would run as formulas are guarded."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from flask import current_app
from sqlalchemy import bindparam, select

from shop.catalog.models import Category, CategoryText
from shop.catalog.transfer.present import PresentImage, PresentOption, PresentProduct, PresentVariant, load_present
from shop.catalog.transfer.values import protect_cell
from shop.catalog.transfer.writers.shop import HANDLES
from shop.db import rows
from shop.media.models import Image
from shop.media.urls import media_url
from shop.money import Money
from shop.web.locale import absolute_url

COLUMNS = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Fulfillment Service",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Gift Card",
    "SEO Title",
    "SEO Description",
    "Variant Image",
    "Variant Weight Unit",
    "Status",
]
MOST_OPTIONS = 3

IMAGES = select(Image.id, Image.hash, Image.widths).where(Image.id.in_(bindparam("ids", expanding=True)))
SHELVES = select(Category.id, CategoryText.name).join(
    CategoryText, (CategoryText.category_id == Category.id) & (CategoryText.locale == bindparam("locale"))
)


def write_shopify(file: IO[str], at: datetime) -> int:
    """One row per variant, further ones for further pictures; archived variants stay out. Gives the number of products."""
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    config = current_app.extensions["config"]
    shelves = {found.id: found.name for found in rows(SHELVES, locale=config.locales[0])}
    products, after = 0, ""
    while found := rows(HANDLES, after=after):
        after = found[-1].handle
        present = load_present([row.id for row in found])
        images = _addresses({image.image_id for product in present.values() for image in product.images})
        for row in found:
            products += 1
            for cells in _Product(present[row.id], shelves, images, at).rows():
                writer.writerow({name: protect_cell(cell) for name, cell in cells.items()})
    return products


def _addresses(ids: set[int]) -> dict[int, str]:
    """The largest JPEG of each picture, where everybody finds it."""
    found = rows(IMAGES, ids=sorted(ids)) if ids else ()
    return {image.id: absolute_url(media_url(image.hash, max(map(int, image.widths.split())), "jpeg")) for image in found}


class _Product:
    def __init__(self, present: PresentProduct, shelves: dict[int, str], images: dict[int, str], at: datetime) -> None:
        config = current_app.extensions["config"]
        self.present, self.shelves, self.images, self.at = present, shelves, images, at
        self.locale, self.currency = config.locales[0], config.currency
        ordered = sorted(present.options.values(), key=lambda option: (option.position, option.id))
        self.options: list[PresentOption] = ordered[:MOST_OPTIONS]

    def rows(self) -> Iterator[dict[str, str]]:
        variants = [variant for variant in self.present.variants.values() if variant.row.archived_at is None]
        pictures = self.present.images
        for place in range(max(len(variants), len(pictures), 1)):
            cells = {"Handle": self.present.row.handle}
            if place == 0:
                cells |= self._about()
            if place < len(variants):
                cells |= self._variant(variants[place], is_first=place == 0)
            if place < len(pictures):
                cells |= self._picture(pictures[place], place)
            yield cells

    def _about(self) -> dict[str, str]:
        row = self.present.row
        texts = self.present.texts.get(self.locale) or next(iter(self.present.texts.values()))
        is_published = row.published_at is not None and row.published_at <= self.at
        shelf = self.shelves.get(self.present.categories[0], "") if self.present.categories else ""
        return {
            "Title": texts["name"],
            "Body (HTML)": texts["description_html"],
            "Vendor": row.brand,
            "Type": row.kind or shelf,
            "Tags": ", ".join(sorted(self.present.tags)),
            "Published": _flag(is_published),
            "Gift Card": "false",
            "SEO Title": texts["seo_title"],
            "SEO Description": texts["seo_description"],
            "Status": "archived" if row.archived_at else "active" if is_published else "draft",
        }

    def _variant(self, variant: PresentVariant, *, is_first: bool) -> dict[str, str]:
        row, chosen = variant.row, dict(variant.key[0])
        cells: dict[str, str] = {} if self.options else {"Option1 Name": "Title" if is_first else "", "Option1 Value": "Default Title"}
        for number, option in enumerate(self.options, start=1):
            value = option.values.get(chosen.get(option.code, ""))
            cells[f"Option{number} Name"] = self._name(option) if is_first else ""
            cells[f"Option{number} Value"] = self._name(value) if value is not None else ""
        price = self._price(variant)
        image = next((image for image in self.present.images if image.id == row.product_image_id), None)
        return cells | {
            "Variant SKU": f"'{row.sku}" if row.sku[:1] == "'" else row.sku,
            "Variant Grams": str(row.weight_g),
            "Variant Inventory Tracker": "shopify" if row.is_tracked else "",
            "Variant Inventory Qty": "" if row.on_hand is None else str(row.on_hand),
            "Variant Inventory Policy": "deny",
            "Variant Fulfillment Service": "manual",
            "Variant Price": "" if price is None else self._amount(price.minor),
            "Variant Compare At Price": "" if price is None or price.compare_at_minor is None else self._amount(price.compare_at_minor),
            "Variant Requires Shipping": _flag(row.requires_shipping),
            "Variant Taxable": "true",
            "Variant Barcode": row.barcode,
            "Variant Image": self.images.get(image.image_id, "") if image is not None else "",
            "Variant Weight Unit": "g",
        }

    def _name(self, named: Any) -> str:
        return str(named.names.get(self.locale) or next(iter(named.names.values()), named.code))

    def _price(self, variant: PresentVariant) -> Any:
        fitting = [
            price
            for price in variant.prices
            if price.currency == self.currency and price.customer_group == "" and price.valid_from <= self.at
        ]
        return max(fitting, key=lambda price: price.valid_from) if fitting else None

    def _amount(self, minor: int) -> str:
        return str(Money(minor, self.currency).to_decimal())

    def _picture(self, image: PresentImage, place: int) -> dict[str, str]:
        alt = image.alt.get(self.locale) or next(iter(image.alt.values()), "")
        return {"Image Src": self.images.get(image.image_id, ""), "Image Position": str(place + 1), "Image Alt Text": alt}


def _flag(is_true: object) -> str:
    return "true" if is_true else "false"
