"""Words as they are compared: without case and accents."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

WORDS_MOST = 8
WORD_LONGEST = 60
LETTERS = {
    "a": "áàâäãåāăą", "c": "çćčĉ", "d": "ďđ", "e": "éèêëēėęěĕ", "g": "ğģ", "h": "ĥħ", "i": "íìîïīįı", "k": "ķ", "l": "łľļ", "n": "ñńňņ",
    "o": "óòôöõøōőŏ", "r": "ŕřŗ", "s": "śšşșŝ", "t": "ťţț", "u": "úùûüūůűųŭ", "w": "ŵ", "y": "ýÿŷ", "z": "źžż",
}  # fmt: skip
ACCENTED = "".join(accented + accented.upper().replace("I", "") for accented in LETTERS.values())
PLAIN = "".join(plain * len(accented + accented.upper().replace("I", "")) for plain, accented in LETTERS.items())
FOLDED = str.maketrans(ACCENTED, PLAIN)


def fold(text: str | None) -> str | None:
    """``"Café Ñandú"`` → ``"cafe nandu"``."""
    if text is None:
        return None
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).translate(FOLDED).lower()


def split_words(text: str) -> list[str]:
    """The words to look for: folded, at most eight, each once."""
    folded = fold(text) or ""
    return list(dict.fromkeys(word[:WORD_LONGEST] for word in folded.split()))[:WORDS_MOST]


def pattern(word: str) -> str:
    """A LIKE pattern for texts that contain the word; ``\\`` escapes what LIKE would read."""
    for char in "\\%_":
        word = word.replace(char, f"\\{char}")
    return f"%{word}%"


class folded(GenericFunction[str]):  # noqa: N801 - named as in SQL
    """``fold`` within the database."""

    type = Text()
    inherit_cache = True


@compiles(folded, "postgresql")
def _fold_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower(translate({compiler.process(element.clauses, **kw)}, '{ACCENTED}', '{PLAIN}'))"
