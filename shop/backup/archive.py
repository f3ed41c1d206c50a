"""The file itself: a tar with regular files only, written and read in one pass, in as much memory as one piece.

It begins with ``manifest.json``, whose place is kept free until everything else is written, and ends with ``SHA256SUMS``; between them stand the parts,
their names ascending, so that none comes twice. ``tar -xf`` and ``sha256sum -c SHA256SUMS`` read it without the shop. The reader takes nothing that
the writer does not write: no links, no folders, no long names, no way out of the folder. Source: POSIX.1-1988 (ustar), GNU tar for sizes above 8 GB.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from shop.backup import BackupProblem
from shop.backup.manifest import Manifest

BLOCK, PIECE = 512, 1024 * 1024
MANIFEST, MANIFEST_B, SUMS = "manifest.json", 64 * 1024, "SHA256SUMS"
DATABASE, SECRETS = "database.sqlite", "secrets.json"
PARTS = re.compile(
    r"database\.sqlite|secrets\.json|media/([0-9a-f]{2})/\1[0-9a-f]{30}-[1-9][0-9]{0,4}\.(avif|webp|jpeg)|(theme|fonts)/.+", re.DOTALL
)
LONGEST_NAME = 255
Progress = Callable[[int], object]


def is_safe(name: str) -> bool:
    """Is this the name of a part, one that leads nowhere else?"""
    steps = name.split("/")
    leads_astray = any(step in {"", ".", ".."} or len(step.encode()) > LONGEST_NAME for step in steps)
    return bool(PARTS.fullmatch(name)) and not leads_astray and "\\" not in name and name.isprintable()


class Writer:
    """Writes the parts in the ascending order of their names, then ``finish``."""

    def __init__(self, file: BinaryIO, tell: Progress) -> None:
        self.file, self.tell = file, tell
        self.files, self.last = 0, ""
        self.sums = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - see ``close``
        self._head(MANIFEST, MANIFEST_B)
        self.file.write(b" " * MANIFEST_B)

    def add(self, name: str, source: BinaryIO) -> None:
        """Take over a whole file.

        Raises:
            BackupProblem: it has a name that no backup takes, or it changes meanwhile.
        """
        if not is_safe(name) or name <= self.last:
            raise BackupProblem(f"{name!r} cannot go into a backup: give it a plain and shorter name.")
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        self.last, self.files = name, self.files + 1
        digest = self._copy(name, source, size)
        self.sums.write(f"{digest}  {name}\n".encode())

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the list of hashes, then the manifest into its place, completed by that list's own hash and the size of the whole file."""
        size = self.sums.tell()
        self.sums.seek(0)
        digest = self._copy(SUMS, self.sums, size)
        self.file.write(bytes(2 * BLOCK))
        whole = replace(manifest, sums_sha256=digest, size_b=self.file.tell())
        content = whole.dump()
        if len(content) > MANIFEST_B:
            raise BackupProblem("The manifest does not fit into its place.")
        self.file.seek(BLOCK)
        self.file.write(content)
        return whole

    def close(self) -> None:
        """Forget the list of hashes. The file belongs to who gave it."""
        self.sums.close()

    def _head(self, name: str, size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        is_short = len(name.encode()) <= tarfile.LENGTH_NAME
        try:
            self.file.write(entry.tobuf(tarfile.GNU_FORMAT if is_short else tarfile.USTAR_FORMAT, "utf-8", "strict"))
        except ValueError:
            raise BackupProblem(f"{name!r} is too long for a backup: give it a shorter name.") from None

    def _copy(self, name: str, source: BinaryIO, size: int) -> str:
        self._head(name, size)
        digest, left = hashlib.sha256(), size
        while left:
            piece = source.read(min(PIECE, left))
            if not piece:
                raise BackupProblem(f"{name} became shorter while it was read.")
            digest.update(piece)
            self.file.write(piece)
            self.tell(len(piece))
            left -= len(piece)
        self.file.write(bytes(-size % BLOCK))
        return digest.hexdigest()


class Part:
    """A file in the archive, to be read once, in pieces."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self.file, self.name, self.size, self.left = file, name, size, size

    def pieces(self) -> Iterator[bytes]:
        """Its bytes.

        Raises:
            BackupProblem: the archive ends within it.
        """
        while self.left:
            piece = self.file.read(min(PIECE, self.left))
            if not piece:
                raise BackupProblem(f"The file ends in the middle of {self.name}: it was cut. Use another copy of it.")
            self.left -= len(piece)
            yield piece

    def close(self) -> None:
        """Go on to the next one."""
        for _piece in self.pieces():
            pass
        if self.file.read(-self.size % BLOCK).strip(b"\0"):
            raise BackupProblem(f"Something hides behind {self.name}: this is no backup as the shop writes it.")


class Reader:
    """Reads strictly what ``Writer`` writes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def manifest(self) -> bytes:
        """What stands first, as it was written.

        Raises:
            BackupProblem: this is no backup of a shop.
        """
        try:
            first = self._next()
            if first is not None and first.name == MANIFEST and first.size == MANIFEST_B:
                content = b"".join(first.pieces())
                return content.rstrip(b" ")
        except BackupProblem:
            pass
        raise BackupProblem("This is no backup of a shop: it does not begin with a manifest. Did `flask shop backup` write it?")

    def parts(self) -> Iterator[Part]:
        """One part after the other, the list of hashes last. A part that was not read is passed over.

        Raises:
            BackupProblem: something stands there that the shop never writes, or the file was cut.
        """
        last = ""
        while (part := self._next()) is not None:
            if part.name != SUMS and (not is_safe(part.name) or part.name <= last):
                raise BackupProblem(f"{part.name!r} has no place in a backup; nothing was taken out of it.")
            yield part
            part.close()
            if part.name == SUMS:
                self._end()
                return
            last = part.name
        raise BackupProblem("The file ends before its list of hashes: it was cut. Use another copy of it.")

    def _next(self) -> Part | None:
        head = self.file.read(BLOCK)
        if len(head) < BLOCK or not head.strip(b"\0"):
            return None
        try:
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            raise BackupProblem("The file is damaged: what should begin a part does not. Use another copy of it.") from None
        if entry.type != tarfile.REGTYPE or entry.size < 0:
            raise BackupProblem(f"{entry.name!r} is no plain file: the shop never writes links, folders or devices into a backup.")
        return Part(self.file, entry.name, entry.size)

    def _end(self) -> None:
        if self.file.read() != bytes(2 * BLOCK):
            raise BackupProblem("Something stands behind the end of the backup: it was changed or cut.")
