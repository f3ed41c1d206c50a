"""Google's own client brings every row to the dataset once, whatever breaks, and takes people away again."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import select, update

from config_outside import Analytics
from config_outside import Warehouse as WarehouseSettings
from shop.analytics import schema as schemas
from shop.analytics.bigquery import Dataset
from shop.analytics.reading import Batch
from shop.analytics.schema import BY_NAME, TABLES, Column
from shop.analytics.services import LoadFailed, export, export_as_set
from shop.clock import now
from shop.customer.models import Customer
from shop.db import row, transaction
from shop.order.services import cancel_order
from shop.outbox.services import record_event
from shop.privacy.holdings import find_person
from shop.privacy.services import FIGURES, erase_person, set_consent
from tests.analytics.warehouse import Fault, Warehouse, serve_warehouse
from tests.factories import NOON
from tests.orders import make_order
from tests.people import make_user, the_shop  # noqa: F401


@pytest.fixture(scope="module")
def the_warehouse():
    with serve_warehouse() as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(the_warehouse: Warehouse, context: Flask):
    the_warehouse.forget()
    return the_warehouse


@pytest.fixture
def dataset(warehouse):
    return Dataset(WarehouseSettings("a-project", "shop", "EU", warehouse.url), "shop")


def names(warehouse, table):
    return sorted(one[BY_NAME[table].key] for one in warehouse.rows(table))


def test_the_dataset_gets_tables_as_the_schema_says(warehouse, dataset):
    dataset.prepare()
    dataset.prepare()

    assert warehouse.datasets["shop"]["location"] == "EU"
    for table in TABLES:
        made = warehouse.tables[table.name]
        assert [(one["name"], one["type"]) for one in made["schema"]] == [(one.name, one.kind.value) for one in table.columns]
        assert made["resource"]["clustering"] == {"fields": [table.key]}
    assert not any(asked.startswith("PATCH") for asked in warehouse.asked)


def test_an_order_arrives_with_all_that_belongs_to_it_and_then_as_it_is_changed(warehouse, dataset):
    order = make_order()
    first = export(dataset, at=now())
    cancel_order(order.id, by="customer", at=NOON)

    second = export(dataset, at=now())

    (told,) = warehouse.rows("orders")
    assert (told["number"], told["state"], told["total_minor"]) == (order.number, "canceled", order.total_minor)
    assert {table: len(warehouse.rows(table)) for table in ("order_lines", "payments", "customers")} == {
        "order_lines": 1,
        "payments": 1,
        "customers": 1,
    }
    assert [one["kind"] for one in warehouse.rows("events")] == ["order.placed", "order.canceled"]
    assert (first.rows["orders"], second.rows["orders"], second.rows["customers"]) == (1, 1, 0)
    assert [name for name in warehouse.tables if "__new" in name] == []
    assert export(dataset, at=now()).batches == 0


def test_a_new_column_is_added_to_a_table_that_is_there(warehouse, dataset, monkeypatch):
    make_order()
    old = dataclasses.replace(BY_NAME["orders"], columns=BY_NAME["orders"].columns[:-2] + BY_NAME["orders"].columns[-1:])
    with monkeypatch.context() as patched:
        patched.setattr("shop.analytics.bigquery.TABLES", (old, *(one for one in TABLES if one.name != "orders")))
        patched.setitem(schemas.BY_NAME, "orders", old)
        dataset.prepare()

    export(dataset, at=now())

    assert [one["name"] for one in warehouse.tables["orders"]["schema"]][-1] == "revision"
    assert warehouse.rows("orders")[0]["revision"] == 0


def test_a_column_of_another_kind_is_named(warehouse, dataset, monkeypatch):
    dataset.prepare()
    other = dataclasses.replace(BY_NAME["orders"], columns=(BY_NAME["orders"].columns[0], Column("customer", schemas.Kind.WHOLE)))
    monkeypatch.setattr("shop.analytics.bigquery.TABLES", (other,))

    with pytest.raises(LoadFailed, match=r"orders\.customer holds STRING there, the shop writes INTEGER"):
        dataset.prepare()


@pytest.mark.parametrize(
    ("where", "cut_after"),
    [
        ("POST /upload/", False),
        ("POST /upload/", True),
        ("MERGE `a-project.shop.events`", True),
        ("MERGE `a-project.shop.orders`", False),
        ("MERGE `a-project.shop.orders`", True),
        ("DELETE ", True),
        ("GET /bigquery", True),
    ],
)
def test_whatever_breaks_the_next_export_leaves_each_row_once(warehouse, dataset, where, cut_after, monkeypatch):
    monkeypatch.setattr("shop.analytics.bigquery.RETRY_S", 3)
    orders = sorted(make_order().number for _one in range(2))
    dataset.prepare()
    warehouse.plan[:] = [Fault(where, cut_after=cut_after, status=0 if cut_after else 403)]

    with suppress(LoadFailed):
        export(dataset, at=now())
    export(dataset, at=now())

    assert names(warehouse, "orders") == orders
    for table in ("events", "order_lines", "payments"):
        assert len(warehouse.rows(table)) == 2, table
    assert len(warehouse.rows("customers")) == 1


def test_who_dies_between_loading_and_remembering_doubles_nothing(warehouse, dataset, monkeypatch):
    make_order()
    with monkeypatch.context() as patched:
        patched.setattr("shop.analytics.services._mark", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(dataset, at=now())

    export(dataset, at=now())

    assert [len(warehouse.rows(table.name)) for table in TABLES] == [1, 1, 1, 1, 0, 1]


def test_a_passing_trouble_is_overcome_within_one_export(warehouse, dataset):
    make_order()
    dataset.prepare()
    warehouse.plan[:] = [Fault("GET /bigquery", status=503)]

    export(dataset, at=now())

    assert len(warehouse.rows("orders")) == 1


def test_a_row_that_bigquery_refuses_is_said_and_nothing_is_remembered(warehouse, dataset, monkeypatch):
    make_order()
    with monkeypatch.context() as patched:
        patched.setattr("shop.analytics.reading._line", lambda _line, number, _currency: {"line": f"{number}-1", "surprise": 1})
        with pytest.raises(LoadFailed, match="No such field: surprise"):
            export(dataset, at=now())

    assert warehouse.rows("order_lines") == []
    export(dataset, at=now())
    assert len(warehouse.rows("order_lines")) == 1


def test_an_older_row_never_replaces_a_newer_one(warehouse, dataset):
    dataset.prepare()
    empty = dict.fromkeys(BY_NAME["customers"].names)
    for name, at in (("new", "2026-11-21T12:00:01.000Z"), ("old", "2026-11-21T12:00:00.000Z")):
        dataset.load(Batch(1, {"customers": [{**empty, "customer": "c", "name": name, "exported_at": at}]}))

    assert [one["name"] for one in warehouse.rows("customers")] == ["new"]


def test_names_come_with_a_consent_and_leave_with_it(warehouse, dataset):
    user_id = make_user("mia@example.com")
    make_order(user_id=user_id, email="mia@example.com")
    with transaction() as session:
        session.execute(update(Customer).values(name="Mia Torres"))
    export(dataset, at=now())
    assert "mia@example.com" not in str(warehouse.asked)

    set_consent(user_id, FIGURES, is_given=True, text="Yes.", locale="en", at=NOON)
    export(dataset, at=now())
    (named,) = warehouse.rows("customers")
    set_consent(user_id, FIGURES, is_given=False, text="Yes.", locale="en", at=NOON)
    export(dataset, at=now())

    (after,) = warehouse.rows("customers")
    assert after["email"] is after["name"] is None
    assert after["is_member"] is True
    assert warehouse.rows("orders")[0]["customer"] == after["customer"]
    assert named["customer"] == after["customer"]


def test_an_erased_person_is_cut_off_from_what_they_bought(warehouse, dataset):
    user_id = make_user("mia@example.com")
    set_consent(user_id, FIGURES, is_given=True, text="Yes.", locale="en", at=NOON)
    order = make_order(user_id=user_id, email="mia@example.com")
    export(dataset, at=now())
    assert warehouse.rows("customers")[0]["email"] == "mia@example.com"
    cancel_order(order.id, by="customer", at=NOON)

    erase_person(find_person(user_id=user_id), by="customer", at=NOON)
    export(dataset, at=now())
    again = export(dataset, at=now())

    (person,) = warehouse.rows("customers")
    assert (person["is_erased"], person["email"], person["name"], person["since"]) == (True, None, None, None)
    assert warehouse.rows("orders")[0]["customer"] is None
    assert again.batches == 0


def test_the_periodic_task_exports_where_the_settings_say(warehouse, context):
    make_order()
    before = context.extensions["config"]
    target = WarehouseSettings("a-project", "shop", "EU", warehouse.url)
    context.extensions["config"] = dataclasses.replace(before, analytics=Analytics(target))

    export_as_set(now())
    context.extensions["config"] = before

    assert len(warehouse.rows("orders")) == 1


def test_no_key_is_a_clear_error(context, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))

    with pytest.raises(LoadFailed, match="looking for a key"):
        Dataset(WarehouseSettings("a-project", "shop"), "shop")


def test_the_stand_in_refuses_what_bigquery_refuses(warehouse, dataset):
    dataset.prepare()
    line = {**dict.fromkeys(BY_NAME["refunds"].names), "refund": "a", "exported_at": "2026-11-21T12:00:00.000Z"}

    for wrong, said in (
        ([{**line, "amount_minor": "5"}], "Could not convert"),
        ([{**line, "refund": None}], "Missing required"),
        ([line, line], "at most one"),
    ):
        with pytest.raises(LoadFailed, match=said):
            dataset.load(Batch(1, {"refunds": wrong}))
    assert warehouse.rows("refunds") == []
    assert row(select(Customer.id)) is None
    with transaction():
        record_event("test.unpublished", "thing:1", {}, at=NOON)
