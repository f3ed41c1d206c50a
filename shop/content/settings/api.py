"""Settings for programs of the staff."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.content import bp
from shop.content.settings.schemas import SettingsBodySchema, SettingsSchema
from shop.content.settings.services import change_settings
from shop.errors import Invalid, StaleVersion
from shop.settings.known import KNOWN, Kind, Known, what_counts
from shop.settings.queries import read_written
from shop.web.api import describe
from shop.web.json import json_response, load_body

NEEDED: dict[str, Any] = {"permission": "settings.edit"}
body, answer = SettingsBodySchema(), SettingsSchema()


@bp.get("/api/v1/settings")
@describe("The shop's settings as they count", answer=answer, **NEEDED)
def show_settings_json() -> ResponseReturnValue:
    return _settings()


@bp.patch("/api/v1/settings")
@describe("Change settings; what is not named stays", body=body, answer=answer, errors=[Invalid, StaleVersion], **NEEDED)
def change_settings_json() -> ResponseReturnValue:
    sent = load_body(body)
    unknown = sent["texts"].keys() - set(_locales())
    if unknown:
        raise Invalid({f"/texts/{locale}": [_("The shop does not speak this language.")] for locale in unknown})
    by_key = {known.key: known.name for known in KNOWN.values()}
    values = {(by_key[key], ""): _text(value) for key, value in sent["values"].items()}
    for locale, texts in sent["texts"].items():
        values |= {(by_key[key], locale): text for key, text in texts.items()}
    change_settings(values, expected_version=sent["version"], at=now())
    return _settings()


def _settings() -> ResponseReturnValue:
    version, written = read_written()
    values = {known.name: _value(known, what_counts(known, written)) for known in KNOWN.values() if not known.per_language}
    spoken = [known for known in KNOWN.values() if known.per_language]
    texts = {locale: {known.name: what_counts(known, written, locale) for known in spoken} for locale in _locales()}
    return json_response({"version": version, "values": values, "texts": texts})


def _locales() -> tuple[str, ...]:
    locales: tuple[str, ...] = current_app.extensions["config"].locales
    return locales


def _value(known: Known, text: str) -> str | int | bool:
    if known.kind is Kind.FLAG:
        return text == "1"
    return int(text) if known.kind is Kind.NUMBER else text


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
