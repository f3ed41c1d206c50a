"""What stands in the house: database, tables, couriers, clock, disk, secret, files, Redis, broker."""

from __future__ import annotations

import shutil
import socket
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from config import DEFAULT_SECRETS, MINIMAL_SECRET, Config
from shop.backup.schema import known_revisions, revision_of
from shop.clock import now
from shop.db import db, is_sqlite, row, scalar
from shop.doctor import Check, Finding, fail, ok, warn
from shop.outbox.models import Delivery, DeliveryState, PeriodicTask

PATIENCE_S = 5
LATE = timedelta(minutes=5)
DRIFT_S, MUCH_DRIFT_S = 5, 60
LITTLE_B, NOTHING_B = 2 * 10**9, 300 * 10**6
OLDEST_WAITING = select(func.min(Delivery.due_at)).where(Delivery.state == DeliveryState.WAITING, Delivery.tries == 0)
DEAD = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.DEAD)
LAST_RUN = select(func.max(PeriodicTask.ran_at))


def config() -> Config:
    found: Config = current_app.extensions["config"]
    return found


def check_database(_at: datetime) -> Finding:
    try:
        with db.engine.connect() as link:
            version = link.execute(text("SELECT sqlite_version()" if is_sqlite() else "SHOW server_version")).scalar()
    except SQLAlchemyError as problem:
        words = str(getattr(problem, "orig", problem)).strip().splitlines()[0]
        return fail("database", f"it does not answer: {words}", "start it, correct DATABASE_URL, or make it by `flask shop init`")
    return ok("database", f"{'SQLite' if is_sqlite() else 'PostgreSQL'} {version} answers")


def check_schema(_at: datetime) -> Finding:
    with db.engine.connect() as link:
        found = revision_of(link)
    known = known_revisions()
    if found == known[0]:
        return ok("schema", f"the tables have the newest revision, {found}")
    if not found:
        return fail("schema", "there are no tables", "run `flask shop init`, or `flask shop restore FILE`")
    if found in known:
        return fail("schema", f"the tables have the revision {found}, this version wants {known[0]}", "run `flask db upgrade`")
    return fail("schema", f"a newer version of the shop made the tables ({found})", "start that version, or restore a backup of before")


def check_worker(at: datetime) -> Finding:
    """Somebody runs periodic tasks and carries events: a thread of gunicorn's workers, or a worker of Celery."""
    last, oldest, dead = scalar(LAST_RUN), scalar(OLDEST_WAITING), int(scalar(DEAD) or 0)
    cure = "start gunicorn with SHOP_COURIER=1, or a worker; `journalctl -u` of its service says why it ended"
    if last is None:
        return warn("worker", "no courier has ever run here: mails stay in the outbox", cure)
    if at - last > LATE:
        return fail("worker", f"the last courier ran {_ago(at - last)} ago: mails stay in the outbox", cure)
    if oldest is not None and at - oldest > LATE:
        return fail("worker", f"an event waits for {_ago(at - oldest)}", cure)
    if dead:
        return warn("worker", f"{dead} deliveries were given up", "look at /admin/outbox, mend the cause, and send them again there")
    return ok("worker", f"a courier ran {_ago(at - last)} ago; nothing waits for long")


def _ago(gone: timedelta) -> str:
    return f"{int(gone.total_seconds())} s" if gone < timedelta(minutes=2) else f"{int(gone.total_seconds() // 60)} min"


def check_clock(_at: datetime) -> Finding:
    """This machine's clock beside the database's; see ``front`` for the world's."""
    if is_sqlite():
        return ok("clock", "the database has the clock of this machine")
    before = now()
    found = row(text("SELECT clock_timestamp() AS at"))
    after = now()
    assert found is not None
    return judge_drift("clock", (found.at - (before + (after - before) / 2)).total_seconds(), "the database's clock")


