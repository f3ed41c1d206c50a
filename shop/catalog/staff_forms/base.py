"""What staff sends about the catalog, as forms. Each says what its page had seen, so that nobody overwrites what another saved meanwhile.

The languages of the shop, the options of a product and its pictures become fields; functions here put such forms together.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.web.context import language_name
from shop.web.fields import ShopForm, TextField, TickField

SEEN = re.compile(r"(\d{1,15})-([0-9a-f]{16})")
MOMENT = re.compile(r"(2[01]\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::00)?")
SWATCH = re.compile(r"#[0-9a-f]{6}")


class Difference(NamedTuple):
    """A field that somebody else saved meanwhile: as it was typed, and as it is now; raw for the form, and in words."""

    field: wtforms.Field
    mine: str
    theirs: str
    mine_shown: str
    theirs_shown: str


class SeenForm(ShopForm):
    """A form that remembers what its page showed: the version, and a digest of the values."""

    seen = wtforms.HiddenField(_l("This page"))

    @property
    def locales(self) -> tuple[str, ...]:
        """The languages of the shop, the default one first."""
        return locales()

    @property
    def digest(self) -> str:
        match = SEEN.fullmatch(self.seen.data or "")
        return match[2] if match else ""

    def own_fields(self) -> list[wtforms.Field]:
        """Those that people fill in."""
        return [field for field in self if field.type not in {"CSRFTokenField", "HiddenField", "FileField", "MultipleFileField"}]

    def remember(self, version: int) -> None:
        """Write down what this form shows now."""
        values = [(field.name, raw(field)) for field in self.own_fields()]
        self.seen.data = f"{version}-{hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]}"

    def differences(self, now: SeenForm) -> list[Difference]:
        """Where this form and the one of now say different things."""
        theirs = {field.name: field for field in now.own_fields()}
        return [
            Difference(field, raw(field), raw(theirs[field.name]), shown(field), shown(theirs[field.name]))
            for field in self.own_fields()
            if field.name in theirs and raw(field) != raw(theirs[field.name])
        ]

    def is_overtaken_by(self, now: SeenForm) -> bool:
        """Did somebody save something else into these very fields since the page was opened?"""
        return self.digest != now.digest and bool(self.differences(now))


def raw(field: wtforms.Field) -> str:
    """The value as a form sends it."""
    if isinstance(field, ShelvesField):
        return ",".join(map(str, field.data or ()))
    if isinstance(field, TickField):
        return "y" if field.data else ""
    if isinstance(field, wtforms.SelectField | wtforms.RadioField):
        return str(field.data if field.data is not None else "")
    typed = field._value() if field.data is None else field.show(field.data)  # noqa: SLF001 - what WTForms itself shows
    return str(typed).replace("\r\n", "\n").strip()


def shown(field: wtforms.Field) -> str:
    """The value in words."""
    if isinstance(field, ShelvesField):
        names = dict(field.choices)
        return ", ".join(names.get(key, "?") for key in field.data or ())
    if isinstance(field, TickField):
        return _("Yes") if field.data else _("No")
    if isinstance(field, wtforms.SelectField | wtforms.RadioField):
        return next((str(words) for value, words in field.choices if str(value) == str(field.data)), "")
    return raw(field)


class ShelvesField(wtforms.Field):
    """Categories to tick. ``choices`` are (id, name); ``data`` the ids that are ticked; also takes ``3,7`` as one value."""

    def __init__(self, label: Any = None, validators: Any = None, *, choices: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.choices = choices

    def process_formdata(self, valuelist: list[str]) -> None:
        known = {str(key): key for key, _name in self.choices}
        wanted = [part for value in valuelist[: len(known) + 1] for part in value.split(",") if part]
        self.data = list(dict.fromkeys(known[part] for part in wanted if part in known))
        if len(self.data) < len(set(wanted)):
            raise ValueError(_("One of the categories does not exist any more."))


class MomentField(TextField):
    """A day and time in the shop's time zone, as browsers send it; empty is None."""

    widget = wtforms.widgets.DateTimeLocalInput()

    def clean(self, text: str) -> Any:
        text = super().clean(text)
        if not text:
            return None
        match = MOMENT.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            return datetime(*map(int, match.groups()), tzinfo=zone()).astimezone(UTC)  # type: ignore[misc, arg-type]
        except ValueError:
            raise ValueError(_("Write a day and time such as 2026-12-01T08:00.")) from None

    def show(self, value: datetime) -> str:
        return value.astimezone(zone()).strftime("%Y-%m-%dT%H:%M")


class SwatchField(TextField):
    """A color such as ``#a9bf9d``, or empty."""

    def clean(self, text: str) -> str:
        text = super().clean(text).lower()
        if text and not SWATCH.fullmatch(text):
            raise ValueError(_("Write a color such as #a9bf9d."))
        return text


def zone() -> ZoneInfo:
    return ZoneInfo(current_app.extensions["config"].timezone)


def locales() -> tuple[str, ...]:
    return cast("tuple[str, ...]", current_app.extensions["config"].locales)


def spoken(label: str, locale: str) -> str:
    """A label for one of the languages, where there are several."""
    return label if len(locales()) == 1 else f"{label}, {language_name(locale)}"


def made(base: type[ShopForm], fields: dict[str, Any], values: dict[str, Any], *, fresh: bool) -> Any:
    """The form with some more fields; ``fresh`` shows the values, else what was sent counts."""
    form_class = type(base.__name__, (base,), fields)
    return form_class(formdata=None, data=values) if fresh else form_class(data=values)
