"""Writing settings, and telling caches that a topic changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import current_app
from sqlalchemy import delete, insert, update

from shop.db import after_commit, insert_missing, transaction
from shop.settings.models import Setting, Version

LONGEST_STEP = 2**30


def save_settings(values: Mapping[tuple[str, str], str]) -> None:
    """Set ``{(name, locale): value}``; what is not named stays."""
    with transaction() as session:
        for (name, locale), value in values.items():
            session.execute(delete(Setting).where(Setting.name == name, Setting.locale == locale))
            session.execute(insert(Setting).values(name=name, locale=locale, value=value))
        touch_topic("settings")


def set_up_settings() -> None:
    """Write what a new shop says about itself where it says nothing yet: its name and where its mails come from. Repeating it changes nothing."""
    config = current_app.extensions["config"]
    values = {"shop.name": "Bodega", "shop.email": config.mail_from}
    with transaction():
        written = insert_missing(Setting, *({"name": name, "locale": "", "value": value} for name, value in values.items()))
        if written:
            touch_topic("settings")


def touch_topic(topic: str) -> int:
    """Raise the version of ``topic`` in this transaction: every process forgets what it kept of it within a second, this one at once.

    By a step that nobody foresees, which it gives: a shop that was put back to a backup must not come to a number again under which something else
    is still kept.
    """
    step = 1 + secrets.randbelow(LONGEST_STEP)
    with transaction() as session:
        raise_it = update(Version).where(Version.topic == topic).values(number=Version.number + step)
        is_new = session.execute(raise_it).rowcount == 0  # type: ignore[attr-defined]
        if is_new and not insert_missing(Version, {"topic": topic, "number": step}):
            session.execute(raise_it)
        after_commit(current_app.extensions["kept"].look_again)
    return step
