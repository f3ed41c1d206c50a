"""The commands ``flask retailer …``: make a retailer, look at all of them, run any other command on one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import click
from flask import Flask
from flask.cli import FlaskGroup

from environment import ConfigError

# No AppGroup: it would put the application that runs this command between the command and the retailer's own application.
retailer_commands = click.Group("retailer", help="Several retailers in one installation; see docs/retailers.md.")


@retailer_commands.command("add")
@click.argument("name")
@click.option("--host", required=True, help="The name in its addresses, such as acme.example.")
@click.option("--currency", required=True, help="What it sells in, such as EUR.")
@click.option("--country", help="Where it is at home, such as ES.")
@click.option("--locales", help="Its languages, such as en,es; the first is the default.")
@click.option("--timezone", help="Where its days begin, such as Europe/Madrid.")
@click.option("--database", default="", help="postgresql://user@host/name, made when it is missing; SQLite in its folder when left out.")
@click.option("--schema", default="", help="A schema of its own in that database, made when it is missing.")
@click.option("--settings", type=click.File("r"), help="More lines for its .env, such as MAIL_URL=…; - reads them from standard input.")
@click.option("--admin", help="The address of the first of its staff; a password is made and printed.")
@click.option("--demo", is_flag=True, help="Fill it with the demo world, which brings its staff.")
def add_command(
    *,
    name: str,
    host: str,
    currency: str,
    country: str | None,
    locales: str | None,
    timezone: str | None,
    database: str,
    schema: str,
    settings: IO[str] | None,
    admin: str | None,
    demo: bool,
) -> None:
    """Make the retailer NAME: its folder, keys, database with all tables, and the first of its staff. When anything fails, nothing is left."""
    from dotenv import dotenv_values

    from shop.retailer.adding import CannotAdd, Wanted, add_retailer

    if not admin and not demo:
        raise click.UsageError("Say who may sign in first: --admin you@example.com, or --demo.")
    root, environ = _root(), _environment()
    chosen = {"SHOP_CURRENCY": currency, "SHOP_COUNTRY": country, "SHOP_LOCALES": locales, "SHOP_TIMEZONE": timezone}
    more = dotenv_values(stream=settings, interpolate=False) if settings else {}
    own = {"SHOP_URL": _address(host, environ), **chosen, **more}
    wanted = Wanted(name=name, settings={word: value for word, value in own.items() if value}, database=database, schema=schema)
    try:
        retailer = add_retailer(root, wanted, environ, lambda shop: _fill(shop, admin, demo=demo))
    except CannotAdd as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"{name} is made in {retailer.folder}. It opens with the next start of the server, on {retailer.config.base_url}/")


def _address(host: str, environ: dict[str, str]) -> str:
    """``https://`` in production; on a laptop the port where ``make run`` listens. A whole address is taken as it is."""
    if "://" in host:
        return host
    if environ.get("SHOP_ENV", "").strip().lower() == "production":
        return f"https://{host}"
    return f"http://{host}" if ":" in host else f"http://{host}:{environ.get('PORT', '').strip() or 8000}"


def _fill(shop: Flask, email: str | None, *, demo: bool) -> None:
    run_in(shop, ["shop", "demo"] if demo else ["shop", "init"])
    if email:
        run_in(shop, ["user", "create-admin", email, "--generate"])


@retailer_commands.command("list")
def list_command() -> None:
    """Each retailer with its host, languages, currency, database and state. Exits with 1 when one of them cannot open."""
    from shop.retailer.folder import list_names, shared_things, try_retailers
    from shop.retailer.state import describe

    root = _root()
    found, problems = try_retailers(root, _environment())
    states = {retailer.name: describe(retailer) for retailer in found}
    for name in list_names(root):
        click.echo(states[name].line if name in states else f"{name:<16} cannot open; {problems[name]}")
    said = shared_things(found)
    for problem in said:
        click.echo(problem, err=True)
    if not states and not problems:
        click.echo(f"{root} holds no retailer yet; make one with: flask retailer add")
    sys.exit(0 if not said and not problems and all(state.is_ready for state in states.values()) else 1)


@retailer_commands.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def run_command(name: str, words: tuple[str, ...]) -> None:
    """Run any other command on the retailer NAME: flask retailer run NAME -- shop audit."""
    from shop.retailer.folder import list_names, read_retailer
    from shop.retailer.visit import visiting

    root = _root()
    if name not in list_names(root):
        raise click.ClickException(f"there is no retailer {name!r} in {root}: {', '.join(list_names(root)) or 'none at all'}")
    try:
        retailer = read_retailer(root / name, _environment())
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from None
    with visiting(retailer.config) as shop:  # commands of extensions take the application whose context is open
        _group(shop).main(list(words), prog_name=f"flask retailer run {name} --")


@retailer_commands.command("worker")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="How many deliver at once; with a broker only.")
def worker_command(processes: int) -> None:
    """Deliver for all retailers what happened in their shops: flask shop worker for every one of them at once."""
    from shop import create_app
    from shop.outbox.worker import work
    from shop.retailer.folder import read_retailers

    try:
        retailers = read_retailers(_root(), _environment())
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from None
    work({retailer.name: create_app(retailer.config) for retailer in retailers}, processes=processes)


def run_in(shop: Flask, words: list[str]) -> None:
    """Run a command on a shop; a failure is raised, not exited with.

    Raises:
        click.ClickException: the command refuses; says why.
    """
    with shop.app_context():
        _group(shop).main(words, prog_name="flask", standalone_mode=False)


def _group(shop: Flask) -> FlaskGroup:
    return FlaskGroup(create_app=lambda: shop, load_dotenv=False, set_debug_flag=False)


def _root() -> Path:
    from shop.retailer.door import retailers_root

    root = retailers_root()
    if root is None:
        raise click.ClickException("say where the retailers live, such as SHOP_RETAILERS=/srv/retailers, in the environment or in .env")
    return root


def _environment() -> dict[str, str]:
    from config import ROOT
    from environment import process_environment

    return process_environment(ROOT / ".env")
