"""Reading settings, and keeping in memory what changes seldom."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import bindparam, select

from shop.cache import this_cache
from shop.cache.rooms import Made, Room
from shop.db import in_transaction, rows, scalar
from shop.settings.known import KNOWN
from shop.settings.models import Setting, Version

T = TypeVar("T")
LOOKED_AT_EVERY_S = 1.0
KEPT_MOST = 10_000

VERSIONS = select(Version.topic, Version.number)
SETTINGS = select(Setting.name, Setting.locale, Setting.value).where(Setting.locale.in_(bindparam("locales", expanding=True)))
WRITTEN = select(Setting.name, Setting.locale, Setting.value).where(Setting.name.in_(bindparam("names", expanding=True)))
ONE = select(Setting.value).where(Setting.name == bindparam("name"), Setting.locale == "")
NUMBER = select(Version.number).where(Version.topic == "settings")
NAMED = select(Setting.name, Setting.value).where(Setting.name.like(bindparam("prefix")), Setting.locale == "")


class Kept:
    """What this process remembers of one shop, thrown away as soon as the version of its topic moves. Versions are looked at once a second."""

    def __init__(self, room: Room[tuple[Any]]) -> None:
        self.versions: dict[str, int] = {}
        self.looked_at = float("-inf")
        self.room = room

    def version(self, topic: str) -> int:
        if time.monotonic() - self.looked_at > LOOKED_AT_EVERY_S:
            self.versions = {found.topic: found.number for found in rows(VERSIONS)}
            self.looked_at = time.monotonic()
        return self.versions.get(topic, 0)

    def get(self, topic: str, key: Any, make: Callable[[], T]) -> T:
        return cast("T", self.room.fetch((topic, key), self.version(topic), lambda: Made((make(),)))[0])

    def look_again(self) -> None:
        """Forget when the versions were read: the next look is fresh."""
        self.looked_at = float("-inf")


def init_app(app: Flask) -> None:
    with app.app_context():
        app.extensions["kept"] = Kept(this_cache().room("kept", KEPT_MOST))


def kept(topic: str, key: Any, make: Callable[[], T]) -> T:
    """``make()``, remembered under ``key`` until the version of ``topic`` moves (seen within a second). Never inside a transaction."""
    if in_transaction():
        return make()
    memory: Kept = current_app.extensions["kept"]
    return memory.get(topic, key, make)


def topic_version(topic: str) -> int:
    """The version of ``topic`` as this process saw it within the last second."""
    memory: Kept = current_app.extensions["kept"]
    return memory.version(topic)


def topic_versions(topics: Sequence[str]) -> list[int]:
    """The versions of several topics; see ``topic_version``."""
    memory: Kept = current_app.extensions["kept"]
    return [memory.version(topic) for topic in topics]


class ShopTexts:
    """What the pages say about the shop, in one language: ``texts.name``, ``texts.delivery``; "" where staff wrote nothing."""

    NAMES = (
        "name",
        "claim",
        "about",
        "email",
        "phone",
        "address",
        "delivery",
        "returns",
        "pickup",
        "hero_title",
        "hero_text",
        "hero_alt",
        "hero_button",
        "hero_image",
    )

    def __init__(self, values: dict[str, str]) -> None:
        for name in self.NAMES:
            setattr(self, name, values.get(f"shop.{name}", ""))

    name: str
    claim: str
    about: str
    email: str
    phone: str
    address: str
    delivery: str
    returns: str
    pickup: str
    hero_title: str
    hero_text: str
    hero_alt: str
    hero_button: str
    hero_image: str


def shop_texts(locale: str) -> ShopTexts:
    """The shop's texts in ``locale``; what is missing there comes from the default language."""
    return kept("settings", ("texts", locale), lambda: _read_texts(locale))


def _read_texts(locale: str) -> ShopTexts:
    default = current_app.extensions["config"].locales[0]
    values: dict[str, str] = {"shop.name": KNOWN["shop.name"].default}
    found = rows(SETTINGS, locales=["", default, locale])
    for wanted in ("", default, locale):
        values.update({setting.name: setting.value for setting in found if setting.locale == wanted})
    return ShopTexts(values)


def setting(name: str) -> str:
    """What one of the known settings (``shop.settings.known``) says, without a language: what is written, or its default where that makes no sense."""
    return KNOWN[name].read(kept("settings", ("one", name), lambda: scalar(ONE, name=name)))


def read_written() -> tuple[int, dict[tuple[str, str], str]]:
    """All known settings as they stand in the table, by (name, language), fresh, with the version by which two people notice each other."""
    version = scalar(NUMBER) or 0
    return version, {(found.name, found.locale): found.value for found in rows(WRITTEN, names=list(KNOWN))}


def named_settings(prefix: str) -> dict[str, str]:
    """The settings without a language whose names begin with ``prefix``, by the rest of their names: ``named_settings("seller.")["name"]``."""
    return kept("settings", ("named", prefix), lambda: _read_named(prefix))


def _read_named(prefix: str) -> dict[str, str]:
    return {found.name.removeprefix(prefix): found.value for found in rows(NAMED, prefix=f"{prefix}%")}
