"""The commands ``flask user …``: for whoever holds the machine."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable

import click
from flask import current_app
from flask.cli import AppGroup

from shop.auth.mending import get_user_id, give_new_password
from shop.auth.passwords import LONGEST, SHORTEST
from shop.auth.permissions import CUSTOMER
from shop.auth.queries import list_users
from shop.auth.services import create_admin
from shop.auth.staff_services import LastAdmin, give_role, lock_user, unlock_user
from shop.clock import now
from shop.errors import Invalid, NotFound
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
    password, is_generated = _choose(password, generate=generate)
    try:
        is_new = create_admin(email=email, name=name, password=password, locale=current_app.extensions["config"].locales[0], at=now())
    except Invalid as problem:
        raise click.BadParameter(_words_of(problem)) from None
    click.echo(f"{email} is {'a new' if is_new else 'now an'} admin.")
    if is_generated:
        click.echo(f"Password: {password}")


@user_commands.command("list")
def print_users() -> None:
    """Everybody who can log in: role, address, name, since when."""
    for user in list_users():
        locked = "  locked" if user.locked_at else ""
        click.echo(f"{user.role:<9} {user.email:<40} {user.name:<30} since {user.created_at:%Y-%m-%d}{locked}")


@user_commands.command("grant")
@click.argument("email")
@click.argument("role")
def grant(email: str, role: str) -> None:
    """Give EMAIL the ROLE: customer, support, catalog, accountant, staff, admin, or one of the shop's own. They are logged out everywhere."""
    _mend(lambda address: give_role(get_user_id(address), role, at=now()), email)
    click.echo(f"{email} has the role {role} now, and logs in anew.")


@user_commands.command("revoke")
@click.argument("email")
def revoke(email: str) -> None:
    """Take the role of EMAIL away: a customer remains. They are logged out everywhere."""
    _mend(lambda address: give_role(get_user_id(address), CUSTOMER, at=now()), email)
    click.echo(f"{email} is a customer now.")


@user_commands.command("lock")
@click.argument("email")
def lock(email: str) -> None:
    """Keep EMAIL out, at once and on every device."""
    _mend(lambda address: lock_user(get_user_id(address), at=now()), email)
    click.echo(f"{email} is locked out. Let them in again with: flask user unlock {email}")


@user_commands.command("unlock")
@click.argument("email")
def unlock(email: str) -> None:
    """Let EMAIL in again."""
    _mend(lambda address: unlock_user(get_user_id(address), at=now()), email)
    click.echo(f"{email} may log in.")


@user_commands.command("reset-password")
@click.argument("email")
@click.option(
    "--password", envvar="SHOP_USER_PASSWORD", help="Asked for when left out; SHOP_USER_PASSWORD keeps it out of the process list."
)
@click.option("--generate", is_flag=True, help="Make a password and print it; also done where nobody can be asked.")
@click.option(
    "--without-second-factor", is_flag=True, help="Remove app, passkeys and recovery codes too: for who lost them. Check who asks you."
)
def reset_password(email: str, password: str | None, generate: bool, without_second_factor: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Give EMAIL a new password. Every log-in and every link in a mail of theirs ends, and a mail tells them."""
    password, is_generated = _choose(password, generate=generate)
    _mend(lambda address: give_new_password(address, password, without_second_factor=without_second_factor, at=now()), email)
    click.echo(f"{email} has a new password{' and no second factor' if without_second_factor else ''}, and is logged out everywhere.")
    if is_generated:
        click.echo(f"Password: {password}")


def _choose(password: str | None, *, generate: bool) -> tuple[str, bool]:
    """The password that was given, or is asked for, or is made; and whether it was made."""
    if password is not None:
        return password, False
    if generate or not sys.stdin.isatty():
        return secrets.token_urlsafe(12), True
    return click.prompt(f"Password, {SHORTEST} to {LONGEST} characters", hide_input=True, confirmation_prompt=True), False


def _mend(act: Callable[[str], None], email: str) -> None:
    """Do it, or say in one sentence why not."""
    try:
        act(clean_email(email))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    except Invalid as problem:
        raise click.BadParameter(_words_of(problem)) from None
    except (NotFound, LastAdmin) as problem:
        raise click.ClickException(problem.detail) from None


def _words_of(problem: Invalid) -> str:
    return " ".join(" ".join(messages) for messages in problem.errors.values())
