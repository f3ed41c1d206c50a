"""The commands ``flask customer …``: groups."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from shop.clock import now
from shop.customer.groups import add_to_group, create_group, remove_from_group
from shop.errors import Invalid, NotFound

customer_commands = AppGroup("customer", help="Groups of customers, for promotions.")


@customer_commands.command("group")
@click.argument("code")
@click.option("--name", default="", help="How staff calls the group; the code when left out.")
@click.option("--add", "added", multiple=True, help="Address of an account to put in; may be given again.")
@click.option("--remove", "removed", multiple=True, help="Address of an account to take out.")
def group_command(code: str, name: str, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """Make the group CODE where there is none, put accounts in, take accounts out."""
    try:
        create_group(code, name or code, at=now())
        for email in added:
            add_to_group(code, email.strip().lower(), at=now())
        for email in removed:
            remove_from_group(code, email.strip().lower(), at=now())
    except Invalid as problem:
        raise click.ClickException(" ".join(text for texts in problem.errors.values() for text in texts)) from None
    except NotFound as problem:
        raise click.ClickException(problem.detail) from None
    click.echo(f"{code}: {len(added)} in, {len(removed)} out.")
