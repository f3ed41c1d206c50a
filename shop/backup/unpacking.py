"""Looking at a backup closely, and laying its parts into a folder on the way."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from shop.backup import BackupProblem
from shop.backup.archive import DATABASE, SUMS, Part, Progress, Reader
from shop.backup.manifest import Manifest, parse
from shop.backup.schema import count_rows, refuse_unknown, revision_of_file

MOST_NAMED = 20


def read_manifest(path: Path) -> Manifest:
    """What the backup says of itself, read strictly; the file has the size that it says, and this code knows its tables.

    Raises:
        BackupProblem: it is no backup, was cut, or a newer shop made it.
    """
    try:
        with path.open("rb") as file:
            manifest = parse(Reader(file).manifest())
            size = os.fstat(file.fileno()).st_size
    except OSError as problem:
        raise BackupProblem(f"{path} cannot be read: {problem.strerror}.") from None
    if size != manifest.size_b:
        raise BackupProblem(f"The backup has {size} bytes instead of {manifest.size_b}: it was cut or changed. Use another copy of it.")
    refuse_unknown(manifest.schema)
    return manifest


def unpack(path: Path, manifest: Manifest, folder: Path, *, keeps: Callable[[str], bool], tell: Progress) -> None:
    """Read every byte of the backup and compare; parts that ``keeps`` says yes to are laid into ``folder``, which is new.

    Raises:
        BackupProblem: a part is not what its hash says, is missing, or has no place in a backup; or the database is damaged.
    """
    with path.open("rb") as file, tempfile.TemporaryFile("w+b") as seen:
        reader, files = Reader(file), 0
        reader.manifest()
        for part in reader.parts():
            if part.name == SUMS:
                _compare(part, seen, manifest)
            else:
                files += 1
                digest = _lay(part, folder / part.name if keeps(part.name) else None, tell)
                seen.write(f"{digest}  {part.name}\n".encode())
        if files != manifest.files:
            raise BackupProblem(f"The backup has {files} files instead of {manifest.files}: it was changed. Use another copy of it.")
    check_database(folder / DATABASE, manifest)


def _lay(part: Part, target: Path | None, tell: Progress) -> str:
    """Gives the SHA-256 of a part, and writes it where it is wanted."""
    digest = hashlib.sha256()
    out: BinaryIO | None = None
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        out = target.open("xb")
    try:
        for piece in part.pieces():
            digest.update(piece)
            tell(len(piece))
            if out:
                out.write(piece)
        if out:
            out.flush()
            os.fsync(out.fileno())  # what rows will name is on the disk before they are
    finally:
        if out:
            out.close()
    return digest.hexdigest()


def _compare(part: Part, seen: BinaryIO, manifest: Manifest) -> None:
    """The list of hashes is the manifest's, and line by line what was seen."""
    digest = hashlib.sha256()
    wrong: list[str] = []
    seen.seek(0)
    for line in _lines(part):
        digest.update(line)
        if line != seen.readline() and len(wrong) < MOST_NAMED:
            wrong.append(line.decode("utf-8", "replace").partition("  ")[2].strip())
    if digest.hexdigest() != manifest.sums_sha256:
        raise BackupProblem("The list of hashes is not the one that the manifest names: the backup was changed. Use another copy of it.")
    if wrong or seen.readline():
        raise BackupProblem(f"Not what it was when the backup was made: {', '.join(wrong)}. Use another copy of it.")


def _lines(part: Part) -> Iterator[bytes]:
    """The part by lines, in as much memory as one piece."""
    rest = b""
    for piece in part.pieces():
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def check_database(path: Path, manifest: Manifest) -> None:
    """The file is a sound database of that revision with as many rows as the manifest says.

    Raises:
        BackupProblem: it is not.
    """
    if not path.exists():
        raise BackupProblem("There is no database in the backup.")
    if revision_of_file(path) != manifest.schema:
        raise BackupProblem("The database in the backup has another revision than its manifest says.")
    with closing(sqlite3.connect(path)) as link:
        try:
            sound = link.execute("PRAGMA quick_check(1)").fetchone()
            stray = link.execute("PRAGMA foreign_key_check").fetchone()
            rows = count_rows(link)
        except sqlite3.DatabaseError as problem:
            raise BackupProblem(f"The database in the backup is damaged: {problem}.") from None
    if sound != ("ok",):
        raise BackupProblem(f"The database in the backup is damaged: {sound[0]}.")
    if stray:
        raise BackupProblem(f"A row of the table {stray[0]} in the backup points to nothing in {stray[2]}.")
    if rows != manifest.rows:
        other = sorted(name for name in rows.keys() | manifest.rows.keys() if rows.get(name) != manifest.rows.get(name))
        raise BackupProblem(f"The database in the backup has other rows than its manifest counts: {', '.join(other)}.")
