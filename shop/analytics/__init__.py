"""Figures for others to analyze: events, orders and what belongs to them, exported again and again, each time what is new since the last.

``schema`` says what there is; ``reading`` and ``people`` read it; ``files`` and ``bigquery`` are where it goes; ``services`` carries it, so that whatever
dies on the way doubles nothing. Names and addresses go out for members alone who agreed to it; the others are a pseudonym.
"""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask

from shop.outbox.periodic import every


def init_app(app: Flask) -> None:
    """The commands, and the task where ``ANALYTICS_URL`` is set."""
    from shop.analytics.services import export_as_set

    settings = app.extensions["config"].analytics
    if settings is not None:
        every(app, timedelta(minutes=settings.minutes), "analytics.export", export_as_set)
    if os.environ.get("FLASK_RUN_FROM_CLI") or app.testing:
        from shop.analytics.cli import analytics_commands

        app.cli.add_command(analytics_commands)
