"""``flask shop doctor``"""

from __future__ import annotations

import json
import sys

import click
from flask.cli import with_appcontext

from shop.clock import now
from shop.doctor import Finding, State, examine

MARKS = {State.OK: "✓", State.WARN: "!", State.FAIL: "✗"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@with_appcontext
def doctor_command(as_json: bool) -> None:  # noqa: FBT001 - click hands it over so
    """Look at everything around the shop and name what ails, each with its cure. Exits with 1 when something does not work."""
    findings: list[Finding] = []
    for finding in examine(at=now()):
        findings.append(finding)
        if not as_json:
            click.echo(f"{MARKS[finding.state]} {finding.check:<9} {finding.found}")
            if finding.cure:
                click.echo(f"            → {finding.cure}")
    if as_json:
        click.echo(json.dumps([finding.dump() for finding in findings], indent=1, ensure_ascii=False))
    sys.exit(1 if any(finding.state is State.FAIL for finding in findings) else 0)
