"""`make run` itself: it opens a shop, opens it again without changing anything, and says what is wrong instead of guessing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.servers import PATIENCE_S, ROOT, copy_instance, demo_world, free_port, settings

ITS_OWN_LIFE = {"periodic_tasks", "deliveries", "events", "mails", "mail_attempts"}  # what couriers do while the shop is open


@contextmanager
def make_run(instance: Path, **changes: str) -> Iterator[tuple[int, Path]]:
    """The running shop's port, and the file with what it printed."""
    port = free_port()
    log = instance / "make-run.log"
    environ = settings(instance, PORT=str(port), **changes)
    with log.open("wb") as output:
        process = subprocess.Popen(["make", "run"], cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_until_open(port, process, log)
        yield port, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to all of them
        process.wait(PATIENCE_S)


def wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 4 * PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz"):
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def content(instance: Path) -> dict[str, list[object]]:
    """All rows by table."""
    with sqlite3.connect(instance / "shop.db") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        return {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in tables if table not in ITS_OWN_LIFE}


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """The shop as the first `make run` leaves it."""
    return copy_instance(demo_world(), tmp_path / "instance")


def test_it_says_where_the_shop_is_and_how_staff_sign_in_and_changes_nothing(instance: Path) -> None:
    before = content(instance)

    with make_run(instance) as (port, log):
        said = log.read_text()

    assert f"http://127.0.0.1:{port}/" in said
    assert "admin@" in said
    assert len(before["orders"]) > 20
    assert content(instance) == before


def test_nobody_is_left_behind_when_it_ends(instance: Path) -> None:
    with make_run(instance) as (port, _):
        pass

    left = [path for path in Path("/proc").glob("[0-9]*/environ") if f"PORT={port}".encode() in read(path).split(b"\0")]

    assert left == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def refused(instance: Path, **changes: str) -> str:
    """What it says when it refuses to start."""
    result = subprocess.run(["make", "run"], cwd=ROOT, env=settings(instance, **changes), capture_output=True, text=True, check=False)
    assert result.returncode != 0
    return result.stdout + result.stderr


def test_wrong_settings_are_all_named_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, PORT="ninety", SHOP_CURRENCY="BEANS", WEB_CONCURRENCY="0", DATABASE_URL="oracle://x")

    assert [name for name in ("PORT", "SHOP_CURRENCY", "WEB_CONCURRENCY", "DATABASE_URL") if f"  - {name}: " not in said] == []
    assert "Traceback" not in said


def test_production_refuses_what_would_be_unsafe(tmp_path: Path) -> None:
    unsafe = {"SECRET_KEY": "secret", "FLASK_DEBUG": "1", "SHOP_PAYMENT_METHODS": "test_card", "MAIL_URL": "file:///tmp/mail"}

    said = refused(tmp_path, SHOP_ENV="production", **unsafe)

    assert [name for name in unsafe if f"  - {name}: " not in said] == []


def test_a_machine_that_lacks_programs_is_told_which(tmp_path: Path) -> None:
    for program in ("bash", "ls", "python3", "id", "dirname"):
        found = subprocess.run(["bash", "-c", f"command -v {program}"], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / program).symlink_to(found)
    (tmp_path / "id").unlink()
    (tmp_path / "id").write_text("#!/bin/bash\necho 1000\n")  # not root: nothing may be installed
    (tmp_path / "id").chmod(0o755)

    script = str(ROOT / "tests" / "machine" / "prepare.sh")
    result = subprocess.run([str(tmp_path / "bash"), script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert "chromium" in result.stderr
    assert "apt-get install" in result.stderr
