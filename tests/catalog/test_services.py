from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from shop.cart.models import Cart, CartItem
from shop.catalog import services
from shop.catalog.models import (
    AttributeKind,
    Category,
    CategoryProduct,
    CategoryText,
    OldSlug,
    Option,
    OptionValue,
    Price,
    Product,
    ProductAttribute,
    ProductImage,
    ProductImageText,
    ProductTag,
    ProductText,
    SlugKind,
    Variant,
)
from shop.db import db, transaction
from shop.errors import Conflict, Invalid, NotFound, StaleVersion
from shop.inventory.models import StockItem, StockMovement
from shop.media.models import Image
from shop.settings.queries import topic_version
from tests.factories import NOON, make_category, make_product
from tests.races import in_parallel

pytestmark = pytest.mark.usefixtures("context")


def one(statement: Any) -> Any:
    with transaction() as session:
        return session.execute(statement).scalar_one()


def every(statement: Any) -> list[Any]:
    with transaction() as session:
        return [tuple(found) if len(found) > 1 else found[0] for found in session.execute(statement)]


def make_image(name: str = "a") -> int:
    with transaction() as session:
        image = Image(hash=name * 32, width=10, height=10, widths="10", bytes=1, created_at=NOON)
        session.add(image)
        session.flush()
        return image.id


def slugs(product_id: int) -> dict[str, str]:
    return dict(every(select(ProductText.locale, ProductText.slug).where(ProductText.product_id == product_id)))


# Categories


def test_a_category_has_the_texts_it_was_given_and_a_path() -> None:
    top = services.create_category({"en": {"name": "Table"}, "es": {"name": "Mesa"}}, at=NOON)

    below = services.create_category({"en": {"name": "Mugs"}}, parent_id=top, at=NOON)

    assert one(select(Category.path).where(Category.id == below)) == f"{top}/{below}"
    texts = every(select(CategoryText.locale, CategoryText.name, CategoryText.slug).order_by(CategoryText.category_id, CategoryText.locale))
    assert texts == [("en", "Table", "table"), ("es", "Mesa", "mesa"), ("en", "Mugs", "mugs")]


def test_a_category_needs_a_name_and_a_known_language() -> None:
    with pytest.raises(Invalid):
        services.create_category({"es": {"name": "Mesa"}}, at=NOON)
    with pytest.raises(Invalid):
        services.create_category({"en": {"name": "Table"}, "fr": {"name": "Table"}}, at=NOON)
    with pytest.raises(NotFound):
        services.create_category({"en": {"name": "Table"}}, parent_id=99, at=NOON)


def test_moving_a_branch_takes_paths_lists_and_counts_along() -> None:
    old, new = make_category("Old"), make_category("New")
    middle = make_category("Middle", parent=old)
    leaf = make_category("Leaf", parent=middle)
    product = make_product(categories=[leaf])

    services.change_category(middle, parent_id=new, at=NOON)

    assert one(select(Category.path).where(Category.id == leaf)) == f"{new}/{middle}/{leaf}"
    listed = every(
        select(CategoryProduct.category_id).where(CategoryProduct.product_id == product.id).order_by(CategoryProduct.category_id)
    )
    assert listed == sorted([new, middle, leaf])
    counts = dict(every(select(Category.id, Category.product_count)))
    assert counts == {old: 0, new: 1, middle: 1, leaf: 1}


def test_a_branch_can_become_a_top_category() -> None:
    top = make_category("Top")
    leaf = make_category("Leaf", parent=top)

    services.change_category(leaf, parent_id=None, at=NOON)

    assert one(select(Category.path).where(Category.id == leaf)) == str(leaf)


def test_a_category_cannot_stand_below_itself() -> None:
    top = make_category("Top")
    leaf = make_category("Leaf", parent=make_category("Middle", parent=top))

    for target in (top, leaf):
        with pytest.raises(Conflict):
            services.change_category(top, parent_id=target, at=NOON)

    assert one(select(Category.path).where(Category.id == top)) == str(top)


def test_an_archived_category_takes_its_branch_out_and_brings_it_back() -> None:
    top = make_category("Top")
    leaf = make_category("Leaf", parent=top)
    make_product(categories=[leaf])

    services.archive_category(top, at=NOON)

    assert every(select(Category.product_count)) == [0, 0]
    with pytest.raises(Conflict):
        services.restore_category(leaf, at=NOON)
    services.restore_category(top, at=NOON)
    assert every(select(Category.product_count)) == [1, 1]


def test_only_an_empty_category_is_deleted() -> None:
    full, empty = make_category("Full"), make_category("Empty")
    make_product(categories=[full])

    services.delete_category(empty)

    with pytest.raises(Conflict):
        services.delete_category(full)
    assert every(select(Category.id)) == [full]


