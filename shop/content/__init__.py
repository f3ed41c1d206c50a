"""Home, pages of text, sitemap, robots and feed."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.web.context import add_context

bp = Blueprint("content", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, and offer ``foot_pages()`` to templates."""
    app.register_blueprint(bp)
    add_context(app, foot_pages=views.foot_pages)


from shop.content import api, views  # noqa: F401
from shop.content.settings import api as settings_api  # noqa: F401
