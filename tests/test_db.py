"""One way to write: the outermost block commits, nothing is half done, nobody writes outside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError, StatementError

from shop.catalog.models import Attribute, AttributeKind, Category, Product, ProductAttribute
from shop.db import after_commit, db, insert_missing, row, rows, scalar, transaction
from shop.inventory.models import StockItem
from shop.settings.models import Setting
from tests.factories import NOON, make_category, make_product


def count_settings() -> int:
    return scalar(select(func.count()).select_from(Setting).where(Setting.name.like("test.%")))


def write(name: str) -> None:
    with transaction() as session:
        session.execute(insert(Setting).values(name=f"test.{name}", locale="", value="x"))


def test_the_outermost_block_commits(context):
    with transaction():
        write("a")
        write("b")

    assert count_settings() == 2


def test_a_failure_undoes_everything(context):
    with pytest.raises(ZeroDivisionError), transaction():
        write("a")
        raise ZeroDivisionError

    assert count_settings() == 0


def test_a_swallowed_inner_failure_still_fails_the_whole(context):
    def careless():
        with transaction():
            write("a")
            try:
                with transaction():
                    write("b")
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    with pytest.raises(RuntimeError, match="swallowed"):
        careless()

    assert count_settings() == 0


def test_writing_outside_is_refused(context):
    with pytest.raises(RuntimeError, match="outside"):
        db.session.execute(update(Category).values(position=1))
    db.session.add(Setting(name="test.x", locale="", value="x"))
    with pytest.raises(RuntimeError, match="outside"):
        db.session.flush()
    db.session.rollback()


def test_what_happens_after_the_commit_does_not_happen_without_it(context):
    happened = []

    with transaction():
        after_commit(lambda: happened.append("kept"))
        assert happened == []
    with pytest.raises(ZeroDivisionError), transaction():
        after_commit(lambda: happened.append("lost"))
        raise ZeroDivisionError

    assert happened == ["kept"]


def test_a_failing_act_after_the_commit_hurts_nobody(context):
    with transaction():
        write("a")
        after_commit(lambda: 1 / 0)

    assert count_settings() == 1


def test_reads_inside_see_what_was_written_inside(context):
    with transaction():
        write("a")
        assert count_settings() == 1


def test_a_failed_commit_leaves_a_clean_connection_for_the_next_buyer(context, monkeypatch):
    def broken_commit():
        raise DBAPIError("COMMIT", {}, OSError("disk full"))

    session = db.session()
    monkeypatch.setattr(session, "commit", broken_commit)
    with pytest.raises(DBAPIError):
        write("a")
    monkeypatch.undo()

    write("b")

    assert count_settings() == 1


def test_many_writers_lose_no_update(app):
    with app.app_context():
        made = make_product(stock=0)

    def add_one(_):
        with app.app_context(), transaction() as session:
            found = session.execute(select(StockItem.on_hand).where(StockItem.variant_id == made.variant_id).with_for_update()).one()
            session.execute(update(StockItem).where(StockItem.variant_id == made.variant_id).values(on_hand=found.on_hand + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(80)))

    with app.app_context():
        assert row(select(StockItem.on_hand).where(StockItem.variant_id == made.variant_id)).on_hand == 80


def test_moments_come_back_as_they_went_in_whatever_their_zone(context):
    moment = datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    made = make_product(at=moment)

    found = row(select(Product.created_at).where(Product.id == made.id)).created_at

    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_zone_is_refused(context):
    with pytest.raises((StatementError, ValueError), match="without a time zone"):
        rows(select(Product.id).where(Product.created_at > datetime(2026, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize("wrong", [-1, 10**10])
def test_the_database_itself_refuses_impossible_stock(context, wrong):
    made = make_product()

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(update(StockItem).where(StockItem.variant_id == made.variant_id).values(on_hand=wrong))


@pytest.mark.parametrize(
    ("column", "wrong"), [("position", -1), ("price_to_minor", 10**14 + 1), ("pieces_left", -5), ("version", 2 * 10**18)]
)
def test_a_number_whose_model_names_no_bounds_has_them_all_the_same(context, column, wrong):
    made = make_product()

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(update(Product).where(Product.id == made.id).values({column: wrong}))


def test_not_a_number_is_no_number(context):
    made = make_product()
    with transaction() as session:
        attribute = Attribute(code="height", kind=AttributeKind.NUMBER)
        session.add(attribute)
        session.flush()
        attribute_id = attribute.id

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(insert(ProductAttribute).values(product_id=made.id, attribute_id=attribute_id, text="much", number=float("inf")))


def test_a_text_never_enters_a_number(context):
    made = make_product()

    with pytest.raises(DBAPIError), transaction() as session:
        session.connection().exec_driver_sql(f"UPDATE stock_items SET on_hand = 'many' WHERE variant_id = {made.variant_id}")


def test_counts_of_shelves_follow_their_products(context):
    shelf = make_category()
    make_product(categories=[shelf])
    make_product(categories=[shelf], published_at=None)
    make_product(categories=[shelf], published_at=NOON + timedelta(days=1))

    assert row(select(Category.product_count).where(Category.id == shelf)).product_count == 1


def test_what_is_there_already_is_not_inserted_again_and_the_count_says_so(context):
    first, second = {"name": "shop.name", "locale": "xx", "value": "One"}, {"name": "shop.name", "locale": "yy", "value": "Two"}

    with transaction():
        counts = [insert_missing(Setting, first), insert_missing(Setting, first, second), insert_missing(Setting, first)]

    assert counts == [1, 1, 0]
