from __future__ import annotations

import csv
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from shop.catalog import services
from shop.catalog.listing import refresh_listing
from shop.catalog.models import AttributeKind, OptionValue, Price, Product, ProductImage, ProductText, Variant
from shop.catalog.transfer.writers import export_catalog
from shop.db import Base, db, transaction
from shop.inventory.models import StockItem
from shop.media.models import Image
from shop.media.services import store_image
from tests.catalog.transfer.conftest import AWKWARD, Import, every, everything, forget_marks
from tests.factories import NOON
from tests.media.pictures import media_folder

LATER = NOON + timedelta(days=400)
TABLES_OF_THE_CATALOG = 21


def png(color: tuple[int, int, int]) -> bytes:
    import io

    import PIL.Image

    target = io.BytesIO()
    PIL.Image.new("RGB", (60, 40), color).save(target, "PNG")
    return target.getvalue()


def make_everything() -> None:
    """A product with all that a catalog can hold, a draft, an archived one, and a tree with history."""
    table = services.create_category({"en": {"name": "Table", "sentence": "Set it."}, "es": {"name": "Mesa"}}, at=NOON)
    mugs = services.create_category({"en": {"name": "Mugs"}}, parent_id=table, at=NOON)
    services.change_category(mugs, texts={"en": {"slug": "mugs-and-cups"}}, at=NOON)
    old = services.create_category({"en": {"name": "Old"}}, at=NOON)
    services.archive_category(old, at=NOON)
    services.create_attribute("height", AttributeKind.NUMBER, {"en": "Height", "es": "Altura"}, unit="mm")
    services.create_attribute("material", AttributeKind.TEXT, {"en": "Material"})
    mug = services.create_product(
        {
            "en": {"name": "Mug", "subtitle": "Blue", "description_html": "<p>“Good”</p>", "seo_title": "A mug"},
            "es": {"name": "Taza", "slug": "taza-azul", "description_html": "<p>Buena</p>"},
        },
        brand="Brezal",
        kind="Ceramics",
        tax_class="food",
        position=7,
        category_ids=[mugs, table],
        tags=["gift", "blue"],
        published_at=NOON - timedelta(days=3),
        at=NOON - timedelta(days=9),
    )
    services.change_product(mug, texts={"en": {"slug": "blue-mug"}}, at=NOON - timedelta(days=8))
    services.set_attributes(mug, {"material": {"en": ["clay", "glaze"], "es": ["barro"]}, "height": ["95"]}, at=NOON)
    color = services.add_option(mug, {"en": "Color", "es": "Color"}, [{"en": "Blue", "es": "Azul"}, {"en": "Sage"}], at=NOON)
    blue, sage = every(select(OptionValue.id).where(OptionValue.option_id == color).order_by(OptionValue.position))
    services.change_option_value(blue, swatch="#0000ff", at=NOON)
    picture = services.attach_image(
        mug, store_image(png((0, 0, 200)), name="blue.png", at=NOON), alt={"en": "A blue mug", "es": "Una taza"}, at=NOON
    )
    services.attach_image(mug, store_image(png((0, 200, 0)), name="sage.png", at=NOON), at=NOON)
    first = services.create_variant(
        mug,
        value_ids=[blue],
        sku="B-1",
        barcode="2100000000012",
        price_minor=1000,
        weight_g=300,
        on_hand=4,
        low_at=2,
        product_image_id=picture,
        at=NOON,
    )
    services.set_price(first, 800, compare_at_minor=1000, at=NOON + timedelta(hours=1))
    services.set_price(first, 900, valid_from=NOON + timedelta(days=300), at=NOON + timedelta(hours=1))
    gone = services.create_variant(mug, value_ids=[sage], sku="S-0", price_minor=1, requires_shipping=False, at=NOON)
    services.archive_variant(gone, at=NOON)
    services.create_variant(mug, value_ids=[sage], sku="S-1", price_minor=1200, on_hand=0, at=NOON)
    with transaction() as session:
        session.execute(insert(Price).values(variant_id=first, currency="USD", valid_from=NOON, minor=1100, customer_group=""))
    services.create_product({"en": {"name": "=HYPERLINK(1)"}}, handle="draft", at=NOON)
    services.archive_product(services.create_product({"en": {"name": "Gone"}}, published_at=NOON, at=NOON), at=NOON)


def empty_the_shop() -> None:
    with transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in KEPT or table.info.get("append_only"):
                continue  # movements of stock go with their variants
            session.execute(table.update().values(parent_id=None)) if table.name == "categories" else None
            session.execute(table.delete())


KEPT = {"versions", "settings", "tax_rates", "shipping_methods", "shipping_method_texts", "users"}


@pytest.mark.parametrize("pictures", ["here", "elsewhere"])
def test_export_import_into_an_empty_shop_export_gives_the_same_bytes(bring: Import, tmp_path: Path, pictures: str) -> None:
    make_everything()
    export_catalog(tmp_path / "one.jsonl", "shop", at=NOON)
    folder = media_folder()
    if pictures == "elsewhere":
        folder = media_folder().rename(tmp_path / "media")
    empty_the_shop()
    assert every(select(func.count()).select_from(Product)) == [0]

    report = bring(tmp_path / "one.jsonl", images=folder, at=LATER)
    export_catalog(tmp_path / "two.jsonl", "shop", at=LATER)

    assert list(report.problems()) == []
    assert report.products["created"] == 3
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.jsonl").read_bytes().count(b"\n") == 1 + 2 + 3 + 3


