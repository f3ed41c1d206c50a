"""The verbs of variants: what is bought, its price and its pieces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select

from shop.catalog.listing import refresh_availability, refresh_listing
from shop.catalog.models import Option, OptionValue, Price, Product, ProductImage, Variant, VariantOption
from shop.catalog.services import stock as pieces
from shop.catalog.services.core import KEEP, Keep, changed, claim_product, claim_variant, currency, is_referred_to
from shop.db import transaction
from shop.errors import Conflict, Invalid, NotFound
from shop.inventory.services import Backorder, set_backorder
from shop.trail.services import note_change


def create_variant(
    product_id: int,
    *,
    value_ids: Collection[int] = (),
    sku: str = "",
    barcode: str = "",
    price_minor: int | None = None,
    compare_at_minor: int | None = None,
    weight_g: int = 0,
    requires_shipping: bool = True,
    on_hand: int | None = None,
    low_at: int = 3,
    product_image_id: int | None = None,
    position: int | None = None,
    by: str = "",
    expected_version: int | None = None,
    at: datetime,
) -> int:
    """Add what can be bought; gives its id. One value for each option of the product. ``on_hand=None`` is not counted and never sells out.

    Raises:
        Conflict: another variant has this SKU, or these values.
        Invalid: the values are not one for each option.
        StaleVersion: the product was changed meanwhile.
    """
    with transaction() as session:
        claim_product(product_id, expected_version, at=at)
        _refuse_taken_sku(sku)
        if position is None:
            last = session.scalars(select(func.max(Variant.position)).where(Variant.product_id == product_id)).one()
            position = 0 if last is None else last + 1
        variant = Variant(
            product_id=product_id,
            position=position,
            sku=sku,
            barcode=barcode,
            weight_g=weight_g,
            requires_shipping=requires_shipping,
            product_image_id=_own_image(product_id, product_image_id),
        )
        session.add(variant)
        session.flush()
        _choose(product_id, variant.id, value_ids)
        pieces.start_stock(variant.id, on_hand, low_at=low_at, by=by, at=at)
        if price_minor is not None:
            _append_price(variant.id, price_minor, compare_at_minor, at, at=at)
        refresh_listing([product_id], at=at)
        return variant.id


def change_variant(
    variant_id: int,
    *,
    value_ids: Collection[int] | Keep = KEEP,
    sku: str | Keep = KEEP,
    barcode: str | Keep = KEEP,
    weight_g: int | Keep = KEEP,
    requires_shipping: bool | Keep = KEEP,
    product_image_id: int | Keep | None = KEEP,
    position: int | Keep = KEEP,
    expected_version: int | None = None,
    at: datetime,
) -> None:
    """Change what is named; the rest stays.

    Raises:
        Conflict: another variant has this SKU, or these values.
        StaleVersion: somebody was faster.
    """
    columns = changed(
        sku=sku,
        barcode=barcode,
        weight_g=weight_g,
        requires_shipping=requires_shipping,
        product_image_id=product_image_id,
        position=position,
    )
    with transaction():
        product_id = claim_variant(variant_id, expected_version, at=at, **columns)
        if product_image_id is not KEEP:
            _own_image(product_id, product_image_id)
        if sku is not KEEP:
            _refuse_taken_sku(sku, variant_id)
        if value_ids is not KEEP:
            _choose(product_id, variant_id, value_ids)
        refresh_listing([product_id], at=at)


def revise_variant(
    variant_id: int, *, price: tuple[int, int | None] | None = None, expected_version: int | None = None, at: datetime, **columns: Any
) -> None:
    """What ``change_variant`` does and, with ``price`` (now, former), what ``set_price`` does: both or neither."""
    with transaction():
        change_variant(variant_id, expected_version=expected_version, at=at, **columns)
        if price is not None:
            set_price(variant_id, price[0], compare_at_minor=price[1], at=at)


def archive_variant(variant_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """No longer sell it; orders keep pointing at it."""
    with transaction():
        product_id = claim_variant(variant_id, expected_version, at=at, archived_at=at)
        refresh_listing([product_id], at=at)


def restore_variant(variant_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Sell an archived one again.

    Raises:
        Conflict: another one has taken its SKU or its values meanwhile.
    """
    with transaction() as session:
        product_id = claim_variant(variant_id, expected_version, at=at, archived_at=None)
        variant = session.execute(select(Variant.sku).where(Variant.id == variant_id)).one()
        _refuse_taken_sku(variant.sku, variant_id)
        _refuse_twin(product_id, variant_id)
        refresh_listing([product_id], at=at)


