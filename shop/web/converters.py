"""What may stand in a path: ids within 64 bits in plain digits, texts without control characters. Anything else is a 404.

And how the rules of paths are kept: what writes their addresses is made when the first is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter, Rule, ValidationError

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


class LateRule(Rule):
    """Compiles the functions that write its address at the first ``url_for``: two for each of some hundred rules took a tenth of the start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - as in werkzeug
        def build(rule: LateRule, /, **values: Any) -> tuple[str, str]:
            compiled = Rule._compile_builder(rule, append_unknown).__get__(rule, None)  # noqa: SLF001
            setattr(rule, "_build_unknown" if append_unknown else "_build", compiled)
            written: tuple[str, str] = compiled(**values)
            return written

        return build


def init_app(app: Flask) -> None:
    app.url_rule_class = LateRule
    app.url_map.converters.update(int=IdConverter, default=TextConverter, string=TextConverter)
