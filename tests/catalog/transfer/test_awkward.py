"""Every awkward file ends in a right import or a clear error, and never in half a product."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from shop.catalog.models import OptionValueText, Price, Product, ProductImage, ProductTag, ProductText, Variant
from shop.inventory.models import StockItem, StockMovement
from tests.catalog.transfer.conftest import AWKWARD, Import, every, everything, forget_marks, problems

COUNTS = {  # rows, products created and skipped, variants created, errors
    "crlf-cells-emoji-rtl.csv": (7, 7, 0, 7, 0),
    "duplicates-and-bad-values.csv": (13, 7, 4, 9, 4),
    "empty.csv": (0, 0, 0, 0, 0),
    "header-only.csv": (0, 0, 0, 0, 0),
    "invalid-utf8.csv": (2, 2, 0, 2, 0),
    "macroman-cr-only.csv": (3, 3, 0, 3, 0),
    "one-megabyte-cell.csv": (2, 1, 1, 1, 1),
    "ragged-rows.csv": (3, 1, 2, 1, 2),
    "semicolon-cp1252-decimal-comma.csv": (3, 3, 0, 3, 0),
    "semicolon-utf8-bom.csv": (3, 3, 0, 3, 0),
    "tab-utf16le-bom.csv": (3, 3, 0, 3, 0),
    "unclosed-quote.csv": (3, 2, 1, 2, 1),
}
TRANSLATED = ("macroman-cr-only.csv", "semicolon-cp1252-decimal-comma.csv", "semicolon-utf8-bom.csv", "tab-utf16le-bom.csv")


def test_every_file_is_counted() -> None:
    assert set(COUNTS) == {path.name for path in AWKWARD.glob("*.csv")}


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_what_is_good_goes_in_and_what_is_not_is_said(bring: Import, name: str) -> None:
    report = bring(AWKWARD / name)

    errors = [problem for problem in report.problems() if problem["severity"] == "error"]
    assert (report.rows, report.products["created"], report.products["skipped"], report.variants["created"], len(errors)) == COUNTS[name]
    assert all(problem["line"] > 0 and problem["reason"] and problem["remedy"] for problem in report.problems())


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_a_second_import_changes_nothing(bring: Import, name: str) -> None:
    bring(AWKWARD / name)
    before = everything()

    again = bring(AWKWARD / name)
    forget_marks()
    compared = bring(AWKWARD / name)

    for report in (again, compared):
        assert report.products["created"] == report.products["changed"] == report.variants["created"] == report.variants["changed"] == 0
        assert report.products["unchanged"] == COUNTS[name][1]
        assert report.variants["unchanged"] == COUNTS[name][3]
    assert everything() == before


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_a_dry_run_writes_nothing_and_counts_the_same(bring: Import, name: str) -> None:
    before = everything()

    report = bring(AWKWARD / name, is_dry=True)

    assert everything() == before
    assert (report.products["created"], report.products["skipped"]) == COUNTS[name][1:3]


@pytest.mark.parametrize("name", TRANSLATED)
def test_one_file_in_four_encodings_is_one_catalog(bring: Import, name: str) -> None:
    bring(AWKWARD / name)

    assert every(select(ProductText.slug, ProductText.name).order_by(ProductText.slug)) == [
        ("cafe-creme", "Café crème — 250 g"),
        ("kaffee-tasse", "Kaffeetasse „Größe L“"),
        ("oeuvre", "Œuvre d’art €"),
    ]
    assert every(select(Price.minor, Price.compare_at_minor).order_by(Price.minor)) == [(890, None), (1250, 123499), (125000, None)]
    assert every(select(Product.brand).order_by(Product.handle)) == ["Le Brûleur", "Müller & Söhne", "Atelier"]
    assert every(select(ProductTag.tag).order_by(ProductTag.tag)) == ["grün", "tasse"]
    assert every(select(Product.published_at.is_(None)).order_by(Product.handle)) == [False, False, True]
    assert every(select(Variant.barcode).where(Variant.sku == "KT-1")) == ["4006381333931"]


def test_bad_values_are_named_with_line_and_column(bring: Import) -> None:
    report = bring(AWKWARD / "duplicates-and-bad-values.csv")

    found = problems(report)
    assert {(7, "Variant Price", "error"), (8, "Variant Price", "error"), (10, "Variant Price", "error"), (11, "Handle", "error")} <= set(
        found
    )
    assert {(3, "SKU", "warning"), (4, "Variant Price", "warning"), (5, "SKU", "warning"), (6, "Variant Price", "warning")} <= set(found)
    assert {(9, "Variant Barcode", "warning"), (12, "handle", "warning"), (14, "Image Src", "warning")} <= set(found)
    assert every(select(Product.handle).order_by(Product.handle)) == ["Mug", "cup", "formula", "mug", "no-price", "sci", "script"]


def test_nothing_of_an_attack_is_left_to_run(bring: Import) -> None:
    bring(AWKWARD / "duplicates-and-bad-values.csv")

    html, name = every(select(ProductText.description_html, ProductText.name).where(ProductText.slug == "script"))[0]
    assert html == '<p>ok</p><a rel="noopener noreferrer">l</a>'
    assert name == "<script>alert(1)</script>"  # a text: pages escape it
    assert every(select(ProductImage.id)) == []
    assert every(select(ProductText.name).where(ProductText.slug == "formula")) == ['=HYPERLINK("http://example.com","x")']


def test_a_price_that_is_missing_keeps_only_its_variant_from_sale(bring: Import) -> None:
    bring(AWKWARD / "duplicates-and-bad-values.csv")

    assert every(select(Variant.sku, Price.minor).outerjoin(Price).where(Variant.sku.in_(["MUG-3", "NP-1"])).order_by(Variant.sku)) == [
        ("MUG-3", None),
        ("NP-1", None),
    ]
    assert every(select(Product.is_listed).where(Product.handle.in_(["mug", "no-price"])).order_by(Product.handle)) == [True, False]


def test_texts_of_the_world_arrive_whole(bring: Import) -> None:
    bring(AWKWARD / "crlf-cells-emoji-rtl.csv")

    names = dict(every(select(Product.handle, ProductText.name).join(ProductText)))
    assert names["crlf-cell"] == "Line breaks"
    assert names["rtl"] == "حذاء رياضي"
    assert "👨‍👩‍👧‍👦" in names["emoji-👟"]
    assert names["nfd"].startswith("Café ") and names["nfc"].startswith("Café ")  # noqa: PT018
    assert names["zwsp"] == "Zero width space and tab here"
    assert set(every(select(OptionValueText.name))) == {"42½", "２６．５"}


def test_stock_and_its_ledger_agree(bring: Import) -> None:
    bring(AWKWARD / "duplicates-and-bad-values.csv")

    moved = dict(every(select(StockMovement.variant_id, StockMovement.delta)))
    assert {key: on_hand for key, on_hand in every(select(StockItem.variant_id, StockItem.on_hand)) if on_hand} == moved


def test_the_report_has_its_shape(bring: Import, tmp_path: Path) -> None:
    report = bring(AWKWARD / "duplicates-and-bad-values.csv")

    with (tmp_path / "report.json").open("w", encoding="utf-8") as file:
        report.write(file)

    facts = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert list(facts) == ["rows", "products", "variants", "problems"]
    assert facts["rows"] == 13
    assert facts["products"] == {"created": 7, "changed": 0, "unchanged": 0, "skipped": 4}
    assert facts["variants"] == {"created": 9, "changed": 0, "unchanged": 0, "skipped": 3}
    assert set(facts["problems"][0]) == {"line", "column", "reason", "remedy", "severity"}