def test_what_came_back_is_on_sale_as_before(bring: Import, tmp_path: Path) -> None:
    make_everything()
    refresh_listing(every(select(Product.id)), at=NOON + timedelta(days=1))
    shown = select(
        Product.handle, Product.is_listed, Product.price_from_minor, Product.compare_at_minor, Product.available, Product.swatches
    )
    before = every(shown.order_by(Product.handle))
    export_catalog(tmp_path / "one.jsonl", "shop", at=NOON)
    empty_the_shop()

    bring(tmp_path / "one.jsonl", at=NOON + timedelta(days=1))

    assert every(shown.order_by(Product.handle)) == before


def test_importing_ones_own_export_changes_nothing(bring: Import, tmp_path: Path) -> None:
    make_everything()
    export_catalog(tmp_path / "one.jsonl", "shop", at=LATER)
    before = everything()

    report = bring(tmp_path / "one.jsonl", at=LATER)
    forget_marks()
    again = bring(tmp_path / "one.jsonl", at=LATER)

    for found in (report, again):
        assert dict(found.products) == {"unchanged": 3}
        assert found.variants["unchanged"] == 3
    after = everything()
    marks = ("products",)
    assert {name: rows for name, rows in after.items() if name not in marks} == {
        name: rows for name, rows in before.items() if name not in marks
    }


def test_an_export_restores_what_was_changed_since(bring: Import, tmp_path: Path) -> None:
    make_everything()
    export_catalog(tmp_path / "one.jsonl", "shop", at=LATER)
    (mug,) = every(select(Product.id).where(Product.brand == "Brezal"))
    variant = every(select(Variant.id).where(Variant.sku == "S-1"))[0]
    services.change_product(mug, texts={"en": {"name": "Cup", "slug": "cup"}}, tags=[], at=LATER)
    services.set_price(variant, 5, at=LATER)

    report = bring(tmp_path / "one.jsonl", at=LATER + timedelta(hours=1))

    assert report.products["changed"] == 1
    assert every(select(ProductText.name, ProductText.slug).where(ProductText.product_id == mug, ProductText.locale == "en")) == [
        ("Mug", "blue-mug")
    ]
    assert every(select(Price.minor).where(Price.variant_id == variant).order_by(Price.id))[-1] == 1200


def test_shopify_gets_guarded_cells_and_only_what_is_sold(tmp_path: Path, bring: Import) -> None:
    make_everything()

    export_catalog(tmp_path / "out.csv", "shopify", at=LATER)

    rows = list(csv.DictReader(StringIO((tmp_path / "out.csv").read_text("utf-8"))))
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]
    by_handle: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_handle.setdefault(row["Handle"], []).append(row)
    mug = by_handle["mug"]
    assert [(row["Option1 Name"], row["Option1 Value"], row["Variant Price"], row["Variant SKU"]) for row in mug] == [
        ("Color", "Blue", "9.00", "B-1"),
        ("", "Sage", "12.00", "S-1"),
    ]
    assert mug[0]["Image Src"].endswith(".jpeg")
    assert by_handle["draft"][0]["Title"] == "'=HYPERLINK(1)"
    assert (by_handle["draft"][0]["Status"], by_handle["gone"][0]["Status"]) == ("draft", "archived")


@pytest.mark.parametrize("name", ["duplicates-and-bad-values.csv", "crlf-cells-emoji-rtl.csv"])
def test_shopify_out_and_in_again_loses_no_text(bring: Import, tmp_path: Path, name: str) -> None:
    bring(AWKWARD / name)
    facts = (
        select(Product.handle, Product.brand, Product.kind, ProductText.name, ProductText.description_html, Variant.sku, StockItem.on_hand)
        .join_from(Product, ProductText)
        .join(Variant, Variant.product_id == Product.id)
        .join(StockItem, StockItem.variant_id == Variant.id)
    )
    before = every(facts.order_by(Product.handle, Variant.position))
    export_catalog(tmp_path / "out.csv", "shopify", at=NOON)
    empty_the_shop()

    bring(tmp_path / "out.csv")

    assert every(facts.order_by(Product.handle, Variant.position)) == before


def test_a_picture_that_is_not_there_is_said_and_those_that_are_stay(bring: Import, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "red.png").write_bytes(png((200, 0, 0)))
    (tmp_path / "images" / "bad.png").write_bytes(b"no picture")
    lines = ["Handle,Title,Variant Price,Image Src,Image Alt Text", "mug,Mug,1.00,https://cdn.example/x/red.png?v=1,A red mug"]
    lines += ["mug,,,https://cdn.example/x/blue.png,", "mug,,,https://cdn.example/bad.png,"]

    report = bring("\n".join(lines))
    again = bring("\n".join(lines), images=tmp_path / "images")

    assert report.products["created"] == again.products["unchanged"] == 1
    assert len([problem for problem in report.problems() if problem["column"] == "image"]) == 2
    assert len(every(select(ProductImage.id))) == 1
    assert len(every(select(Image.id))) == 1


def test_the_lines_of_the_format_are_json(tmp_path: Path, context: object) -> None:
    make_everything()

    export_catalog(tmp_path / "one.jsonl", "shop", at=NOON)

    kinds = [next(iter(json.loads(line))) for line in (tmp_path / "one.jsonl").read_text("utf-8").splitlines()]
    assert kinds == ["format", "attribute", "attribute", "category", "category", "category", "product", "product", "product"]
    assert db.session is not None
