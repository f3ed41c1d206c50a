"""``flask catalog import`` and ``flask catalog export``: the whole catalog from and to a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from flask.cli import AppGroup

from shop.catalog.transfer.importer import import_file
from shop.catalog.transfer.readers import FORMATS, UnknownFormat
from shop.catalog.transfer.report import Report
from shop.catalog.transfer.writers import WRITERS, export_catalog
from shop.clock import now

catalog_commands = AppGroup("catalog", help="Import and export the goods.")
SAID_EVERY_S = 1.0
PROBLEMS_SHOWN = 20


@catalog_commands.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(FORMATS), default="auto", show_default=True, help="What made the file.")
@click.option(
    "--images", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder with the pictures that the file names."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Change nothing; print what would be created, changed and left out.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write the report as JSON.")
def import_command(file: Path, file_format: str, images: Path | None, is_dry: bool, report_file: Path | None) -> None:  # noqa: FBT001
    """Import a catalog. What is already so is not touched; a bad row keeps its product out and is reported."""
    progress = _Progress()
    try:
        report = import_file(file, file_format=file_format, images=images, is_dry=is_dry, say=click.echo, progress=progress, at=now())
    except UnknownFormat as problem:
        raise click.ClickException(str(problem)) from None
    progress.clear()
    click.echo(report.summary())
    if report_file is not None:
        with report_file.open("w", encoding="utf-8") as target:
            report.write(target)
    else:
        _show_problems(report)
    report.close()


@catalog_commands.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(tuple(WRITERS)), default="shop", show_default=True, help="Who shall read it.")
def export_command(file: Path, file_format: str) -> None:
    """Export the catalog. The format shop loses nothing; its pictures lie in the instance folder under media (give that to --images)."""
    products = export_catalog(file, file_format, at=now())
    click.echo(f"{products:,} products written to {file}")


class _Progress:
    """One line on the terminal, at most once a second."""

    def __init__(self) -> None:
        self.begun = self.said = time.monotonic()
        self.is_shown = False

    def __call__(self, report: Report) -> None:
        if time.monotonic() - self.said < SAID_EVERY_S:
            return
        self.said = time.monotonic()
        self.is_shown = True
        done = sum(report.products.values())
        rate = done / (self.said - self.begun)
        end = "\r" if sys.stderr.isatty() else "\n"
        click.echo(f"{done:,} products, {report.rows:,} rows, {rate:,.0f} products a second  {end}", err=True, nl=False)

    def clear(self) -> None:
        if self.is_shown and sys.stderr.isatty():
            click.echo(" " * 70 + "\r", err=True, nl=False)


def _show_problems(report: Report) -> None:
    for number, problem in enumerate(report.problems()):
        if number == PROBLEMS_SHOWN:
            click.echo("… and more; --report FILE writes them all.")
            return
        place = f"line {problem['line']}" + (f", {problem['column']}" if problem["column"] else "")
        click.echo(f"{problem['severity']}: {place}: {problem['reason']}. {problem['remedy']}")
