"""What the demo world holds."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from config import Config
from shop.auth.models import User
from shop.auth.passwords import verify_password
from shop.catalog.models import Category, CategoryProduct, Price, Product, ProductText, Variant
from shop.content.models import PageText
from shop.db import row, rows, scalar
from shop.demo import sources
from shop.demo.build import Built
from shop.demo.people import ADMIN, LOGIN_FILE, MEMBER, STAFF
from shop.inventory.models import StockItem
from shop.media.models import Image
from shop.pricing.delivery import Basket
from shop.pricing.places import Destination
from shop.pricing.queries import list_deliveries
from shop.review.models import Review
from shop.settings.queries import shop_texts


def test_the_shelves_hold_what_the_files_say(world: Built) -> None:
    assert world.is_new
    assert (world.products, scalar(select(func.count()).select_from(Variant)), scalar(select(func.count()).select_from(Category))) == (
        55,
        140,
        20,
    )
    assert scalar(select(func.count()).select_from(Image)) == 118

    in_files = {piece.sku: (piece.stock, piece.low_at, piece.cents) for good in sources.goods() for piece in good.pieces}
    newest = select(Price.minor).where(Price.variant_id == Variant.id).order_by(Price.valid_from.desc()).limit(1).scalar_subquery()
    found = rows(
        select(Variant.sku, StockItem.on_hand, StockItem.low_at, newest.label("minor")).join(StockItem, StockItem.variant_id == Variant.id)
    )
    assert {variant.sku: (variant.on_hand, variant.low_at, variant.minor) for variant in found} == in_files


def test_lists_show_all_goods_with_their_reductions_and_what_is_sold_out(world: Built) -> None:
    listed = {product.handle: product for product in rows(select(Product.__table__))}

    assert all(product.is_listed for product in listed.values())
    assert (listed["jam"].price_from_minor, listed["jam"].compare_at_minor) == (560, 640)
    assert not listed["mug"].pieces_left
    assert listed["mug"].swatches.split() == ["#f1e8d6", "#a9bf9d", "#cf6f53", "#6f8fb8"]
    top = rows(select(Category.product_count).where(Category.parent_id.is_(None)))
    assert sum(category.product_count for category in top) >= 55
    assert scalar(select(func.count()).select_from(CategoryProduct)) > 110
    assert max(product.published_at for product in listed.values()) < datetime(2026, 11, 21, tzinfo=UTC)
    assert len({product.published_at for product in listed.values()}) == 55


def test_all_texts_are_there_in_both_languages(world: Built) -> None:
    for locale in ("en", "es"):
        texts = shop_texts(locale)
        assert all((texts.name, texts.claim, texts.about, texts.delivery, texts.returns, texts.pickup, texts.hero_title, texts.hero_image))
        assert scalar(select(func.count()).select_from(ProductText).where(ProductText.locale == locale)) == 55
        pages = rows(select(PageText.slug, PageText.body_html).where(PageText.locale == locale))
        assert len(pages) == 7
        assert all(len(page.body_html) > 400 and "{" not in page.body_html for page in pages)
    assert row(select(ProductText.slug).where(ProductText.slug == "taza-de-gres", ProductText.locale == "es")) is not None


def test_reviews_come_in_both_languages_and_count_once(world: Built) -> None:
    reviews = rows(select(Review.__table__))

    originals = {review.id: review for review in reviews if review.translation_of is None}
    assert (len(originals), len(reviews)) == (25, 50)
    for review in reviews:
        if review.translation_of is not None:
            original = originals[review.translation_of]
            assert (review.product_id, review.stars, review.author) == (original.product_id, original.stars, original.author)
            assert review.locale != original.locale
    of_the_mug = select(func.count(), func.sum(Review.stars)).join(Product, Product.id == Review.product_id).where(Product.handle == "mug")
    assert row(of_the_mug.where(Review.translation_of.is_(None))) == (3, 14)


def test_staff_and_one_member_can_log_in_with_the_password_in_the_file(world: Built, config: Config) -> None:
    path = config.instance / LOGIN_FILE

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith(world.password + "\n")
    users = {user.email: user for user in rows(select(User.email, User.role, User.password_hash))}
    assert {email: users[email].role for email in (ADMIN, STAFF, MEMBER)} == {ADMIN: "admin", STAFF: "staff", MEMBER: "customer"}
    assert all(verify_password(world.password, users[email].password_hash) for email in (ADMIN, STAFF, MEMBER))
    assert [email for email, user in users.items() if user.password_hash is None]


def test_the_demo_delivers_at_home_to_the_islands_by_weight_to_the_union_and_over_the_counter(world: Built) -> None:
    def ways(place: Destination, grams: int) -> dict[str, int]:
        found = list_deliveries(place, currency="EUR", locale="en")
        basket = Basket(1000, grams, 1)
        return {way.code: way.price_for(basket) for way in found if way.takes(basket)}

    assert ways(Destination("ES", postcode="28001"), 500) == {"standard": 490, "pickup": 0}
    assert [ways(Destination("ES", postcode="35001"), grams).get("islands") for grams in (500, 2000, 30_000, 30_001)] == [
        990,
        1590,
        2990,
        None,
    ]
    assert ways(Destination("FR"), 500) == {"europe": 990, "pickup": 0}
    assert ways(Destination("US"), 500) == {"pickup": 0}
