"""Comparing what a file says of a product with what the shop has, field by field, and turning the difference into rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shop.catalog.models import (
    OldSlug,
    Option,
    OptionText,
    OptionValue,
    OptionValueText,
    Product,
    ProductAttribute,
    ProductCategory,
    ProductImage,
    ProductImageText,
    ProductTag,
    ProductText,
    SlugKind,
)
from shop.catalog.services.attributes import YES
from shop.catalog.slugs import remember_slug, slugify
from shop.catalog.transfer.images import Pictures
from shop.catalog.transfer.known import Attributes, KnownAttribute, Shelves, Slugs
from shop.catalog.transfer.present import PresentImage, PresentOption, PresentProduct, PresentValue
from shop.catalog.transfer.product import ImportedOption, ImportedProduct
from shop.catalog.transfer.rows import Rows
from shop.catalog.transfer.variants import VariantPlan, plan_variants
from shop.db import insert_missing

TEXT_FIELDS = ("name", "slug", "subtitle", "description_html", "seo_title", "seo_description")


@dataclass(slots=True)
class Surroundings:
    """What planning needs besides the product itself."""

    locales: tuple[str, ...]
    currency: str
    at: datetime
    reference: str
    shelves: Shelves
    attributes: Attributes
    slugs: Slugs
    pictures: Pictures
    is_dry: bool = False

    @property
    def default(self) -> str:
        return self.locales[0]


@dataclass(slots=True)
class Plan:
    """What an import does with one product. ``changes`` maps a field to what it was and what it becomes."""

    product_id: int
    is_silent: bool = False  # a new product that nobody wants to read about: no notes are taken
    outcome: str = "unchanged"
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    variants: Counter[str] = field(default_factory=Counter)
    after: list[Callable[[], object]] = field(default_factory=list)

    def note(self, name: str, was: Any, becomes: Any) -> None:
        if not self.is_silent:
            self.changes[name] = (was, becomes)


def plan_product(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, batch: Rows, mark: str) -> Plan:
    """Add to ``batch`` the rows that make the shop's product what the file says."""
    is_new = present is None
    plan = Plan(batch.new_id(Product) if present is None else present.row.id, is_silent=is_new and not around.is_dry)
    columns = _columns(product, present, around)
    if not plan.is_silent:
        for name, value in columns.items():
            plan.note(name, None if present is None else getattr(present.row, name), value)
    _plan_texts(product, present, around, batch, plan)
    _plan_shelves(product, present, around, batch, plan)
    _plan_tags(product, present, batch, plan)
    _plan_attributes(product, present, around, batch, plan)
    options = _plan_options(product, present, batch, plan)
    images = _plan_images(product, present, around, batch, plan)
    plan_variants(VariantPlan(product, present, around, batch, plan, options, images))
    if product.old_slugs:
        _plan_old_slugs(product, present, around, plan)
    if present is None:
        batch.add(Product, **_new_product(product, columns, around.at), id=plan.product_id, import_mark=f"{mark}:1")
    elif plan.changes:
        columns |= {"version": present.row.version + 1, "updated_at": around.at, "import_mark": f"{mark}:{present.row.version + 1}"}
        batch.change(Product, {"id": plan.product_id}, columns)
    elif present.row.import_mark != f"{mark}:{present.row.version}":
        batch.change(Product, {"id": plan.product_id}, {"import_mark": f"{mark}:{present.row.version}"})
    plan.outcome = "created" if is_new else "changed" if plan.changes else "unchanged"
    return plan


def _columns(product: ImportedProduct, present: PresentProduct | None, around: Surroundings) -> dict[str, Any]:
    """The columns of the product that become something else."""
    wanted: dict[str, Any] = {name: getattr(product, name) for name in ("brand", "kind", "tax_class", "position")}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    now = present.row if present is not None else None
    if product.published is False:
        wanted["published_at"] = None
    elif isinstance(product.published, datetime):
        wanted["published_at"] = product.published
    elif product.published is True and (now is None or now.published_at is None):
        wanted["published_at"] = around.at
    if product.archived_at is not None:
        wanted["archived_at"] = _archived(product.archived_at, now.archived_at if now is not None else None, around.at)
    if now is None:
        return wanted
    return {name: value for name, value in wanted.items() if getattr(now, name) != value}


def _archived(wanted: str, now: datetime | None, at: datetime) -> datetime | None:
    if wanted == "now":
        return now or at
    return datetime.fromisoformat(wanted) if wanted else None


def _new_product(product: ImportedProduct, columns: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "handle": product.handle,
        "brand": columns.get("brand", ""),
        "kind": columns.get("kind", ""),
        "tax_class": columns.get("tax_class") or "standard",
        "position": columns.get("position", 0),
        "published_at": columns.get("published_at"),
        "archived_at": columns.get("archived_at"),
        "created_at": datetime.fromisoformat(product.created_at) if product.created_at else at,
        "updated_at": datetime.fromisoformat(product.updated_at) if product.updated_at else at,
        "version": 1,
        "is_listed": False,
        "available": False,
        "swatches": "",
        "sold_count": 0,
    }


