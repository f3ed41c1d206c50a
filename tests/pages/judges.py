"""Who judges the pages: the Nu HTML checker, axe-core and Lighthouse. Nothing that they find is waived.

They come from npm (tests/browser/package-lock.json); `make pages` and `make lighthouse` install them.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.chromium import FLAGS, find_chromium
from tests.servers import ROOT

NODE_MODULES = ROOT / "tests" / "browser" / "node_modules"
WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]

AXE = """tags => axe.run(document, {
    runOnly: {type: "tag", values: tags}, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]
})"""


def package(path: str) -> Path:
    found = NODE_MODULES / path
    assert found.exists(), f"{found} is missing: `make pages` installs it"
    return found


def nu(pages: Mapping[str, str]) -> list[str]:
    """What the Nu HTML checker has to say about pages, given as name → HTML: errors, warnings and remarks alike."""
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, (name, html) in enumerate(pages.items()):
            file = Path(folder, f"{number}.html")
            file.write_text(html, "utf-8")
            names[file.as_uri().replace("file:///", "file:/")] = name
        command = [
            "java",
            "-Xss8m",
            "-jar",
            str(package("vnu-jar/build/dist/vnu.jar")),
            "--format",
            "json",
            "--stdout",
            "--exit-zero-always",
            folder,
        ]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = json.loads(output)["messages"]
    return [
        f"{names[message['url'].replace('file:///', 'file:/')]}:{message.get('lastLine', '?')}: {describe(message)}" for message in said
    ]


def describe(message: Mapping[str, Any]) -> str:
    kind = message.get("subType", message["type"])
    return f"{kind}: {message['message']} {message.get('extract', '')!r}"


def axe(page: Page) -> list[str]:
    """What axe-core finds on the page as it is shown now, at WCAG 2.2 AA and its own best practices."""
    page.evaluate(package("axe-core/axe.min.js").read_text("utf-8"))
    found = page.evaluate(AXE, WCAG_2_2_AA)
    return [
        f"{page.url}: {violation['id']} ({violation['help']}): {' '.join(map(str, node['target']))}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


class NoVerdict(Exception):
    """Lighthouse could not look, for example because the machine was too busy to record the page."""


def lighthouse(url: str, *, cookie: str = "") -> tuple[dict[str, int], list[str]]:
    """Lighthouse's marks out of 100 on a phone, and the audits that cost marks."""
    command = [
        str(package(".bin/lighthouse")),
        url,
        "--quiet",
        "--output=json",
        "--output-path=stdout",
        "--only-categories=performance,accessibility,best-practices,seo",
        "--disable-storage-reset",
        "--no-enable-error-reporting",
        f"--chrome-flags=--headless=new {' '.join(FLAGS)} --ignore-certificate-errors",
    ]
    if cookie:
        command.append("--extra-headers=" + json.dumps({"Cookie": cookie}))
    environ = {**os.environ, "CHROME_PATH": find_chromium()}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=180)
    report = json.loads(result.stdout or "{}")
    if result.returncode != 0 or report.get("runtimeError"):
        raise NoVerdict(report.get("runtimeError") or result.stderr)
    marks = {name: round((category["score"] or 0) * 100) for name, category in report["categories"].items()}
    lost = [
        f"{audit['id']} ({audit['score']}): {audit['title']} {audit.get('displayValue', '')}"
        for category in report["categories"].values()
        for audit in (report["audits"][ref["id"]] for ref in category["auditRefs"] if ref["weight"] > 0)
        if audit["score"] is not None and audit["score"] < 1
    ]
    return marks, lost
