"""What the shop knows of a person: showing it, handing it over, erasing it, and forgetting by itself what is no longer needed.

``holdings`` names every table with something of a person in it, how its rows are found, and what erasing does to them; a test finds tables that it
forgot. The pages of customers stand in ``shop.account``, those of staff in ``shop.people``.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from shop.outbox.periodic import every


def init_app(app: Flask) -> None:
    """The tasks that forget."""
    from shop.privacy import retention

    every(app, timedelta(days=1), "privacy.forget", retention.forget)
    every(app, timedelta(hours=1), "privacy.note_texts", retention.note_texts)
