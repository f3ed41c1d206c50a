"""Comparing variants: found again by the values of their options, never by their SKU, which may be missing or repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shop.catalog.models import Price, Variant, VariantOption
from shop.catalog.transfer.present import Key, PresentOption, PresentProduct, PresentVariant, PricePoint
from shop.catalog.transfer.product import ImportedPrice, ImportedProduct, ImportedVariant
from shop.catalog.transfer.rows import Rows
from shop.inventory.models import Reason, StockItem, StockMovement

if TYPE_CHECKING:
    from shop.catalog.transfer.planning import Plan, Surroundings

PLAIN = ("sku", "barcode", "weight_g", "requires_shipping", "position")
LOW_AT = 3


@dataclass(slots=True)
class VariantPlan:
    """A product with its options and pictures in place: ``images`` maps places of the file's list to rows."""

    product: ImportedProduct
    present: PresentProduct | None
    around: Surroundings
    batch: Rows
    plan: Plan
    options: list[PresentOption]
    images: dict[int, int]


def plan_variants(work: VariantPlan) -> None:
    """Each variant of the file is created, changed or left; those that the file does not name stay, unless the options themselves are others."""
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    found: set[Key] = set()
    for place, variant in enumerate(work.product.variants):
        values = tuple(sorted((option.code, code) for option, code in zip(work.options, variant.values, strict=True)))
        number = seen.get(values, 0)
        seen[values] = number + 1
        now = work.present.variants.get((values, number)) if work.present is not None else None
        found.add((values, number))
        if now is None:
            _create(work, variant, place)
            work.plan.variants["created"] += 1
        else:
            work.plan.variants["changed" if _change(work, variant, now) else "unchanged"] += 1
    if work.present is not None and work.product.variants:
        _archive_misfits(work, found)


def _archive_misfits(work: VariantPlan, found: set[Key]) -> None:
    """When the file has other options than the shop, variants without them could no longer be chosen."""
    codes = {option.code for option in work.options}
    for key, now in (work.present.variants if work.present is not None else {}).items():
        if key not in found and now.row.archived_at is None and {option for option, _ in key[0]} != codes:
            work.batch.change(Variant, {"id": now.row.id}, {"archived_at": work.around.at, "version": now.row.version + 1})
            work.plan.note(f"variant {_name(key)}", "on sale", "archived: it does not have the product's options")


def _name(key: Key) -> str:
    return " / ".join(value for _, value in key[0]) or "(the only one)"


def _create(work: VariantPlan, variant: ImportedVariant, place: int) -> None:
    batch, at = work.batch, work.around.at
    variant_id = batch.new_id(Variant)
    image = work.images.get(variant.image) if variant.image is not None else None
    batch.add(
        Variant,
        id=variant_id,
        product_id=work.plan.product_id,
        position=place if variant.position is None else variant.position,
        sku=variant.sku or "",
        barcode=variant.barcode or "",
        weight_g=variant.weight_g or 0,
        requires_shipping=variant.requires_shipping is not False,
        product_image_id=image,
        archived_at=datetime.fromisoformat(variant.archived_at) if variant.archived_at else None,
        version=1,
    )
    for option, code in zip(work.options, variant.values, strict=True):
        batch.add(VariantOption, variant_id=variant_id, option_id=option.id, value_id=option.values[code].id)
    prices = variant.prices if work.product.is_complete else _last_of_each(variant.prices)
    for price in prices:
        _add_price(batch, variant_id, price, datetime.fromisoformat(price.valid_from) if price.valid_from else at)
    on_hand = variant.on_hand or 0
    is_tracked = variant.on_hand is not None if variant.is_tracked is None else variant.is_tracked
    low_at = LOW_AT if variant.low_at is None else variant.low_at
    batch.add(StockItem, variant_id=variant_id, on_hand=on_hand, low_at=low_at, is_tracked=is_tracked)
    _add_movement(work, variant_id, on_hand)
    shown = [
        variant.sku or "no SKU",
        *(f"{price.currency} {price.minor} minor" for price in prices[:1]),
        f"stock {on_hand}" if is_tracked else "not counted",
    ]
    work.plan.note(f"variant {' / '.join(variant.values) or '(the only one)'}", None, ", ".join(shown))


