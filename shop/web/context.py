"""What every template may ask for, under these names; features add theirs by ``add_context`` when they are registered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import jinja2
from babel import Locale
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import format_date, format_datetime
from flask_login import current_user
from jinja2 import BaseLoader, ChoiceLoader, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, Template
from jinja2.bccache import Bucket

from shop.money import Money, format_minor, format_money
from shop.settings.queries import shop_texts
from shop.web.bearer import is_bearer
from shop.web.cookies import has_cookie
from shop.web.locale import absolute_url, current_locale, path_in

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Alternate:
    """This page in another language: an absolute address."""

    locale: str
    name: str
    url: str
    is_current: bool


def add_context(app: Flask, **functions: Callable[..., Any]) -> None:
    """Offer functions to all templates; called once by a feature's ``init_app``."""
    app.jinja_env.globals.update(functions)


@lru_cache(maxsize=64)
def language_name(locale: str) -> str:
    """What a language is called in itself: ``language_name("es")`` is Español. Source: Unicode CLDR."""
    name = Locale.parse(locale).get_display_name() or locale
    return name[:1].upper() + name[1:]


def set_alternates(paths: dict[str, str]) -> None:
    """Say where this page stands in each language, ``{"es": "/p/taza"}`` without prefix, when the paths differ."""
    g.alternate_paths = paths


def alternates() -> list[Alternate]:
    """This page in every language of the shop, itself included."""
    current = current_locale()
    return [
        Alternate(locale, language_name(locale), absolute_url(path_in(locale, path)), locale == current)
        for locale, path in alternate_paths().items()
    ]


def alternate_paths() -> dict[str, str]:
    """Where this page stands in each language that it is written in, without prefix."""
    paths: dict[str, str] = g.get("alternate_paths") or {}
    locales = current_app.extensions["config"].locales
    return {locale: paths[locale] for locale in locales if locale in paths} if paths else dict.fromkeys(locales, request.path)


def chosen_theme() -> str:
    """Day, night or as the machine is set; by a cookie of its own, so that pages for strangers do not depend on it."""
    theme = request.cookies.get("theme", "auto") if has_request_context() else "auto"
    return theme if theme in THEMES else "auto"


def user() -> Any:
    """Who is logged in, or None; strangers are not looked up."""
    return current_user if (has_cookie() or is_bearer()) and current_user.is_authenticated else None


class QuickTemplate(Template):
    """A template whose macros are made once. Jinja compares all globals at each import, in case a page brought its own: ours never do."""

    def _get_default_module(self, ctx: Any = None) -> Any:  # noqa: ARG002
        if self._module is None:
            self._module = self.make_module()
        return self._module


class KeptTemplates(FileSystemBytecodeCache):
    """Templates as they were compiled at an earlier start, as Python keeps modules. Jinja looks whether a source has changed since; what it does not
    look at, its own version and our settings, names the folder.
    """

    def __init__(self, app: Flask) -> None:
        env = app.jinja_env
        made_by = (jinja2.__version__, env.trim_blocks, env.lstrip_blocks, *sorted(env.extensions))
        folder = Path(app.instance_path, "cache", f"templates-{sha256(repr(made_by).encode()).hexdigest()[:12]}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(str(folder))

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # a full disk costs time, never a page
            super().dump_bytecode(bucket)


def _common() -> dict[str, Any]:
    locale = current_locale()
    return {"shop": shop_texts(locale), "locale": locale, "theme": chosen_theme()}


def _date(value: datetime, form: str = "long") -> str:
    return str(format_date(value, form))


def _datetime(value: datetime, form: str = "medium") -> str:
    return str(format_datetime(value, form))


def init_app(app: Flask) -> None:
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.loader = ChoiceLoader([FileSystemLoader(Path(app.instance_path, "theme", "templates")), cast("BaseLoader", env.loader)])
    env.template_class = QuickTemplate
    env.trim_blocks = env.lstrip_blocks = True
    env.add_extension("jinja2.ext.do")
    env.filters.update(money=lambda amount: format_money(amount, current_locale()), date=_date, datetime=_datetime)
    env.globals.update(
        money_minor=lambda minor, currency: format_minor(minor, currency, current_locale()),
        Money=Money,
        has_cookie=has_cookie,
        user=user,
        alternates=alternates,
        absolute_url=absolute_url,
        path_in=path_in,
        current_locale=current_locale,
        currency=app.extensions["config"].currency,
    )
    env.bytecode_cache = KeptTemplates(app)
    app.context_processor(_common)
