"""``flask shop backup``, ``restore``, ``verify``"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from flask.cli import with_appcontext

from shop.audit.services import Report
from shop.backup import BackupProblem
from shop.clock import now

FILE = click.Path(dir_okay=False, path_type=Path)
TELL_EVERY_S = 0.2


class Progress:
    """What is being done, on standard error; with the megabytes where somebody looks at a terminal."""

    def __init__(self) -> None:
        self.words, self.done_b, self.told_at = "", 0, 0.0
        self.is_watched = sys.stderr.isatty()

    def step(self, words: str) -> None:
        self.end()
        self.words, self.done_b = words, 0
        click.echo(f"{words} …", err=True, nl=not self.is_watched)

    def tell(self, more_b: int) -> None:
        self.done_b += more_b
        if self.is_watched and time.monotonic() - self.told_at > TELL_EVERY_S:
            self.told_at = time.monotonic()
            click.echo(f"\r{self.words} … {self.done_b // 1_000_000} MB", err=True, nl=False)

    def end(self) -> None:
        if self.is_watched and self.words:
            click.echo(err=True)


@click.command("backup")
@click.argument("file", type=FILE)
@click.option("--with-secrets", is_flag=True, help="Take the secret key along; whoever has the file can then sign in as anybody.")
@with_appcontext
def backup_command(file: Path, with_secrets: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Write the whole shop into the new FILE, while people buy: database, pictures, theme, fonts, each with its hash."""
    from shop import create_app
    from shop.backup.making import make_backup

    progress = Progress()
    try:
        manifest = make_backup(file, create_app, at=now(), with_secrets=with_secrets, tell=progress.tell, step=progress.step)
    except BackupProblem as problem:
        raise click.ClickException(str(problem)) from None
    finally:
        progress.end()
    click.echo(f"{file}: {manifest.size_b:,} bytes, {manifest.files} files, {sum(manifest.rows.values()):,} rows.")
    for name, why in manifest.left_out.items():
        click.echo(f"  left out: {name} ({why})")
    if manifest.missing:
        click.echo(
            f"  missing: {len(manifest.missing)} files of pictures, such as {manifest.missing[0]}; `flask shop audit` names them", err=True
        )


@click.command("restore")
@click.argument("file", type=FILE)
@click.option(
    "--force", is_flag=True, help="Also in the place of a shop that is not empty; it goes into a backup in the instance folder first."
)
@click.option("--discard", is_flag=True, help="With --force: keep nothing of what is there, since it is broken.")
@with_appcontext
def restore_command(file: Path, force: bool, discard: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Make this shop what the backup FILE holds, on whatever database it has, or change nothing. Exits with 1 when the audit then finds something."""
    from shop import create_app
    from shop.backup.restoring import restore_backup
    from shop.founding import CannotFound

    progress = Progress()
    try:
        done = restore_backup(file, create_app, at=now(), force=force, discard=discard, tell=progress.tell, step=progress.step)
    except (BackupProblem, CannotFound) as problem:
        raise click.ClickException(str(problem)) from None
    finally:
        progress.end()
    click.echo(f"Restored as it was at {done.manifest.made_at}: {sum(done.manifest.rows.values()):,} rows, {done.manifest.files} files.")
    if done.kept:
        click.echo(f"What was there is kept in {done.kept}.")
    for note in done.notes:
        click.echo(f"  {note}")
    _say(done.report)
    sys.exit(0 if done.report.is_clean else 1)


def _say(report: Report) -> None:
    what = "clean" if report.is_clean else f"{len(report.broken)} broken; `flask shop audit` names them"
    click.echo(f"The audit asked {len(report.results)} invariants: {what}.")


@click.command("verify")
@click.argument("file", type=FILE, required=False)
@with_appcontext
def verify_command(file: Path | None) -> None:
    """Prove that a backup FILE is whole and unchanged, or, without one, that the shop itself is sound. Exits with 1 when it is not."""
    from shop.backup.verifying import verify_backup, verify_shop

    if file is not None:
        progress = Progress()
        try:
            manifest = verify_backup(file, tell=progress.tell)
        except BackupProblem as problem:
            raise click.ClickException(str(problem)) from None
        click.echo(f"✓ {file} is whole: made at {manifest.made_at}, {manifest.files} files, {sum(manifest.rows.values()):,} rows.")
        return
    is_sound = True
    for proof in verify_shop(at=now()):
        is_sound = is_sound and not proof.against
        click.echo(f"{'✗' if proof.against else '✓'} {proof.question}.")
        for words in proof.against:
            click.echo(f"    {words}")
    sys.exit(0 if is_sound else 1)