def judge_drift(check: str, drift_s: float, whose: str) -> Finding:
    """``drift_s``: by how many seconds the other clock is ahead."""
    words = f"{whose} is {abs(drift_s):.0f} s {'ahead of' if drift_s > 0 else 'behind'} this machine's"
    cure = "set both by NTP (`timedatectl set-ntp true`): offers, leases and one-time codes go by the clock"
    if abs(drift_s) > MUCH_DRIFT_S:
        return fail(check, words, cure)
    return warn(check, words, cure) if abs(drift_s) > DRIFT_S else ok(check, f"{whose} agrees with this machine's")


def check_disk(_at: datetime) -> Finding:
    usage = shutil.disk_usage(config().instance)
    words = f"{usage.free / 10**9:.1f} of {usage.total / 10**9:.1f} GB free for {config().instance}"
    cure = "make room or move the instance folder (SHOP_INSTANCE): without room nobody can order"
    if usage.free < NOTHING_B:
        return fail("disk", words, cure)
    return warn("disk", words, cure) if usage.free < LITTLE_B else ok("disk", words)


def check_secret(_at: datetime) -> Finding:
    secret, own = config().secret_key, config().instance / "secret_key"
    make = "python -c 'import secrets; print(secrets.token_hex(32))'"
    if secret.lower() in DEFAULT_SECRETS or len(secret) < MINIMAL_SECRET:
        return fail("secret", f"SECRET_KEY is a default or shorter than {MINIMAL_SECRET} characters", f"make one: {make}")
    if own.exists() and stat.S_IMODE(own.stat().st_mode) & 0o077:
        return fail("secret", f"others on this machine may read {own}", f"chmod 600 {own}, then change the secret: {make}")
    return ok("secret", "it is long, and nobody else reads it")


def check_files(_at: datetime) -> Finding:
    """Nobody else on the machine reads what customers told: the database and the settings; the instance folder can be written."""
    instance = config().instance
    url = make_url(config().database_url)
    private = [instance / "demo-login.txt", instance / "mail", Path(__file__).resolve().parents[2] / ".env"]
    if url.get_backend_name() == "sqlite":
        private += [Path(f"{url.database}{ending}") for ending in ("", "-wal")]
    is_closed = not instance.stat().st_mode & stat.S_IXOTH
    open_ = [
        str(path)
        for path in private
        if path.exists() and path.stat().st_mode & stat.S_IROTH and not (is_closed and instance in path.parents)
    ]
    if open_:
        return warn("files", f"everybody on this machine may read {', '.join(open_)}", f"chmod o-rwx {' '.join(open_)}")
    return ok("files", "what customers told is closed to others on this machine")


def check_redis(_at: datetime) -> Finding:
    place: Any = getattr(config(), "redis", None)
    return _knock("redis", str(getattr(place, "url", place) or ""), "REDIS_URL", 6379, "meanwhile each process keeps and counts for itself")


def check_broker(_at: datetime) -> Finding:
    url = str(getattr(config(), "broker_url", "") or "")
    return _knock("broker", url, "SHOP_BROKER_URL", 6379 if url.startswith("redis") else 5672, "meanwhile events wait in the outbox")


def _knock(check: str, url: str, setting: str, usual_port: int, meanwhile: str) -> Finding:
    """Does somebody listen there?"""
    if not url:
        return ok(check, "none is set")
    parts = urlsplit(url)
    kind, where = (
        (socket.AF_UNIX, parts.path)
        if parts.scheme == "unix"
        else (socket.AF_INET, (parts.hostname or "localhost", parts.port or usual_port))
    )
    try:
        with socket.socket(kind) as line:
            line.settimeout(PATIENCE_S)
            line.connect(where)
    except OSError as problem:
        return fail(check, f"nobody answers at {where}: {problem.strerror or problem}; {meanwhile}", f"start it, or correct {setting}")
    return ok(check, f"somebody answers at {where}")


CHECKS: dict[str, Check] = {
    "database": check_database,
    "schema": check_schema,
    "worker": check_worker,
    "clock": check_clock,
    "disk": check_disk,
    "secret": check_secret,
    "files": check_files,
    "redis": check_redis,
    "broker": check_broker,
}
