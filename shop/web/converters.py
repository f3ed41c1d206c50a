"""What may stand in a path: ids within 64 bits in plain digits, texts without control characters. Anything else is a 404."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from shop.db import MAX_INT


class IdConverter(BaseConverter):
    """``<int:…>``: a positive id as the database has it; no ``٣``, no sign, no 2^63."""

    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > MAX_INT:
            raise ValidationError
        return number

    def to_url(self, value: int) -> str:
        return str(int(value))


class TextConverter(BaseConverter):
    """``<…>``: up to 200 characters without control characters, slashes and lone surrogates."""

    regex = r"[^/\x00-\x1f\x7f\ud800-\udfff]{1,200}"


def init_app(app: Flask) -> None:
    app.url_map.converters.update(int=IdConverter, default=TextConverter, string=TextConverter)
