"""Papers as files: made once, kept on the private shelf, had by a link that soon ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from shop.errors import FilesAway
from shop.order.documents.pdf import make_pdf, pdf_response
from shop.storage import private_storage

LINK_S = 300


def paper_link(document: Row[Any], *, at: datetime) -> str:
    """Where whoever may see the paper has it as PDF for five minutes. The first who asks has it made; what was issued never changes.

    Raises:
        FilesAway: the place where papers lie does not answer.
    """
    shelf, key = private_storage(), f"papers/{document.hash}.pdf"
    if not shelf.exists(key):
        shelf.put(key, make_pdf(document.paper, at=document.issued_at))
    return shelf.signed_url(key, name=f"{document.number}.pdf", lasts_s=LINK_S, at=at)


def send_paper(document: Row[Any], *, at: datetime) -> ResponseReturnValue:
    """To the file, or, while files are away, the paper set anew: its words are in the database."""
    try:
        return redirect(paper_link(document, at=at), 303)
    except FilesAway:
        return pdf_response(make_pdf(document.paper, at=document.issued_at), f"{document.number}.pdf")
