"""Changing settings: what is not named stays, and nobody overwrites what somebody else wrote meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _

from shop.db import transaction
from shop.errors import Invalid, StaleVersion
from shop.settings.known import KNOWN, what_counts
from shop.settings.queries import read_written
from shop.settings.services import save_settings, touch_topic
from shop.trail.services import note_change


def change_settings(values: Mapping[tuple[str, str], str], *, expected_version: int, at: datetime) -> None:
    """Write known settings, ``{(name, language): text}``, each clean already. Orders keep what they were placed with.

    Raises:
        StaleVersion: somebody changed settings since they were looked at.
        Invalid: invoices and credit notes would share their numbers.
    """
    with transaction():
        step = touch_topic("settings")  # claims the version: whoever else changes settings waits
        version, before = read_written()
        if version != expected_version + step:
            raise StaleVersion(_("Somebody changed the settings meanwhile. Look at them again."))
        changed = {(name, locale): text for (name, locale), text in values.items() if what_counts(KNOWN[name], before, locale) != text}
        _refuse_shared_numbers({**before, **changed})
        if changed:
            shown = {_place(*place): before.get(place) for place in changed}
            note_change("settings", shown, {_place(*place): text for place, text in changed.items()}, at=at)
            save_settings(changed)


def _refuse_shared_numbers(written: Mapping[tuple[str, str], str]) -> None:
    if len({what_counts(KNOWN[name], written) for name in ("invoice.prefix", "credit_note.prefix")}) < 2:
        raise Invalid({"/values/credit_note.prefix": [_("Invoices and credit notes need numbers of their own.")]})


def _place(name: str, locale: str) -> str:
    return f"{name}:{locale}" if locale else name