def delete_variant(variant_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """Remove one that nobody ever ordered.

    Raises:
        Conflict: it was ordered or lies in a cart; archive it instead.
    """
    with transaction() as session:
        product_id = claim_variant(variant_id, expected_version, at=at)
        if is_referred_to("variants", [variant_id]):
            raise Conflict(_("This variant was ordered or lies in a cart. Archive it instead."))
        session.execute(delete(Variant).where(Variant.id == variant_id), execution_options={"synchronize_session": False})
        refresh_listing([product_id], at=at)


def set_price(
    variant_id: int,
    minor: int,
    *,
    compare_at_minor: int | None = None,
    valid_from: datetime | None = None,
    expected_version: int | None = None,
    at: datetime,
) -> bool:
    """The price from ``valid_from`` (now) on, as a new row: what it was stays known. The same price again writes nothing and gives False.

    ``compare_at_minor`` is the former price shown beside it; one that is not higher is not shown by pages.
    """
    with transaction():
        product_id = claim_variant(variant_id, expected_version, at=at)
        written = _append_price(variant_id, minor, compare_at_minor, valid_from or at, at=at)
        if written:
            refresh_listing([product_id], at=at)
        return written


def set_stock_level(
    variant_id: int,
    on_hand: int | None,
    *,
    low_at: int | None = None,
    backorder: Backorder | None = None,
    by: str,
    reason: str = "count",
    at: datetime,
) -> None:
    """Say how many pieces there are; None: they are no longer counted. The ledger keeps who said so and why."""
    with transaction() as session:
        product_id = session.scalars(select(Variant.product_id).where(Variant.id == variant_id)).first()
        if product_id is None:
            raise NotFound(_("This variant does not exist any more."))
        pieces.count_stock(variant_id, on_hand, low_at=low_at, reason=reason, by=by, at=at)
        if backorder is not None:
            set_backorder(variant_id, backorder.most, lead_days=backorder.lead_days)
        refresh_listing([product_id], at=at)


def book_stock(numbers: Mapping[int, int], *, reason: str, by: str, at: datetime) -> None:
    """Book what was counted or came in, for many variants at once: all of them or none.

    ``reason`` "delivery" adds the pieces to what is there at this moment; any other says how many there are.

    Raises:
        NotFound: a variant does not exist.
        Conflict: pieces came of what nobody counts.
    """
    with transaction() as session:
        found = session.execute(select(Variant.id, Variant.product_id).where(Variant.id.in_(list(numbers))))
        known = {variant.id: variant.product_id for variant in found}
        if len(known) < len(numbers):
            raise NotFound(_("This variant does not exist any more."))
        pieces.book(dict(sorted(numbers.items())), reason=reason, by=by, at=at)
        refresh_availability(known.values(), at=at)


def record_stock(
    variant_id: int, number: int | None, *, reason: str, low_at: int, backorder: Backorder | None = None, by: str, at: datetime
) -> None:
    """As ``book_stock`` for one variant, None leaving the pieces as they are, from which number on that is few, and what may be sold beyond it."""
    with transaction():
        if number is not None:
            book_stock({variant_id: number}, reason=reason, by=by, at=at)
        pieces.mark_low(variant_id, low_at)
        if backorder is not None:
            set_backorder(variant_id, backorder.most, lead_days=backorder.lead_days)
        product_id = claim_variant(variant_id, at=at)
        refresh_availability([product_id], at=at)


def _append_price(variant_id: int, minor: int, compare_at_minor: int | None, valid_from: datetime, *, at: datetime) -> bool:
    with transaction() as session:
        newest = (
            select(Price.minor, Price.compare_at_minor)
            .where(
                Price.variant_id == variant_id,
                Price.currency == currency(),
                Price.customer_group == "",
                Price.valid_from <= valid_from,
            )
            .order_by(Price.valid_from.desc(), Price.id.desc())
            .limit(1)
        )
        now = session.execute(newest).first()
        if now is not None and (now.minor, now.compare_at_minor) == (minor, compare_at_minor):
            return False
        row = {"variant_id": variant_id, "currency": currency(), "valid_from": valid_from, "minor": minor}
        session.execute(insert(Price).values(**row, customer_group="", compare_at_minor=compare_at_minor))
        note_change(
            f"variant:{variant_id}",
            {} if now is None else {"price_minor": now.minor, "compare_at_minor": now.compare_at_minor},
            {"price_minor": minor, "compare_at_minor": compare_at_minor, "currency": currency(), "valid_from": valid_from},
            at=at,
        )
        return True


def _refuse_taken_sku(sku: str, own_id: int = 0) -> None:
    """Staff must not give one SKU to two variants that are sold; imported catalogs may bring such."""
    if not sku:
        return
    with transaction() as session:
        taken = (
            select(Product.id, Product.handle)
            .join(Variant, Variant.product_id == Product.id)
            .where(Variant.sku == sku, Variant.id != own_id, Variant.archived_at.is_(None))
        )
        other = session.execute(taken).first()
        if other is not None:
            detail = _("Another variant already has the SKU %(sku)s: one of %(product)s.", sku=sku, product=other.handle)
            raise Conflict(detail, sku=sku, product_id=other.id)


def _own_image(product_id: int, product_image_id: int | None) -> int | None:
    if product_image_id is None:
        return None
    with transaction() as session:
        owner = session.scalars(select(ProductImage.product_id).where(ProductImage.id == product_image_id)).first()
        if owner != product_id:
            raise NotFound(_("This picture does not belong to the product."))
        return product_image_id


def _choose(product_id: int, variant_id: int, value_ids: Collection[int]) -> None:
    """Give the variant exactly one value for each option of its product."""
    with transaction() as session:
        options = set(session.scalars(select(Option.id).where(Option.product_id == product_id)))
        chosen = session.execute(select(OptionValue.id, OptionValue.option_id).where(OptionValue.id.in_(value_ids))).all()
        if len(chosen) != len(options) or {value.option_id for value in chosen} != options:
            raise Invalid({"value_ids": [_("Choose one value for each option.")]})
        session.execute(delete(VariantOption).where(VariantOption.variant_id == variant_id))
        if chosen:
            rows = [{"variant_id": variant_id, "option_id": value.option_id, "value_id": value.id} for value in chosen]
            session.execute(insert(VariantOption), rows)
        _refuse_twin(product_id, variant_id)


def _refuse_twin(product_id: int, variant_id: int) -> None:
    """Two variants on sale with the same values could not be told apart."""
    with transaction() as session:
        chosen = (
            select(Variant.id, VariantOption.value_id)
            .outerjoin(VariantOption, VariantOption.variant_id == Variant.id)
            .where(Variant.product_id == product_id, Variant.archived_at.is_(None))
        )
        values: dict[int, set[int | None]] = {}
        for found in session.execute(chosen):
            values.setdefault(found.id, set()).add(found.value_id)
        mine = values.pop(variant_id, None)
        if mine is not None and mine in values.values():
            raise Conflict(_("Another variant of this product has the same values."))
