"""The verbs of a product's pictures: attach, order, describe, give to variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update

from shop.catalog.listing import refresh_listing
from shop.catalog.models import ProductImage, ProductImageText, Variant
from shop.catalog.services.core import claim_product, claim_variant, locales
from shop.db import transaction
from shop.errors import NotFound
from shop.media.models import Image
from shop.settings.services import touch_topic


def attach_image(
    product_id: int, image_id: int, *, alt: Mapping[str, str] | None = None, expected_version: int | None = None, at: datetime
) -> int:
    """Put a stored picture behind the product's others; gives the id of its place. ``alt`` says per locale what it shows."""
    with transaction() as session:
        claim_product(product_id, expected_version, at=at)
        if session.scalars(select(Image.id).where(Image.id == image_id)).first() is None:
            raise NotFound(_("This picture does not exist any more."))
        last = session.scalars(select(func.max(ProductImage.position)).where(ProductImage.product_id == product_id)).one()
        placed = ProductImage(product_id=product_id, image_id=image_id, position=0 if last is None else last + 1)
        session.add(placed)
        session.flush()
        _describe(placed.id, alt or {})
        refresh_listing([product_id], at=at)
        return placed.id


def order_images(product_id: int, product_image_ids: Sequence[int], *, expected_version: int | None = None, at: datetime) -> None:
    """Show the pictures in this order; the first is the main one. Those not named come after."""
    with transaction() as session:
        claim_product(product_id, expected_version, at=at)
        own = select(ProductImage.id).where(ProductImage.product_id == product_id).order_by(ProductImage.position, ProductImage.id)
        there = session.scalars(own).all()
        if not set(product_image_ids) <= set(there):
            raise NotFound(_("This picture does not belong to the product."))
        for place, key in enumerate(dict.fromkeys([*product_image_ids, *there])):
            moved = update(ProductImage).where(ProductImage.id == key).values(position=place)
            session.execute(moved, execution_options={"synchronize_session": False})
        refresh_listing([product_id], at=at)


def arrange_images(
    product_id: int, pictures: Sequence[tuple[int, Mapping[str, str]]], *, expected_version: int | None = None, at: datetime
) -> None:
    """Show exactly these of the product's pictures, in this order, with these texts; those not named are taken off it.

    Raises:
        NotFound: a picture does not belong to the product.
        StaleVersion: somebody was faster.
    """
    with transaction() as session:
        wanted = dict(pictures)
        order_images(product_id, list(wanted), expected_version=expected_version, at=at)
        for key, alt in wanted.items():
            _describe(key, alt)
        others = (ProductImage.product_id == product_id, ProductImage.id.not_in(list(wanted)))
        session.execute(delete(ProductImage).where(*others), execution_options={"synchronize_session": False})
        refresh_listing([product_id], at=at)


def describe_image(product_image_id: int, alt: Mapping[str, str], *, at: datetime) -> None:
    """Say what a picture shows, for those who do not see it."""
    with transaction():
        claim_product(_product_of(product_image_id), at=at)
        _describe(product_image_id, alt)
        touch_topic("catalog")


def remove_image(product_image_id: int, *, at: datetime) -> None:
    """Take a picture off the product; variants that showed it show the main one."""
    with transaction() as session:
        product_id = _product_of(product_image_id)
        claim_product(product_id, at=at)
        session.execute(delete(ProductImage).where(ProductImage.id == product_image_id), execution_options={"synchronize_session": False})
        refresh_listing([product_id], at=at)


def show_on_variant(variant_id: int, product_image_id: int | None, *, at: datetime) -> None:
    """Which of the product's pictures shows this variant; None: the main one."""
    with transaction() as session:
        product_id = claim_variant(variant_id, at=at)
        if product_image_id is not None and _product_of(product_image_id) != product_id:
            raise NotFound(_("This picture does not belong to the product."))
        moved = update(Variant).where(Variant.id == variant_id).values(product_image_id=product_image_id)
        session.execute(moved, execution_options={"synchronize_session": False})


def _describe(product_image_id: int, alt: Mapping[str, str]) -> None:
    with transaction() as session:
        wanted = {locale: text.strip() for locale, text in alt.items() if locale in locales()}
        session.execute(
            delete(ProductImageText).where(ProductImageText.product_image_id == product_image_id, ProductImageText.locale.in_(list(wanted)))
        )
        rows = [{"product_image_id": product_image_id, "locale": locale, "alt": text} for locale, text in wanted.items() if text]
        if rows:
            session.execute(insert(ProductImageText), rows)


def _product_of(product_image_id: int) -> int:
    with transaction() as session:
        product_id = session.scalars(select(ProductImage.product_id).where(ProductImage.id == product_image_id)).first()
        if product_id is None:
            raise NotFound(_("This picture does not exist any more."))
        return product_id
