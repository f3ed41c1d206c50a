"""What no backup is: cut, changed, foreign, hostile. Each is refused with a clear sentence before anything of the shop changes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from shop.backup import BackupProblem
from shop.backup.archive import MANIFEST_B, Reader, is_safe
from shop.backup.manifest import parse
from shop.backup.verifying import verify_backup
from tests.backup.conftest import all_rows
from tests.backup.test_backup import back_up, quiet, restore, sold  # noqa: F401 - a fixture

BLOCK = 512


@pytest.fixture
def backup(sold, tmp_path: Path) -> Path:  # noqa: F811 - the fixture
    back_up(sold, tmp_path / "shop.tar")
    return tmp_path / "shop.tar"


def place_of(backup: Path, ending: str) -> int:
    with tarfile.open(backup) as tar:
        return next(member.offset_data for member in tar if member.name.endswith(ending))


def change(backup: Path, at: int, content: bytes | None = None) -> None:
    """Other bytes there, as many."""
    whole = bytearray(backup.read_bytes())
    whole[at : at + len(content or b"x")] = content or bytes([whole[at] ^ 1])
    backup.write_bytes(whole)


def change_manifest(backup: Path, **values: object) -> None:
    said = json.loads(backup.read_bytes()[BLOCK : BLOCK + MANIFEST_B])
    change(backup, BLOCK, json.dumps({**said, **values}).encode().ljust(MANIFEST_B))


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a picture with another byte": (lambda backup: change(backup, place_of(backup, ".avif") + 9), r"Not what it was.*media/.*\.avif"),
    "a database with another byte": (lambda backup: change(backup, place_of(backup, ".sqlite") + 9000), "Not what it was.*database"),
    "other hashes": (lambda backup: change(backup, place_of(backup, "SHA256SUMS"), b"0000"), "list of hashes"),
    "other counts": (lambda backup: change_manifest(backup, rows={"orders": 5}), "other rows"),
    "fewer files": (lambda backup: change_manifest(backup, files=1), "files instead of 1"),
    "another revision": (lambda backup: change_manifest(backup, schema="0000"), "does not know"),
    "another form": (lambda backup: change_manifest(backup, format_version=2), "form 2"),
    "a strange manifest": (lambda backup: change_manifest(backup, rows={"orders": -1}), "manifest of the backup was changed"),
    "an end that is missing": (lambda backup: backup.write_bytes(backup.read_bytes()[:-3000]), "cut"),
    "the beginning only": (lambda backup: backup.write_bytes(backup.read_bytes()[:70_000]), "cut"),
    "something behind its end": (lambda backup: backup.write_bytes(backup.read_bytes() + b"more"), "cut or changed"),
    "a hidden tail": (lambda backup: change(backup, backup.stat().st_size - 4, b"more"), "behind the end"),
    "a broken head": (lambda backup: change(backup, place_of(backup, ".sqlite") - BLOCK, b"x"), "damaged"),
    "nothing": (lambda backup: backup.write_bytes(b""), "no backup of a shop"),
    "some other file": (lambda backup: backup.write_bytes(b"PK\3\4" * 50_000), "no backup of a shop"),
    "no file at all": (lambda backup: backup.unlink(), "cannot be read"),
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_is_spoiled_is_refused_and_the_shop_stays(backup, sold, spoil):  # noqa: F811
    spoiling, words = SPOILED[spoil]
    spoiling(backup)
    before = all_rows(sold)

    with sold.app_context(), pytest.raises(BackupProblem, match=words):
        verify_backup(backup, tell=quiet)
    with pytest.raises(BackupProblem, match=words):
        restore(sold, backup, force=True)

    assert all_rows(sold) == before
    assert not (sold.extensions["config"].instance / ".restore").exists()


def test_a_whole_one_is_not_refused(backup, sold):  # noqa: F811
    with sold.app_context():
        assert verify_backup(backup, tell=quiet).rows["orders"] == 1


# Tricks of archives


@pytest.mark.parametrize(
    "name",
    [
        "../shop.db", "media/../../etc/passwd", "/etc/passwd", "theme//a", "theme/", "theme/../wsgi.py", "theme/./a", "theme\\a", "theme/a\nb",
        "secret_key", "shop.db", "media/ab/evil.html", "media/ab/cd" + "0" * 30 + "-160.webp", "theme/" + "x" * 300, "database.sqlite/", "Theme/a",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_none_of_a_part(name):
    assert not is_safe(name)


def test_names_of_parts_are_safe():
    assert all(map(is_safe, ["database.sqlite", "theme/templates/a b/ñ.html", f"media/ab/ab{'0' * 30}-160.webp", "fonts/x.ttf"]))


def member(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, link: str = "", form: int = tarfile.GNU_FORMAT, **pax: str) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname, entry.pax_headers = kind, size, link, pax
    return entry.tobuf(form)  # type: ignore[arg-type]


TRICKS = {
    "a way out": member("../../evil"),
    "an absolute path": member("/etc/cron.d/evil"),
    "a link": member("theme/evil", tarfile.SYMTYPE, link="/etc/passwd"),
    "a hard link": member("theme/evil", tarfile.LNKTYPE, link="../shop.db"),
    "a device": member("theme/evil", tarfile.CHRTYPE),
    "a folder": member("theme", tarfile.DIRTYPE),
    "a sparse file": member("theme/evil", tarfile.GNUTYPE_SPARSE, size=2**40),
    "a long name": member("theme/" + "x" * 200),
    "other headers": member("theme/evil", form=tarfile.PAX_FORMAT, comment="x"),
    "the same name twice": member("theme/a") + member("theme/a"),
    "names out of order": member("theme/b") + member("theme/a"),
    "a second manifest": member("manifest.json"),
    "a size of which nothing is there": member("theme/evil", size=2**50),
    "something between parts": member("theme/a", size=1) + b"x" + b"y" * 511,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused(trick):
    file = io.BytesIO(TRICKS[trick] + bytes(1024))

    with pytest.raises(BackupProblem):
        for _part in Reader(file).parts():
            pass


def test_a_manifest_is_read_strictly():
    for content in (
        b"",
        b"[]",
        b"{}",
        b'{"format": "other"}',
        b'{"format": "bodega-backup", "format_version": 1}',
        b"[" * 60_000,
        b"\xff\xfe",
    ):
        with pytest.raises(BackupProblem):
            parse(content)
