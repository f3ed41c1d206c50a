"""Making a backup while the shop is open. The file has its name only when it is whole and on the disk."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from flask import current_app

from config import Config
from shop import __version__
from shop.backup import BackupProblem
from shop.backup.archive import DATABASE, SECRETS, Progress, Writer
from shop.backup.manifest import LEFT_OUT, Manifest, mark_of
from shop.backup.schema import CreateApp, count_rows
from shop.backup.snapshot import take_snapshot
from shop.media.files import names_of, open_file

FOLDERS = ("fonts", "theme")
MOST_NAMED = 100
IMAGES = "SELECT hash, widths FROM images ORDER BY hash"
Step = Callable[[str], object]


def make_backup(target: Path, create_app: CreateApp, *, at: datetime, with_secrets: bool = False, tell: Progress, step: Step) -> Manifest:
    """Write the whole shop into the new file ``target``, readable by its owner alone; gives what it says of itself.

    ``step`` is told what is done in words, ``tell`` how many bytes more are written. A picture whose file is gone is named in ``missing``.

    Raises:
        BackupProblem: the file is there already, its folder cannot be written, or the shop has no tables yet.
    """
    if target.exists():
        raise BackupProblem(f"{target} is there already. A backup overwrites nothing: choose another name.")
    with _unfinished(target) as (file, scratch):
        step("Copying the database")
        schema = take_snapshot(scratch / DATABASE, scratch, create_app)
        manifest = _write(file, scratch / DATABASE, schema, at=at, with_secrets=with_secrets, tell=tell, step=step)
        file.flush()
        os.fsync(file.fileno())
        _give_name(_beside(target, "part"), target)
    return manifest


@contextmanager
def _unfinished(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """The file under another name beside its place, and a scratch folder; both are removed, or taken over by the next one after a crash."""
    part, scratch = _beside(target, "part"), _beside(target, "scratch")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise BackupProblem(f"{target} cannot be written: {problem.strerror}.") from None
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupProblem(f"Another backup is writing {target} right now.") from None
        try:
            file.truncate(0)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(mode=0o700)
            yield file, scratch
        except OSError as problem:
            raise BackupProblem(
                f"The backup could not be written: {problem.strerror or problem}. Is the disk full? Nothing was kept."
            ) from problem
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            part.unlink(missing_ok=True)


def _beside(target: Path, word: str) -> Path:
    return target.with_name(f".{target.name}.{word}")


def _write(file: BinaryIO, database: Path, schema: str, *, at: datetime, with_secrets: bool, tell: Progress, step: Step) -> Manifest:
    """All parts in the order of their names."""
    config: Config = current_app.extensions["config"]
    with closing(Writer(file, tell)) as writer, closing(sqlite3.connect(database)) as link:
        rows = count_rows(link)
        step("Writing the database")
        with database.open("rb") as image:
            writer.add(DATABASE, image)
        _add_folder(writer, config.instance, "fonts")
        step("Writing the pictures")
        missing = _add_pictures(writer, link)
        if with_secrets:
            writer.add(SECRETS, io.BytesIO(json.dumps({"SECRET_KEY": config.secret_key}).encode()))
        _add_folder(writer, config.instance, "theme")
        return writer.finish(
            Manifest(
                shop_version=__version__,
                schema=schema,
                made_at=at.isoformat(),
                database=config.database_url.partition(":")[0].partition("+")[0],
                currency=config.currency,
                country=config.country,
                locales=list(config.locales),
                rows=rows,
                files=writer.files,
                has_secret=with_secrets,
                secret_mark=mark_of(config.secret_key),
                left_out={name: why for name, why in LEFT_OUT.items() if name != "secret key" or not with_secrets},
                missing=missing[:MOST_NAMED],
            )
        )


def _add_pictures(writer: Writer, link: sqlite3.Connection) -> list[str]:
    """The files of every picture that the copied database knows; gives the names of those that are gone."""
    missing = []
    for hash_, widths in link.execute(IMAGES):
        for name in names_of(hash_, widths):
            file = open_file(name)
            if file is None:
                missing.append(name)
                continue
            with file:
                writer.add(f"media/{name}", file)
    return missing


def _add_folder(writer: Writer, instance: Path, folder: str) -> None:
    """What a merchant laid there. Links are not followed out of it."""
    for path in sorted((instance / folder).rglob("*"), key=lambda path: path.relative_to(instance).as_posix()):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                writer.add(path.relative_to(instance).as_posix(), file)


def _give_name(part: Path, target: Path) -> None:
    """The name is given only where there is none, in one step, and stays after a power cut."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise BackupProblem(f"{target} appeared meanwhile. A backup overwrites nothing: choose another name.") from None
    except OSError:  # a file system without links
        part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
