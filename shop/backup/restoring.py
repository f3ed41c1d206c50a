"""A backup becomes the shop. Everything is read, compared and brought to the newest tables beside the shop before anything of the shop changes.

Then pictures are added (which no row names yet), the database is replaced in one transaction, and theme and fonts follow. Killed before that
transaction ends, the shop is as it was; killed behind it, it is the restored one, and the folder left beside says so until it is restored once more.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from config import Config
from shop.audit.services import Report, run_audit
from shop.backup import BackupProblem
from shop.backup.archive import DATABASE, SECRETS, Progress
from shop.backup.loading import load_file, what_is_there
from shop.backup.making import FOLDERS, IMAGES, Step, make_backup
from shop.backup.manifest import Manifest, mark_of
from shop.backup.schema import CreateApp, known_revisions, upgrade_file
from shop.backup.unpacking import read_manifest, unpack
from shop.db import db, scalar, transaction
from shop.media.files import adopt_file, list_files, remove_file
from shop.outbox.models import Delivery, DeliveryState
from shop.settings.models import Version

STAGE = ".restore"
NAMED = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of it. ``kept`` is the backup of what was there before; ``notes`` are sentences for who runs the shop."""

    manifest: Manifest
    report: Report
    kept: Path | None
    notes: list[str] = field(default_factory=list)


def restore_backup(
    path: Path, create_app: CreateApp, *, at: datetime, force: bool = False, discard: bool = False, tell: Progress, step: Step
) -> Restored:
    """Make this shop what the backup holds, or change nothing; then ask the audit.

    ``force``: also in the place of a shop that is not empty, which goes into a backup of its own in the instance folder first; with ``discard``,
    for a shop that is broken, it does not.

    Raises:
        BackupProblem: the shop is not empty; or the backup is none, cut, changed, or newer than this code.
    """
    config: Config = current_app.extensions["config"]
    manifest = read_manifest(path)
    there = [] if force and discard else what_is_there()
    if there and not force:
        named = ", ".join(there[:NAMED]) + (f" and {len(there) - NAMED} more tables" if len(there) > NAMED else "")
        raise BackupProblem(
            f"This shop is not empty: it has rows in {named}. Restore into an empty one, or say --force: then the backup takes its place."
        )
    with _stage(config.instance, manifest.size_b) as stage:
        step("Reading and comparing the backup")
        unpack(path, manifest, stage, keeps=lambda _name: True, tell=tell)
        if manifest.schema != known_revisions()[0]:
            step(f"Bringing its tables from {manifest.schema} to {known_revisions()[0]}")
            upgrade_file(stage / DATABASE, stage / "scratch", create_app)
        kept = None
        if there:
            step("Keeping what is there")
            kept = config.instance / f"replaced-{at:%Y%m%d-%H%M%S-%f}.tar"
            make_backup(stage / kept.name, create_app, at=at, tell=tell, step=lambda _words: None)
            (stage / kept.name).rename(kept)
        step("Replacing the shop")
        _replace(stage, config)
        notes = [*_notes_on_secret(stage, manifest, config), *_notes_on_settings(manifest, config), *_notes_on_mails()]
    step("Asking the audit")
    return Restored(manifest, run_audit(at=at), kept, notes)


@contextmanager
def _stage(instance: Path, size_b: int) -> Iterator[Path]:
    """A folder beside the shop, one restore at a time; what a killed one left is removed first."""
    instance.mkdir(parents=True, exist_ok=True)
    free_b = shutil.disk_usage(instance).free
    if free_b < 2 * size_b:
        raise BackupProblem(f"The disk of {instance} has {free_b // 10**6} MB free; restoring wants {2 * size_b // 10**6} MB.")
    stage = instance / STAGE
    with (instance / f"{STAGE}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupProblem("Another restore is at work in this shop.") from None
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _replace(stage: Path, config: Config) -> None:
    wanted = _wanted_pictures(stage / DATABASE)
    for path in sorted((stage / "media").rglob("*")):
        if path.is_file():
            adopt_file(path.relative_to(stage / "media").as_posix(), path)
    before = _versions()
    load_file(stage / DATABASE)
    for name in [name for name in list_files() if name.split("/")[-1].split("-")[0] not in wanted]:
        remove_file(name)
    for folder in FOLDERS:
        with suppress(FileNotFoundError):
            (config.instance / folder).rename(stage / f"old-{folder}")
        if (stage / folder).exists():
            (stage / folder).rename(config.instance / folder)
    _raise_versions(before)


def _wanted_pictures(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as link:
        return {hash_ for hash_, _widths in link.execute(IMAGES)}


def _versions() -> dict[str, int]:
    """What processes that are running remember; nothing where there are no tables yet."""
    try:
        with db.engine.connect() as link:
            return {found.topic: found.number for found in link.execute(select(Version.topic, Version.number))}
    except SQLAlchemyError:
        return {}


def _raise_versions(before: dict[str, int]) -> None:
    """Processes that are running forget what they kept of the old shop: no number comes twice."""
    if before:
        with transaction() as session:
            session.execute(update(Version).values(number=Version.number + max(before.values())))
    current_app.extensions["kept"].look_again()


def _notes_on_secret(stage: Path, manifest: Manifest, config: Config) -> list[str]:
    """Takes the key over where this shop has none of its own yet; else says what another key voids. Never says a key."""
    if manifest.secret_mark == mark_of(config.secret_key):
        return []
    void = "Log-ins, links in mails and authenticator apps of the backup"
    if not manifest.has_secret:
        return [f"{void} are void here: they were made with another SECRET_KEY, which the backup does not hold."]
    own = config.instance / "secret_key"
    if config.is_production or not own.exists() or own.read_text().strip() != config.secret_key:
        return [f"{void} work again when SECRET_KEY is the one in {SECRETS} of the backup: tar -xOf FILE {SECRETS}"]
    key = str(json.loads((stage / SECRETS).read_bytes())["SECRET_KEY"])
    part = own.with_name(".secret_key.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
    part.replace(own)
    return ["The secret key of the backup was taken over; start the shop anew."]


def _notes_on_settings(manifest: Manifest, config: Config) -> list[str]:
    pairs = (("SHOP_CURRENCY", manifest.currency, config.currency), ("SHOP_COUNTRY", manifest.country, config.country))
    said = [f"The backup is of a shop with {name}={theirs}; here it is {ours}." for name, theirs, ours in pairs if theirs != ours]
    if lost := [locale for locale in manifest.locales if locale not in config.locales]:
        said.append(f"The backup has texts in {', '.join(lost)}, which SHOP_LOCALES does not name here.")
    if manifest.missing:
        said.append(f"{len(manifest.missing)} files of pictures were missing when the backup was made, such as {manifest.missing[0]}.")
    return said


def _notes_on_mails() -> list[str]:
    waiting = int(scalar(select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.WAITING)) or 0)
    if not waiting:
        return []
    return [
        f"{waiting} deliveries (mails and the like) waited when the backup was made; a courier carries them now, although they may have left since."
    ]