def _plan_texts(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, batch: Rows, plan: Plan) -> None:
    for locale, words in product.texts.items():
        now = present.texts.get(locale) if present is not None else None
        if locale not in around.locales or (now is None and not words.get("name")):
            continue
        if now is None:
            wanted = words.get("slug") or (product.slug_hint if locale == around.default else "") or slugify(words["name"], "product")
            texts = {field: words.get(field, "") for field in TEXT_FIELDS} | {"slug": around.slugs.take(locale, wanted)}
            batch.add(ProductText, product_id=plan.product_id, locale=locale, **texts)
            if not plan.is_silent:
                plan.changes |= {f"{name} ({locale})": (None, text) for name, text in texts.items() if text}
            continue
        changed = {name: text for name, text in words.items() if now[name] != text and (text or name not in {"name", "slug"})}
        if changed.get("slug"):
            changed["slug"] = _move_slug(locale, now["slug"], changed["slug"], around, plan)
        for name, text in changed.items():
            plan.note(f"{name} ({locale})", now[name], text)
        batch.change(ProductText, {"product_id": plan.product_id, "locale": locale}, changed)


def _move_slug(locale: str, old: str, wanted: str, around: Surroundings, plan: Plan) -> str:
    new = around.slugs.take(locale, wanted)
    plan.after.append(lambda: remember_slug(SlugKind.PRODUCT, locale, plan.product_id, old=old, new=new, at=around.at))
    return new


def _plan_old_slugs(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, plan: Plan) -> None:
    known = present.old_slugs if present is not None else set()
    for locale, slugs in (product.old_slugs or {}).items():
        for slug in slugs:
            if (locale, slug) not in known:
                row = {"kind": SlugKind.PRODUCT, "locale": locale, "slug": slug, "target_id": plan.product_id, "at": around.at}
                plan.note(f"old slug ({locale})", None, slug)
                plan.after.append(lambda row=row: insert_missing(OldSlug, row))  # type: ignore[misc]


def _plan_shelves(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, batch: Rows, plan: Plan) -> None:
    if product.categories is None:
        return
    wanted: list[int] = []
    for shelf in product.categories:
        found = around.shelves.find_or_make(shelf, around.at)
        if found is None:
            product.warn(
                product.line, "categories", f"there is no category {shelf.slug!r}", "It was left out; import the categories first."
            )
        elif found not in wanted:
            wanted.append(found)
    now = present.categories if present is not None else []
    if wanted == now:
        return
    if not plan.is_silent:
        plan.note("categories", _listed(map(around.shelves.name_of, now)), _listed(map(around.shelves.name_of, wanted)))
    if now:
        batch.delete(ProductCategory, "product_id", plan.product_id)
    for position, category_id in enumerate(wanted):
        batch.add(ProductCategory, product_id=plan.product_id, category_id=category_id, position=position)


def _plan_tags(product: ImportedProduct, present: PresentProduct | None, batch: Rows, plan: Plan) -> None:
    if product.tags is None:
        return
    now = present.tags if present is not None else set()
    wanted = set(product.tags)
    if wanted == now:
        return
    plan.note("tags", _listed(sorted(now)), _listed(sorted(wanted)))
    if now:
        batch.delete(ProductTag, "product_id", plan.product_id)
    for tag in sorted(wanted):
        batch.add(ProductTag, product_id=plan.product_id, tag=tag)


def _plan_attributes(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, batch: Rows, plan: Plan) -> None:
    if product.attributes is None:
        return
    wanted = {found.code: found for found in product.attributes}
    spoken = ("", *around.locales)
    if not plan.is_silent:
        now = present.attributes if present is not None else []
        facts = [
            (code, locale, text)
            for code, found in wanted.items()
            for locale in sorted(found.values)
            if locale in spoken
            for text in found.values[locale]
        ]
        if facts == now:
            return
        plan.note("attributes", _listed(f"{code}: {text}" for code, _, text in now), _listed(f"{code}: {text}" for code, _, text in facts))
        if now:
            batch.delete(ProductAttribute, "product_id", plan.product_id)
    rows = batch.inserts[ProductAttribute]
    for position, found in enumerate(wanted.values()):
        known = around.attributes.find_or_make(found, batch)
        for locale, items in found.values.items():
            if locale not in spoken:
                continue
            for item, text in enumerate(items):
                rows.append(
                    {
                        "product_id": plan.product_id,
                        "attribute_id": known.id,
                        "locale": locale,
                        "item": item,
                        "position": position,
                        "text": text,
                        "number": _number(known, text),
                    }
                )


