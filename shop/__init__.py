"""Bodega: the online shop that people own."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask
from flask.typing import ResponseReturnValue

from config import Config
from shop import db
from shop.web.again import run_again_if_lost

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
CONNECTIONS_MOST = 15  # of one worker at once: its threads, its courier, and some in a hurry

__all__ = ["__version__", "create_app"]
__version__ = "0.1.0"  # as pyproject.toml says it


class Shop(Flask):
    """Flask, which runs a view again that lost a race in the database."""

    def dispatch_request(self) -> ResponseReturnValue:
        return run_again_if_lost(super().dispatch_request)


def create_app(config: Config | None = None) -> Flask:
    """The shop as one Flask application: configuration, database, web, features, commands.

    Raises:
        ConfigError: settings are wrong; names each of them.
    """
    config = config or Config.from_env()
    app = Shop("shop", static_folder=None, instance_path=str(config.instance))
    configure(app, config)
    db.init_app(app)
    if os.environ.get("FLASK_RUN_FROM_CLI"):
        enable_migrations(app)
    register_features(app)
    return app


def enable_migrations(app: Flask) -> None:
    """``flask db …``; only commands and tests need Alembic, workers start without it."""
    from flask_migrate import Migrate

    Migrate(app, db.db, directory=str(MIGRATIONS))


def configure(app: Flask, config: Config) -> None:
    """Settings for Flask and its extensions, all derived from ``config``."""
    config.instance.mkdir(parents=True, exist_ok=True)
    app.extensions["config"] = config
    is_https = config.base_url.startswith("https://")
    app.config.update(
        DEBUG=config.debug,
        TESTING=config.testing,
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_use_lifo": True,  # the connection used last knows the statements, and its pages are in memory
            "pool_size": config.database_pool,
            "max_overflow": max(0, CONNECTIONS_MOST - config.database_pool),
            "hide_parameters": True,  # an error of the database would tell the log who somebody is
        },
        SESSION_COOKIE_NAME="__Host-session" if is_https else "session",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=60 * 60 * 24 * 90,
        SESSION_REFRESH_EACH_REQUEST=False,  # a slow answer from before a log-in must not bring the old cookie back
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=500,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_TRANSLATION_DIRECTORIES="translations",
        TEMPLATES_AUTO_RELOAD=config.debug,
    )
    if config.proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies, x_host=config.proxies)  # type: ignore[method-assign]


def register_features(app: Flask) -> None:
    """Every feature offers ``init_app``; their order is the order of imports: down only."""
    from shop import (
        account,
        admin,
        analytics,
        announce,
        audit,
        auth,
        cache,
        cart,
        catalog,
        checkout,
        cli,
        content,
        customer,
        health,
        inventory,
        mail,
        media,
        observe,
        order,
        outbox,
        payment,
        people,
        pricing,
        privacy,
        promotion,
        review,
        search,
        storage,
        tables,  # noqa: F401
        trail,
        web,
        webhook,
    )
    from shop.settings import queries as settings

    features = (
        observe,
        cache,
        settings,
        web,
        outbox,
        trail,
        mail,
        storage,
        media,
        auth,
        customer,
        pricing,
        inventory,
        review,
        catalog,
        promotion,
        search,
        cart,
        order,
        payment,
        checkout,
        privacy,
        account,
        content,
        people,
        webhook,
        analytics,
        audit,
        announce,
        admin,
        health,
        cli,
    )
    for feature in features:
        feature.init_app(app)
