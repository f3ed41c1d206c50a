"""The commands ``flask shop …``. Features add their own groups in their ``cli`` modules (``flask catalog``, ``flask user``)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask import Flask
from flask.cli import AppGroup

from shop.clock import now
from shop.pricing.services import set_up_pricing
from shop.settings.services import set_up_settings

shop_commands = AppGroup("shop", help="Set up and look after the shop.")


def init_app(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(shop_commands)


def set_up() -> None:
    """Every feature's share of a new shop."""
    set_up_settings()
    set_up_pricing(at=now())


@shop_commands.command("init")
def init_shop() -> None:
    """Write what a new shop needs to sell: tax rates, ways to deliver, its name. Writes only what is missing."""
    set_up()
    click.echo("The shop is set up.")


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

    set_up()
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
