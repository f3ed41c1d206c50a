"""Sends pictures. In production nginx does it from the same folder."""

from __future__ import annotations

import re

from flask import abort, send_from_directory
from flask.typing import ResponseReturnValue

from shop.media import bp
from shop.media.services import media_folder

NAME = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{30}-[1-9][0-9]{0,4}\.(avif|webp|jpeg)")
ONE_YEAR_S = 31_536_000


@bp.get("/media/<path:name>")
def send_image(name: str) -> ResponseReturnValue:
    """A rendition of a picture: its name says its content, so caches keep it for ever."""
    found = NAME.fullmatch(name)
    if found is None:
        abort(404)
    response = send_from_directory(media_folder(), name, mimetype=f"image/{found[2]}", max_age=ONE_YEAR_S)
    response.cache_control.public = True
    response.cache_control.immutable = True
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
