"""The papers of an order for whoever may see the order: a page to print, and the same as PDF."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shop.clock import now
from shop.order import bp
from shop.order.documents.files import send_paper
from shop.order.documents.queries import get_document
from shop.order.links import own_path
from shop.order.queries import get_own_order
from shop.web.context import user
from shop.web.locale import speaking


@bp.get("/orders/<number>/documents/<document>")
def show_document(number: str, document: str) -> ResponseReturnValue:
    """An invoice or a credit note, as it was issued."""
    key = request.args.get("key", "")
    order = get_own_order(number, key, user())
    found = get_document(order.id, document)
    with speaking(order.locale):
        page = render_template(
            "order/show_document.html", paper=found.paper, back=own_path(order, user()), pdf=_pdf_path(number, document, key)
        )
    response = make_response(page)
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@bp.get("/orders/<number>/documents/<document>.pdf")
def download_document(number: str, document: str) -> ResponseReturnValue:
    """The same as a file."""
    order = get_own_order(number, request.args.get("key", ""), user())
    found = get_document(order.id, document)
    return send_paper(found, at=now())


def _pdf_path(number: str, document: str, key: str) -> str:
    return url_for("order.download_document", number=number, document=document, key=key or None)
