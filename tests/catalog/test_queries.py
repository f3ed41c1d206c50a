"""Lists: every page once, in both directions, by the right index, at the same price at any depth."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text

from shop.catalog.grid import Count, Filters, Shape, Sort, count_goods, count_listed, list_goods, list_statement, read_cursor
from shop.catalog.models import CategoryProduct, Product
from shop.catalog.queries import list_live_parts, list_parts
from shop.db import connection, is_sqlite, transaction
from shop.errors import Invalid
from shop.web.pagination import encode_cursor
from tests.factories import NOON, make_category, make_product

MANY = 3000


def ids(page):
    return [row.id for row in page.items]


def walk(filters, sort, limit=3):
    """All pages forwards, then from the last one back to the first."""
    pages = [list_goods(filters, sort, None, limit)]
    while pages[-1].next_cursor:
        pages.append(list_goods(filters, sort, pages[-1].next_cursor, limit))
    back = [pages[-1]]
    while back[-1].previous_cursor:
        back.append(list_goods(filters, sort, back[-1].previous_cursor, limit))
    return [ids(page) for page in pages], [ids(page) for page in reversed(back)]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("narrowed", [False, True])
def test_pages_show_everything_once_in_both_directions(context, sort, narrowed):
    made = [make_product(price=1000 + 500 * (number % 3), stock=number % 4) for number in range(10)]
    filters = Filters(low=1000, high=1500, in_stock=True) if narrowed else Filters()

    forwards, backwards = walk(filters, sort)

    seen = [product_id for page in forwards for product_id in page]
    assert len(seen) == len(set(seen))
    assert set(seen) == {product.id for number, product in enumerate(made) if not narrowed or (number % 3 < 2 and number % 4)}
    assert backwards == forwards


def test_each_order_is_what_it_says(context):
    cheap, dear = make_product(price=100), make_product(price=900)
    with transaction() as session:
        session.get_one(Product, dear.id).sold_count = 5

    assert ids(list_goods(Filters(), Sort.CHEAPEST, None, 9)) == [cheap.id, dear.id]
    assert ids(list_goods(Filters(), Sort.DEAREST, None, 9)) == [dear.id, cheap.id]
    assert ids(list_goods(Filters(), Sort.BESTSELLING, None, 9)) == [dear.id, cheap.id]


def test_a_shelf_shows_what_stands_on_it_and_below(context):
    top = make_category("Table")
    below = make_category("Ceramics", parent=top)
    mug, _elsewhere = make_product(categories=[below]), make_product()

    assert ids(list_goods(Filters(top), Sort.FEATURED, None, 9)) == [mug.id]


def test_drafts_and_planned_goods_are_not_listed(context):
    make_product(published_at=None)
    make_product(published_at=NOON.replace(year=2027))

    assert list_goods(Filters(), Sort.FEATURED, None, 9).items == []


def test_narrowed_lists_are_counted_and_whole_ones_known(context):
    for price in (100, 200, 300):
        make_product(price=price)

    assert count_goods(Filters(low=200)) == Count(2)
    assert count_listed() == 3


@pytest.mark.parametrize(
    "cursor",
    ["x", "=", "a" * 301, encode_cursor("featured", "next", 1), encode_cursor("new", "next", 1, 1), encode_cursor("featured", "up", 1, 1)],
)
def test_a_foreign_cursor_is_refused(context, cursor):
    with pytest.raises(Invalid):
        read_cursor(cursor, Sort.FEATURED)


def test_a_moment_beyond_the_calendar_is_no_place(context):
    with pytest.raises(Invalid):
        read_cursor(encode_cursor("new", "next", 2**62, 1), Sort.NEWEST)


@pytest.fixture
def large_shelf(context):
    """A shelf of some thousand goods, written at once."""
    category = make_category("Everything", slug="everything")
    other = make_category("Other", slug="other")
    columns = {"brand": "", "kind": "", "published_at": NOON, "created_at": NOON, "updated_at": NOON, "is_listed": True, "available": True}
    with transaction() as session:
        session.execute(
            insert(Product),
            [
                {"id": n, "handle": f"p{n}", "position": n, "price_from_minor": n % 700, "price_to_minor": n % 700, **columns}
                for n in range(1, MANY + 1)
            ],
        )
        session.execute(
            insert(CategoryProduct),
            [
                {
                    "category_id": category if n % 20 else other,
                    "product_id": n,
                    "position": n,
                    "price_from_minor": n % 700,
                    "available": True,
                    "published_at": NOON,
                }
                for n in range(1, MANY + 1)
            ],
        )
    if not is_sqlite():
        connection().execute(text("ANALYZE"))
    return category


@pytest.mark.parametrize(("goes_on", "backwards"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("in_category", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
def test_each_page_reads_its_index_from_its_place_and_sorts_nothing(large_shelf, sort, in_category, goes_on, backwards):
    if in_category and sort is Sort.BESTSELLING:
        pytest.skip("a shelf is not listed by sales")
    filters = Filters(large_shelf) if in_category else Filters()
    key = NOON if sort is Sort.NEWEST else MANY // 2
    params = {**filters.params, **({"last_key": key, "last_id": MANY // 2} if goes_on else {})}
    statement = list_statement(Shape.of(filters), sort, 25, backwards=backwards, goes_on=goes_on)

    plan = explain(statement, params)

    index = {
        "featured": "position",
        "new": "published",
        "price_asc": "price",
        "price_desc": "price",
        "bestselling": "sold",
    }[sort]
    assert f"ix_{'category_products' if in_category else 'products_listed'}_{index}" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
    assert "OFFSET" not in str(statement)


def explain(statement, params):
    """The plan of the statement that is really sent, in one text."""
    compiled = statement.compile(dialect=connection().dialect)
    values = compiled.construct_params(params)
    verb = "EXPLAIN QUERY PLAN" if is_sqlite() else "EXPLAIN"
    given = tuple(_plain(values[name]) for name in compiled.positiontup) if compiled.positiontup else values
    return "\n".join(" ".join(map(str, line)) for line in connection().exec_driver_sql(f"{verb} {compiled}", given))


def _plain(value):
    return value.replace(tzinfo=None).isoformat(" ") if hasattr(value, "isoformat") else value


def test_postgresql_keeps_one_plan_for_a_good(large_shelf, another_app):
    if is_sqlite():
        pytest.skip("SQLite plans a statement once anyway")
    with another_app().app_context():  # with a connection of its own: one that was used before knows other statements about shelves
        for _ in range(20):
            list_parts(7, large_shelf, "en", at=NOON)
            list_live_parts(7, large_shelf, at=NOON)

        kept = (
            connection()
            .exec_driver_sql(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
                " WHERE statement LIKE 'SELECT%%category_products%%' AND generic_plans + custom_plans > 10"
            )
            .all()
        )
    assert [found.generic_plans > 0 for found in kept] == [True, True], kept
