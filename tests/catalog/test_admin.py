"""The catalog's staff pages: each act as a person does it, what is refused and how, and two people at once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.catalog.models import (
    Category,
    CategoryText,
    OldSlug,
    OptionValue,
    Price,
    Product,
    ProductImage,
    ProductImageText,
    ProductText,
    Variant,
)
from shop.inventory.models import StockItem, StockMovement
from tests.catalog.forms import file, open_form, read_form, send
from tests.factories import make_category, make_product
from tests.media.pictures import noise, picture
from tests.people import inside, log_in, make_user, row, rows

category, product = inside(make_category), inside(make_product)


@pytest.fixture
def staff(app):
    return somebody(app, "staff@example.com")


def somebody(app, email):
    make_user(email, role="staff")
    client = app.test_client()
    log_in(client, email)
    return client


def texts_of(product_id, locale="en"):
    return row(select(ProductText).where(ProductText.product_id == product_id, ProductText.locale == locale))


def new_id(answer):
    return int(answer.location.rsplit("/", 1)[1].partition("#")[0])


# Products


def test_a_product_is_described_and_published(staff):
    shelf, other = category("Table"), category("Gifts")

    answer = send(
        staff, "/admin/products/new", "/admin/products",
        name_en="Oak board", name_es="Tabla de roble", subtitle_en="One piece", description_html_en="<h1>Oak</h1><script>x()</script><p>Good</p>",
        main_category=str(other), categories=[str(shelf)], tags="wood, gift", brand="Alfar", shown="now",
    )  # fmt: skip

    assert answer.status_code == 303
    made = new_id(answer)
    assert texts_of(made).description_html == "<h2>Oak</h2><p>Good</p>"
    assert (texts_of(made).slug, texts_of(made, "es").slug) == ("oak-board", "tabla-de-roble")
    assert row(select(Product.brand, Product.published_at.is_not(None)).where(Product.id == made)) == ("Alfar", True)
    page = staff.get(f"/admin/products/{made}")
    assert "Without a price" in page.text
    assert open_form(staff, f"/admin/products/{made}")["main_category"] == [str(other)]


def test_a_product_gets_a_variant_a_price_and_is_in_the_shop(staff, client):
    made = new_id(send(staff, "/admin/products/new", "/admin/products", name_en="Oak board", shown="now"))

    send(staff, f"/admin/products/{made}/variants", price="24,50", compare_at="30", sku="OAK-1", on_hand="7", weight_g="900")

    page = client.get("/p/oak-board")
    assert page.status_code == 200
    assert "€24.50" in page.text
    assert row(select(StockMovement.delta, StockMovement.actor)) == (7, "staff@example.com")


def test_an_edited_product_keeps_what_was_not_touched(staff):
    made = product("Mug", slug="mug", options={"Color": ["Sage", "Cream"]})

    answer = send(staff, f"/admin/products/{made.id}", name_en="Big mug", slug_en="big-mug")

    assert answer.status_code == 303
    assert texts_of(made.id).name == "Big mug"
    assert texts_of(made.id).description_html == "<p>Mug.</p>"
    assert texts_of(made.id, "es").name == "Mug"
    assert row(select(Product.is_listed).where(Product.id == made.id)).is_listed
    assert row(select(OldSlug.slug)).slug == "mug"


@pytest.mark.parametrize(("shown", "at", "state"), [("draft", "", "Draft"), ("at", "2199-01-01T10:00", "Planned"), ("now", "", "On sale")])
def test_a_product_is_a_draft_planned_or_on_sale(staff, shown, at, state):
    made = product("Mug")

    send(staff, f"/admin/products/{made.id}", shown=shown, shown_at=at)

    assert f'">{state}</span>' in staff.get(f"/admin/products/{made.id}").text


def test_an_archived_product_leaves_the_shop_and_comes_back(staff, client):
    made = product("Mug", slug="mug")

    send(staff, f"/admin/products/{made.id}", f"/admin/products/{made.id}/archiving")
    gone = client.get("/p/mug").status_code
    send(staff, f"/admin/products/{made.id}", f"/admin/products/{made.id}/restoration")

    assert (gone, client.get("/p/mug").status_code) == (404, 200)


def test_the_list_finds_by_name_sku_state_shelf_and_stock(staff):
    shelf = category("Table")
    product("Mug", sku="MUG-1", categories=[shelf])
    product("Soap", stock=0)
    product("Lamp", published_at=None)
    product("Candle", stock=2)

    def found(query):
        page = staff.get(f"/admin/products?{query}").text
        return {name for name in ("Mug", "Soap", "Lamp", "Candle") if f">{name}</a>" in page}

    assert found("") == {"Mug", "Soap", "Lamp", "Candle"}
    assert found("q=mUg-") == found("q=mu") == found(f"category={shelf}") == {"Mug"}
    assert found("state=draft") == {"Lamp"}
    assert found("supply=sold_out") == {"Soap"}
    assert found("supply=low") == {"Candle"}
    assert found("state=archived") == set()


def test_the_list_goes_on_page_by_page(staff):
    for number in range(52):
        product(f"Mug {number}")

    first = staff.get("/admin/products").text
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = staff.get(following).text

    assert (first.count("Mug "), second.count("Mug ")) != (0, 0)
    assert ">Mug 51</a>" in first
    assert ">Mug 1</a>" in second
    assert ">Mug 1</a>" not in first


# Two people


def test_two_people_who_edit_the_same_field_both_see_both_versions(app, staff):
    made = product("Mug")
    page = f"/admin/products/{made.id}"
    mine = open_form(staff, page)
    send(somebody(app, "other@example.com"), page, name_en="Cup", subtitle_en="Theirs")

    answer = staff.post(page, data={**mine, "name_en": "Beaker", "brand": "Alfar"})

    assert answer.status_code == 409
    assert "Beaker" in answer.text
    assert "Cup" in answer.text
    assert texts_of(made.id).name == "Cup"
    chosen = staff.post(page, data={**read_form(answer, page), "subtitle_en": "Theirs"})
    assert chosen.status_code == 303
    assert (texts_of(made.id).name, texts_of(made.id).subtitle) == ("Beaker", "Theirs")
    assert row(select(Product.brand).where(Product.id == made.id)).brand == "Alfar"


def test_other_parts_that_changed_meanwhile_hold_nobody_up(staff):
    made = product("Mug")
    mine = open_form(staff, f"/admin/products/{made.id}")
    send(staff, f"/admin/variants/{made.variant_id}", price="18.00")

    answer = staff.post(f"/admin/products/{made.id}", data={**mine, "name_en": "Cup"})

    assert answer.status_code == 303
    assert texts_of(made.id).name == "Cup"


def test_a_press_twice_saves_once_and_is_content(staff):
    made = product("Mug")
    mine = {**open_form(staff, f"/admin/products/{made.id}"), "name_en": "Cup"}

    answers = [staff.post(f"/admin/products/{made.id}", data=mine).status_code for _ in range(2)]

    assert answers == [303, 303]


def test_a_stale_press_on_archive_is_told(staff):
    made = product("Mug")
    fields = open_form(staff, f"/admin/products/{made.id}", f"/admin/products/{made.id}/archiving")
    send(staff, f"/admin/products/{made.id}", name_en="Cup")

    answer = staff.post(f"/admin/products/{made.id}/archiving", data=fields)

    assert answer.status_code == 409
    assert row(select(Product.archived_at).where(Product.id == made.id)).archived_at is None


# Variants


def test_a_price_is_appended_and_the_facts_are_saved_with_it(staff):
    made = product("Mug", price=1450)

    send(staff, f"/admin/variants/{made.variant_id}", price="15", compare_at="18.50", barcode="8412345", weight_g="410", sku="NEW")

    assert [price.minor for price in rows(select(Price.minor).order_by(Price.id))] == [1450, 1500]
    assert row(select(Variant.sku, Variant.barcode, Variant.weight_g)) == ("NEW", "8412345", 410)


def test_a_sku_of_another_product_is_refused_with_the_way_to_it(staff):
    other = product("Cup", sku="CUP-1")
    made = product("Mug", sku="MUG-1")

    answer = send(staff, f"/admin/variants/{made.variant_id}", sku="CUP-1", price="99")

    assert answer.status_code == 409
    assert f'href="/admin/variants/{other.variant_id}"' in answer.text
    assert 'value="CUP-1"' in answer.text
    assert rows(select(Price.minor).where(Price.variant_id == made.variant_id)) == [(1450,)]


def test_a_variant_needs_a_value_of_each_option_and_no_twin(staff):
    made = product("Mug", options={"Color": ["Sage", "Cream"]})
    page = f"/admin/products/{made.id}/variants"
    taken = open_form(staff, f"/admin/variants/{made.variant_id}")
    option = next(name for name in taken if name.startswith("option_"))

    missing = send(staff, page, price="10")
    twin = send(staff, page, price="10", **{option: taken[option]})

    assert (missing.status_code, twin.status_code) == (422, 409)
    assert "Choose one value for each option." in missing.text
    assert "Another variant of this product has the same values." in twin.text


def test_an_archived_variant_is_not_sold_and_comes_back(staff):
    made = product("Mug", options={"Color": ["Sage", "Cream"]})
    page = f"/admin/variants/{made.variant_id}"

    send(staff, page, f"{page}/archiving")
    archived = row(select(Variant.archived_at).where(Variant.id == made.variant_id)).archived_at
    send(staff, page, f"{page}/restoration")

    assert archived is not None
    assert row(select(Variant.archived_at).where(Variant.id == made.variant_id)).archived_at is None


# Options and facts


def test_an_option_is_made_shaped_and_taken_away(staff):
    made = product("Mug")
    page = f"/admin/products/{made.id}/options"

    send(
        staff,
        page,
        name_en="Color",
        name_es="Color",
        value_new1_en="Sage",
        value_new1_es="Salvia",
        swatch_new1="#A9BF9D",
        value_new2_en="Cream",
    )
    values = rows(select(OptionValue.id, OptionValue.option_id, OptionValue.code, OptionValue.swatch).order_by(OptionValue.position))
    assert [value[2:] for value in values] == [("sage", "#a9bf9d"), ("cream", "")]

    option = f"/admin/options/{values[0].option_id}"
    send(staff, option, **{f"value_{values[0].id}_en": "", "value_new1_en": "Ink"})
    assert [value.code for value in rows(select(OptionValue.code).order_by(OptionValue.position))] == ["cream", "ink"]

    send(staff, page, f"{option}/removal")
    assert rows(select(OptionValue.id)) == []


def test_a_value_that_a_variant_has_stays(staff):
    made = product("Mug", options={"Color": ["Sage", "Cream"]})
    value = row(select(OptionValue.id, OptionValue.option_id).order_by(OptionValue.id))
    option = f"/admin/options/{value.option_id}"

    emptied = send(staff, option, **{f"value_{value.id}_en": ""})
    removed = send(staff, f"/admin/products/{made.id}/options", f"{option}/removal")

    assert (emptied.status_code, removed.status_code) == (409, 409)
    assert len(rows(select(OptionValue.id))) == 2


def test_facts_are_written_in_every_language(staff, app):
    from shop.catalog.models import AttributeKind
    from shop.catalog.services import create_attribute

    made = product("Mug")
    inside(create_attribute)("material", AttributeKind.TEXT, {"en": "Material"})
    inside(create_attribute)("height", AttributeKind.NUMBER, {"en": "Height"}, unit="mm")
    page = f"/admin/products/{made.id}/attributes"

    asked = send(staff, page, more="material")
    send(staff, asked.location, fact_material_en="clay\r\nglaze", fact_material_es="barro")
    send(staff, f"{page}?more=height", fact_height_="95")
    wrong = send(staff, f"{page}?more=height", fact_height_="NaN")

    assert wrong.status_code == 422
    shown = staff.get(f"/admin/products/{made.id}").text
    assert "clay, glaze" in shown
    assert "<dd>95</dd>" in shown


# Pictures


def upload(client, product_id, *files):
    page = f"/admin/products/{product_id}"
    return send(client, page, f"{page}/pictures", files=[file(content, name) for content, name in files])


def test_pictures_are_added_described_ordered_and_taken_off(staff):
    made = product("Mug")
    upload(staff, made.id, (picture(), "a.jpg"), (picture(color="navy"), "b.jpg"))
    first, second = [found.id for found in rows(select(ProductImage.id).order_by(ProductImage.position))]
    page = f"/admin/products/{made.id}"

    send(
        staff,
        page,
        f"{page}/pictures/order",
        **{f"place_{first}": "2", f"place_{second}": "1", f"alt_{second}_en": "Blue", f"alt_{second}_es": "Azul"},
    )
    assert [found.id for found in rows(select(ProductImage.id).order_by(ProductImage.position))] == [second, first]
    assert {found.alt for found in rows(select(ProductImageText.alt))} == {"Blue", "Azul"}

    send(staff, page, f"{page}/pictures/order", **{f"gone_{first}": "y"})
    assert [found.id for found in rows(select(ProductImage.id))] == [second]


def test_a_picture_of_several_megabytes_passes(staff):
    made = product("Mug")
    large = noise(1600, 1600, kind="PNG")
    assert len(large) > 1024 * 1024

    assert upload(staff, made.id, (large, "large.png")).status_code == 303


def test_a_bad_file_does_not_hold_up_a_good_one(staff):
    made = product("Mug")

    answer = upload(staff, made.id, (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "x.svg"), (picture(), "a.jpg"))

    assert answer.status_code == 422
    assert "SVG drawings can carry scripts" in answer.text
    assert len(rows(select(ProductImage.id))) == 1


def test_fifty_megabytes_are_refused_before_they_are_read(staff):
    made = product("Mug")

    answer = upload(staff, made.id, (b"\0" * 50 * 1024 * 1024, "huge.jpg"))

    assert answer.status_code == 413
    assert rows(select(ProductImage.id)) == []


# Categories


def test_a_category_is_made_moved_and_renamed(staff, client):
    home, table = category("Home"), category("Table")
    send(staff, f"/admin/categories/new?below={home}", "/admin/categories", name_en="Cups", name_es="Tazas", sentence_en="To drink from")
    cups = row(select(Category.id, Category.parent_id).order_by(Category.id.desc()))
    assert cups.parent_id == home

    send(staff, f"/admin/categories/{cups.id}", parent=str(table), name_en="Mugs", slug_en="mugs", picture=file(picture(), "a.jpg"))

    assert row(select(Category.path).where(Category.id == cups.id)).path == f"{table}/{cups.id}"
    assert row(select(Category.image_id).where(Category.id == cups.id)).image_id is not None
    assert client.get("/c/mugs").status_code == 200
    assert client.get("/c/cups").status_code == 301


def test_a_category_cannot_stand_below_itself(staff):
    home = category("Home")
    below = category("Table", parent=home)
    page = f"/admin/categories/{home}"

    assert [send(staff, page, parent=str(wrong)).status_code for wrong in (home, below)] == [422, 422]


def test_a_category_that_is_not_empty_says_so_before_it_is_archived(staff):
    home = category("Home")
    category("Table", parent=home)
    product("Mug", categories=[home])
    page = f"/admin/categories/{home}/archiving"

    assert "It is not empty." in staff.get(page).text
    send(staff, page)
    assert all(found.archived_at for found in rows(select(Category.archived_at)))
    send(staff, f"/admin/categories/{home}", f"/admin/categories/{home}/restoration")
    assert not any(found.archived_at for found in rows(select(Category.archived_at)))


def test_two_people_who_edit_a_category_both_see_both_versions(app, staff):
    home = category("Home")
    page = f"/admin/categories/{home}"
    mine = open_form(staff, page)
    send(somebody(app, "other@example.com"), page, name_en="House")

    assert staff.post(page, data={**mine, "name_en": "Rooms"}).status_code == 409
    assert row(select(CategoryText.name).where(CategoryText.locale == "en")).name == "House"


# Stock


def test_numbers_are_booked_with_their_reason(staff):
    mug, cup = product("Mug", stock=10), product("Cup", stock=5)

    send(staff, "/admin/stock", **{f"number_{mug.variant_id}": "8", "reason": "count"})
    send(staff, "/admin/stock", **{f"number_{cup.variant_id}": "24", "reason": "delivery"})

    levels = {item.variant_id: item.on_hand for item in rows(select(StockItem.variant_id, StockItem.on_hand))}
    assert levels == {mug.variant_id: 8, cup.variant_id: 29}
    last = rows(select(StockMovement.delta, StockMovement.reason, StockMovement.actor).order_by(StockMovement.id))[-2:]
    assert last == [(-2, "count", "staff@example.com"), (24, "delivery", "staff@example.com")]


def test_the_ledger_of_a_variant_says_who_when_and_why(staff):
    mug = product("Mug", stock=10)

    send(staff, f"/admin/stock/{mug.variant_id}", number="3", reason="correction", low_at="5")

    page = staff.get(f"/admin/stock/{mug.variant_id}").text
    assert "Corrected" in page
    assert "−7" in page
    assert "staff@example.com" in page
    assert row(select(StockItem.low_at)).low_at == 5


def test_what_nobody_counts_never_sells_out_until_it_is_counted(staff):
    mug = product("Mug", stock=None)
    refused = send(staff, f"/admin/stock/{mug.variant_id}", number="3", reason="delivery")
    send(staff, f"/admin/stock/{mug.variant_id}", number="3", reason="count")
    counted = row(select(StockItem.on_hand, StockItem.is_tracked))
    send(staff, f"/admin/stock/{mug.variant_id}", reason="uncounted")

    assert (refused.status_code, counted) == (409, (3, True))
    assert row(select(StockItem.is_tracked)).is_tracked is False


# What is refused


@pytest.mark.parametrize(
    ("page", "typed", "message"),
    [
        ("variants/{variant}", {"price": "NaN"}, "Write an amount such as 19.99."),
        ("variants/{variant}", {"price": ""}, "Write an amount such as 19.99."),
        ("variants/{variant}", {"price": "9" * 13}, "Write an amount such as 19.99."),
        ("variants/{variant}", {"weight_g": "2,5"}, "Write a whole number."),
        ("stock/{variant}", {"number": str(2**63)}, "Write a whole number"),
        ("stock/{variant}", {"number": "-1"}, "Write a whole number from 0"),
        ("stock/{variant}", {"number": "1", "reason": "sale"}, "Not a valid choice."),
        ("products/{product}", {"name_en": "a\0b"}, "This text holds characters that cannot be shown."),
        ("products/{product}", {"name_en": ""}, "Please fill this in."),
        ("products/{product}", {"description_html_en": "x" * 50_001}, "Use at most 50000 characters."),
        ("products/{product}", {"shown": "at", "shown_at": ""}, "Say from when on it is shown."),
        ("products/{product}", {"shown": "at", "shown_at": "2026-02-30T10:00"}, "Write a day and time"),
        ("products/{product}", {"categories": ["4711"]}, "One of the categories does not exist any more."),
        ("products/{product}", {"tax_class": "none"}, "Not a valid choice."),
        ("categories/{category}", {"name_en": "x" * 201}, "Use at most 200 characters."),
        ("categories/{category}", {"position": "-1"}, "Write a whole number from 0"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(staff, page, typed, message):
    shelf = category("Home")
    made = product("Mug", categories=[shelf])
    page = "/admin/" + page.format(variant=made.variant_id, product=made.id, category=shelf)

    answer = send(staff, page, **typed)

    assert answer.status_code == 422
    assert answer.text.count(message) == 2
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("page", ["products", "products/new", "categories", "stock", "products/1", "variants/1", "options/1"])
def test_a_stranger_logs_in_and_a_customer_is_turned_away(app, client, page):
    make_user("lucia@example.com")
    customer = app.test_client()
    log_in(customer, "lucia@example.com")

    assert client.get(f"/admin/{page}").status_code == 303
    assert customer.get(f"/admin/{page}").status_code == 403


def test_a_form_without_its_token_does_nothing(staff):
    made = product("Mug")
    fields = {**open_form(staff, f"/admin/products/{made.id}"), "csrf_token": "", "name_en": "Cup"}

    assert staff.post(f"/admin/products/{made.id}", data=fields).status_code == 422
    assert texts_of(made.id).name == "Mug"


@pytest.mark.parametrize(
    "page", ["products/4711", "variants/4711", "options/4711", "categories/4711", "stock/4711", "products/4711/attributes"]
)
def test_what_does_not_exist_is_not_found(staff, page):
    assert staff.get(f"/admin/{page}").status_code == 404
    assert staff.post(f"/admin/{page}").status_code == 404
