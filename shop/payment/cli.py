"""``flask payment …``"""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from shop.clock import now
from shop.errors import Invalid
from shop.payment.tasks import sweep as sweep_all
from shop.payment.test_bank.behavior import Behavior
from shop.payment.test_bank.books import IN_MEMORY
from shop.payment.transfers.files import read_bank_file
from shop.payment.transfers.services import import_transfers

payment_commands = AppGroup("payment", help="Look after payments.")


@payment_commands.command("sweep")
def sweep() -> None:
    """Ask the gateways about what nobody came back from, and settle it. The couriers do this four times a minute."""
    click.echo(f"{sweep_all(now())} payments looked after.")


@payment_commands.command("import-transfers")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", default="shop", show_default=True, help="Who takes the list over, as the timelines name them.")
def import_list(file: Path, by: str) -> None:
    """Match the bank's list (CSV or camt.053) with orders; what fits none waits under /admin/transfers. The same list again changes nothing."""
    try:
        incoming = read_bank_file(file.read_bytes(), currency=current_app.extensions["config"].currency)
    except Invalid as problem:
        raise click.ClickException(problem.detail) from None
    matched = import_transfers(incoming, by=by, at=now())
    click.echo(f"{matched.paid} orders paid, {matched.open} transfers wait for a person, {matched.known} were known before.")


@payment_commands.command("test-gateway")
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--books", type=click.Path(dir_okay=False, path_type=Path), help="Keep the books in this SQLite file; else in memory.")
@click.option(
    "--set", "chosen", multiple=True, metavar="NAME=VALUE", help="A setting to begin with, such as lost_percent=5; see GET /settings."
)
def test_gateway(port: int, host: str, books: Path | None, chosen: tuple[str, ...]) -> None:
    """Run the test bank as a server; point shops at it by TEST_GATEWAY_URL. It signs with TEST_GATEWAY_SECRET, and takes no money."""
    from shop.payment.test_bank.server import serve

    behavior = Behavior()
    try:
        behavior.change(dict(part.partition("=")[::2] for part in chosen))
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--set") from None
    click.echo(f"The test bank listens on http://{host}:{port}, its ledger is at /ledger.")
    serve(books or IN_MEMORY, host=host, port=port, secrets=current_app.extensions["config"].test_gateway_secrets, behavior=behavior)
