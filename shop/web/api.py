"""How a JSON view is described: what it takes, gives and refuses. The OpenAPI document is made from these descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request
from marshmallow import Schema

from shop.errors import Invalid, ShopError
from shop.web.json import load

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Description:
    """What the API document says about one view; ``answer`` is None where the body is empty."""

    summary: str
    body: Schema | None
    query: Schema | None
    answer: Schema | None
    status: int
    errors: Sequence[type[ShopError]]
    role: str
    permission: str


def describe(
    summary: str,
    *,
    body: Schema | None = None,
    query: Schema | None = None,
    answer: Schema | None = None,
    status: int = 200,
    errors: Sequence[type[ShopError]] = (),
    role: str = "",
    permission: str = "",
) -> Callable[[View], View]:
    """Decorate a JSON view with its description. ``role`` is "customer" where one must be logged in; ``permission`` what staff must be allowed to do.

    A staff act without a permission is a mistake that the tests find.
    """

    def decorate(view: View) -> View:
        view.description = Description(summary, body, query, answer, status, errors, role, permission)  # type: ignore[attr-defined]
        return view

    return decorate


def load_query(schema: Schema) -> dict[str, Any]:
    """The checked query of this request; each name at most once.

    Raises:
        Invalid: a parameter is wrong, unknown or repeated.
    """
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise Invalid({f"/{name}": ["Give this parameter once."] for name in repeated})
    return load(schema, request.args.to_dict())
