"""Pictures: checked, resized, stored by content hash. The work with pixels happens in a process of its own (``workshop``)."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.media.urls import media_srcset, media_url
from shop.web.context import add_context

bp = Blueprint("media", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
    add_context(app, media_srcset=media_srcset, media_url=media_url)


from shop.media import views  # noqa: F401
