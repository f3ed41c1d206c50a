"""What stands in the house: each finding both ways."""

from __future__ import annotations

import json
import socket
from collections import namedtuple
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from shop.clock import now
from shop.db import insert_missing, transaction
from shop.doctor import Finding, State, examine, house
from shop.outbox.models import PeriodicTask
from shop.outbox.services import record_event

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def set_config(context, monkeypatch):
    """Settings for one test."""

    def change(**values: object) -> None:
        monkeypatch.setitem(context.extensions, "config", replace(context.extensions["config"], **values))

    return change


def state(finding: Finding) -> str:
    assert bool(finding.cure) == (finding.state is not State.OK), finding
    return finding.state.value


def test_a_database_that_answers(context):
    assert state(house.check_database(now())) == "ok"


def test_a_database_that_does_not(context, monkeypatch):
    from sqlalchemy import create_engine

    monkeypatch.setattr("shop.doctor.house.db", type("Db", (), {"engine": create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")}))

    finding = house.check_database(now())

    assert state(finding) == "fail"
    assert "DATABASE_URL" in finding.cure


@pytest.mark.parametrize(("known", "wanted"), [(["0001"], "ok"), (["0002", "0001"], "fail"), (["0000"], "fail")])
def test_tables_of_this_version_an_older_and_a_newer_one(context, monkeypatch, known, wanted):
    monkeypatch.setattr("shop.doctor.house.known_revisions", lambda: known)

    assert state(house.check_schema(now())) == wanted


def ran(ago: timedelta) -> None:
    with transaction():
        insert_missing(PeriodicTask, {"name": "test", "due_at": now(), "ran_at": now() - ago})


def test_a_courier_that_never_ran_ran_just_now_and_long_ago(context):
    assert state(house.check_worker(now())) == "warn"
    ran(timedelta(seconds=20))
    assert state(house.check_worker(now())) == "ok"
    assert state(house.check_worker(now() + timedelta(minutes=20))) == "fail"


def test_an_event_that_waits_and_one_that_was_given_up(context):
    ran(timedelta(0))
    with transaction():
        record_event("audit.wanted", "audit", {"by": "test"}, at=now() - timedelta(hours=1))
    assert "waits for 60 min" in house.check_worker(now()).found

    with transaction() as session:
        session.execute(text("UPDATE deliveries SET state = 'dead'"))
    assert state(house.check_worker(now())) == "warn"


@pytest.mark.parametrize(("drift", "wanted"), [(0.4, "ok"), (-20, "warn"), (3600, "fail")])
def test_a_clock_that_agrees_and_one_that_does_not(drift, wanted):
    assert state(house.judge_drift("clock", drift, "the other")) == wanted


def test_the_clock_of_this_database(context):
    assert state(house.check_clock(now())) == "ok"


@pytest.mark.parametrize(("free", "wanted"), [(50 * 10**9, "ok"), (10**9, "warn"), (10**8, "fail")])
def test_room_on_the_disk(context, monkeypatch, free, wanted):
    monkeypatch.setattr("shop.doctor.house.shutil.disk_usage", lambda _path: Usage(100 * 10**9, 0, free))

    assert state(house.check_disk(now())) == wanted


@pytest.mark.parametrize(("secret", "wanted"), [("x" * 40, "ok"), ("changeme", "fail"), ("tiny-key", "fail")])
def test_a_long_secret_and_a_default(context, set_config, secret, wanted):
    set_config(secret_key=secret)

    finding = house.check_secret(now())

    assert state(finding) == wanted
    assert secret not in finding.found


def test_a_secret_that_others_read(context, set_config, tmp_path):
    (tmp_path / "secret_key").write_text("x" * 40)
    (tmp_path / "secret_key").chmod(0o644)
    set_config(instance=tmp_path)
    assert state(house.check_secret(now())) == "fail"

    (tmp_path / "secret_key").chmod(0o600)
    assert state(house.check_secret(now())) == "ok"


def test_a_database_file_that_others_read(context, set_config, tmp_path):
    file = tmp_path / "shop.db"
    file.touch()
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    set_config(instance=tmp_path, database_url=f"sqlite:///{file}")
    assert state(house.check_files(now())) == "warn"

    tmp_path.chmod(0o750)
    assert state(house.check_files(now())) == "ok"
    tmp_path.chmod(0o755)
    file.chmod(0o600)
    assert state(house.check_files(now())) == "ok"


def test_somebody_who_listens_and_nobody():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert state(house._knock("redis", f"redis://127.0.0.1:{port}/0", "REDIS_URL", 6379, "")) == "ok"
    assert state(house._knock("redis", f"redis://127.0.0.1:{port}/0", "REDIS_URL", 6379, "")) == "fail"
    assert state(house._knock("redis", "", "REDIS_URL", 6379, "")) == "ok"


def test_a_check_that_breaks_is_a_finding(context, monkeypatch):
    def broken(_at: object) -> Finding:
        raise RuntimeError("surprise")

    monkeypatch.setattr(house, "CHECKS", {"disk": broken})

    first = next(examine(at=now()))

    assert (first.check, first.state) == ("disk", State.FAIL)
    assert "surprise" in first.found


def test_the_command_prints_json_and_exits_with_1_when_something_fails(app, monkeypatch):
    result = app.test_cli_runner().invoke(args=["shop", "doctor", "--json"])

    findings = {finding["check"]: finding for finding in json.loads(result.output)}
    assert findings["database"]["state"] == "ok"
    assert findings["proxy"]["state"] == "fail"  # nobody serves this shop
    assert set(findings["proxy"]) == {"check", "state", "found", "cure"}
    assert result.exit_code == 1
