"""Every text of the code has its Spanish, and both say the same values."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
PLACE = re.compile(r"%\(\w+\)[sd]")


def catalog(path: Path, locale: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def spanish() -> Catalog:
    return catalog(ROOT / "shop" / "translations" / "es" / "LC_MESSAGES" / "messages.po", "es")


def texts(message: object) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)  # type: ignore[arg-type]


def collect(folder: Path) -> Path:
    """The texts of the code as they are now."""
    pot = folder / "messages.pot"
    words = ["extract", "--ignore-dirs", ".*", "-F", "shop/translations/babel.cfg", "-k", "_l", "-k", "N_", "-o", str(pot), "shop"]
    subprocess.run([Path(sys.executable).parent / "pybabel", "--quiet", *words], cwd=ROOT, check=True)
    return pot


def test_every_text_speaks_spanish(tmp_path):
    known = {texts(message.id)[0] for message in spanish() if message.id and all(texts(message.string))}

    untold = sorted(texts(message.id)[0] for message in catalog(collect(tmp_path)) if message.id and texts(message.id)[0] not in known)

    assert untold == [], "make texts, then translate these"


def test_translations_keep_the_values_of_their_texts():
    wrong = [
        message.id
        for message in spanish()
        if message.id and sorted(PLACE.findall(texts(message.id)[-1])) != sorted(PLACE.findall(texts(message.string)[-1]))
    ]

    assert wrong == []


def test_no_text_of_python_code_doubles_its_percent_sign_in_vain(tmp_path):
    """gettext of flask_babel puts values in, and halves ``%%``, only where there are values; templates always do."""
    doubled = [
        texts(message.id)[0]
        for message in catalog(collect(tmp_path))
        if "%%" in texts(message.id)[0]
        and not PLACE.search(texts(message.id)[0])
        and any(file.endswith(".py") for file, _line in message.locations)
    ]

    assert doubled == [], "say the percent by a value"
