"""Killed in the middle (SIGKILL, as by a power cut): no half backup has a name, no shop is half restored, and the next try mends all of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from shop import create_app
from shop.backup import BackupProblem
from shop.backup.restoring import restore_backup
from shop.backup.verifying import verify_backup, verify_shop
from shop.clock import now
from tests.backup.conftest import MakeShop, all_rows
from tests.backup.test_backup import back_up, db_kind, quiet, restore, sold  # noqa: F401 - a fixture
from tests.orders import make_order
from tests.servers import ROOT, settings


def dying(app: Flask, act: str, file: Path, moment: str) -> None:
    """Do it in a process of its own, which dies then."""
    config = app.extensions["config"]
    environ = settings(config.instance, DATABASE_URL=config.database_url, SECRET_KEY=config.secret_key)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.backup.dying", act, str(file), moment],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize("moment", ["step:Writing the database", "piece:5"])
def test_a_backup_that_was_killed_has_no_name_and_the_next_one_clears_up(sold, tmp_path, moment):  # noqa: F811
    target = tmp_path / "shop.tar"

    dying(sold, "backup", target, moment)
    assert not target.exists()

    back_up(sold, target)
    assert sorted(path.name for path in tmp_path.iterdir() if "shop.tar" in path.name) == ["shop.tar"]
    with sold.app_context():
        verify_backup(target, tell=quiet)


@pytest.fixture
def backup(sold, tmp_path: Path) -> Path:  # noqa: F811
    back_up(sold, tmp_path / "shop.tar")
    return tmp_path / "shop.tar"


@pytest.mark.parametrize("moment", ["piece:7", "step:Keeping", *(f"step:Replacing:{seconds}" for seconds in (0.01, 0.05, 0.2))])
def test_a_restore_that_was_killed_left_the_old_shop_or_the_new_one_and_the_next_one_ends_it(sold, backup, moment):  # noqa: F811
    old = all_rows(sold)
    with sold.app_context():
        make_order(at=now())
    changed = all_rows(sold)

    dying(sold, "restore", backup, moment)

    found = {**all_rows(sold), "versions": None}
    assert found in ({**old, "versions": None}, {**changed, "versions": None})
    restore(sold, backup, force=True)
    assert {**all_rows(sold), "versions": None} == {**old, "versions": None}
    with sold.app_context():
        assert [proof for proof in verify_shop(at=now()) if proof.against] == []


def test_an_empty_shop_takes_the_backup_after_a_kill_which_verify_told(sold, backup, make_shop: MakeShop):  # noqa: F811
    shop = make_shop(db_kind(sold))

    dying(shop, "restore", backup, "step:Replacing")
    with shop.app_context():
        assert "run the same restore again" in next(verify_shop(at=now())).against[0]

    assert restore(shop, backup).report.is_clean
    assert all_rows(shop) == all_rows(sold)


def test_only_one_restores_at_a_time(sold, backup):  # noqa: F811
    refused: list[str] = []

    def meanwhile(words: str) -> None:
        if "Reading" in words:
            with pytest.raises(BackupProblem, match="Another restore"):
                restore(sold, backup, force=True)
            refused.append(words)

    with sold.app_context():
        restore_backup(backup, create_app, at=now(), force=True, tell=quiet, step=meanwhile)

    assert refused
