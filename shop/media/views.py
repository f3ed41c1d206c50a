"""Sends pictures. In production nginx does it from the same folder."""

from __future__ import annotations

import re

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from shop.errors import FilesAway
from shop.media import bp
from shop.storage import FOR_EVER, Missing, media_storage

NAME = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{30}-[1-9][0-9]{0,4}\.(avif|webp|jpeg)")


@bp.get("/media/<path:name>")
def send_image(name: str) -> ResponseReturnValue:
    """A rendition of a picture: its name says its content, so caches keep it for ever, and who has it needs no file to be asked for."""
    if NAME.fullmatch(name) is None:
        abort(404)
    tag = name.partition("/")[2]
    try:
        response = Response(status=304) if tag in request.if_none_match else media_storage().send(name)
    except Missing:
        abort(404)
    except FilesAway as problem:  # a page asks for many: each answer is short
        return Response(status=503, headers={"Retry-After": str(problem.extras["retry_after_s"]), "Cache-Control": "no-store"})
    response.set_etag(tag)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