# Products


def test_a_product_is_described_placed_and_tagged_at_once() -> None:
    shelf = make_category()

    product = services.create_product(
        {"en": {"name": "Mug", "description_html": "<p onclick='x()'>Hi<script>alert(1)</script></p>"}, "es": {"name": "Taza"}},
        category_ids=[shelf],
        tags=["gift", " gift ", ""],
        at=NOON,
    )

    assert slugs(product) == {"en": "mug", "es": "taza"}
    assert every(select(ProductText.description_html).where(ProductText.locale == "en")) == ["<p>Hi</p>"]
    assert every(select(ProductTag.tag)) == ["gift"]
    assert one(select(Product.handle)) == "mug"


def test_a_slug_is_unique_per_language() -> None:
    first = services.create_product({"en": {"name": "Mug"}, "es": {"name": "Taza"}}, at=NOON)
    second = services.create_product({"en": {"name": "Mug"}, "es": {"name": "Jarra"}}, at=NOON)

    assert (slugs(first), slugs(second)) == ({"en": "mug", "es": "taza"}, {"en": "mug-2", "es": "jarra"})
    assert every(select(Product.handle).order_by(Product.id)) == ["mug", "mug-2"]


def test_an_old_slug_redirects_and_never_in_a_circle() -> None:
    product = services.create_product({"en": {"name": "Mug"}}, at=NOON)

    for wanted in ("cup", "mug", "cup", "beaker"):
        services.change_product(product, texts={"en": {"slug": wanted}}, at=NOON)

    old = every(select(OldSlug.slug, OldSlug.target_id).where(OldSlug.locale == "en").order_by(OldSlug.slug))
    assert old == [("cup", product), ("mug", product)]
    assert slugs(product)["en"] == "beaker"


def test_nobody_takes_a_slug_that_still_redirects_elsewhere() -> None:
    first = services.create_product({"en": {"name": "Mug"}}, at=NOON)
    services.change_product(first, texts={"en": {"slug": "cup"}}, at=NOON)

    second = services.create_product({"en": {"name": "Mug"}}, handle="other", at=NOON)

    assert slugs(second)["en"] == "mug-2"


def test_what_is_not_named_stays() -> None:
    product = services.create_product({"en": {"name": "Mug", "subtitle": "Blue"}}, brand="Brezal", tags=["a"], at=NOON)

    services.change_product(product, texts={"en": {"name": "Cup"}}, at=NOON)

    found = every(select(ProductText.name, ProductText.subtitle, ProductText.slug).where(ProductText.locale == "en"))
    assert found == [("Cup", "Blue", "mug")]
    assert one(select(Product.brand)) == "Brezal"
    assert every(select(ProductTag.tag)) == ["a"]


def test_a_stale_version_is_refused_and_nothing_is_changed() -> None:
    product = services.create_product({"en": {"name": "Mug"}}, at=NOON)
    services.change_product(product, brand="First", expected_version=1, at=NOON)

    with pytest.raises(StaleVersion):
        services.change_product(product, brand="Second", expected_version=1, at=NOON)

    assert one(select(Product.brand)) == "First"
    with pytest.raises(NotFound):
        services.change_product(product + 1, brand="Third", expected_version=1, at=NOON)


def test_publishing_lists_it_and_withdrawing_and_archiving_hide_it() -> None:
    made = make_product(published_at=None, categories=[make_category()])

    listed = []
    for verb in (
        services.publish_product,
        services.withdraw_product,
        services.publish_product,
        services.archive_product,
        services.restore_product,
    ):
        verb(made.id, at=NOON)
        listed.append(one(select(func.count()).select_from(CategoryProduct)))

    assert listed == [1, 0, 1, 0, 1]


def test_a_planned_product_is_not_listed_yet() -> None:
    made = make_product(published_at=None)

    services.publish_product(made.id, from_=NOON + timedelta(days=1), at=NOON)

    assert one(select(Product.is_listed)) is False


def test_a_product_nobody_ordered_is_deleted_with_all_it_has() -> None:
    shelf = make_category()
    made = make_product(categories=[shelf], options={"Color": ["Red", "Blue"]})

    services.delete_product(made.id, at=NOON)

    for table in (Product, ProductText, Variant, Price, StockItem, StockMovement, CategoryProduct, Option):
        assert one(select(func.count()).select_from(table)) == 0
    assert one(select(Category.product_count)) == 0


