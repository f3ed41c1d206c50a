"""Who answers whom: every retailer's shop is an application of its own, and the door gives each request to the one that its host names.

Outside of all shops there is only this: two addresses for machines, and a page that says that nothing is here, in no shop's words.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Config
from environment import process_environment
from shop import create_app
from shop.retailer.folder import Retailer, plain_host, read_retailers

log = logging.getLogger(__name__)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
NOTHING_HERE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Nothing here</title></head>
<body><h1>Nothing here</h1><p>No shop has this address.</p><p lang="es">Aquí no hay nada: ninguna tienda tiene esta dirección.</p></body>
</html>
"""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def open_shops() -> Flask:
    """What the settings ask for: the one shop, or the door to several retailers.

    Raises:
        ConfigError: settings are wrong; names each of them.
    """
    root = retailers_root()
    if root is None:
        return create_app()
    door = make_door(lambda: read_retailers(root, _environment()))
    if not os.environ.get("FLASK_RUN_FROM_CLI"):  # a command names its retailer, and one must be able to mend the others
        shops_behind(door)
    return door


def process_settings() -> Config:
    """The settings that count for the whole process, as the one shop or any of the retailers has them.

    Raises:
        ConfigError: settings are wrong; names each of them.
    """
    root = retailers_root()
    return _of_the_process(read_retailers(root, _environment())[0].config, root) if root else Config.from_env()


def _of_the_process(config: Config, root: Path) -> Config:
    """What all tell in common lies beside the retailers, in nobody's folder."""
    observe, instance = config.observe, config.instance
    file = observe.log_file
    if file and file.is_relative_to(instance):
        file = root / file.relative_to(instance)
    return replace(config, observe=replace(observe, log_file=file, figures_folder=root / "metrics"))


def opening_words() -> str:
    """Where the shops are, for whoever started them on a laptop."""
    root = retailers_root()
    if root is None:
        home = f"http://127.0.0.1:{Config.from_env().port}"
        return f"  The shop is open:  {home}/\n  Its back office:   {home}/admin/"
    return "\n".join(f"  {retailer.name} is open:  {retailer.config.base_url}/" for retailer in read_retailers(root, _environment()))


def retailers_root() -> Path | None:
    """The folder of retailers that ``SHOP_RETAILERS`` names, or None where there is one shop."""
    named = _environment().get("SHOP_RETAILERS", "").strip()
    return Path(named).expanduser().resolve() if named else None


def _environment() -> dict[str, str]:
    return process_environment(ROOT / ".env")


def shops_behind(app: Flask) -> list[Flask]:
    """The shops that ``open_shops`` opened."""
    door: Door | None = app.extensions.get("door")
    return list(door.shops.values()) if door else [app]


def make_door(find: Callable[[], Iterable[Retailer]]) -> Flask:
    """The application outside of all shops; those that ``find`` names are opened when they are first asked for."""
    from shop.retailer.cli import retailer_commands

    app = Flask("shop.retailer", static_folder=None, template_folder=None)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    app.register_error_handler(HTTPException, _answer_nothing)
    app.after_request(_set_headers)
    app.cli.add_command(retailer_commands)
    app.extensions["door"] = app.wsgi_app = Door(app.wsgi_app, find)  # type: ignore[method-assign]
    return app


class Door:
    """Gives a request to the shop of its host; ``outside`` answers for all other hosts. ``X-Forwarded-Host`` counts as ``SHOP_PROXIES`` says."""

    def __init__(self, outside: Wsgi, find: Callable[[], Iterable[Retailer]]) -> None:
        self.outside, self.find = outside, find

    @cached_property
    def retailers(self) -> tuple[Retailer, ...]:
        return tuple(self.find())

    @cached_property
    def shops(self) -> Mapping[str, Flask]:
        """The shops by host."""
        return {retailer.host: create_app(retailer.config) for retailer in self.retailers}

    @cached_property
    def proxy_fix(self) -> ProxyFix | None:
        proxies = max((retailer.config.proxies for retailer in self.retailers), default=0)
        return ProxyFix(lambda _environ, _start: [], x_for=0, x_proto=0, x_host=proxies) if proxies else None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        shop = self.shops.get(self.host_of(environ))
        return shop(environ, start_response) if shop else self.outside(environ, start_response)

    def host_of(self, environ: dict[str, Any]) -> str:
        """The host that the shop's own ``ProxyFix`` will see."""
        if self.proxy_fix:
            environ = environ.copy()
            self.proxy_fix(environ, _start_nothing)
        return plain_host(environ.get("HTTP_HOST", ""))


def _start_nothing(*_: object) -> Callable[[bytes], object]:
    raise AssertionError("nothing is answered here")


def healthz() -> ResponseReturnValue:
    """This process answers."""
    return {"status": "alive"}


def readyz() -> ResponseReturnValue:
    """Is any of the shops ready? How many are; each says for itself, on its own host, what it lacks. No names: strangers may ask here."""
    from flask import current_app

    from shop.health import check_readiness

    shops = shops_behind(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    ready = 0
    for shop in shops:
        with shop.app_context():
            ready += check_readiness()[0]
    return {"status": "ready" if ready else "not ready", "shops": len(shops), "ready": ready}, 200 if ready else 503


def _answer_nothing(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if request.path.startswith("/api/") or request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        body = {"type": "about:blank", "title": "Nothing here", "status": status, "detail": "No shop has this address."}
        return body, status, {"Content-Type": "application/problem+json"}
    return NOTHING_HERE, status, {"Content-Type": "text/html; charset=utf-8"}


def _set_headers(response: Any) -> Any:
    response.headers.extend(HEADERS)
    return response
