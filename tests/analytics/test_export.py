"""Files hold everything once, in batches that are there whole or not at all; nothing is skipped and no secret goes out."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from config import Config
from environment import ConfigError
from shop.analytics.files import Folder
from shop.analytics.models import AnalyticsPerson, AnalyticsTarget
from shop.analytics.reading import AT_ONCE, Batch
from shop.analytics.schema import TABLES
from shop.analytics.services import ExportRuns, export
from shop.clock import now
from shop.db import row, rows, transaction
from shop.order.services import cancel_order
from shop.outbox.models import Event
from tests.factories import NOON, make_product
from tests.orders import ADDRESS, make_order
from tests.people import log_in, make_user, the_shop  # noqa: F401


@pytest.fixture
def folder(context, tmp_path):
    return Folder(tmp_path / "figures")


def lines(folder, table):
    found = sorted((folder.path / table).glob("*.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def cells(folder, table):
    found = []
    for path in sorted((folder.path / table).glob("*.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file, strict=True))
    return found


def test_an_order_is_exported_once_in_both_formats(folder):
    order = make_order([(make_product("=SUM(A1)", sku="S-1"), 2)])

    done = export(folder, at=now())
    again = export(folder, at=now())

    (told,), (cell,) = lines(folder, "orders"), cells(folder, "orders")
    assert (told["number"], told["total_minor"], told["country"]) == (order.number, order.total_minor, "ES")
    assert (cell["number"], cell["total_minor"], cell["is_pickup"], cell["canceled_at"]) == (
        order.number,
        str(order.total_minor),
        "false",
        "",
    )
    assert lines(folder, "order_lines")[0]["name"] == "=SUM(A1)"
    assert cells(folder, "order_lines")[0]["name"] == "'=SUM(A1)"
    assert [one["kind"] for one in lines(folder, "events")] == ["order.placed"]
    assert done.rows["orders"] == 1
    assert (again.batches, dict(again.rows)) == (0, {})


def test_only_what_is_new_is_exported_and_an_order_as_it_stands(folder):
    order, other = make_order(), make_order()
    export(folder, at=now())
    cancel_order(order.id, by="customer", at=NOON)

    done = export(folder, at=now())

    assert done.rows["orders"] == 1
    assert [(one["number"], one["state"]) for one in lines(folder, "orders")] == [
        (order.number, "open"), (other.number, "open"), (order.number, "canceled"),
    ]  # fmt: skip


def test_every_row_has_every_column_of_the_schema_and_no_other(folder):
    make_order()
    export(folder, at=now())

    for table in TABLES:
        assert all(list(one) == table.names for one in lines(folder, table.name))
    assert json.loads((folder.path / "schema.json").read_text())["version"] == 1


def test_nothing_of_a_person_and_no_secret_goes_out(folder):
    make_order(email="mia@example.com", note="ring twice")
    keys = [one.payload for one in rows(select(Event.payload))]
    export(folder, at=now())

    said = "".join(path.read_text() for path in folder.path.rglob("*.*") if path.name != "schema.json")
    for word in ("mia@example.com", "ring twice", ADDRESS.name, ADDRESS.line1, ADDRESS.postcode, "key-"):
        assert word not in said, word
    assert keys


def test_a_batch_that_is_tried_again_overwrites_its_own_files(folder, monkeypatch):
    make_order()
    with monkeypatch.context() as patched:
        patched.setattr("shop.analytics.services._mark", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(folder, at=now())
    make_order()

    export(folder, at=now())

    assert len(lines(folder, "orders")) == len(lines(folder, "events")) == 2
    assert len(list((folder.path / "orders").iterdir())) == 2


def test_what_an_earlier_try_left_in_another_table_goes(folder):
    folder.prepare()
    order = {**dict.fromkeys(TABLES[1].names), "number": "K"}
    folder.load(Batch(1, {"orders": [order]}))
    folder.load(Batch(1, {"customers": [dict.fromkeys(TABLES[-1].names)]}))

    assert list((folder.path / "orders").iterdir()) == []


def test_an_event_whose_transaction_ended_late_is_not_skipped(folder):
    make_order()
    export(folder, at=now())
    highest = max(one.id for one in rows(select(Event.id)))
    put_event(highest + 2, "order.paid")
    export(folder, at=now())
    assert str(highest + 1) in row(select(AnalyticsTarget.late)).late

    put_event(highest + 1, "order.canceled")
    export(folder, at=now())

    assert [one["kind"] for one in lines(folder, "events")] == ["order.placed", "order.paid", "order.canceled"]
    assert row(select(AnalyticsTarget.late)).late == {}


def test_a_number_that_never_came_is_given_up_after_a_day(folder):
    make_order()
    export(folder, at=now())
    put_event(max(one.id for one in rows(select(Event.id))) + 2, "order.paid")
    export(folder, at=now())
    with transaction() as session:
        late = dict.fromkeys(row(select(AnalyticsTarget.late)).late, "2026-01-01T00:00:00.000Z")
        session.execute(update(AnalyticsTarget).values(late=late))

    export(folder, at=now())

    assert row(select(AnalyticsTarget.late)).late == {}


def put_event(number, kind):
    order_id = row(select(Event.payload).where(Event.kind == "order.placed")).payload["order_id"]
    with transaction() as session:
        session.execute(insert(Event).values(id=number, kind=kind, subject=f"order:{order_id}", payload={"order_id": order_id}, at=NOON))


def test_many_events_go_in_several_batches(folder):
    make_order()
    order_id = row(select(Event.payload).where(Event.kind == "order.placed")).payload["order_id"]
    value = {"kind": "order.packed", "subject": f"order:{order_id}", "payload": {"order_id": order_id}, "at": NOON}
    with transaction() as session:
        session.execute(insert(Event), [value] * AT_ONCE)

    done = export(folder, at=now())

    assert done.batches == 2
    assert len({one["id"] for one in lines(folder, "events")}) == len(lines(folder, "events")) == AT_ONCE + 1


def test_from_a_moment_on_once_more(folder):
    make_order(at=NOON)
    export(folder, at=now())

    none = export(folder, since=NOON + timedelta(days=1), at=now())
    all_ = export(folder, since=NOON - timedelta(days=1), at=now())

    assert (none.batches, all_.rows["orders"], all_.rows["customers"]) == (0, 1, 0)


def test_two_exports_to_one_target_do_not_run_at_once_and_a_dead_one_is_taken_over(folder, monkeypatch):
    make_order()

    def export_too(_batch):
        with pytest.raises(ExportRuns):
            export(folder, at=now())
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folder, "load", export_too)
        patched.setattr("shop.analytics.services._release", lambda *_args, **_more: None)
        with pytest.raises(KeyboardInterrupt):
            export(folder, at=now())
    with pytest.raises(ExportRuns):
        export(folder, at=now())

    done = export(folder, at=now() + timedelta(hours=1))
    assert done.rows["orders"] == 1


def test_who_was_overtaken_remembers_nothing(folder, monkeypatch):
    make_order()
    load = folder.load

    def load_and_lose(batch):
        load(batch)
        with transaction() as session:
            session.execute(update(AnalyticsTarget).values(lease="another"))

    monkeypatch.setattr(folder, "load", load_and_lose)
    with pytest.raises(ExportRuns):
        export(folder, at=now())

    assert row(select(AnalyticsTarget.position)).position == 0
    assert rows(select(AnalyticsPerson.id)) == []


def test_a_failure_is_kept_for_who_asks(app, context, tmp_path):
    make_order()
    (tmp_path / "figures").write_text("no folder")
    runner = app.test_cli_runner()

    failed = runner.invoke(args=["analytics", "export", "--to", str(tmp_path / "figures" / "in")])
    done = runner.invoke(args=["analytics", "export", "--to", str(tmp_path / "right"), "--format", "csv"])
    status = runner.invoke(args=["analytics", "status"])

    assert failed.exit_code == 1
    assert "Error" in failed.output
    assert "1 orders" in done.output
    assert next((tmp_path / "right" / "orders").iterdir()).suffix == ".csv"
    assert "NotADirectoryError" in status.output
    assert "batch 1" in status.output
    assert "nothing new" in runner.invoke(args=["analytics", "export", "--to", str(tmp_path / "right"), "--since", "2090-01-01"]).output


@pytest.mark.parametrize(
    ("url", "target"),
    [("file:///srv/figures", "/srv/figures"), ("bigquery://a-project/shop", "Warehouse(project='a-project', dataset='shop', location='EU', endpoint='')"),
     ("bigquery://a-project/shop?location=europe-southwest1", "europe-southwest1")],
)  # fmt: skip
def test_the_settings_say_where_figures_go(tmp_path, url, target):
    config = Config.from_env({"SHOP_INSTANCE": str(tmp_path), "ANALYTICS_URL": url, "ANALYTICS_MINUTES": "15"})

    assert target in str(config.analytics.target)
    assert config.analytics.minutes == 15


@pytest.mark.parametrize(
    ("name", "value"),
    [("ANALYTICS_URL", "bigquery://p"), ("ANALYTICS_URL", "bigquery://a-project/shop?key=1"), ("ANALYTICS_URL", "s3://x"), ("ANALYTICS_URL", "file:"),
     ("ANALYTICS_URL", "bigquery://a-project/shop?endpoint=ftp://x"), ("ANALYTICS_MINUTES", "0"), ("SHOP_WEBHOOK_HOSTS", "a b"),
     ("SHOP_WEBHOOK_TIMEOUT", "31"), ("SHOP_WEBHOOK_DAYS", "0")],
)  # fmt: skip
def test_a_wrong_setting_is_named(tmp_path, name, value):
    with pytest.raises(ConfigError, match=name):
        Config.from_env({"SHOP_INSTANCE": str(tmp_path), name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("SHOP_WEBHOOK_HOSTS", "127.0.0.1"), ("ANALYTICS_URL", "bigquery://a-project/shop?endpoint=http://127.0.0.1:1")]
)
def test_production_refuses_what_is_for_tests(tmp_path, name, value):
    with pytest.raises(ConfigError, match=name):
        Config.from_env({"SHOP_INSTANCE": str(tmp_path), "SHOP_ENV": "production", name: value})


def test_a_library_that_is_missing_is_named_with_its_cure(tmp_path, monkeypatch):
    def nowhere(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("environment.importlib.util.find_spec", nowhere)

    with pytest.raises(ConfigError, match=r"pip install --require-hashes -r requirements-server\.txt"):
        Config.from_env({"SHOP_INSTANCE": str(tmp_path), "ANALYTICS_URL": "bigquery://a-project/shop"})


def test_a_member_is_asked_where_there_are_figures_and_nowhere_else(app, client):
    import dataclasses
    from pathlib import Path

    from config_outside import Analytics

    make_user()
    log_in(client)
    before = app.extensions["config"]
    without = client.get("/account/data").text
    app.extensions["config"] = dataclasses.replace(before, analytics=Analytics(Path("/srv/figures")))
    asked = client.get("/account/data").text
    app.extensions["config"] = before

    answer = client.put("/api/v1/me/figures", json={"is_given": True})

    assert "beside its figures" not in without
    assert "beside its figures" in asked
    assert answer.json == {"is_given": True}
    assert client.get("/api/v1/me/data").json["sections"]["consents"][0]["subject"] == "figures"
    assert datetime.now(UTC) > NOON - timedelta(days=3650)
