"""The commands ``flask shop …``. Features add their own groups in their ``cli`` modules (``flask catalog``, ``flask user``)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask import Flask
from flask.cli import AppGroup

from shop.clock import now
from shop.founding import CannotFound, found_shop, set_up

shop_commands = AppGroup("shop", help="Set up and look after the shop.")


def init_app(app: Flask) -> None:
    """Add the commands to the application."""
    from shop.audit.cli import audit_command
    from shop.backup.cli import backup_command, restore_command, verify_command
    from shop.doctor.cli import doctor_command
    from shop.outbox.cli import worker_command
    from shop.retailer.cli import retailer_commands

    for command in (audit_command, backup_command, restore_command, verify_command, doctor_command, worker_command):
        shop_commands.add_command(command)
    app.cli.add_command(shop_commands)
    app.cli.add_command(retailer_commands)


@shop_commands.command("init")
def init_shop() -> None:
    """Make what a new shop needs to sell: its database, its tables, tax rates, ways to deliver, its name. Makes only what is missing."""
    try:
        is_new = found_shop(at=now())
    except CannotFound as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("The database was made and the shop is set up." if is_new else "The shop is set up.")


@shop_commands.command("demo")
@click.option("--seed", default=1, show_default=True, help="Another number, other orders.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the demo world ends; the same day and seed give the same rows."
)
@click.option("--if-empty", is_flag=True, help="Do nothing in a shop that has orders or goods of its own, instead of failing.")
def fill_demo(seed: int, today: datetime | None, if_empty: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Set up the shop and, if it is empty, fill it with goods, customers and orders to look at. Running it again changes nothing."""
    from shop.demo.build import NotEmpty, build_demo
    from shop.demo.people import LOGINS

    set_up(at=now())
    try:
        built = build_demo(seed=seed, today=(today or datetime.now(UTC)).date())
    except NotEmpty as refusal:
        if if_empty:
            return
        click.echo(refusal.detail, err=True)
        sys.exit(1)
    click.echo(f"The demo world is {'built' if built.is_new else 'there'}: {built.products} goods, {built.orders} orders.")
    if built.password:
        for email, role in LOGINS.items():
            click.echo(f"  {role:<9} {email:<22} {built.password}")


@shop_commands.command("race")
@click.option("--runners", type=click.IntRange(2, 500), default=40, show_default=True, help="How many want the same at once.")
def race_command(runners: int) -> None:
    """Race for the last piece, code, refund and number on a scratch copy of this shop. Exits with 1 when two won, or the audit finds something."""
    from shop import create_app
    from shop.audit.race import CannotCopy, run_races, scratch_copy

    try:
        with scratch_copy(create_app) as scratch:
            races, findings = run_races(scratch, runners=runners, at=now())
    except CannotCopy as problem:
        raise click.ClickException(str(problem)) from None
    for race in races:
        others = ", ".join(f"{count} × {word}" for word, count in sorted(race.told.items())) or "nobody"
        mark = "✓" if race.is_fair else "✗"
        click.echo(
            f"{mark} {race.name:<16} {race.runners} at once: {race.winners} won of {race.may_win} who may; refused: {others}; {race.took_s:.2f} s"
        )
    for finding in findings:
        click.echo(f"✗ {finding}")
    click.echo(
        "The audit of the copy is clean." if not findings else f"The audit of the copy finds {len(findings)} things more than before."
    )
    sys.exit(0 if not findings and all(race.is_fair for race in races) else 1)
