"""Storing pictures: check, re-encode, write the files, then the row. The slow part is never inside a transaction."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, select

from shop.db import in_transaction, insert_missing, rows, transaction
from shop.errors import BadImage
from shop.media.models import Image
from shop.media.urls import FORMATS, file_of
from shop.media.workshop import Answer, Job, Workshop, workshop
from shop.storage import media_storage

MAX_BYTES = 20 * 1024 * 1024
NAME_MAX = 200
HASH_DIGITS = 32
BATCH = 64

KNOWN = select(Image.id, Image.hash, Image.widths).where(Image.hash.in_(bindparam("hashes", expanding=True)))
REASONS = {
    "empty": _l("The file is empty. Choose a picture."),
    "bytes": _l("The picture has more than 20 MB. Send a smaller one."),
    "pixels": _l("The picture has more than 40 million pixels. Send a smaller one."),
    "svg": _l("SVG drawings can carry scripts and are not taken. Send a JPEG, PNG, WebP or AVIF."),
    "foreign": _l("The file is not only a picture: it holds a page, a script or an archive as well. Save the picture anew and send that."),
    "unknown": _l("This is no picture that the shop knows. Send a JPEG, PNG, WebP or AVIF."),
    "damaged": _l("The picture is damaged or incomplete. Save it anew and send that."),
    "exhausting": _l("The picture could not be read in reasonable time. Save it anew and send that."),
    "missing": _l("There is no such file."),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one of many pictures: its id, or the problem that it had."""

    source: Path
    image_id: int | None
    problem: BadImage | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A file that shall become a picture. ``hash`` is what the picture will be called."""

    path: Path
    name: str
    hash: str
    bytes: int


def store_image(source: bytes | Path, *, name: str, at: datetime) -> int:
    """Make the shop's own picture of the file and give its id; the same bytes always give the same one.

    Raises:
        BadImage: it is no JPEG, PNG, WebP, AVIF or GIF, too large, damaged, or something else as well.
        FilesAway: the place where pictures lie does not answer.
    """
    with _as_file(source) as path, workshop(processes=1) as work:
        original = _read_original(path, name)
        result = _store([original], work, at)[original.hash]
    if isinstance(result, BadImage):
        raise result
    return result


def store_images(sources: Iterable[Path], *, at: datetime) -> Iterator[Stored]:
    """The same for many files, on two processors, in their order; rows are written by the batch. A bad file raises nothing: it says its problem."""
    remaining = iter(sources)
    with workshop() as work:
        while batch := list(islice(remaining, BATCH)):
            yield from _store_batch(batch, work, at)


def _store_batch(batch: Sequence[Path], work: Workshop, at: datetime) -> Iterator[Stored]:
    read: list[tuple[Path, Original | BadImage]] = []
    for path in batch:
        try:
            read.append((path, _read_original(path, path.name)))
        except BadImage as problem:
            read.append((path, problem))
    results = _store([found for _, found in read if isinstance(found, Original)], work, at)
    for path, found in read:
        result = results[found.hash] if isinstance(found, Original) else found
        yield Stored(path, None, result) if isinstance(result, BadImage) else Stored(path, result)


def _store(originals: Sequence[Original], work: Workshop, at: datetime) -> dict[str, int | BadImage]:
    """For each hash the id of its picture, or why there is none. Files come first: a row promises that they are there."""
    if in_transaction():
        raise RuntimeError("pictures are made outside of transactions: it takes long")
    results: dict[str, int | BadImage] = dict(_find_stored([original.hash for original in originals]))
    missing = list({original.hash: original for original in originals if original.hash not in results}.values())
    made = []
    with media_storage().workbench() as bench:
        for original, answer in zip(missing, work.do_all([_job(original, bench) for original in missing]), strict=True):
            if "problem" in answer:
                results[original.hash] = _bad(answer["problem"])
            else:
                _put_files(bench, original.hash, answer["widths"])
                made.append(_columns(original, answer, at))
    return results | _claim(made)


def _put_files(bench: Path, hash: str, widths: Sequence[int]) -> None:  # noqa: A002
    for key in (file_of(hash, width, kind) for width in widths for kind in FORMATS):
        media_storage().put(key, bench / key)


def _find_stored(hashes: Sequence[str]) -> dict[str, int]:
    """Pictures that have a row and all of their files; lost files are made anew from the original that was just sent."""
    return {found.hash: found.id for found in rows(KNOWN, hashes=list(hashes)) if _has_files(found.hash, found.widths)}


def _has_files(hash: str, widths: str) -> bool:  # noqa: A002
    there = {kept.key for kept in media_storage().list(f"{hash[:2]}/{hash}-")}
    return all(file_of(hash, int(width), kind) in there for width in widths.split() for kind in FORMATS)


def _claim(made: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Write the rows; where somebody stored the same bytes meanwhile, theirs counts."""
    if not made:
        return {}
    with transaction() as session:
        insert_missing(Image, *made)
        found = session.execute(KNOWN, {"hashes": [image["hash"] for image in made]})
        return {image.hash: image.id for image in found}


def _columns(original: Original, answer: Answer, at: datetime) -> dict[str, Any]:
    return {
        "hash": original.hash,
        "width": answer["width"],
        "height": answer["height"],
        "widths": " ".join(map(str, answer["widths"])),
        "original_name": original.name,
        "bytes": original.bytes,
        "created_at": at,
    }


def _read_original(path: Path, name: str) -> Original:
    """Size and hash.

    Raises:
        BadImage: there is no such file, or it is empty or too large.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            raise _bad("bytes" if size else "empty")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise _bad("missing") from None
    return Original(path, name[:NAME_MAX], digest[:HASH_DIGITS], size)


def _job(original: Original, bench: Path) -> Job:
    return {"source": str(original.path), "folder": str(bench / original.hash[:2]), "hash": original.hash}


def _bad(word: str) -> BadImage:
    return BadImage(str(REASONS[word]), reason=word)


@contextmanager
def _as_file(source: bytes | Path) -> Iterator[Path]:
    if isinstance(source, Path):
        yield source
        return
    with tempfile.NamedTemporaryFile(prefix="picture-") as file:
        file.write(source)
        file.flush()
        yield Path(file.name)
