"""The commands ``flask shop …``. Features add their own groups in their ``cli`` modules (``flask catalog``, ``flask user``)."""

from __future__ import annotations

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


@shop_commands.command("init")
def init_shop() -> None:
    """Write what a new shop needs to sell: tax rates, ways to deliver, its name. Writes only what is missing."""
    set_up_settings()
    set_up_pricing(at=now())
    click.echo("The shop is set up.")
