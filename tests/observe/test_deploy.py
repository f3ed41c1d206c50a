"""The files for Prometheus and Grafana are accepted by their own checker, and speak of figures that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shop.observe.figures import COUNTED, READ, Counter, Spread
from tests.servers import ROOT

FILES = ROOT / "deploy" / "observe"
SELECTOR = re.compile(r"(bodega_\w+)(?:\{([^}]*)\})?")
OF_A_SPREAD = ("_bucket", "_sum", "_count")
INSTEAD = {"$__rate_interval": "5m", "$shop": ".+"}


def promtool(*words: str, at: Path = FILES) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    assert found, "promtool is missing; `make machine` installs it or says how"
    return subprocess.run([found, *words], cwd=at, capture_output=True, text=True, check=False)


def known() -> dict[str, set[str]]:
    """Every name that Prometheus can read, with its labels."""
    names: dict[str, set[str]] = {}
    for figure in (*COUNTED, *READ):
        labels = {"shop", *figure.labels} if figure.name != "bodega_processes" else set()
        names |= {figure.name + end: {*labels, "le"} for end in OF_A_SPREAD} if isinstance(figure, Spread) else {figure.name: labels}
    return names


def strange(expression: str) -> list[str]:
    """What an expression speaks of that nobody counts: names, or labels that they do not have."""
    names, wrong = known(), []
    for name, inside in SELECTOR.findall(expression):
        if name not in names:
            wrong.append(name)
        wrong += [f"{name}{{{label}}}" for label in re.findall(r"(\w+)\s*[=!]~?", inside) if label not in names.get(name, {label})]
    used = {label for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(", ")}
    return wrong + sorted(used - set().union(*(names.get(name, set()) for name, _ in SELECTOR.findall(expression))))


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
    return found


def queries() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def rules_of(expressions: list[str]) -> str:
    """The expressions as a file of rules, which promtool parses."""
    groups = [{"name": "all", "rules": [{"record": f"asked:{number}", "expr": one} for number, one in enumerate(expressions)]}]
    return json.dumps({"groups": groups})


def spoken(expression: str) -> str:
    for word, value in INSTEAD.items():
        expression = expression.replace(word, value)
    return expression


def test_the_settings_of_prometheus_and_the_alerts_are_valid():
    checked = promtool("check", "config", "prometheus.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_speaks_when_it_must_and_only_then():
    tested = promtool("test", "rules", "alerts_test.yml")

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bodega_outbox_dead > 0", "bodega_outbox_dead > 2"),
        ("bodega_database_up == 0", "bodega_database_up < 2"),
        (" unless ", " and "),
    ],
)
def test_a_fault_in_an_alert_is_found(tmp_path, old, new):
    shutil.copytree(FILES, tmp_path / "copy")
    rules = (tmp_path / "copy" / "alerts.yml").read_text()
    assert old in rules
    (tmp_path / "copy" / "alerts.yml").write_text(rules.replace(old, new))

    assert promtool("test", "rules", "alerts_test.yml", at=tmp_path / "copy").returncode != 0


def test_every_alert_is_tested_silent_and_speaking():
    alerts = set(re.findall(r"alert: (\w+)", (FILES / "alerts.yml").read_text()))
    told = (FILES / "alerts_test.yml").read_text()
    silent = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", told))
    speaking = set(re.findall(r"alertname: (\w+)\n", told))

    assert alerts == silent == speaking


def test_alerts_speak_of_figures_that_are_counted():
    expressions = re.findall(r"expr: (?:\|\n)?(.+?)\n\s+(?:for|labels):", (FILES / "alerts.yml").read_text(), re.DOTALL)

    assert len(expressions) == 15
    assert {wrong for expression in expressions for wrong in strange(expression)} == set()


def test_every_query_of_the_dashboard_is_one(tmp_path):
    (tmp_path / "queries.json").write_text(rules_of([spoken(expression) for _, expression in queries()]))

    checked = promtool("check", "rules", "queries.json", at=tmp_path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_broken_query_is_found(tmp_path):
    (tmp_path / "queries.json").write_text(rules_of(["sum by (shop (rate(bodega_requests_total[5m]))"]))

    assert promtool("check", "rules", "queries.json", at=tmp_path).returncode != 0


def test_the_dashboard_shows_figures_that_are_counted_and_all_of_them():
    asked = [expression for _, expression in queries()]
    shown = {name for expression in asked for name, _ in SELECTOR.findall(expression)}
    ends = "|".join(OF_A_SPREAD)

    assert {wrong for expression in asked for wrong in strange(expression)} == set()
    assert {figure.name for figure in (*COUNTED, *READ)} <= shown | {re.sub(f"({ends})$", "", name) for name in shown}


@pytest.mark.parametrize(
    "wrong", ["rate(bodega_request_total[5m])", 'sum(bodega_bugs_total{status="5xx"})', "sum by (method) (bodega_bugs_total)"]
)
def test_a_figure_that_nobody_counts_is_found(wrong):
    assert strange(wrong)


def test_the_dashboard_is_one_that_grafana_takes():
    """What Grafana wants of a file: a name and an address of its own, panels with different numbers that do not lie over each other."""
    found = dashboard()
    places = [
        (x, y)
        for panel in found["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert found["title"]
    assert re.fullmatch(r"[a-z0-9-]{1,40}", found["uid"])
    assert isinstance(found["schemaVersion"], int)
    assert len({panel["id"] for panel in found["panels"]}) == len(found["panels"])
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) == 23
    assert {variable["name"] for variable in found["templating"]["list"]} == {"prometheus", "shop"}
    assert all(target["datasource"]["uid"] == "${prometheus}" for panel in found["panels"] for target in panel.get("targets", ()))


def test_every_figure_is_counted_somewhere():
    """A name that no line of the code uses would be an empty panel for ever."""
    from shop.observe import figures

    code = "\n".join(path.read_text() for path in (ROOT / "shop").rglob("*.py") if path.name != "figures.py")
    names = {name for name, figure in vars(figures).items() if isinstance(figure, Counter | Spread | figures.Gauge)}

    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()
