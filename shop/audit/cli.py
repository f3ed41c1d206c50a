"""``flask shop audit``"""

from __future__ import annotations

import json
import sys

import click
from flask.cli import with_appcontext

from shop.audit.services import NOT_APPLICABLE, Report, run_audit
from shop.clock import now

SHOWN = 20


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--only", multiple=True, help="Ask this invariant only (I01); may be repeated.")
@click.option("--times", is_flag=True, help="Say how long each invariant took.")
@click.option(
    "--gateway", "asks_gateways", is_flag=True, help="Compare with the books of the gateways as well: the test bank's ledger, Stripe."
)
@with_appcontext
def audit_command(as_json: bool, only: tuple[str, ...], times: bool, asks_gateways: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Prove from the data alone that nothing is lost, doubled or invented. Exits with 1 on any finding, 2 when nothing was asked."""
    report = run_audit(at=now(), only=only, asks_gateways=asks_gateways)
    if not report.results:
        click.echo(f"There is no invariant called {', '.join(only)}.", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps(report.dump(), indent=1, ensure_ascii=False))
    else:
        _print(report, times=times)
    sys.exit(0 if report.is_clean else 1)


def _print(report: Report, *, times: bool) -> None:
    for result in report.results:
        if times or result.is_broken:
            click.echo(f"{'✗' if result.is_broken else '✓'} {result.rule}  {result.sentence}{f'  {result.took_ms} ms' if times else ''}")
        if result.error:
            click.echo(f"    could not be asked: {result.error}")
        for finding in result.findings[:SHOWN]:
            click.echo(f"    {finding.ref}  {finding.words}")
        if result.has_more or len(result.findings) > SHOWN:
            click.echo("    … and more; --json names them")
    for rule, reason in NOT_APPLICABLE.items() if times else ():
        click.echo(f"– {rule}  {reason}")
    seconds = f"{report.took_ms // 1000}.{report.took_ms % 1000 // 100}"
    what = "clean" if report.is_clean else f"{len(report.broken)} broken, {report.findings} findings"
    click.echo(f"{len(report.results)} invariants asked in {seconds} s: {what}.")
