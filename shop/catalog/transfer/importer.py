"""Importing a file: records in batches, each compared with the shop and written in one short transaction. Memory does not grow with the file.

Identity is the handle, then the values of options within the product. A product whose file row says what it said last time, and which nobody
edited since, is recognized by its mark without being read.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError, IntegrityError

from shop.catalog.listing import refresh_listing
from shop.catalog.models import AttributeKind, Product, Variant
from shop.catalog.services import create_attribute, rename_attribute
from shop.catalog.slugs import slugify
from shop.catalog.transfer.cleaning import clean_product
from shop.catalog.transfer.images import Pictures
from shop.catalog.transfer.known import Attributes, Shelves, Slugs
from shop.catalog.transfer.planning import Plan, Surroundings, plan_product
from shop.catalog.transfer.present import find_marks, load_present
from shop.catalog.transfer.product import AttributeRecord, CategoryRecord, ImportedImage, ImportedProduct, Lost, Record
from shop.catalog.transfer.readers import choose_reader
from shop.catalog.transfer.report import ERROR, WARNING, Problem, Report
from shop.catalog.transfer.rows import Rows
from shop.catalog.transfer.shelves import import_category, no_picture
from shop.catalog.transfer.source import Source, open_source
from shop.catalog.transfer.values import shown
from shop.db import is_sqlite, rows, transaction
from shop.inventory.models import StockItem

MOST_PRODUCTS = 250
MOST_ROWS = 3000  # written in some 50 ms: so long other writers wait at most on SQLite
READ_AS = "1"  # raise it when readers come to read files otherwise: old marks no longer count then

TWINS = (
    select(Variant.sku, Product.handle)
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.sku.in_(bindparam("skus", expanding=True)), Variant.archived_at.is_(None))
)
LOCK_PRODUCTS = select(Product.id).where(Product.id.in_(bindparam("ids", expanding=True))).order_by(Product.id).with_for_update()
LOCK_STOCK = (
    select(StockItem.variant_id)
    .join(Variant, Variant.id == StockItem.variant_id)
    .where(Variant.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(StockItem.variant_id)
    .with_for_update(of=StockItem)
)

Say = Callable[[str], object]
Candidate = tuple[ImportedProduct, str]  # a product and its mark


def import_file(
    path: Path,
    *,
    file_format: str = "auto",
    images: Path | None = None,
    is_dry: bool = False,
    say: Say = lambda _: None,
    progress: Callable[[Report], object] = lambda _: None,
    at: datetime,
) -> Report:
    """Import the file into the shop, or say field by field what that would do (``is_dry``); gives the report. Close it when it was read.

    Raises:
        UnknownFormat: no reader understands the file.
        OSError: it cannot be read.
    """
    config = current_app.extensions["config"]
    report = Report()
    with open_source(path, report, currency=config.currency, locales=config.locales) as source:
        source.at_iso = at.isoformat()
        records = choose_reader(source, file_format)(source)
        pictures = Pictures(path.resolve().parent, images, at=at, is_dry=is_dry)
        work = Importer(source, pictures, is_dry=is_dry, say=say, at=at)
        with _rare_garbage_collection():
            for _ in work.run(records):
                progress(report)
    return report


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """A batch is many small objects that live as long as it does; looking for cycles among them again and again costs a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Importer:
    """One import: what it knows of the shop, and the batch that it is filling."""

    def __init__(self, source: Source, pictures: Pictures, *, is_dry: bool, say: Say, at: datetime) -> None:
        self.report = source.report
        self.is_dry = is_dry
        self.say = say
        self.around = Surroundings(
            locales=source.locales,
            currency=source.currency,
            at=at,
            reference=source.path.name[:100],
            shelves=Shelves(source.locales, is_dry=is_dry),
            attributes=Attributes(source.locales[0]),
            slugs=Slugs(),
            pictures=pictures,
            is_dry=is_dry,
        )
        self.salt = f"{READ_AS} {source.currency} {' '.join(source.locales)}"
        self._seen: set[int] = set()
        self._lower: set[int] = set()

    def run(self, records: Iterable[Record]) -> Iterator[None]:
        """Work through the records; yields after each batch."""
        batch: list[ImportedProduct] = []
        size = 0
        for record in records:
            if isinstance(record, ImportedProduct):
                batch.append(record)
                size += 4 + 4 * len(record.variants) + len(record.attributes or ())
                if len(batch) < MOST_PRODUCTS and size < MOST_ROWS:
                    continue
            self._import(batch)
            batch, size = [], 0
            self._import_other(record)
            yield
        self._import(batch)
        yield

    def _import_other(self, record: Record) -> None:
        match record:
            case Lost():
                self.report.add(record.problem)
                self.report.products["skipped"] += 1
                self._say_skipped("a product without a name", record.problem)
            case CategoryRecord():
                import_category(record, self.around, self.report, say=self.say)
            case AttributeRecord() if not self.is_dry and record.kind in set(AttributeKind):
                key = create_attribute(record.code, AttributeKind(record.kind), record.names, unit=record.unit)
                rename_attribute(key, record.names)
                self.around.attributes.forget()

    # Products

    def _import(self, batch: Sequence[ImportedProduct]) -> None:
        """Sort the batch into broken, unchanged and the rest; write the rest."""
        whole = [product for product in batch if self._is_whole(product)]
        marks = find_marks([product.handle for product in whole])
        candidates: list[Candidate] = []
        for product in whole:
            mark = product.mark(self.salt + (self.around.pictures.stamp(product.images) if product.images else ""))
            found = marks.get(product.handle)
            if found is not None and found.import_mark == f"{mark}:{found.version}":
                self._tell(product)
                self._count_pictures_that_lack(product)
                self.report.products["unchanged"] += 1
                self.report.variants["unchanged"] += len(product.variants)
                self.report.variants["skipped"] += product.variants_left_out
                continue
            product.keeps_stock = found is not None and found.import_mark.partition(":")[0] == mark
            clean_product(product, self.around.default)
            if found is None and not any(words.get("name") for words in product.texts.values()):
                product.fault(product.line, "title", "the product has no name", "Write one in the first language of the shop.")
            if product.is_broken:
                self._skip(product)
            else:
                candidates.append((product, mark))
        if candidates:
            self._import_candidates(candidates)

    def _is_whole(self, product: ImportedProduct) -> bool:
        """Has no faults so far, and a handle of its own in this file."""
        key = hash(product.handle)
        if not product.handle.strip():
            product.fault(product.line, "handle", "the product has no handle", "Give it one.")
        if key in self._seen:
            reason = f"the handle {shown(product.handle)!r} stands further up already"
            product.fault(product.line, "handle", reason, "Put all rows of a product together, or give this one a handle of its own.")
        elif hash(product.handle.casefold()) in self._lower:
            reason = f"the handle {shown(product.handle)!r} differs from another one only by case"
            product.warn(product.line, "handle", reason, "They are two products here; if they are one, write the same handle.")
        self._seen.add(key)
        self._lower.add(hash(product.handle.casefold()))
        if product.is_broken:
            self._skip(product)
        return not product.is_broken

    def _import_candidates(self, candidates: list[Candidate]) -> None:
        self._prepare_pictures(candidates)
        self._warn_of_currencies(candidates)
        self._warn_of_twins([product for product, _ in candidates])
        if self.is_dry:
            self._finish(self._plan(candidates, _DryRows()), candidates)
            return
        try:
            plans = self._write(candidates)
        except (IntegrityError, DataError) as problem:
            self.around.shelves.forget()
            self.around.attributes.forget()
            self._import_singly(candidates, problem)
            return
        self._finish(plans, candidates)

    def _import_singly(self, candidates: list[Candidate], problem: IntegrityError | DataError) -> None:
        """The database refused the batch: find out which product it means, and let the others in."""
        if len(candidates) > 1:
            for candidate in candidates:
                self._import_candidates([candidate])
            return
        product = candidates[0][0]
        reason = str(problem.orig).splitlines()[0]
        product.fault(
            product.line, "", f"the database refuses it ({shown(reason)})", "Import it again; if that does not help, look at its values."
        )
        self._skip(product)

    def _write(self, candidates: list[Candidate]) -> list[Plan]:
        with transaction() as session:
            if not is_sqlite():
                ids = [found.id for found in find_marks([product.handle for product, _ in candidates]).values()]
                session.execute(LOCK_STOCK, {"ids": ids})  # first, as an order does: the other way round they would wait for each other
                session.execute(LOCK_PRODUCTS, {"ids": ids})
            batch = Rows()
            plans = self._plan(candidates, batch)
            batch.write()
            for plan in plans:
                for act in plan.after:
                    act()
            changed = [plan.product_id for plan in plans if plan.outcome != "unchanged"]
            refresh_listing(changed, at=self.around.at)
            return plans

    def _plan(self, candidates: list[Candidate], batch: Rows) -> list[Plan]:
        found = find_marks([product.handle for product, _ in candidates])
        present = load_present([row.id for row in found.values()])
        self._look_up_slugs([product for product, _ in candidates if product.handle not in found])
        plans = []
        for product, mark in candidates:
            row = found.get(product.handle)
            plans.append(plan_product(product, present[row.id] if row is not None else None, self.around, batch, mark))
        return plans

    def _look_up_slugs(self, products: Sequence[ImportedProduct]) -> None:
        wanted: dict[str, Counter[str]] = {locale: Counter() for locale in self.around.locales}
        for product in products:
            for locale, words in product.texts.items():
                if locale in wanted and words.get("name"):
                    hint = product.slug_hint if locale == self.around.default else ""
                    wanted[locale][words.get("slug") or hint or slugify(words["name"], "product")] += 1
        self.around.slugs.look_up(wanted)

    def _finish(self, plans: Sequence[Plan], candidates: Sequence[Candidate]) -> None:
        for plan, (product, _) in zip(plans, candidates, strict=True):
            self._tell(product)
            self.report.products[plan.outcome] += 1
            self.report.variants.update(plan.variants)
            self.report.variants["skipped"] += product.variants_left_out
            if self.is_dry:
                self._say_plan(product, plan)

    # Pictures, currencies, SKUs

    def _prepare_pictures(self, candidates: Sequence[Candidate]) -> None:
        pictures: list[ImportedImage] = [image for product, _ in candidates for image in product.images or ()]
        if pictures:
            self.around.pictures.prepare(pictures)

    def _count_pictures_that_lack(self, product: ImportedProduct) -> None:
        """An unchanged product is not looked at again, but its missing pictures are said each time."""
        for image in product.images or ():
            if self.around.pictures.find(image.source) is None and image.facts is None:
                self.report.add(no_picture(image))

    def _warn_of_currencies(self, candidates: Sequence[Candidate]) -> None:
        for product, _ in candidates:
            for variant in product.variants:
                others = {price.currency for price in variant.prices if not price.customer_group} - {self.around.currency}
                if others and not any(price.currency == self.around.currency for price in variant.prices):
                    named = ", ".join(sorted(others))
                    reason = f"prices are in {named}, the shop sells in {self.around.currency}"
                    remedy = "They are kept as they are, nothing is converted; it cannot be bought until it has a price of the shop."
                    self.report.add_once(f"currency {named}", Problem(variant.line, "price", reason, remedy, WARNING))

    def _warn_of_twins(self, products: Sequence[ImportedProduct]) -> None:
        """Imports may bring the same SKU for several products: it is said, for people look things up by it."""
        skus = {variant.sku for product in products for variant in product.variants if variant.sku}
        owners: dict[str, set[str]] = {}
        for found in rows(TWINS, skus=sorted(skus)) if skus else ():
            owners.setdefault(found.sku, set()).add(found.handle)
        for product in products:
            for variant in product.variants:
                others = owners.get(variant.sku or "", set()) - {product.handle}
                if others:
                    reason = f"the SKU {shown(variant.sku or '')!r} is also one of the product {shown(min(others))!r}"
                    product.warn(variant.line, "SKU", reason, "Both went in; give each its own.")
                if variant.sku:
                    owners.setdefault(variant.sku, set()).add(product.handle)

    # Telling

    def _tell(self, product: ImportedProduct) -> None:
        for problem in product.faults:
            self.report.add(problem)

    def _skip(self, product: ImportedProduct) -> None:
        self._tell(product)
        self.report.products["skipped"] += 1
        self.report.variants["skipped"] += len(product.variants) + product.variants_left_out
        self._say_skipped(product.handle, next(problem for problem in product.faults if problem.severity == ERROR))

    def _say_skipped(self, name: str, problem: Problem) -> None:
        if self.is_dry:
            self.say(f"leave out {name}: line {problem.line}, {problem.column or 'row'}: {problem.reason}. {problem.remedy}")

    def _say_plan(self, product: ImportedProduct, plan: Plan) -> None:
        if plan.outcome == "unchanged":
            return
        self.say(f"{'create' if plan.outcome == 'created' else 'change'} {product.handle}")
        for name, (was, becomes) in plan.changes.items():
            self.say(f"  {name}: {_short(becomes)}" if was is None else f"  {name}: {_short(was)} → {_short(becomes)}")


class _DryRows(Rows):
    """Rows that nobody will write: ids are invented."""

    _last = 0

    def new_id(self, table: type) -> int:  # noqa: ARG002
        self._last -= 1
        return self._last


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return text if len(text) <= 120 else text[:120] + "…"
