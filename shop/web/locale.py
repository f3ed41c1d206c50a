"""The language stands in the URL: ``/es/…``; the default one has no prefix. Nothing here looks at cookies or ``Accept-Language``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from babel.support import Translations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, force_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"


class LocalePrefix:
    """Moves ``/es`` from the path to ``SCRIPT_NAME``, so that no route knows about languages and ``url_for`` keeps them."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], locales: tuple[str, ...]) -> None:
        self.wsgi = wsgi
        self.prefixes = {f"/{locale}": locale for locale in locales[1:]}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        first = "/" + path[1:].partition("/")[0]
        locale = self.prefixes.get(first)
        if locale:
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + first
            environ["PATH_INFO"] = path[len(first) :] or "/"
            environ["shop.locale"] = locale
        return self.wsgi(environ, start_response)


def current_locale() -> str:
    """The language of this request, or the one a mail is being written in; the default outside both."""
    locale: str | None = g.get("locale")
    if locale is None and has_request_context():
        locale = request.environ.get("shop.locale")
    return locale or current_app.extensions["config"].locales[0]


def speaking(locale: str) -> Any:
    """``with speaking("es"):`` texts, prices and dates are written in that language."""
    return _Speaking(locale)


class _Speaking:
    def __init__(self, locale: str) -> None:
        self.locale = locale

    def __enter__(self) -> None:
        self.before = g.get("locale")
        g.locale = self.locale
        self.forced = force_locale(self.locale)
        self.forced.__enter__()

    def __exit__(self, *error: object) -> None:
        self.forced.__exit__(*error)
        g.locale = self.before


def path_in(locale: str, path: str) -> str:
    """The path under the prefix of ``locale``: ``path_in("es", "/cart")`` is ``/es/cart``."""
    return path if locale == current_app.extensions["config"].locales[0] else f"/{locale}{path}"


def absolute_url(path: str) -> str:
    """The address of ``path`` on the shop's own host, from the settings, never from the request's ``Host``. A picture's that lies elsewhere stays."""
    return path if path.startswith(("https://", "http://")) else f"{current_app.extensions['config'].base_url}{path}"


def link(endpoint: str, *, locale: str, **values: Any) -> str:
    """The absolute address of an endpoint in a language, from the settings: for mails, feeds and events, where no request may be asked."""
    path = current_app.url_map.bind("shop").build(endpoint, values)
    return absolute_url(path_in(locale, path))


def _hear() -> None:
    """Remember the language of this request: it is asked for at every text."""
    g.locale = request.environ.get("shop.locale") or current_app.extensions["config"].locales[0]


def _forget(_error: BaseException | None) -> None:
    g.pop("locale", None)


def init_app(app: Flask) -> None:
    app.before_request(_hear)
    app.teardown_request(_forget)
    config = app.extensions["config"]
    app.wsgi_app = LocalePrefix(app.wsgi_app, config.locales)  # type: ignore[method-assign]
    Babel(app, default_locale=config.locales[0], default_timezone=config.timezone, locale_selector=current_locale)
    catalogs = {locale: Translations.load(TRANSLATIONS, [locale]) for locale in config.locales}
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: catalogs[current_locale()].gettext(message),
        lambda one, many, count: catalogs[current_locale()].ngettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, message: catalogs[current_locale()].pgettext(context, message),
        npgettext=lambda context, one, many, count: catalogs[current_locale()].npgettext(context, one, many, count),
    )

    @pass_eval_context
    def say(eval_ctx: EvalContext, message: str, **variables: Any) -> str:
        """``_("…")`` as the extension has it, without its detour through the context of the template."""
        text = catalogs[current_locale()].gettext(message)
        if eval_ctx.autoescape:
            text = Markup(text)  # noqa: S704 - our own words; the variables are escaped
        return text % variables if variables or "%" in text else text

    app.jinja_env.globals["_"] = say
