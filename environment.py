"""How settings are read: one after another, strictly, so that one message names all that are wrong. ``config.py`` says which there are."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TRANSLATIONS = Path(__file__).resolve().parent / "shop" / "translations"  # a folder for each language beside English


class ConfigError(Exception):
    """Settings are wrong; the message lists every one of them with what to do."""


def process_environment(dotenv: Path) -> dict[str, str]:
    """The process's environment over the file ``dotenv``, which need not exist."""
    from dotenv import dotenv_values

    kept = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    return {**kept, **os.environ}


class Environment:
    """Reads one setting after another and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def wrong(self, name: str, remedy: str) -> None:
        self.problems.append(f"{name}: {remedy}")

    def raise_problems(self) -> None:
        if self.problems:
            raise ConfigError("Some settings are wrong; correct them in the environment or in .env:\n  - " + "\n  - ".join(self.problems))

    def text(self, name: str, default: str) -> str:
        value = self.environ.get(name, "").strip() or default
        if any(ord(char) < ord(" ") for char in value):
            self.wrong(name, "holds a control character")
            return default
        return value

    def matching(self, name: str, default: str, pattern: str, wanted: str) -> str:
        value = self.text(name, default)
        if not re.fullmatch(pattern, value):
            self.wrong(name, f"{value!r} is not {wanted}")
        return value

    def choice(self, name: str, default: str, allowed: set[str]) -> str:
        value = self.text(name, default).lower()
        if value not in allowed:
            self.wrong(name, f"{value!r} is none of {', '.join(sorted(allowed))}")
        return value

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            self.wrong(name, f"{value!r} is not a whole number from {low} to {high}")
            return default
        return int(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "1" if default else "0").lower()
        if value not in {"0", "1", "true", "false", "yes", "no"}:
            self.wrong(name, f"{value!r} is neither 1 nor 0")
        return value in {"1", "true", "yes"}

    def url(self, name: str, default: str, schemes: set[str]) -> str:
        value = self.text(name, default)
        parts = urlsplit(value)
        if parts.scheme not in schemes or not (parts.netloc or parts.scheme == "file"):
            self.wrong(name, f"is not a URL with {' or '.join(sorted(schemes))}")
        return value

    def currency(self, name: str, default: str) -> str:
        from babel.numbers import list_currencies

        value = self.text(name, default).upper()
        if value not in list_currencies():
            self.wrong(name, f"{value!r} is not a currency code such as EUR")
        return value

    def country(self, name: str, default: str) -> str:
        from babel import Locale

        value = self.text(name, default).upper()
        if len(value) != 2 or value not in Locale("en").territories:
            self.wrong(name, f"{value!r} is not a country code such as ES")
        return value

    def locales(self, name: str, default: str) -> tuple[str, ...]:
        values = tuple(value.strip().lower() for value in self.text(name, default).split(","))
        offered = {"en", *(path.parts[-3] for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))}
        for value in values:
            if value not in offered:
                self.wrong(name, f"{value!r} is no language of the shop; it speaks {', '.join(sorted(offered))}")
        if len(set(values)) != len(values):
            self.wrong(name, "names a language twice")
        return values

    def timezone(self, name: str, default: str) -> str:
        from zoneinfo import ZoneInfo

        value = self.text(name, default)
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            self.wrong(name, f"{value!r} is not a time zone such as Europe/Madrid")
        return value

    def secrets(self, name: str, default: str) -> tuple[str, ...]:
        """One secret, or two while they are changed, with a comma between."""
        found = tuple(value.strip() for value in self.text(name, default).split(",") if value.strip())
        if len(found) > len(("old", "new")):
            self.wrong(name, "takes two secrets at most, the new one and the old one, with a comma between")
        return found

    def package(self, name: str, module: str, lock: str) -> None:
        """What a setting needs and the laptop has not: the library ``module``, installed from the lock file ``lock``. It is looked for, not loaded."""
        try:
            is_there = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:  # not even the package that it lies in
            is_there = False
        if not is_there:
            self.wrong(name, f"needs {module}, which is not installed: pip install --require-hashes -r {lock}")
