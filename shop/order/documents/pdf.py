"""A paper as PDF: the same words as its page, in embedded letters, tagged for screen readers (PDF/UA-1).

Typst sets it by ``paper.typ``, which gets the words as data: nothing in them is markup. It is loaded on first use. Its own letters write Latin, Greek,
Cyrillic, Hebrew and Arabic; for others, fonts in the folder ``fonts`` of the instance are taken, and then those of the machine.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, current_app

log = logging.getLogger(__name__)
TEMPLATE = Path(__file__).with_name("paper.typ")


def make_pdf(paper: Mapping[str, Any], *, at: datetime) -> bytes:
    """The bytes of the PDF; ``at`` is written into it as its date, so that the same paper always gives the same file."""
    import typst

    fonts = current_app.extensions["config"].instance / "fonts"
    known: dict[str, Any] = {
        "input": TEMPLATE.read_bytes(),
        "sys_inputs": {"paper": json.dumps(paper)},
        "font_paths": [fonts] if fonts.is_dir() else [],
        "timestamp": at.replace(microsecond=0),
    }
    for options in (
        {"ignore_system_fonts": True, "pdf_standards": "ua-1"},
        {"ignore_system_fonts": False, "pdf_standards": "ua-1"},
        {"ignore_system_fonts": False},
    ):
        try:
            return bytes(typst.compile(**known, **options))
        except typst.TypstError as problem:  # a letter that these fonts do not have
            log.warning("paper %s: %s", paper["number"], str(problem)[:300])
    raise RuntimeError("the paper cannot be set")


def pdf_response(content: bytes, name: str) -> Response:
    """A PDF that browsers show, under a name of our own making."""
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
