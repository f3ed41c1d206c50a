"""The commands ``flask analytics …``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from shop.analytics.files import FORMATS, Folder
from shop.analytics.reading import list_targets
from shop.analytics.services import LoadFailed, export, sink_as_set
from shop.clock import now
from shop.errors import Conflict

analytics_commands = AppGroup("analytics", help="Export events and orders for others to analyze.")


@analytics_commands.command("export")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="A folder, instead of what ANALYTICS_URL says.")
@click.option("--format", "format_", type=click.Choice([*FORMATS, "both"]), default="both", show_default=True, help="Of files.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Once more from this moment (UTC) on.")
def export_command(folder: Path | None, format_: str, since: datetime | None) -> None:
    """Export what is new since the last time."""
    formats = FORMATS if format_ == "both" else (format_,)
    try:
        sink = Folder(folder, formats) if folder else sink_as_set()
        done = export(sink, since=since and since.replace(tzinfo=UTC), at=now())
    except (Conflict, LoadFailed, OSError) as problem:
        raise click.ClickException(str(problem)) from None
    what = ", ".join(f"{count} {table}" for table, count in sorted(done.rows.items())) or "nothing new"
    click.echo(f"{sink.name}: {what}.")


@analytics_commands.command("status")
def status_command() -> None:
    """How far each target is, and what went wrong last."""
    for target in list_targets():
        ran = target.ran_at.isoformat(timespec="seconds") if target.ran_at else "never"
        click.echo(
            f"{target.name}: batch {target.batch}, event {target.position}, last run {ran}{'; ' + target.error if target.error else ''}"
        )
