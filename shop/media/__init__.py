"""Pictures: checked, resized, stored by content hash. The work with pixels happens in a process of its own (``workshop``)."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.media.urls import MediaUrls
from shop.web.context import add_context

bp = Blueprint("media", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, and say where its pictures are had."""
    urls = app.extensions["media_urls"] = MediaUrls(app.extensions["config"].storage.public_url or "/media")
    app.register_blueprint(bp)
    add_context(app, media_srcset=urls.srcset, media_url=urls.url)


from shop.media import views  # noqa: F401
