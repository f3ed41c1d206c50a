"""Walking through the shop as a stranger does, without JavaScript."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import insert, update

from shop.catalog.models import CategoryText, OldSlug, OptionValue, Price, Product, ProductText, SlugKind
from shop.db import transaction
from shop.inventory.models import StockItem
from shop.review.models import Review
from shop.settings.services import touch_topic
from tests.factories import NOON, make_category, make_product


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status
    return unescape(response.get_data(as_text=True))


def names(html):
    return re.findall(r'<h2 class="card__name"><a[^>]*>([^<]*)</a>', html)


def change(statement):
    with transaction() as session:
        session.execute(statement, execution_options={"synchronize_session": False})
        touch_topic("catalog")


@pytest.fixture
def mug(context):
    return make_product(
        "Mug",
        slug="mug",
        price=1450,
        options={"Color": ["Sage", "Cream"], "Size": ["250", "350"]},
        categories=[make_category("Table", slug="table")],
    )


@pytest.fixture
def goods(context):
    shelf = make_category("Table", slug="table")
    for number in range(30):
        make_product(f"Mug {number}", slug=f"mug-{number}", categories=[shelf], options={"Color": ["Sage", "Cream"]})


@pytest.mark.usefixtures("context")
class TestShelf:
    def test_it_says_how_many_and_shows_them_in_order(self, client):
        shelf = make_category("Table", slug="table")
        make_product("Mug", price=1450, categories=[shelf])
        make_product("Bowl", price=900, categories=[shelf])

        html = page(client, "/c/table")

        assert "2 goods" in html
        assert names(html) == ["Mug", "Bowl"]
        assert names(page(client, "/c/table?sort=price_asc")) == ["Bowl", "Mug"]

    def test_filters_narrow_it_and_chips_take_them_back(self, client):
        shelf = make_category("Table", slug="table")
        make_product("Mug", price=1450, categories=[shelf])
        make_product("Bowl", price=900, categories=[shelf], stock=0)

        html = page(client, "/c/table?min_price=5&max_price=20,50&in_stock=1")

        assert names(html) == ["Mug"]
        assert "1 of 2 goods" in html
        assert '<a class="chip" href="/c/table?min_price=5.00&max_price=20.50">' in html
        assert 'content="noindex"' in html

    def test_pages_lead_on_and_back_and_keep_the_filters(self, client):
        shelf = make_category("Table", slug="table")
        for number in range(30):
            make_product(f"Mug {number:02}", categories=[shelf])

        first = page(client, "/c/table?in_stock=1")
        onwards = re.search(r'rel="next" href="([^"]+)"', first)[1]
        second = page(client, onwards)
        back = re.search(r'rel="prev" href="([^"]+)"', second)[1]

        assert "in_stock=1" in onwards
        assert names(second) == [f"Mug {number}" for number in range(24, 30)]
        assert names(page(client, back)) == names(first)
        assert len(names(first)) == 24

    @pytest.mark.parametrize("price", ["NaN", "9223372036854775808", "-1", "1e5", "٣", "1_0", "x" * 500])
    def test_a_price_that_is_none_is_said_at_its_field(self, client, price):
        make_product("Mug", categories=[make_category("Table", slug="table")])

        html = page(client, f"/c/table?min_price={price}", 422)

        assert 'aria-describedby="min_price-error"' in html
        assert names(html) == ["Mug"]

    @pytest.mark.parametrize(
        "query", ["cursor=x", "cursor=" + "a" * 999, "sort=up", "sort=new&sort=new", "in_stock=maybe", "sort=bestselling"]
    )
    def test_a_damaged_link_is_said_clearly(self, client, query):
        make_category("Table", slug="table")

        page(client, f"/c/table?{query}", 422)

    def test_parameters_of_others_are_left_alone(self, client):
        make_category("Table", slug="table")

        assert "Nothing stands here yet" in page(client, "/c/table?utm_source=letter")

    def test_an_old_slug_leads_to_the_new_one_for_ever(self, client):
        shelf = make_category("Table", slug="table")
        change(insert(OldSlug).values(kind=SlugKind.CATEGORY, locale="en", slug="desk", target_id=shelf, at=NOON))

        response = client.get("/c/desk?sort=new")

        assert (response.status_code, response.location) == (301, "/c/table?sort=new")

    def test_the_slug_of_another_language_leads_to_the_own_one(self, client):
        shelf = make_category("Table", slug="table")
        change(update(CategoryText).where(CategoryText.category_id == shelf, CategoryText.locale == "es").values(slug="mesa", name="Mesa"))

        response = client.get("/es/c/table")

        assert (response.status_code, response.location) == (301, "/es/c/mesa")
        assert '<link rel="alternate" hreflang="en" href="http://127.0.0.1:8000/c/table">' in page(client, "/es/c/mesa")

    def test_a_change_is_seen_at_once_by_the_process_that_made_it(self, client):
        shelf = make_category("Table", slug="table")
        mug = make_product("Mug", categories=[shelf])
        assert "Mug" in page(client, "/c/table")

        change(update(ProductText).where(ProductText.product_id == mug.id).values(name="Cup"))

        assert names(page(client, "/c/table")) == ["Cup"]

    def test_stock_is_true_though_the_card_is_remembered(self, client):
        mug = make_product("Mug", categories=[make_category("Table", slug="table")])
        assert "Sold out" not in page(client, "/c/table")

        with transaction() as session:
            session.execute(update(Product).where(Product.id == mug.id).values(available=False))

        assert "Sold out" in page(client, "/c/table")


@pytest.mark.usefixtures("context")
class TestProduct:
    def test_the_url_chooses_the_variant(self, client, mug):
        html = page(client, "/p/mug?color=cream&size=350")

        assert f'name="variant_id" value="{mug.variant_ids[3]}"' in html
        assert re.findall(r'nofollow" aria-current="true"[^>]*>(\w+)', html) == ["Cream", "350"]
        assert '<link rel="canonical" href="http://127.0.0.1:8000/p/mug">' in html

    @pytest.mark.usefixtures("mug")
    def test_the_form_posts_what_is_shown_to_the_cart(self, client):
        html = page(client, "/p/mug")

        assert re.search(r'<form class="buy"[^>]* action="/cart/items" method="post"', html)
        assert 'name="quantity"' in html

    def test_a_sold_out_combination_says_with_what(self, client, mug):
        change(update(StockItem).where(StockItem.variant_id == mug.variant_ids[1]).values(on_hand=0))

        html = page(client, "/p/mug?color=sage&size=250")

        assert re.search(r"350 <small>sold out in Sage</small>", html)
        assert "Sold out in this choice: Sage, 350" in page(client, "/p/mug?color=sage&size=350")
        assert 'name="variant_id"' in page(client, "/p/mug?color=cream&size=350")

    def test_a_value_that_is_sold_out_everywhere_says_so_alone(self, client, mug):
        change(update(StockItem).where(StockItem.variant_id.in_(mug.variant_ids[2:])).values(on_hand=0))

        assert re.search(r"Cream <small>sold out</small>", page(client, "/p/mug"))

    def test_without_words_the_first_that_can_be_had_is_chosen(self, client, mug):
        change(update(StockItem).where(StockItem.variant_id == mug.variant_ids[0]).values(on_hand=0))

        assert f'value="{mug.variant_ids[1]}"' in page(client, "/p/mug")

    def test_another_price_is_shown_as_a_difference(self, client, mug):
        change(update(Price).where(Price.variant_id == mug.variant_ids[1]).values(minor=1700))

        assert "350 <small>+ €2.50</small>" in page(client, "/p/mug")

    def test_a_new_price_counts_from_its_moment(self, client, mug):
        assert "€14.50" in page(client, "/p/mug")

        with transaction() as session:
            for variant_id in mug.variant_ids:
                session.execute(insert(Price).values(variant_id=variant_id, currency="EUR", valid_from=NOON, minor=999, customer_group=""))

        assert "€9.99" in page(client, "/p/mug")

    @pytest.mark.usefixtures("mug")
    @pytest.mark.parametrize("query", ["color=", "color=nix", "color=sage&color=cream", "color=%00", "size=" + "9" * 3000, "?=&&"])
    def test_words_that_mean_nothing_are_left_aside(self, client, query):
        page(client, f"/p/mug?{query}")

    def test_few_pieces_are_said_and_cap_the_quantity(self, client, mug):
        change(update(StockItem).where(StockItem.variant_id == mug.variant_ids[0]).values(on_hand=2))

        html = page(client, "/p/mug?color=sage&size=250")

        assert "Only 2 left" in html
        assert 'data-max="2"' in html

    def test_old_slugs_and_other_languages_redirect(self, client, mug):
        change(update(ProductText).where(ProductText.product_id == mug.id, ProductText.locale == "es").values(slug="taza", name="Taza"))
        change(insert(OldSlug).values(kind=SlugKind.PRODUCT, locale="en", slug="cup", target_id=mug.id, at=NOON))

        assert client.get("/p/cup?color=sage").location == "/p/mug?color=sage"
        assert client.get("/es/p/mug").location == "/es/p/taza"
        assert "<h1>Taza</h1>" in page(client, "/es/p/taza")

    def test_a_text_that_is_missing_comes_from_the_default_language(self, client, mug):
        change(ProductText.__table__.delete().where(ProductText.product_id == mug.id, ProductText.locale == "es"))

        html = page(client, "/es/p/mug")

        assert "<h1>Mug</h1>" in html
        assert 'lang="es"' in html

    def test_what_is_not_shown_is_not_found(self, client):
        make_product("Mug", slug="mug", published_at=None)

        assert "This shelf is empty" in page(client, "/p/mug", 404)

    def test_reviews_speak_the_language_of_the_page(self, client, mug):
        with transaction() as session:
            said = Review(product_id=mug.id, locale="en", author="Irene", stars=5, text="Fits my hand.", created_at=NOON, approved_at=NOON)
            session.add(said)
            session.add(Review(product_id=mug.id, locale="en", author="Troll", stars=1, text="Spam", created_at=NOON))
            session.flush()
            session.add(
                Review(
                    product_id=mug.id,
                    locale="es",
                    author="Irene",
                    stars=5,
                    text="A mi medida.",
                    created_at=NOON,
                    approved_at=NOON,
                    translation_of=said.id,
                )
            )

        english, spanish = page(client, "/p/mug"), page(client, "/es/p/mug")

        assert "Fits my hand." in english
        assert "A mi medida." not in english
        assert "A mi medida." in spanish
        assert "Fits my hand." not in spanish
        assert "Spam" not in english + spanish

    @pytest.mark.usefixtures("mug")
    def test_colors_are_seen_and_named(self, client):
        change(update(OptionValue).where(OptionValue.code == "sage").values(swatch="#a9bf9d"))

        assert re.search(r'<circle[^>]*fill="#a9bf9d"/></svg>Sage', page(client, "/p/mug"))


@pytest.mark.usefixtures("context")
class TestCost:
    """Statements may not grow unnoticed."""

    @pytest.mark.usefixtures("goods")
    def test_a_shelf_takes_one_statement_more_for_new_cards_and_one_for_a_filter(self, client, statements):
        make_product("Book", categories=[make_category("Shelf", slug="shelf")])
        client.get("/c/shelf")

        statements.clear()
        client.get("/c/table?in_stock=1")
        cold = list(statements)
        statements.clear()
        client.get("/c/table")
        warm = len(statements)

        assert (len(cold), warm) == (3, 1), [c[:30] for c in cold]

    @pytest.mark.usefixtures("goods")
    def test_a_good_takes_two_statements_and_its_neighbors_one(self, client, statements):
        client.get("/p/mug-20")

        statements.clear()
        client.get("/p/mug-7")
        cold = list(statements)
        statements.clear()
        client.get("/p/mug-7?color=cream")
        warm = len(statements)

        assert len(cold) <= 3, [c[:30] for c in cold]
        assert warm == 1

    @pytest.mark.usefixtures("goods")
    def test_the_start_page_takes_two_when_it_is_known(self, client, statements):
        client.get("/")
        statements.clear()

        client.get("/")

        assert len(statements) == 2


def test_pages_for_strangers_may_be_kept_and_those_of_visitors_not(client, app):
    with app.app_context():
        make_product("Mug", slug="mug")

    assert "s-maxage" in client.get("/p/mug").headers["Cache-Control"]
    client.set_cookie("session", "x")
    assert "no-store" in client.get("/p/mug").headers["Cache-Control"]


def test_the_menu_marks_where_one_is(client, context):
    make_category("Table", slug="table")

    html = page(client, "/c/table")

    assert html.count('<a href="/c/table" aria-current="page">Table</a>') == 1
    assert "\ue000" not in html
    assert "\ue001" not in html