def test_what_lies_in_a_cart_or_was_sold_is_archived_not_deleted() -> None:
    in_cart, sold = make_product(), make_product()
    with transaction() as session:
        cart = Cart(key="k" * 40, currency="EUR", created_at=NOON, updated_at=NOON)
        session.add(cart)
        session.flush()
        session.add(CartItem(cart_id=cart.id, variant_id=in_cart.variant_id, quantity=1, seen_price_minor=1450, added_at=NOON))
        session.execute(update(Product).where(Product.id == sold.id).values(sold_count=1))

    for made in (in_cart, sold):
        with pytest.raises(Conflict):
            services.delete_product(made.id, at=NOON)
    with pytest.raises(Conflict):
        services.delete_variant(in_cart.variant_id, at=NOON)

    services.delete_variant(sold.variant_id, at=NOON)
    assert one(select(func.count()).select_from(Product)) == 2


# Options and variants


def test_a_product_with_options_sells_one_variant_for_each_combination() -> None:
    product = services.create_product({"en": {"name": "Mug"}}, published_at=NOON, at=NOON)
    color = services.add_option(product, {"en": "Color", "es": "Color"}, [{"en": "Red", "es": "Rojo"}, {"en": "Blue"}], at=NOON)
    red, blue = every(select(OptionValue.id).where(OptionValue.option_id == color).order_by(OptionValue.position))

    services.create_variant(product, value_ids=[red], sku="R", price_minor=900, on_hand=3, by="ana", at=NOON)
    services.create_variant(product, value_ids=[blue], sku="B", price_minor=1100, compare_at_minor=1500, on_hand=0, at=NOON)

    found = every(select(Product.price_from_minor, Product.price_to_minor, Product.available, Product.pieces_left))
    assert found == [(900, 1100, True, 3)]
    assert every(select(StockMovement.delta, StockMovement.actor)) == [(3, "ana")]


def test_variants_must_differ_and_have_a_value_for_each_option() -> None:
    made = make_product(options={"Color": ["Red", "Blue"]})
    values = every(select(OptionValue.id))

    with pytest.raises(Conflict):
        services.create_variant(made.id, value_ids=[values[0]], at=NOON)
    with pytest.raises(Invalid):
        services.create_variant(made.id, value_ids=values, at=NOON)
    with pytest.raises(Invalid):
        services.create_variant(made.id, at=NOON)
    services.archive_variant(made.variant_ids[0], at=NOON)
    services.create_variant(made.id, value_ids=[values[0]], at=NOON)
    with pytest.raises(Conflict):
        services.restore_variant(made.variant_ids[0], at=NOON)


def test_staff_cannot_give_a_sku_that_another_variant_has() -> None:
    first = make_product(sku="MUG-1", slug="first")
    second = make_product(sku="MUG-2")

    with pytest.raises(Conflict, match="first"):
        services.change_variant(second.variant_id, sku="MUG-1", at=NOON)
    with pytest.raises(Conflict):
        services.create_variant(second.id, sku="MUG-1", at=NOON)

    services.change_variant(first.variant_id, sku="MUG-1", barcode="1", at=NOON)
    assert every(select(Variant.sku, Variant.barcode, Variant.version).order_by(Variant.id)) == [("MUG-1", "1", 2), ("MUG-2", "", 1)]


def test_a_price_is_appended_and_the_same_price_writes_nothing() -> None:
    made = make_product(price=1000)

    written = [
        services.set_price(made.variant_id, 1000, at=NOON),
        services.set_price(made.variant_id, 800, compare_at_minor=1000, at=NOON),
        services.set_price(made.variant_id, 800, compare_at_minor=1000, at=NOON + timedelta(hours=1)),
        services.set_price(made.variant_id, 900, valid_from=NOON + timedelta(days=2), at=NOON + timedelta(hours=1)),
    ]

    assert written == [False, True, False, True]
    assert every(select(Price.minor).order_by(Price.id)) == [1000, 800, 900]
    assert every(select(Product.price_from_minor, Product.compare_at_minor)) == [(800, 1000)]


def test_an_archived_variant_no_longer_makes_the_price() -> None:
    made = make_product(options={"Size": ["S", "L"]}, price=1000)
    services.set_price(made.variant_ids[0], 500, at=NOON)

    services.archive_variant(made.variant_ids[0], at=NOON)

    assert one(select(Product.price_from_minor)) == 1000


def test_stock_is_set_with_its_reason_in_the_ledger() -> None:
    made = make_product(stock=10)

    services.set_stock_level(made.variant_id, 2, low_at=5, by="ana", reason="count", at=NOON)

    assert every(select(StockItem.on_hand, StockItem.low_at)) == [(2, 5)]
    assert every(select(StockMovement.delta, StockMovement.actor).order_by(StockMovement.id)) == [(10, "ana@example.com"), (-8, "ana")]
    assert one(select(Product.pieces_left)) == 2
    services.set_stock_level(made.variant_id, None, by="ana", at=NOON)
    assert one(select(StockItem.is_tracked)) is False


