"""The catalog's JSON for staff: each act, what is refused, and that nobody else may."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict
from werkzeug.test import encode_multipart

from shop.catalog.models import AttributeKind, Category, Price, Product, ProductImage, Variant
from shop.catalog.services import create_attribute
from shop.inventory.models import StockItem, StockMovement
from tests.catalog.forms import file
from tests.factories import make_category, make_product
from tests.media.pictures import picture
from tests.people import inside, log_in, make_user, row, rows

category, product, attribute = inside(make_category), inside(make_product), inside(create_attribute)
EUR = {"currency": "EUR"}


@pytest.fixture
def staff(app):
    make_user("staff@example.com", role="staff")
    client = app.test_client()
    log_in(client, "staff@example.com")
    return client


def upload(client, product_id, content, name="a.jpg", **fields):
    boundary, body = encode_multipart(MultiDict([*fields.items(), ("image", file(content, name))]))
    return client.post(f"/api/v1/products/{product_id}/images", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def pointers(answer) -> list[str]:
    return [error["pointer"] for error in answer.json["errors"]]


# Products


def test_a_product_grows_from_a_draft_to_something_that_can_be_bought(staff, client):
    shelf = category("Table")
    made = staff.post(
        "/api/v1/products",
        json={
            "texts": {"en": {"name": "Oak board", "description_html": "<p onclick='x()'>Oak</p>"}, "es": {"name": "Tabla"}},
            "category_ids": [shelf],
        },
    )
    assert made.status_code == 201
    assert made.location.endswith(f"/api/v1/product-records/{made.json['id']}")
    assert (made.json["state"], made.json["texts"]["en"]["description_html"]) == ("draft", "<p>Oak</p>")
    place = f"/api/v1/products/{made.json['id']}"

    staff.post(
        f"{place}/options",
        json={"names": {"en": "Size"}, "values": [{"names": {"en": "Big"}}, {"names": {"en": "Small"}, "swatch": "#a9bf9d"}]},
    )
    values = staff.get(made.location).json["options"][0]["values"]
    for value, price in zip(values, (2450, 1950), strict=True):
        body = {"sku": value["code"], "value_ids": [value["id"]], "price": {"minor": price, **EUR}, "on_hand": 4}
        assert staff.post(f"{place}/variants", json=body).status_code == 201
    record = staff.patch(place, json={"published_at": "2020-01-01T00:00:00Z", "version": staff.get(made.location).json["version"]})

    assert record.json["state"] == "on_sale"
    shown = client.get("/api/v1/products/oak-board").json
    assert shown["price"] == {"minor": 1950, "currency": "EUR"}
    assert {variant["sku"] for variant in shown["variants"]} == {"big", "small"}


def test_a_change_leaves_alone_what_it_does_not_name(staff):
    made = product("Mug", slug="mug", categories=[category()])

    answer = staff.patch(
        f"/api/v1/products/{made.id}", json={"texts": {"en": {"subtitle": "Good"}}, "tags": ["gift"], "tax_class": "standard"}
    )

    assert answer.json["texts"]["en"] | {"subtitle": "Good"} == answer.json["texts"]["en"]
    assert (answer.json["texts"]["en"]["name"], answer.json["tags"], len(answer.json["category_ids"])) == ("Mug", ["gift"], 1)


def test_a_change_of_something_older_is_refused(staff):
    made = product("Mug")
    version = staff.get(f"/api/v1/product-records/{made.id}").json["version"]
    staff.patch(f"/api/v1/products/{made.id}", json={"brand": "Theirs", "version": version})

    answer = staff.patch(f"/api/v1/products/{made.id}", json={"brand": "Mine", "version": version})

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/stale-version")
    assert row(select(Product.brand)).brand == "Theirs"


def test_archiving_is_made_and_taken_back(staff, client):
    made = product("Mug", slug="mug")

    archived = staff.post(f"/api/v1/products/{made.id}/archiving").json["state"]
    gone = client.get("/api/v1/products/mug").status_code
    back = staff.delete(f"/api/v1/products/{made.id}/archiving").json["state"]

    assert (archived, gone, back) == ("archived", 404, "on_sale")


def test_records_are_listed_in_any_state_page_by_page(staff):
    for number in range(3):
        product(f"Mug {number}", published_at=None)
    product("Cup")

    first = staff.get("/api/v1/product-records?state=draft&limit=2").json
    second = staff.get(first["next"]).json

    assert [item["name"] for item in first["items"] + second["items"]] == ["Mug 2", "Mug 1", "Mug 0"]
    assert second["next"] is None


def test_attributes_are_set_as_a_whole(staff):
    made = product("Mug")
    attribute("height", AttributeKind.NUMBER, {"en": "Height"}, unit="mm")
    attribute("material", AttributeKind.TEXT, {"en": "Material"})
    place = f"/api/v1/products/{made.id}/attributes"

    answer = staff.put(place, json={"attributes": {"height": ["95"], "material": {"en": ["clay"], "es": ["barro"]}}})

    assert answer.json["attributes"] == {"height": {"": ["95"]}, "material": {"en": ["clay"], "es": ["barro"]}}
    assert staff.put(place, json={"attributes": {"height": ["NaN"]}}).status_code == 422
    assert staff.put(place, json={"attributes": {"unknown": ["1"]}}).status_code == 404


# Variants


def test_a_variant_is_changed_priced_and_archived(staff):
    made = product("Mug", price=1450)
    place = f"/api/v1/variants/{made.variant_id}"

    assert staff.patch(place, json={"sku": "NEW", "weight_g": 410, "requires_shipping": False}).json["variants"][0]["sku"] == "NEW"
    priced = staff.put(f"{place}/price", json={"price": {"minor": 1500, **EUR}, "compare_at": {"minor": 1800, **EUR}}).json["variants"][0]
    assert (priced["price"]["minor"], priced["compare_at"]["minor"]) == (1500, 1800)
    planned = staff.put(f"{place}/price", json={"price": {"minor": 1700, **EUR}, "valid_from": "2199-01-01T00:00:00Z"}).json["variants"][0]
    assert planned["price"]["minor"] == 1500
    assert [found.minor for found in rows(select(Price.minor).order_by(Price.id))] == [1450, 1500, 1700]
    assert staff.post(f"{place}/archiving").json["state"] == "incomplete"
    assert staff.delete(f"{place}/archiving").json["state"] == "on_sale"


def test_a_sku_of_another_product_is_refused_and_named(staff):
    other, made = product("Cup", sku="CUP-1"), product("Mug")

    answer = staff.patch(f"/api/v1/variants/{made.variant_id}", json={"sku": "CUP-1"})

    assert answer.status_code == 409
    assert answer.json["product_id"] == other.id


def test_the_same_key_makes_one_variant(staff):
    made = product("Mug", options={"Color": ["Sage"]})
    body = {"names": {"en": "Size"}, "values": [{"names": {"en": "Big"}}]}
    answers = [staff.post(f"/api/v1/products/{made.id}/options", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(answers[0].json["options"]) == 2


# Stock


def test_stock_is_set_delivered_and_written_down(staff):
    made = product("Mug", stock=10)
    place = f"/api/v1/variants/{made.variant_id}"

    counted = staff.put(f"{place}/stock", json={"on_hand": 3, "low_at": 5})
    headers = {"Idempotency-Key": "delivery-1"}
    delivered = [staff.post(f"{place}/deliveries", json={"quantity": 24}, headers=headers) for _ in range(2)]

    assert (counted.json["on_hand"], counted.json["low_at"]) == (3, 5)
    assert [answer.status_code for answer in delivered] == [201, 201]
    assert row(select(StockItem.on_hand)).on_hand == 27 == row(select(func.sum(StockMovement.delta).label("all"))).all
    ledger = staff.get(f"{place}/movements").json["items"]
    assert [(line["delta"], line["reason"], line["after"]) for line in ledger] == [
        (24, "delivery", 27),
        (-7, "count", 3),
        (10, "delivery", 10),
    ]
    assert ledger[0]["actor"] == "staff@example.com"


def test_the_ledger_and_the_list_go_on_page_by_page(staff):
    made = product("Mug", stock=10)
    for number in range(4):
        staff.put(f"/api/v1/variants/{made.variant_id}/stock", json={"on_hand": number})
    product("Cup")

    first = staff.get(f"/api/v1/variants/{made.variant_id}/movements?limit=3").json
    second = staff.get(first["next"]).json
    assert [line["after"] for line in first["items"] + second["items"]] == [3, 2, 1, 0, 10]

    first = staff.get("/api/v1/stock?limit=1").json
    assert [line["name"] for line in first["items"] + staff.get(first["next"]).json["items"]] == ["Cup", "Mug"]


# Pictures


def test_a_picture_is_added_described_and_ordered(staff):
    made = product("Mug")
    first = upload(staff, made.id, picture(), alt_en="White", alt_es="Blanca")
    second = upload(staff, made.id, picture(color="navy"))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["images"][0]["alt"] == {"en": "White", "es": "Blanca"}
    white, navy = [found.id for found in rows(select(ProductImage.id).order_by(ProductImage.position))]

    place = f"/api/v1/products/{made.id}/images"
    turned = staff.put(place, json={"images": [{"id": navy, "alt": {"en": "Blue"}}, {"id": white}]}).json["images"]
    fewer = staff.put(place, json={"images": [{"id": navy}]}).json["images"]

    assert [(image["id"], image["alt"]) for image in turned] == [(navy, {"en": "Blue"}), (white, {"en": "White", "es": "Blanca"})]
    assert [image["id"] for image in fewer] == [navy]


@pytest.mark.parametrize(
    ("content", "fields", "status"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', {}, 422),
        (b"", {}, 422),
        (b"no picture", {}, 422),
        (b"\0" * 50 * 1024 * 1024, {}, 413),
        (b"x", {"alt_fr": "x"}, 422),
        (b"x", {"alt_en": "a\0b"}, 422),
        (b"x", {"position": "1"}, 422),
    ],
    ids=["svg", "empty", "text", "50 MB", "language", "NUL", "unknown field"],
)
def test_a_bad_picture_is_refused(staff, content, fields, status):
    made = product("Mug")

    answer = upload(staff, made.id, content, **fields)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert rows(select(ProductImage.id)) == []


# Categories


def test_a_category_is_made_changed_archived_and_removed(staff):
    home = category("Home")
    made = staff.post("/api/v1/categories", json={"texts": {"en": {"name": "Cups"}}, "parent_id": home})
    place = f"/api/v1/categories/{made.json['id']}"

    changed = staff.patch(
        place, json={"texts": {"en": {"name": "Mugs"}}, "parent_id": None, "position": 7, "version": made.json["version"]}
    )
    archived = staff.post(f"{place}/archiving").json["archived_at"]
    restored = staff.delete(f"{place}/archiving").json["archived_at"]
    removed = staff.delete(place)

    assert (made.status_code, changed.json["texts"]["en"]["name"], changed.json["parent_id"]) == (201, "Mugs", None)
    assert archived is not None
    assert restored is None
    assert (removed.status_code, removed.data) == (204, b"")


def test_a_category_does_not_go_below_itself_and_a_full_one_not_away(staff):
    home = category("Home")
    below = category("Table", parent=home)

    assert staff.patch(f"/api/v1/categories/{home}", json={"parent_id": below}).status_code == 409
    assert staff.delete(f"/api/v1/categories/{home}").status_code == 409
    assert len(rows(select(Category.id))) == 2


# What is refused


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "products", {"texts": {"en": {"name": "a\0b"}}}, "/texts/en/name"),
        ("POST", "products", {"texts": {"en": {"name": ""}}}, "texts/en/name"),
        ("POST", "products", {"texts": {"fr": {"name": "Tasse"}}}, "/texts/fr"),
        ("POST", "products", {"texts": {"en": {"name": "Mug", "price": 1}}}, "/texts/en/price"),
        ("POST", "products", {"texts": {"en": {"name": "Mug"}}, "is_listed": True}, "/is_listed"),
        ("POST", "products", {"texts": {"en": {"name": "Mug"}}, "published_at": "yesterday"}, "/published_at"),
        ("POST", "products", {"texts": {"en": {"name": "Mug"}}, "published_at": "2026-13-01T00:00:00Z"}, "/published_at"),
        ("POST", "products", {"texts": {"en": {"name": "Mug"}}, "tax_class": "none"}, "/tax_class"),
        ("PATCH", "products/{product}", {"category_ids": [2**63]}, "/category_ids/0"),
        ("POST", "products/{product}/variants", {"price": {"minor": 1.5, "currency": "EUR"}}, "/price"),
        ("POST", "products/{product}/variants", {"price": {"minor": 1, "currency": "USD"}}, "/price"),
        ("PUT", "variants/{variant}/price", {"price": {"minor": -1, "currency": "EUR"}}, "/price"),
        ("PUT", "variants/{variant}/price", {"price": {"minor": 2**63, "currency": "EUR"}}, "/price"),
        ("PUT", "variants/{variant}/stock", {"on_hand": 2**63}, "/on_hand"),
        ("PUT", "variants/{variant}/stock", {"on_hand": True}, "/on_hand"),
        ("PUT", "variants/{variant}/stock", {"on_hand": 1, "reason": "sale"}, "/reason"),
        ("POST", "variants/{variant}/deliveries", {"quantity": 0}, "/quantity"),
        ("POST", "categories", {"texts": {}, "version": 1}, "/version"),
        (
            "POST",
            "products/{product}/options",
            {"names": {"en": "Color"}, "values": [{"names": {"en": "X"}, "swatch": "red"}]},
            "/values/0/swatch",
        ),
    ],
)
def test_what_is_wrong_is_named(staff, method, path, body, pointer):
    made = product("Mug")
    path = "/api/v1/" + path.format(product=made.id, variant=made.variant_id)
    before = rows(select(Product.version, Variant.version).join(Variant, Variant.product_id == Product.id))

    answer = staff.open(path, method=method, json=body)

    assert (answer.status_code, pointers(answer)) == (422, [pointer])
    assert rows(select(Product.version, Variant.version).join(Variant, Variant.product_id == Product.id)) == before


def test_a_price_that_is_not_a_number_is_no_json(staff):
    made = product("Mug")
    body = json.dumps({"price": {"minor": float("nan"), "currency": "EUR"}})

    answer = staff.put(f"/api/v1/variants/{made.variant_id}/price", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-json")


ACTS: list[tuple[str, str]] = [
    ("GET", "product-records"), ("GET", "product-records/1"), ("POST", "products"), ("PATCH", "products/1"), ("POST", "products/1/archiving"),
    ("DELETE", "products/1/archiving"), ("PUT", "products/1/attributes"), ("POST", "products/1/options"), ("PUT", "options/1"), ("DELETE", "options/1"),
    ("POST", "products/1/variants"), ("PATCH", "variants/1"), ("PUT", "variants/1/price"), ("POST", "variants/1/archiving"),
    ("DELETE", "variants/1/archiving"), ("GET", "stock"), ("PUT", "variants/1/stock"), ("POST", "variants/1/deliveries"),
    ("GET", "variants/1/movements"), ("POST", "products/1/images"), ("PUT", "products/1/images"), ("POST", "categories"),
    ("PATCH", "categories/1"), ("DELETE", "categories/1"), ("POST", "categories/1/archiving"), ("DELETE", "categories/1/archiving"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ACTS)
def test_nobody_but_staff_may(app, client, method, path):
    make_user("lucia@example.com")
    customer = app.test_client()
    log_in(customer, "lucia@example.com")

    def asked(by: Any) -> int:
        return by.open(f"/api/v1/{path}", method=method, json={} if method != "GET" else None).status_code

    assert (asked(client), asked(customer)) == (401, 403)


def test_every_act_is_in_the_document(client):
    document = client.get("/api/v1/openapi.json").json

    described = [
        (method.upper(), re.sub(r"{[a-z_]+}", "1", path).removeprefix("/api/v1/"))
        for path, methods in document["paths"].items()
        for method, act in methods.items()
        if act.get("description", "").startswith("For people with the permission")
    ]
    assert set(ACTS) <= set(described)
