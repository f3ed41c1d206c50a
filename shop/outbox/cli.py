"""``flask shop worker``: deliver what the outbox holds, in processes of their own."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from shop.outbox.worker import work


@click.command("worker")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="How many deliver at once; with a broker only.")
@with_appcontext
def worker_command(processes: int) -> None:
    """Deliver mails and messages and do what is due periodically, until told to end (SIGTERM).

    With SHOP_BROKER_URL as a Celery worker; without, as one courier beside a shop that is served with SHOP_COURIER=0. As many as you like may run, on
    as many machines.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the application itself, which outlives this context
    work({app.extensions["config"].name: app}, processes=processes)
