"""The commands ``flask auth …``: for whoever holds the machine."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from shop.auth.tokens.signing import LIVES, rotate_keys
from shop.clock import now

auth_commands = AppGroup("auth", help="Keys that sign tokens.")


@auth_commands.command("rotate-keys")
def rotate() -> None:
    """Sign with a new key from now on; what the old one signed is taken until it runs out."""
    kid = rotate_keys(at=now())
    click.echo(
        f"The key {kid} signs from now on. Tokens of the old one end by themselves within {int(LIVES.total_seconds() // 60)} minutes."
    )