def test_options_in_use_stay_and_others_go() -> None:
    made = make_product(options={"Color": ["Red", "Blue"]})
    (color,) = every(select(Option.id))
    green = services.add_option_value(color, {"en": "Green"}, swatch="#00ff00", at=NOON)

    with pytest.raises(Conflict):
        services.remove_option(color, at=NOON)
    with pytest.raises(Conflict):
        services.remove_option_value(every(select(OptionValue.id).order_by(OptionValue.id))[0], at=NOON)
    services.remove_option_value(green, at=NOON)

    assert every(select(OptionValue.code).order_by(OptionValue.id)) == ["red", "blue"]
    assert made.id


# Attributes, pictures


def test_attributes_are_typed_and_may_have_a_language() -> None:
    made = make_product()
    services.create_attribute("height", AttributeKind.NUMBER, {"en": "Height", "es": "Altura"}, unit="mm")
    services.create_attribute("material", AttributeKind.TEXT, {"en": "Material"})

    services.set_attributes(made.id, {"height": ["95"], "material": {"en": ["clay"], "es": ["barro"]}}, at=NOON)

    found = every(select(ProductAttribute.locale, ProductAttribute.text, ProductAttribute.number).order_by(ProductAttribute.text))
    assert found == [("", "95", 95.0), ("es", "barro", None), ("en", "clay", None)]
    with pytest.raises(Invalid):
        services.set_attributes(made.id, {"height": ["NaN"]}, at=NOON)
    with pytest.raises(NotFound):
        services.set_attributes(made.id, {"weight": ["1"]}, at=NOON)


def test_pictures_are_attached_ordered_described_and_given_to_variants() -> None:
    made = make_product()
    first = services.attach_image(made.id, make_image("a"), alt={"en": "A mug", "es": "Una taza"}, at=NOON)
    image = make_image("b")
    second = services.attach_image(made.id, image, at=NOON)

    services.order_images(made.id, [second], at=NOON)
    services.show_on_variant(made.variant_id, second, at=NOON)

    assert one(select(Product.image_id)) == image
    assert one(select(Variant.product_image_id)) == second
    assert len(every(select(ProductImageText.alt))) == 2
    services.remove_image(second, at=NOON)
    assert one(select(Variant.product_image_id)) is None
    assert every(select(ProductImage.id)) == [first]
    with pytest.raises(NotFound):
        services.show_on_variant(make_product().variant_id, first, at=NOON)


def test_every_verb_tells_the_caches() -> None:
    made = make_product()
    before = topic_version("catalog")

    services.change_product(made.id, brand="New", at=NOON)

    assert topic_version("catalog") > before


def test_new_words_for_a_picture_or_an_option_tell_the_caches_too() -> None:
    mug = make_product(options={"Color": ["Sage"]})
    image_id = make_image("c")
    placed = services.attach_image(mug.id, image_id, at=NOON)
    option_id = one(select(Option.id).where(Option.product_id == mug.id))

    for act in (
        lambda: services.describe_image(placed, {"en": "A mug on a table"}, at=NOON),
        lambda: services.rename_option(option_id, {"en": "Glaze"}, at=NOON),
    ):
        before = topic_version("catalog")
        act()
        assert topic_version("catalog") > before


def test_old_slugs_of_categories_redirect_too(app: Flask) -> None:
    table = services.create_category({"en": {"name": "Table"}}, at=NOON)

    services.change_category(table, texts={"en": {"name": "At table", "slug": "at-table"}}, expected_version=1, at=NOON)

    assert every(select(OldSlug.kind, OldSlug.slug, OldSlug.target_id)) == [(SlugKind.CATEGORY, "table", table)]
    with pytest.raises(StaleVersion):
        services.archive_category(table, expected_version=1, at=NOON)
    assert db.session is not None


def test_two_categories_moved_below_each_other_at_once_make_no_circle(context: Flask) -> None:
    first, second = make_category("First"), make_category("Second")

    answers = in_parallel(
        context,
        [
            lambda: services.change_category(first, parent_id=second, at=NOON),
            lambda: services.change_category(second, parent_id=first, at=NOON),
        ],
    )

    assert [type(answer) for answer in answers].count(Conflict) == 1, answers
    assert sorted(path.count("/") for path in every(select(Category.path))) == [0, 1]


def test_what_was_archived_before_its_branch_stays_so_when_the_branch_comes_back() -> None:
    top = make_category("Top")
    leaf = make_category("Leaf", parent=top)
    services.archive_category(leaf, at=NOON)
    services.archive_category(top, at=NOON + timedelta(hours=1))

    services.restore_category(top, at=NOON + timedelta(hours=2))

    assert every(select(Category.id).where(Category.archived_at.is_not(None))) == [leaf]
