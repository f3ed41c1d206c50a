"""What only a folder can get wrong: links on the disk, halves of files, links that the shop itself signs and ends."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from config_amazon import StorageSettings
from shop.clock import now
from shop.storage import Missing, Shelves
from tests.storage.conftest import use


@pytest.fixture
def folder(shop, tmp_path: Path) -> Shelves:
    return use(shop, StorageSettings(tmp_path / "files"))


def test_private_files_are_for_the_shop_alone(folder: Shelves, tmp_path: Path) -> None:
    folder.private.put("papers/a.pdf", b"x")

    assert stat.S_IMODE((tmp_path / "files" / "private").stat().st_mode) == 0o700


def test_a_link_on_the_disk_leads_nowhere_else(folder: Shelves, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder.private.put("papers/a.pdf", b"x")
    (tmp_path / "files" / "private" / "papers" / "b.pdf").symlink_to(tmp_path / "secret")

    with pytest.raises(Missing):
        folder.private.get("papers/b.pdf")
    assert not folder.private.exists("papers/b.pdf")
    assert [kept.key for kept in folder.private.list()] == ["papers/a.pdf"]


def test_a_power_cut_leaves_the_old_file_and_no_half_in_a_listing(folder: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.private.put("papers/a.pdf", b"old")
    monkeypatch.setattr("shop.storage.folder.os.fsync", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        folder.private.put("papers/a.pdf", b"new")

    assert folder.private.get("papers/a.pdf") == b"old"
    assert [kept.key for kept in folder.private.list()] == ["papers/a.pdf"]


def test_a_link_ends_and_says_what_to_do(folder: Shelves, client) -> None:
    folder.private.put("papers/a.pdf", b"x")
    url = folder.private.signed_url("papers/a.pdf", name="a.pdf", lasts_s=300, at=now() - timedelta(seconds=301))

    answer = client.get(url)

    assert answer.status_code == 404
    assert "This link has ended" in answer.text


@pytest.mark.parametrize(
    "change", [lambda url: url[:-9] + ("A" if url[-9] != "A" else "B") + url[-8:], lambda _: "/files/x", lambda _: "/files/papers/a.pdf"]
)
def test_a_link_that_the_shop_never_made_opens_nothing(folder: Shelves, client, change) -> None:
    folder.private.put("papers/a.pdf", b"x")
    url = folder.private.signed_url("papers/a.pdf", name="a.pdf", lasts_s=300, at=now())

    assert client.get(change(url)).status_code == 404


def test_a_link_of_another_secret_opens_nothing(folder: Shelves, client) -> None:
    from shop.storage.folder import FolderStorage

    stranger = FolderStorage(Path("/nowhere"), public_url="", secret="another secret that is long enough for this")

    assert client.get(stranger.signed_url("papers/a.pdf", name="a.pdf", lasts_s=300, at=now())).status_code == 404


def test_pictures_have_no_signed_links(folder: Shelves) -> None:
    with pytest.raises(ValueError, match="private shelf"):
        folder.media.signed_url("ab/a.webp", name="a.webp", lasts_s=300, at=now())
