"""What every view shares, with no word of commerce: errors, fields, origin check, headers, session, JSON, languages, assets."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.web import assets, context, converters, csrf, errors, frame, headers, locale, pages
from shop.web.session import Sessions

bp = Blueprint("web", __name__)


def init_app(app: Flask) -> None:
    """Hang everything on the application, in the order in which a request meets it."""
    app.session_interface = Sessions()
    for part in (converters, headers, csrf, pages, locale, assets, context, frame, errors):
        part.init_app(app)
    app.register_blueprint(bp)


from shop.web import openapi, views  # noqa: F401
