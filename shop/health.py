"""For machines: is this process alive, and may it be sent visitors?"""

from __future__ import annotations

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from shop import MIGRATIONS
from shop.cache import this_cache
from shop.clock import now
from shop.db import row, scalar
from shop.doctor.word import HEADER, is_doctor
from shop.outbox.queries import OLDEST_UNTRIED
from shop.web.json import json_response

bp = Blueprint("health", __name__)
SCHEMA = text("SELECT version_num FROM alembic_version")


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """This process answers. It tells `flask shop doctor` what it saw of the request, and nobody else."""
    said: dict[str, object] = {"status": "alive"}
    if (word := request.headers.get(HEADER)) and is_doctor(word, current_app.extensions["config"].secret_key):
        forwarded = ",".join(request.headers.getlist("X-Forwarded-For")).count(",") + 1
        said["seen"] = {"scheme": request.scheme, "host": request.host, "address": request.remote_addr or "", "forwarded": forwarded}
    return json_response(said, headers={"Cache-Control": "no-store"})


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database reachable and schema as the code wants it or newer, else 503; and for how long the oldest untried delivery waits.

    A newer schema is right while an update goes on: the tables are widened before the code that wants them is opened (docs/deploy.md).
    A late outbox is told, and so is a Redis that is away; neither is a reason to send visitors away: orders go through, mails come later, pages are slower.
    """
    is_ready, checks = check_readiness()
    return json_response(
        {"status": "ready" if is_ready else "not ready", **checks}, 200 if is_ready else 503, headers={"Cache-Control": "no-store"}
    )


def check_readiness() -> tuple[bool, dict[str, object]]:
    """May this shop be sent visitors? And what was looked at, each with "ok" or what is wrong."""
    checks: dict[str, object] = {"database": "ok", "schema": "ok", "outbox_lag_s": 0, "cache": this_cache().condition}
    is_ready = True
    try:
        found = row(SCHEMA)
        wanted = _newest_schema()
        if found is None or found.version_num < wanted:
            checks["schema"], is_ready = f"run flask db upgrade (wanted {wanted})", False
        oldest = scalar(OLDEST_UNTRIED)
        lag_s = max(0, int((now() - oldest).total_seconds())) if oldest else 0
        checks["outbox_lag_s"] = lag_s
    except Exception:
        current_app.logger.warning("not ready: the database does not answer", exc_info=True)
        checks["database"], is_ready = "unreachable", False
    return is_ready, checks


def _newest_schema() -> str:
    if "schema" not in current_app.extensions:
        current_app.extensions["schema"] = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
    newest: str = current_app.extensions["schema"]
    return newest
