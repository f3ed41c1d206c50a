"""Lists for staff, whose state is their address: filters in the query, saved views as links, pages by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import request, url_for
from marshmallow import EXCLUDE, fields
from marshmallow.validate import Range

from shop.web.fields import ShopSchema, Text
from shop.web.json import load
from shop.web.pagination import CURSOR_MAX

Kind = TypeVar("Kind", bound=StrEnum)


class Filters(ShopSchema):
    """What every such list takes; a list adds its own. What it does not know it leaves alone: addresses are shared with people's additions."""

    class Meta:
        unknown = EXCLUDE

    q = Text(maximum=200, load_default="")
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class Word(fields.Field[Kind]):
    """One of the words of an enum, in a query or a body."""

    def __init__(self, kind: type[Kind], **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "enum": [member.value for member in kind]}, **kwargs)
        self.kind = kind

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Kind:  # noqa: ARG002
        if not isinstance(value, str) or value not in {member.value for member in self.kind}:
            raise self.make_error("unknown", words=", ".join(member.value for member in self.kind))
        return self.kind(value)

    default_error_messages = {"unknown": "Send one of: {words}."}


class Day(fields.Date):
    """A day in a query, ``2026-11-21``, within the years that a shop knows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=Range(date(2000, 1, 1), date(2199, 12, 31)), **kwargs)


@dataclass(frozen=True, slots=True)
class View:
    """A list under a name: a tab. ``count`` None is not counted."""

    name: str
    url: str
    is_current: bool
    count: int | None = None


def load_filters(schema: Filters) -> dict[str, Any]:
    """The filters of this request; a field left empty is none.

    Raises:
        Invalid: a filter is not one of those there are.
    """
    return load(schema, {name: value for name, value in request.args.items() if value.strip()})


def here_with(**changes: Any) -> str:
    """This list with some filters changed (None takes one back), from its first page."""
    kept = {name: value for name, value in {**request.args.to_dict(), "cursor": None, **changes}.items() if value not in {None, ""}}
    return url_for(request.endpoint or "", **(request.view_args or {}), **kept)


def view_of(name: str, count: int | None = None, **filters: Any) -> View:
    """The tab that shows this list with exactly these filters."""
    chosen = {key: value for key, value in request.args.items() if value and key not in {"cursor", "q"}}
    wanted: dict[str, Any] = {key: str(value) for key, value in filters.items()}
    return View(name, url_for(request.endpoint or "", **wanted), chosen == wanted, count)
