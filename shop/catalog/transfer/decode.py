"""From bytes to text: compression, byte order marks, UTF-8, UTF-16, Windows-1252 and Mac Roman, told apart by looking at the whole file once."""

from __future__ import annotations

import codecs
import gzip
import io
import re
from pathlib import Path
from typing import IO, NamedTuple, cast

CHUNK = 1 << 20
SAMPLE = 1 << 16
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HIGH = re.compile(rb"[\x80-\xff]+")
NATURAL = "éèêàâçñöäüßáíóúîïôûëœ’“”„–—€«»ÉÈÀÖÄÜÑÇ£°·º®™"
BETWEEN_LOWER = re.compile(r"[a-z][^\x00-\x7fa-zà-ÿœß’–—-][a-z]")
HAVOC = re.compile("[\udc80-\udcff]")


class Encoding(NamedTuple):
    """``name`` for Python; ``guessed`` when no mark or rule proves it; ``is_cr_only`` for rows that end as on old Macs."""

    name: str
    guessed: bool = False


def open_bytes(path: Path) -> IO[bytes]:
    """The file, unpacked when it is gzip."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path)) if is_packed else path.open("rb")


def open_text(path: Path) -> tuple[io.TextIOWrapper, Encoding]:
    """The file as text with its row ends untouched. Single bytes that are no UTF-8 become lone surrogates, for ``mend`` to look at."""
    encoding = detect_encoding(path)
    errors = "surrogateescape" if encoding.name.startswith("utf-8") else "replace"
    return io.TextIOWrapper(open_bytes(path), encoding=encoding.name, errors=errors, newline=""), encoding


def detect_encoding(path: Path) -> Encoding:
    """Read the file once, in pieces."""
    with open_bytes(path) as file:
        head = file.read(4096)
        for mark, name in BOMS:
            if head.startswith(mark):
                return Encoding(name)
        if wide := _utf16_without_mark(head):
            return Encoding(wide, guessed=True)
        file.seek(0)
        return _from_content(file)


def _utf16_without_mark(head: bytes) -> str:
    """Western text in UTF-16 has a zero in every other byte."""
    if len(head) < 16:
        return ""
    pairs = len(head) // 2
    if head[1::2].count(0) > pairs * 0.7:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > pairs * 0.7 else ""


def _from_content(file: IO[bytes]) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    sample = bytearray()
    while chunk := file.read(CHUNK):
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk)
        wrong = len(HAVOC.findall(text))
        bad += wrong
        good += sum(1 for char in text if char > "\x7f") - wrong
        if wrong and len(sample) < SAMPLE:
            sample += b" ".join(chunk[max(0, found.start() - 40) : found.end() + 40] for found in list(HIGH.finditer(chunk))[:2000])
            sample += chunk[:2000]
    if bad <= good:
        return Encoding("utf-8", guessed=bad > 0)
    return Encoding(_single_byte(bytes(sample)), guessed=True)


def _single_byte(sample: bytes) -> str:
    """Windows-1252 or Mac Roman: whichever gives the more natural text."""
    scores = {name: _naturalness(sample.decode(name, "replace")) for name in ("cp1252", "mac_roman")}
    if b"\r" in sample and b"\n" not in sample:
        scores["mac_roman"] += 5
    return max(scores, key=lambda name: scores[name])


def _naturalness(text: str) -> int:
    return sum(1 for char in text if char in NATURAL) - 2 * text.count("\ufffd") - 2 * len(BETWEEN_LOWER.findall(text))


def mend(text: str) -> str:
    """Bytes that were no UTF-8, read as Windows-1252."""
    return HAVOC.sub(lambda found: bytes([ord(found[0]) - 0xDC00]).decode("cp1252", "replace"), text)


def is_damaged(text: str) -> bool:
    return not text.isascii() and HAVOC.search(text) is not None