def _number(known: KnownAttribute, text: str) -> float | None:
    """The number by which a list is filtered and sorted, where the attribute has one."""
    if known.kind == "boolean":
        return float(text.lower() in YES)
    if known.kind != "number":
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def _plan_options(product: ImportedProduct, present: PresentProduct | None, batch: Rows, plan: Plan) -> list[PresentOption]:
    """The product's options in the order of the file, existing or new, with ids."""
    known = present.options if present is not None else {}
    result = []
    for position, option in enumerate(product.options):
        found = known.get(option.code)
        if found is None:
            found = PresentOption(batch.new_id(Option), option.code, position)
            batch.add(Option, id=found.id, product_id=plan.product_id, position=position, code=option.code)
            plan.note(f"option {option.code}", None, _listed(_first(value.names) or value.code for value in option.values))
        _plan_names(OptionText, {"option_id": found.id}, found.names, option.names, batch=batch, plan=plan, name=f"option {option.code}")
        _plan_values(option, found, batch, plan)
        result.append(found)
    return result


def _plan_values(option: ImportedOption, found: PresentOption, batch: Rows, plan: Plan) -> None:
    for value in option.values:
        known = found.values.get(value.code)
        if known is None:
            position = max((other.position for other in found.values.values()), default=-1) + 1
            known = PresentValue(batch.new_id(OptionValue), value.code, value.swatch or "", position)
            found.values[value.code] = known
            batch.add(OptionValue, id=known.id, option_id=found.id, position=position, code=value.code, swatch=known.swatch)
            plan.changes.setdefault(f"option {option.code}: {value.code}", (None, _first(value.names) or value.code))
        elif value.swatch is not None and value.swatch != known.swatch:
            plan.note(f"swatch {value.code}", known.swatch, value.swatch)
            batch.change(OptionValue, {"id": known.id}, {"swatch": value.swatch})
        name = f"option {option.code}: {value.code}"
        _plan_names(OptionValueText, {"value_id": known.id}, known.names, value.names, batch=batch, plan=plan, name=name)


def _plan_names(
    table: type[OptionText | OptionValueText],
    owner: dict[str, int],
    now: dict[str, str],
    wanted: dict[str, str],
    *,
    batch: Rows,
    plan: Plan,
    name: str,
) -> None:
    for locale, text in wanted.items():
        if locale not in now:
            batch.add(table, **owner, locale=locale, name=text)
            plan.changes.setdefault(f"{name} ({locale})", (None, text))
        elif now[locale] != text:
            batch.change(table, {**owner, "locale": locale}, {"name": text})
            plan.note(f"{name} ({locale})", now[locale], text)


def _plan_images(product: ImportedProduct, present: PresentProduct | None, around: Surroundings, batch: Rows, plan: Plan) -> dict[int, int]:
    """Which place of the file's list became which row. Pictures that cannot be had are said; those that are there stay then."""
    places: dict[int, int] = {}
    if product.images is None or (not product.images and not product.is_complete):
        return places
    now = {image.image_id: image for image in (present.images if present is not None else [])}
    wanted: dict[int, tuple[int, dict[str, str]]] = {}
    is_short = False
    for place, image in enumerate(product.images):
        image_id, problem = around.pictures.id_of(image)
        if image_id is None:
            is_short = True
            product.warn(
                image.line, "image", f"{problem}: {image.source}", "Put the file into the folder named with --images and import again."
            )
            continue
        if image_id not in wanted:
            row_id = now[image_id].id if image_id in now else batch.new_id(ProductImage)
            wanted[image_id] = (row_id, {key: alt for key, alt in image.alt.items() if key in around.locales})
        places[place] = wanted[image_id][0]
    order = [*wanted, *(image_id for image_id in now if is_short and image_id not in wanted)]
    _place_images(now, {image_id: row_id for image_id, (row_id, _) in wanted.items()}, order, batch, plan)
    for image_id, (row_id, alts) in wanted.items():
        _plan_alts(row_id, now[image_id].alt if image_id in now else {}, alts, batch, plan)
    return places


def _place_images(now: dict[int, PresentImage], row_ids: dict[int, int], order: list[int], batch: Rows, plan: Plan) -> None:
    if order != list(now):
        plan.note("images", len(now), len(order))
    for image_id, image in now.items():
        if image_id not in order:
            batch.delete(ProductImage, "id", image.id)
    for position, image_id in enumerate(order):
        if image_id not in now:
            batch.add(ProductImage, id=row_ids[image_id], product_id=plan.product_id, image_id=image_id, position=position)
        elif now[image_id].position != position:
            plan.note("images", len(now), "in another order")
            batch.change(ProductImage, {"id": now[image_id].id}, {"position": position})


def _plan_alts(row_id: int, now: dict[str, str], wanted: dict[str, str], batch: Rows, plan: Plan) -> None:
    for locale, alt in wanted.items():
        if locale not in now:
            batch.add(ProductImageText, product_image_id=row_id, locale=locale, alt=alt)
            plan.changes.setdefault(f"image text ({locale})", (None, alt))
        elif now[locale] != alt:
            batch.change(ProductImageText, {"product_image_id": row_id, "locale": locale}, {"alt": alt})
            plan.note(f"image text ({locale})", now[locale], alt)


def _first(names: dict[str, str]) -> str:
    return next(iter(names.values()), "")


def _listed(texts: Any) -> str:
    return ", ".join(texts)
