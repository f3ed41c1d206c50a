"""A shop goes into a file while people buy, and comes out of it as it was: on the same database or the other one."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from shop import create_app
from shop.audit.services import run_audit
from shop.backup import BackupProblem
from shop.backup.making import make_backup
from shop.backup.manifest import Manifest
from shop.backup.restoring import Restored, restore_backup
from shop.backup.verifying import verify_backup
from shop.clock import now
from shop.db import db, scalar
from shop.media.services import store_image
from shop.order.models import Order
from tests.backup.conftest import all_rows
from tests.factories import NOON, make_product
from tests.media.pictures import media_folder, picture
from tests.orders import make_order


def quiet(_said: object) -> None:
    """Nobody looks."""


def back_up(app: Flask, target: Path, **changes: bool) -> Manifest:
    with app.app_context():
        return make_backup(target, create_app, at=now(), tell=quiet, step=quiet, **changes)


def restore(app: Flask, source: Path, **changes: bool) -> Restored:
    with app.app_context():
        return restore_backup(source, create_app, at=now(), tell=quiet, step=quiet, **changes)


@pytest.fixture
def sold(app: Flask) -> Iterator[Flask]:
    """A shop with an order, a picture and a theme."""
    instance: Path = app.extensions["config"].instance
    shutil.rmtree(instance / "media", ignore_errors=True)
    with app.app_context():
        make_order(at=now())
        store_image(picture(), name="mug.png", at=NOON)
        theme = instance / "theme" / "static" / "css"
        theme.mkdir(parents=True, exist_ok=True)
        (theme / "theme.css").write_text("body { color: teal }")
    yield app
    shutil.rmtree(instance / "theme", ignore_errors=True)


@pytest.fixture
def backup(sold: Flask, tmp_path: Path) -> Path:
    back_up(sold, tmp_path / "shop.tar")
    return tmp_path / "shop.tar"


# While people buy


def test_a_backup_made_while_four_people_buy_is_one_moment_and_its_audit_is_clean(app, empty, tmp_path):
    with app.app_context():
        mug = make_product(stock=1000)
    stop, placed = threading.Event(), threading.Semaphore(0)

    def buy() -> None:
        with app.app_context():
            while not stop.is_set():
                make_order([(mug, 1)], at=now())
                placed.release()

    buyers = [threading.Thread(target=buy) for _ in range(4)]
    for buyer in buyers:
        buyer.start()
    try:
        for _ in range(4):
            assert placed.acquire(timeout=30)
        manifest = back_up(app, tmp_path / "live.tar")
        for _ in range(4):
            assert placed.acquire(timeout=30), "nobody could buy meanwhile"
    finally:
        stop.set()
        for buyer in buyers:
            buyer.join(30)

    restored = restore(empty, tmp_path / "live.tar")

    assert restored.report.is_clean, restored.report.dump()
    with app.app_context():
        sold = scalar(select(func.count()).select_from(Order))
    assert 4 <= manifest.rows["orders"] < sold
    with empty.app_context():
        assert scalar(select(func.count()).select_from(Order)) == manifest.rows["orders"]


def test_every_row_and_every_file_comes_back_and_the_next_order_gets_the_next_number(sold, backup, empty):
    restored = restore(empty, backup)

    assert restored.report.is_clean, restored.report.dump()
    assert all_rows(empty) == all_rows(sold)
    files = [
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders(sold, empty)
    ]
    assert files[0] == files[1] != {}
    assert (empty.extensions["config"].instance / "theme/static/css/theme.css").read_text() == "body { color: teal }"
    with empty.app_context():
        make_order(at=now())
        assert run_audit(at=now()).is_clean


def folders(*apps: Flask) -> list[Path]:
    return [app.extensions["config"].instance / "media" for app in apps]


def test_rows_that_never_change_stay_so_after_a_restore(backup, empty):
    restore(empty, backup)

    with empty.app_context(), pytest.raises(Exception, match="never change"), db.engine.begin() as link:
        link.execution_options(writes=True).execute(text("UPDATE stock_movements SET id = id + 1"))


def test_a_backup_of_a_restored_shop_holds_the_same_rows(backup, sold, empty, make_shop, tmp_path):
    restore(empty, backup)
    back_up(empty, tmp_path / "again.tar")
    other = make_shop("postgresql" if db_kind(sold) == "postgresql" else "sqlite")

    restore(other, tmp_path / "again.tar")

    assert all_rows(other) == all_rows(sold)


def db_kind(app: Flask) -> str:
    with app.app_context():
        return str(db.engine.dialect.name)


# The file


def test_the_file_is_for_its_owner_alone_and_names_what_it_leaves_out(backup):
    with tarfile.open(backup) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))

    assert backup.stat().st_mode & 0o777 == 0o600
    assert names[:2] == ["manifest.json", "database.sqlite"]
    assert (names[-2], names[-1]) == ("theme/static/css/theme.css", "SHA256SUMS")
    assert "void" in manifest["left_out"]["secret key"]
    assert (manifest["format"], manifest["rows"]["orders"], manifest["size_b"]) == ("bodega-backup", 1, backup.stat().st_size)
    assert b"a secret for tests only" not in backup.read_bytes()


def test_plain_tools_read_it(backup, tmp_path):
    subprocess.run(["tar", "-xf", backup, "-C", tmp_path], check=True)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=True)
    with closing(sqlite3.connect(tmp_path / "database.sqlite")) as link:
        assert link.execute("SELECT count(*) FROM orders").fetchone() == (1,)


def test_a_backup_overwrites_nothing(sold, backup):
    before = backup.read_bytes()

    with pytest.raises(BackupProblem, match="there already"):
        back_up(sold, backup)

    assert backup.read_bytes() == before


def test_two_backups_never_write_the_same_file(sold, tmp_path):
    told: list[str] = []

    def meanwhile(words: str) -> None:
        if not told:
            told.append(words)
            with pytest.raises(BackupProblem, match="right now"):
                back_up(sold, tmp_path / "one.tar")

    with sold.app_context():
        make_backup(tmp_path / "one.tar", create_app, at=now(), tell=quiet, step=meanwhile)

    assert told
    assert [path.name for path in tmp_path.glob("*one.tar*")] + [path.name for path in tmp_path.glob(".one.tar*")] == ["one.tar"]


def test_a_full_disk_leaves_nothing_behind(sold, tmp_path, monkeypatch):
    def full(*_args: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shop.backup.archive.Writer._copy", full)
    with pytest.raises(BackupProblem, match="No space left"):
        back_up(sold, tmp_path / "full.tar")

    assert not list(tmp_path.glob("*full*")) + list(tmp_path.glob(".full*"))


def test_a_picture_whose_file_is_gone_is_named(sold, tmp_path):
    with sold.app_context():
        gone = next(media_folder().rglob("*.webp"))
        gone.unlink()

    manifest = back_up(sold, tmp_path / "gone.tar")

    assert [name.split("/")[-1] for name in manifest.missing] == [gone.name]


def test_a_shop_without_tables_has_nothing_to_back_up(make_shop, tmp_path):
    with pytest.raises(BackupProblem, match="flask shop init"):
        back_up(make_shop(), tmp_path / "none.tar")


# The secret


def test_the_secret_goes_along_only_when_asked_and_comes_to_a_shop_that_has_made_its_own(sold, make_shop, tmp_path):
    back_up(sold, tmp_path / "secret.tar", with_secrets=True)
    other = make_shop(secret_key="made here" * 8)
    own = other.extensions["config"].instance / "secret_key"
    own.write_text("made here" * 8)

    restored = restore(other, tmp_path / "secret.tar")

    assert own.read_text() == sold.extensions["config"].secret_key
    assert own.stat().st_mode & 0o777 == 0o600
    assert "start the shop anew" in restored.notes[0]


def test_another_secret_is_said_to_void_what_it_voids(backup, make_shop):
    restored = restore(make_shop(secret_key="another secret, which is long enough"), backup)

    assert "void" in restored.notes[0]
    assert "authenticator" in restored.notes[0]


# Restoring


def test_a_shop_that_is_not_empty_is_refused_and_stays(sold, backup):
    before = all_rows(sold)

    with pytest.raises(BackupProblem, match=r"not empty.*--force"):
        restore(sold, backup)

    assert all_rows(sold) == before


def test_force_replaces_a_shop_and_keeps_what_was_there(sold, backup):
    before = all_rows(sold)
    with sold.app_context():
        make_order(at=now())
        store_image(picture(color="red"), name="red.png", at=NOON)

    restored = restore(sold, backup, force=True)

    after = all_rows(sold)
    assert {**after, "versions": None} == {**before, "versions": None}
    assert restored.report.is_clean, restored.report.dump()
    with sold.app_context():
        assert verify_backup(restored.kept, tell=quiet).rows["orders"] == 2
    restored.kept.unlink()


def test_a_shop_that_init_has_set_up_counts_as_empty(backup, empty):
    empty.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)

    assert restore(empty, backup).report.is_clean


def test_older_tables_are_brought_to_the_newest_on_the_way(backup, empty, monkeypatch, tmp_path):
    newer = tmp_path / "migrations"
    shutil.copytree("migrations", newer)
    (newer / "versions" / "0002_rename.py").write_text(
        'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        "def upgrade():\n    op.execute(\"UPDATE settings SET value = 'Bodega II' WHERE name = 'shop.name'\")\n"
        "def downgrade():\n    pass\n"
    )
    monkeypatch.setattr("shop.MIGRATIONS", newer)

    restore(empty, backup)

    with empty.app_context():
        assert scalar(text("SELECT version_num FROM alembic_version")) == "0002"
        assert scalar(text("SELECT value FROM settings WHERE name = 'shop.name'")) == "Bodega II"


def test_a_backup_of_a_newer_shop_is_refused(sold, backup, make_shop, monkeypatch):
    monkeypatch.setattr("shop.backup.schema.known_revisions", lambda: ["0000"])

    with pytest.raises(BackupProblem, match="a newer one made them"):
        restore(make_shop(), backup)


def test_another_currency_and_mails_that_waited_are_told(sold, backup, make_shop):
    notes = " ".join(restore(make_shop(currency="USD"), backup).notes)

    assert "SHOP_CURRENCY=EUR" in notes
    assert "deliveries" in notes
