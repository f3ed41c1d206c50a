"""The commands ``flask user …``: for whoever holds the machine."""

from __future__ import annotations

import secrets
import sys

import click
from flask import current_app
from flask.cli import AppGroup

from shop.auth.passwords import LONGEST, SHORTEST
from shop.auth.queries import list_users
from shop.auth.services import create_admin
from shop.clock import now
from shop.errors import Invalid
from shop.web.text import clean_email, clean_text

user_commands = AppGroup("user", help="People who can log in.")


@user_commands.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="How the shop calls this person; the part before @ when left out.")
@click.option(
    "--password", envvar="SHOP_ADMIN_PASSWORD", help="Asked for when left out; SHOP_ADMIN_PASSWORD keeps it out of the process list."
)
@click.option("--generate", is_flag=True, help="Make a password and print it; also done where nobody can be asked.")
def make_admin(email: str, name: str, password: str | None, generate: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Make EMAIL an admin; somebody who has an account gets the role and this password, and is logged out everywhere."""
    try:
        email = clean_email(email)
        name = clean_text(name, maximum=120) or email.partition("@")[0]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    is_generated = password is None and (generate or not sys.stdin.isatty())
    if is_generated:
        password = secrets.token_urlsafe(12)
    elif password is None:
        password = click.prompt(f"Password, {SHORTEST} to {LONGEST} characters", hide_input=True, confirmation_prompt=True)
    try:
        is_new = create_admin(email=email, name=name, password=password, locale=current_app.extensions["config"].locales[0], at=now())
    except Invalid as problem:
        raise click.BadParameter(" ".join(" ".join(messages) for messages in problem.errors.values())) from None
    click.echo(f"{email} is {'a new' if is_new else 'now an'} admin.")
    if is_generated:
        click.echo(f"Password: {password}")


@user_commands.command("list")
def print_users() -> None:
    """Everybody who can log in: role, address, name, since when."""
    for user in list_users():
        locked = "  locked" if user.locked_at else ""
        click.echo(f"{user.role:<9} {user.email:<40} {user.name:<30} since {user.created_at:%Y-%m-%d}{locked}")
