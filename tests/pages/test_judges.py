"""The judges are worth their verdicts only if they find what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.chromium import PHONE
from tests.pages.judges import axe, nu

SOUND = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A chair</title><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>A chair</h1>%s</main></body>
</html>
"""


def test_the_html_checker_passes_a_sound_page_and_names_each_fault_with_its_page() -> None:
    faults = {
        "no alt": SOUND % '<img src="chair.jpg">',
        "two ids": SOUND % '<p id="a"></p><p id="a"></p>',
        "open div": SOUND % "<div>",
        "trailing slash": SOUND % "<br/>",
        "no language": (SOUND % "").replace(' lang="en"', ""),
    }

    found = nu({"sound": SOUND % "", **faults})

    assert {message.partition(":")[0] for message in found} == set(faults), found


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("image-alt", '<img src="data:,">'),
        ("label", '<input type="text" name="city">'),
        ("color-contrast", '<p style="color: #aaa; background: #fff">Too pale to read</p>'),
        ("button-name", '<button type="button"></button>'),
        ("target-size", '<a href="#a" style="font-size:8px">a</a><br><a href="#b" style="font-size:8px">b</a>'),
        ("heading-order", "<h4>Too deep</h4>"),
    ],
)
def test_axe_finds_a_planted_fault(browser: Browser, rule: str, fault: str) -> None:
    page = browser.new_page(viewport={"width": PHONE, "height": 844})
    page.set_content(SOUND % fault)

    found = axe(page)

    page.close()
    assert any(f" {rule} " in message for message in found), found


def test_axe_passes_a_sound_page(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(SOUND % '<img src="data:," alt="A chair">')

    found = axe(page)

    page.close()
    assert found == []
