"""Small files in the shapes of other shops, as those shops write them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from shop.catalog.models import (
    Attribute,
    Category,
    CategoryText,
    OptionText,
    OptionValueText,
    Price,
    Product,
    ProductAttribute,
    ProductText,
    Variant,
)
from shop.catalog.transfer.readers import UnknownFormat
from shop.inventory.models import StockItem
from tests.catalog.transfer.conftest import Import, every, problems

PARTS = [
    {"sku": "CPU-1", "category": "cpu", "name": "Twin", "price": 9.5, "cores": 4, "graphics": None, "speed": [5, 6000], "smt": True},
    {"sku": "CPU-2", "category": "cpu", "name": "Twin", "price": None, "fill_price": 7, "cores": "many"},
    {"sku": "CPU-3", "category": "cpu", "name": "Twin", "price": 1.999},
]


def test_shopifys_columns_of_2025_are_known(bring: Import) -> None:
    bring(
        "Title,URL handle,Description,Vendor,Published on online store,Status,SKU,Option1 name,Option1 value,Price,Compare-at price,"
        "Inventory quantity,Continue selling when out of stock,Weight value (grams),Color (product.metafields.shopify.color-pattern)\n"
        "Mug,mug,<p>x</p>,V,true,active,'123,Size,S,1.00,2.00,4,DENY,300,red; blue\n"
        ",mug,,,,,M-2,,L,1.50,,0,DENY,300,\n"
    )

    assert every(select(Variant.sku, Price.minor, Price.compare_at_minor).join(Price).order_by(Variant.id)) == [
        ("123", 100, 200),
        ("M-2", 150, None),
    ]
    assert every(select(OptionText.name)) == ["Size"]
    assert every(select(OptionValueText.name).order_by(OptionValueText.value_id)) == ["S", "L"]
    assert every(select(Attribute.code, ProductAttribute.text).join(ProductAttribute).order_by(ProductAttribute.item)) == [
        ("color_pattern", "red"),
        ("color_pattern", "blue"),
    ]


NAMES = {
    "en": "Type,SKU,Name,Published,Regular price,Parent,Attribute 1 name,Attribute 1 value(s),Weight (kg),Stock,Categories",
    "es": "Tipo,SKU,Nombre,Publicado,Precio normal,Superior,Nombre del atributo 1,Valor(es) del atributo 1,Peso (kg),Inventario,Categorías",
    "de": "Typ,Artikelnummer,Name,Veröffentlicht,Regulärer Preis,Übergeordnet,Attribut 1 Name,Attribut 1 Wert(e),Gewicht (kg),Bestand,"
    "Kategorien",
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_woocommerce_in_the_language_of_its_shop(bring: Import, names: str) -> None:
    report = bring(
        f"{names}\n"
        "variation,T-R,,1,5,T,Color,Red,.5,3,\n"
        'variable,T,Tee,1,,,Color,"Red, Blue",,,"Clothing, Clothing > Tees"\n'
        "variation,T-B,,1,6,T,Color,Blue,,,\n"
        "variation,X,,1,6,nobody,Color,Blue,,,\n"
        "simple,S,Sock,'-1,2,,,,,,\n"
    )

    assert (report.products["created"], report.products["skipped"], report.variants["created"]) == (2, 1, 3)
    assert every(select(Variant.sku, Price.minor, Variant.weight_g).join(Price).order_by(Variant.sku)) == [
        ("S", 200, 0),
        ("T-B", 600, 0),
        ("T-R", 500, 500),
    ]
    assert every(select(Product.published_at.is_not(None)).order_by(Product.handle)) == [False, True]
    assert sorted(every(select(CategoryText.name))) == ["Clothing", "Tees"]
    assert (5, "Parent", "error") in problems(report)


def feed(items: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'


def item(number: int, **cells: str) -> str:
    cells = {
        "id": f"A{number}",
        "title": f"Mug {number}",
        "link": f"https://x/p/mug-{number}",
        "availability": "in stock",
        "price": "10.00 EUR",
        **cells,
    }
    return "<item>" + "".join(f"<g:{name}>{cell}</g:{name}>" for name, cell in cells.items()) + "</item>"


def test_google_feeds_group_variants_and_know_sales_and_currencies(bring: Import) -> None:
    span = "2026-11-20T00:00+0000/2026-11-30T23:59+0000"
    items = item(1, item_group_id="g", title="Mug - red", color="red") + item(2, item_group_id="g", title="Mug - blue", color="blue")
    items += item(
        3, sale_price="8.00 EUR", sale_price_effective_date=span, availability="out_of_stock", shipping="<g:price>4.90 GBP</g:price>"
    )
    items += item(4, price="10.000 KWD") + item(5, price="352 AED")

    report = bring(feed(items), "feed.xml")

    assert (report.rows, report.products["created"], report.variants["created"]) == (5, 4, 5)
    assert every(select(Variant.sku, Price.currency, Price.minor, Price.compare_at_minor).join(Price).order_by(Variant.sku))[2:] == [
        ("A3", "EUR", 800, 1000),
        ("A4", "KWD", 10000, None),
        ("A5", "AED", 35200, None),
    ]
    assert every(
        select(StockItem.on_hand, StockItem.is_tracked).join(Variant, Variant.id == StockItem.variant_id).where(Variant.sku == "A3")
    ) == [(0, True)]
    assert every(select(ProductText.name).where(ProductText.name == "Mug")) == ["Mug"]
    assert len([found for found in report.problems() if "the shop sells in EUR" in found["reason"]]) == 2


def test_broken_xml_keeps_what_stood_before_and_entities_are_refused(bring: Import) -> None:
    broken = bring(feed(item(1) + "<item><g:id>A2</g:id>\n<g:title>Mug & cup</item>"), "broken.xml")
    attack = bring(feed(item(3), '<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "attack.xml")

    assert (broken.products["created"], broken.products["skipped"]) == (1, 1)
    assert problems(broken)[0][0] == 2
    assert attack.products["created"] == 0
    assert "entities" in next(attack.problems())["reason"]


def test_parts_get_slugs_of_their_own_and_typed_properties(bring: Import) -> None:
    content = gzip.compress("\n".join(map(json.dumps, PARTS)).encode())

    report = bring(content, "parts.jsonl.gz")

    assert (report.rows, report.products["created"], report.products["skipped"]) == (3, 2, 1)
    assert every(select(ProductText.slug).order_by(ProductText.product_id)) == ["twin", "twin-2"]
    assert every(select(Price.minor).order_by(Price.id)) == [950, 700]
    kinds = {code: str(kind) for code, kind in every(select(Attribute.code, Attribute.kind))}
    assert kinds == {"cores": "text", "speed": "number", "smt": "boolean"}
    assert every(select(ProductAttribute.item, ProductAttribute.number).join(Attribute).where(Attribute.code == "speed")) == [
        (0, 5.0),
        (1, 6000.0),
    ]


def test_the_sheet_speaks_all_languages(bring: Import) -> None:
    bring(
        "path,name_en,name_es,slug,sentence_en,position\nTable,Table,Mesa,table,Set it.,10\nTable > Mugs,Mugs,Tazas,mugs,,20\n",
        "categories.csv",
    )

    report = bring(
        "slug,position,published,name_en,name_es,description_en,categories,tags,attributes,attributes_es,"
        "option1_name_en,option1_name_es,option1_value_en,option1_value_es,sku,price_eur,compare_at_eur,stock,low_stock_threshold\n"
        "mug,10,true,Mug,Taza,<p>x</p>,Table > Mugs,a|b,height_mm:95|material:clay,height_mm:95|material:barro,Color,Color,Red,Rojo,M-R,9.50,12.00,4,2\n"
        "mug,10,true,Mug,Taza,<p>x</p>,Table > Mugs,a|b,height_mm:95|material:clay,height_mm:95|material:barro,Color,Color,Blue,Azul,M-B,9.00,,0,2\n"
    )

    assert list(report.problems()) == []
    assert every(select(CategoryText.name).where(CategoryText.locale == "es").order_by(CategoryText.category_id)) == ["Mesa", "Tazas"]
    assert every(select(Category.product_count)) == [1, 1]
    assert every(select(ProductText.name).order_by(ProductText.locale)) == ["Mug", "Taza"]
    assert every(select(OptionValueText.name).where(OptionValueText.locale == "es").order_by(OptionValueText.value_id)) == ["Rojo", "Azul"]
    assert every(
        select(Attribute.unit, ProductAttribute.locale, ProductAttribute.text).join(Attribute).order_by(ProductAttribute.text)
    ) == [
        ("mm", "", "95"),
        ("", "es", "barro"),
        ("", "en", "clay"),
    ]
    assert every(select(Product.price_from_minor, Product.pieces_left)) == [(900, None)]


def test_what_was_edited_since_is_compared_and_what_was_sold_stays_sold(bring: Import) -> None:
    from shop.catalog.services import change_product
    from shop.inventory.services import take_stock
    from tests.factories import NOON

    goods = "Handle,Title,Variant Price,Variant Inventory Qty\nmug,Mug,1.00,5\n"
    bring(goods)
    ((product, variant),) = every(select(Product.id, Variant.id).join(Variant))
    take_stock([(variant, 2)], reference="O-1", actor="", at=NOON)
    change_product(product, texts={"en": {"name": "Cup"}}, at=NOON)

    report = bring(goods)

    assert report.products["changed"] == 1
    assert every(select(ProductText.name)) == ["Mug"]
    assert every(select(StockItem.on_hand)) == [3]
    bring(goods.replace(",5", ",9"))
    assert every(select(StockItem.on_hand)) == [9]


def test_a_changed_file_changes_what_differs_and_keeps_the_rest(bring: Import) -> None:
    first = "Handle,Title,Tags,Option1 Name,Option1 Value,Variant Price\nmug,Mug,a,Size,S,1.00\nmug,,,,L,2.00\n"
    bring(first, at=datetime(2026, 1, 1, tzinfo=UTC))

    said: list[str] = []
    changed = "Handle,Title,Tags,Option1 Name,Option1 Value,Variant Price\nmug,Mug,b,Size,S,1.00\nmug,,,,L,2.50\nmug,,,,XL,3.00\n"
    bring(changed, is_dry=True, say=said.append)
    report = bring(changed)

    assert said[0] == "change mug"
    assert {"  tags: 'a' → 'b'", "  variant l: price EUR: 200 → 250"} <= set(said)
    assert (report.variants["created"], report.variants["changed"], report.variants["unchanged"]) == (1, 1, 1)
    assert every(select(Price.minor).order_by(Price.id)) == [100, 200, 300, 250] or every(select(Price.minor).order_by(Price.minor)) == [
        100,
        200,
        250,
        300,
    ]


def test_a_handle_that_comes_again_later_is_refused(bring: Import) -> None:
    report = bring("Handle,Title,Variant Price\nmug,Mug,1.00\ncup,Cup,1.00\nmug,Mug,2.00\n")

    assert (report.products["created"], report.products["skipped"]) == (2, 1)
    assert problems(report) == [(4, "handle", "error")]


def test_a_file_of_no_known_kind_is_said_to_be_so(bring: Import) -> None:
    with pytest.raises(UnknownFormat, match="city"):
        bring("country,city\nES,Cádiz\n")
    with pytest.raises(UnknownFormat, match="woocommerce"):
        bring("Handle,Title\nmug,Mug\n", file_format="woocommerce")


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=["catalog", *args])


def test_the_commands_import_export_and_report(app: Flask, tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "goods.csv").write_text("Handle,Title,Variant Price\nmug,Mug,1.00\ncup,Cup,call us\n", "utf-8")

    dry = run(app, "import", str(folder / "goods.csv"), "--dry-run")
    wet = run(app, "import", str(folder / "goods.csv"), "--report", str(folder / "report.json"))
    out = run(app, "export", str(folder / "out.jsonl"))
    bad = run(app, "import", str(folder / "report.json"), "--format", "shopify")

    assert "create mug" in dry.output
    assert "leave out cup: line 3, Variant Price" in dry.output
    assert wet.exit_code == 0, wet.output
    assert json.loads((folder / "report.json").read_text("utf-8"))["products"]["created"] == 1
    assert "1 products written" in out.output
    assert bad.exit_code != 0
