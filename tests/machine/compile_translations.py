"""Compile the catalogs of the interface's languages: each ``.po`` that is newer than its ``.mo``. The latter are not committed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).resolve().parents[2] / "shop" / "translations"


def compile_translations(folder: Path = TRANSLATIONS) -> list[Path]:
    """Write what is missing or old; tells which files were written."""
    return [compile_one(po) for po in sorted(folder.glob("*/LC_MESSAGES/*.po")) if is_newer(po, po.with_suffix(".mo"))]


def is_newer(po: Path, mo: Path) -> bool:
    return not mo.exists() or po.stat().st_mtime_ns > mo.stat().st_mtime_ns


def compile_one(po: Path) -> Path:
    mo = po.with_suffix(".mo")
    with po.open("rb") as source:
        catalog = read_po(source, locale=po.parts[-3])
    beside = mo.with_suffix(".mo.new")
    with beside.open("wb") as target:
        write_mo(target, catalog)
    beside.replace(mo)
    return mo


if __name__ == "__main__":
    for written in compile_translations():
        print(f"Compiled {written.relative_to(TRANSLATIONS.parent.parent)}")
