"""The commands ``flask promotion …``: many codes into a file."""

from __future__ import annotations

import csv
import sys

import click
from flask.cli import AppGroup

from shop.clock import now
from shop.errors import Invalid, NotFound
from shop.promotion.services import make_codes

promotion_commands = AppGroup("promotion", help="Promotions and their codes.")


@promotion_commands.command("codes")
@click.argument("promotion_id", type=click.IntRange(1))
@click.argument("count", type=click.IntRange(1))
@click.option("--prefix", default="", help="What each code begins with.")
@click.option("--batch", default="", help="A name for these codes, shown to staff.")
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1), help="How often each code may be used.")
def codes_command(promotion_id: int, count: int, prefix: str, batch: str, uses: int) -> None:
    """Make COUNT codes of a promotion that nobody guesses and write them as CSV."""
    try:
        made = make_codes(promotion_id, count, prefix=prefix, batch=batch, max_uses=uses, at=now())
    except Invalid as problem:
        raise click.ClickException(" ".join(text for texts in problem.errors.values() for text in texts)) from None
    except NotFound as problem:
        raise click.ClickException(problem.detail) from None
    table = csv.writer(sys.stdout)
    table.writerow(["code"])
    table.writerows([code] for code in made)
