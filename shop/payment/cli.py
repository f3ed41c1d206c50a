"""``flask payment …``"""

from __future__ import annotations

import click
from flask.cli import AppGroup

from shop.clock import now
from shop.payment.services import sweep_payments

payment_commands = AppGroup("payment", help="Look after payments.")


@payment_commands.command("sweep")
def sweep() -> None:
    """Ask the gateways about payments that nobody came back from, and settle them. The couriers do this once a minute."""
    click.echo(f"{sweep_payments(now())} payments looked after.")
