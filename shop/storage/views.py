"""Sends private files of the folder to whoever has a link that still lasts; a bucket sends its own."""

from __future__ import annotations

from flask import abort
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.errors import NotFound
from shop.storage import NEVER_KEPT, Missing, bp, private_storage
from shop.storage.folder import FolderStorage
from shop.storage.keys import disposition


@bp.get("/files/<token>")
def send_private(token: str) -> ResponseReturnValue:
    """A paper or an export, by its link."""
    storage = private_storage()
    if not isinstance(storage, FolderStorage):
        abort(404)
    try:
        key, name, until = storage.read_link(token)
        if until < now():
            raise NotFound(_("This link has ended. Open the page where it stood, and press it again."))
        response = storage.send(key)
    except Missing:
        abort(404)
    response.headers["Content-Disposition"] = disposition(key, name)
    response.headers["Cache-Control"] = NEVER_KEPT
    return response
