"""Templates: no inline script or style (the CSP forbids them), nothing marked safe in passing, each page in a layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.rules import SHOP

TEMPLATES = SHOP / "templates"

# Already cleaned when it was stored (nh3), or made by our own code: each with its reason.
MAY_BE_SAFE: dict[str, str] = {
    "layouts/mail.html": "the shop's own style sheet, put within",
}
STAND_ALONE = {"errors/500.html"}  # it must appear when nothing else works

INLINE = [
    (re.compile(r"<style\b", re.I), "a style element"),
    (re.compile(r"\sstyle\s*=", re.I), "a style attribute"),
    (re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/(ld\+)?json)(?![^>]*importmap)", re.I), "an inline script"),
    (re.compile(r"<[^>{]*\son[a-z]+\s*=", re.I), "an event attribute"),
    (re.compile(r"(href|src|action)\s*=\s*[\"']?\s*javascript:", re.I), "a javascript: address"),
]
SAFE = re.compile(r"\|\s*safe\b|Markup\(")
COMMENT = re.compile(r"\{#.*?#\}", re.S)


def is_mail(name: str, text: str) -> bool:
    """Mails carry their styles within (css-inline); no page's CSP applies to them."""
    return name in {"layouts/mail.html", "macros/mail.html"} or bool(re.search(r"extends \"layouts/mail\.html\"", text))


def problems_in(name: str, source: str) -> Iterator[str]:
    text = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), source)
    for line, content in enumerate(text.splitlines(), 1):
        if name.endswith(".html") and not is_mail(name, text):
            yield from (f"{line}: {what}" for pattern, what in INLINE if pattern.search(content))
        if SAFE.search(content) and name not in MAY_BE_SAFE:
            yield f"{line}: marked safe without a reason in MAY_BE_SAFE"
    if name.endswith(".html") and not stands_somewhere(name, text):
        yield "1: neither extends a layout nor is a partial (_name.html), a macro or a layout"


def stands_somewhere(name: str, text: str) -> bool:
    path = Path(name)
    return (
        bool(re.search(r"\{%-?\s*extends\b", text))
        or path.name.startswith("_")
        or path.parts[0] in {"macros", "layouts", "_partials"}
        or name in STAND_ALONE | {"base.html"}
        or is_mail(name, text)
    )


def templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "fault",
    [
        '<p style="color: red">',
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        '<script type="module">start()</script>',
        '<button type="button" onclick="buy()">',
        '<a href="javascript:buy()">',
        "{{ product.description | safe }}",
    ],
)
def test_a_planted_fault_is_found(fault: str) -> None:
    assert list(problems_in("catalog/show_product.html", '{% extends "layouts/shop.html" %}\n' + fault))


def test_a_page_without_a_layout_is_found() -> None:
    assert list(problems_in("catalog/show_product.html", "<p>Alone</p>"))


def test_data_and_module_scripts_are_no_fault() -> None:
    fine = """{% extends "layouts/shop.html" %}
        <script type="application/ld+json">{}</script>
        <script type="module" src="/static/js/cart.js"></script>"""

    assert list(problems_in("catalog/show_product.html", fine)) == []


def test_the_templates_keep_the_rules() -> None:
    problems = [
        f"shop/templates/{name}:{problem}"
        for name, source in ((path.relative_to(TEMPLATES).as_posix(), path.read_text("utf-8")) for path in templates())
        for problem in problems_in(name, source)
    ]

    assert problems == []


def test_every_template_marked_safe_still_is() -> None:
    """The list of exceptions does not outlive them."""
    assert [name for name in MAY_BE_SAFE if not SAFE.search((TEMPLATES / name).read_text("utf-8"))] == []
