"""Is everything as it must be: in a backup alone, or in the shop as it stands?"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shop.audit.services import run_audit
from shop.backup.archive import DATABASE, Progress
from shop.backup.manifest import Manifest
from shop.backup.restoring import STAGE
from shop.backup.schema import known_revisions, revision_of
from shop.backup.unpacking import read_manifest, unpack
from shop.db import db, rows
from shop.media.adopt import is_rendition
from shop.media.files import names_of, open_file
from shop.media.models import Image

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """One question, and what speaks against a yes; nothing when all is well."""

    question: str
    against: tuple[str, ...]


def verify_backup(path: Path, *, tell: Progress) -> Manifest:
    """Read a backup to its last byte and compare it with its hashes; nothing of it is taken.

    Raises:
        BackupProblem: it is none, cut, changed, damaged, or newer than this code.
    """
    manifest = read_manifest(path)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=path.parent) as folder:
        unpack(path, manifest, Path(folder), keeps=lambda name: name == DATABASE, tell=tell)
    return manifest


def verify_shop(*, at: datetime) -> Iterator[Proof]:
    """Ask the shop itself, one question after the other; it may be open meanwhile. With other tables than it wants, it cannot be asked more."""
    yield Proof("No restore was interrupted", tuple(_leftovers()))
    tables = Proof("The tables are those that this version of the shop wants", tuple(_schema()))
    yield tables
    if tables.against:
        return
    yield Proof("The database is sound", tuple(_soundness()))
    report = run_audit(at=at)
    against = [f"{result.rule} {result.error or result.findings[0].words}" for result in report.broken]
    yield Proof(
        f"The audit is clean: {len(report.results)} invariants, the chain of staff's acts and lost or stray files among them",
        tuple(against),
    )
    yield Proof("Every file of a picture is the picture that its name says", tuple(_pictures()))


def _schema() -> Iterator[str]:
    try:
        with db.engine.connect() as link:
            found, wanted = revision_of(link), known_revisions()[0]
    except SQLAlchemyError as problem:
        yield f"the database does not answer: {str(problem).splitlines()[0]}"
        return
    if found != wanted:
        yield f"they have the revision {found or 'none'} instead of {wanted}; run `flask db upgrade`"


def _soundness() -> Iterator[str]:
    """SQLite reads every page of its file; PostgreSQL looks after its own by checksums."""
    url = make_url(current_app.extensions["config"].database_url)
    if url.get_backend_name() != "sqlite":
        return
    with closing(sqlite3.connect(str(url.database))) as link:
        try:
            yield from (str(word) for (word,) in link.execute(f"PRAGMA integrity_check({MOST_NAMED})") if word != "ok")
            yield from (
                f"a row of {found[0]} points to nothing in {found[2]}"
                for found in link.execute("PRAGMA foreign_key_check").fetchmany(MOST_NAMED)
            )
        except sqlite3.DatabaseError as problem:
            yield str(problem)


def _pictures() -> Iterator[str]:
    """Each is opened and drawn; one that is not there is the audit's to tell."""
    told = 0
    for image in rows(select(Image.hash, Image.widths).order_by(Image.hash)):
        for name in names_of(image.hash, image.widths):
            file = open_file(name)
            if file is None:
                continue
            width, kind = name.rpartition("-")[2].split(".")
            with file:
                if not is_rendition(file.read(), int(width), kind) and (told := told + 1) <= MOST_NAMED:
                    yield f"{name} is damaged; restore it from a backup"


def _leftovers() -> Iterator[str]:
    stage: Path = current_app.extensions["config"].instance / STAGE
    if stage.exists():
        yield f"{stage} was left by one; run the same restore again"
