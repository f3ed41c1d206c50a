"""The key of an app as a picture that its camera reads, and as letters for whoever types."""

from __future__ import annotations

from flask import current_app

from shop.auth.second.services import app_of
from shop.settings.queries import shop_texts


def app_picture(salt: str, *, email: str) -> tuple[str, str]:
    """A PNG as a ``data:`` address, black on white with its margin, and the key in groups of four letters."""
    import segno

    picture = segno.make(app_uri(salt, email=email), error="m", micro=False)
    return picture.png_data_uri(scale=6, border=4), app_letters(salt)


def app_uri(salt: str, *, email: str) -> str:
    """The address that apps read. Source: Key URI Format of Google Authenticator."""
    issuer = shop_texts(current_app.extensions["config"].locales[0]).name
    return app_of(salt).provisioning_uri(name=email, issuer_name=issuer)


def app_letters(salt: str) -> str:
    """The key in groups of four letters, for whoever types it."""
    letters = app_of(salt).secret
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))
