"""Settings as HTML sends them: one form per group, its fields made from what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from flask import current_app
from flask_babel import lazy_gettext as _l

from shop.content.settings.codes import clean_code
from shop.settings.known import Group, Kind, Known, columns_of, what_counts
from shop.web.context import language_name
from shop.web.fields import ChoiceField, EmailField, IntegerField, ShopForm, TextField, TickField

Written = Mapping[tuple[str, str], str]


class CodeField(TextField):
    """Capital letters, digits and dashes."""

    def clean(self, text: str) -> str:
        return clean_code(text, low=self.minimum, high=self.maximum)


class OptionalEmailField(EmailField):
    """An e-mail address, or nothing."""

    def clean(self, text: str) -> str:
        return super().clean(text) if text.strip() else ""


class SettingsForm(ShopForm):
    """What every form of settings has; ``form_of`` adds the fields of a group."""

    group: Group
    version = wtforms.HiddenField()

    @property
    def values(self) -> dict[tuple[str, str], str]:
        """After ``validate``: what was chosen, as the table keeps it."""
        return {(known.name, locale): _text(known, self[_key(known, locale)].data) for known, locale in _places(self.group)}

    @property
    def rows(self) -> list[tuple[Any, Known]]:
        """Each field with its setting, as they stand on the page."""
        return [(self[_key(known, locale)], known) for known, locale in _places(self.group)]

    @property
    def seen_version(self) -> int:
        """What the page showed; something else than a number fits nothing."""
        text = self.version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def form_of(group: Group, *, version: int, written: Written, fresh: bool = False) -> SettingsForm:
    """The form of a group as sent; ``fresh`` as it stands in the table."""
    fields = {_key(known, locale): _field(known, locale) for known, locale in _places(group)}
    made = type("GroupForm", (SettingsForm,), {**fields, "group": group})
    values: dict[str, Any] = {_key(known, locale): _shown(known, written, locale) for known, locale in _places(group)}
    form: SettingsForm = made(formdata=None, data={**values, "version": str(version)}) if fresh else made()
    return form


def _places(group: Group) -> list[tuple[Known, str]]:
    locales = current_app.extensions["config"].locales
    return [(known, locale) for known in group.settings for locale in columns_of(known, locales)]


def _key(known: Known, locale: str) -> str:
    return f"{known.key}__{locale}" if locale else known.key


def _field(known: Known, locale: str) -> wtforms.Field:
    label = _l("%(label)s (%(language)s)", label=known.label, language=language_name(locale)) if locale else known.label
    if known.kind is Kind.FLAG:
        return TickField(label)
    if known.kind is Kind.CHOICE:
        return ChoiceField(label, choices=list(known.choices))
    if known.kind is Kind.NUMBER:
        return IntegerField(label, low=known.low, high=known.high)
    if known.kind is Kind.EMAIL:
        return OptionalEmailField(label)
    kind = CodeField if known.kind is Kind.CODE else TextField
    return kind(label, maximum=known.high, minimum=known.low, multiline=known.kind is Kind.LINES)


def _shown(known: Known, written: Written, locale: str) -> Any:
    text = what_counts(known, written, locale)
    if known.kind is Kind.FLAG:
        return text == "1"
    return int(text) if known.kind is Kind.NUMBER else text


def _text(known: Known, value: Any) -> str:
    if known.kind is Kind.FLAG:
        return "1" if value else "0"
    return "" if value is None else str(value)