def _change(work: VariantPlan, variant: ImportedVariant, now: PresentVariant) -> bool:
    name = f"variant {_name(now.key)}"
    columns: dict[str, Any] = {}
    for column in PLAIN:
        wanted = getattr(variant, column)
        if wanted is not None and wanted != getattr(now.row, column):
            columns[column] = wanted
    if variant.image is not None and (image := work.images.get(variant.image)) is not None and image != now.row.product_image_id:
        columns["product_image_id"] = image
    if variant.archived_at is not None:
        archived_at = datetime.fromisoformat(variant.archived_at) if variant.archived_at else None
        if archived_at != now.row.archived_at:
            columns["archived_at"] = archived_at
    for column, value in columns.items():
        work.plan.note(f"{name}: {column}", getattr(now.row, column), value)
    changed = bool(columns)
    changed |= _change_prices(work, variant, now, name)
    changed |= _change_stock(work, variant, now, name)
    if changed:
        work.batch.change(Variant, {"id": now.row.id}, {**columns, "version": now.row.version + 1})
    return changed


def _change_prices(work: VariantPlan, variant: ImportedVariant, now: PresentVariant, name: str) -> bool:
    """Append what is not the price already. Our own format brings its history: what is missing of it is added as it was."""
    at, changed = work.around.at, False
    points = list(now.prices)
    if work.product.is_complete:
        for price in variant.prices:
            point = _point(price, at)
            if point not in points:
                points.append(point)
                changed = True
                _add_price(work.batch, now.row.id, price, point.valid_from)
    for price in _in_force(variant.prices, at) if work.product.is_complete else _last_of_each(variant.prices):
        current = _current(points, price.currency, price.customer_group, at)
        if current is None or (current.minor, current.compare_at_minor) != (price.minor, price.compare_at_minor):
            changed = True
            _add_price(work.batch, now.row.id, price, at)
            work.plan.note(f"{name}: price {price.currency}", None if current is None else current.minor, price.minor)
    if changed:
        work.plan.changes.setdefault(f"{name}: prices", (len(now.prices), "more"))
    return changed


def _point(price: ImportedPrice, at: datetime) -> PricePoint:
    valid_from = datetime.fromisoformat(price.valid_from) if price.valid_from else at
    return PricePoint(price.currency, price.customer_group, valid_from, price.minor, price.compare_at_minor)


def _last_of_each(prices: list[ImportedPrice]) -> list[ImportedPrice]:
    return list({(price.currency, price.customer_group): price for price in prices}.values())


def _in_force(prices: list[ImportedPrice], at: datetime) -> list[ImportedPrice]:
    """Of a history the prices that count at ``at``."""
    ordered = sorted((price for price in prices if _point(price, at).valid_from <= at), key=lambda price: _point(price, at).valid_from)
    return _last_of_each(ordered)


def _current(points: list[PricePoint], currency: str, group: str, at: datetime) -> PricePoint | None:
    fitting = [point for point in points if (point.currency, point.customer_group) == (currency, group) and point.valid_from <= at]
    return max(fitting, key=lambda point: point.valid_from) if fitting else None


def _add_price(batch: Rows, variant_id: int, price: ImportedPrice, valid_from: datetime) -> None:
    batch.add(
        Price,
        variant_id=variant_id,
        currency=price.currency,
        customer_group=price.customer_group,
        valid_from=valid_from,
        minor=price.minor,
        compare_at_minor=price.compare_at_minor,
    )


def _change_stock(work: VariantPlan, variant: ImportedVariant, now: PresentVariant, name: str) -> bool:
    if now.row.on_hand is None:
        work.batch.add(
            StockItem,
            variant_id=now.row.id,
            on_hand=variant.on_hand or 0,
            low_at=LOW_AT if variant.low_at is None else variant.low_at,
            is_tracked=bool(variant.is_tracked),
        )
        _add_movement(work, now.row.id, variant.on_hand or 0)
        return True
    columns: dict[str, Any] = {}
    for column in ("on_hand", "is_tracked", "low_at"):
        wanted = getattr(variant, column)
        if wanted is not None and wanted != getattr(now.row, column) and not (column == "on_hand" and work.product.keeps_stock):
            columns[column] = wanted
            work.plan.note(f"{name}: {column}", getattr(now.row, column), wanted)
    work.batch.change(StockItem, {"variant_id": now.row.id}, columns)
    _add_movement(work, now.row.id, columns.get("on_hand", now.row.on_hand) - now.row.on_hand)
    return bool(columns)


def _add_movement(work: VariantPlan, variant_id: int, delta: int) -> None:
    if delta:
        work.batch.add(
            StockMovement,
            variant_id=variant_id,
            delta=delta,
            reason=Reason.IMPORT,
            reference=work.around.reference,
            actor="",
            at=work.around.at,
        )
