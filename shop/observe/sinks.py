"""Where lines go: a stream, and a file that many processes share and rotate.

Every line is one ``write`` of the system on a file opened for appending, so that those of several workers never mix. Before a line each worker looks
whether its file is still the one of that name (somebody may have rotated it) and how long it is; who finds it full renames it under a lock.
A line that cannot be written is lost: a full disk must not stop the shop.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from pathlib import Path

MB = 1024 * 1024


class Stream:
    """An open file descriptor, such as standard output."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def write(self, line: bytes) -> None:
        _write_all(self.fd, line)

    def close(self) -> None:
        """It is not ours to close."""


class RotatedFile:
    """A file that becomes ``.1`` when it has ``most_mb``, while ``.1`` becomes ``.2``, up to ``keep`` old ones. ``most_mb`` of 0: logrotate does it."""

    def __init__(self, path: Path, *, most_mb: float, keep: int) -> None:
        self.path, self.most, self.keep = path, int(most_mb * MB), keep
        self.fd = self.inode = -1
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, line: bytes) -> None:
        if (self._look() + len(line) > self.most) and self.most:
            self._rotate(len(line))
        _write_all(self.fd, line)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = self.inode = -1

    def _look(self) -> int:
        """Be at the file of this name; gives its length."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            found = None
        if found is None or found.st_ino != self.inode:
            self.close()
            self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
            found = os.fstat(self.fd)
            self.inode = found.st_ino
        return found.st_size

    def _rotate(self, wanted: int) -> None:
        lock = os.open(f"{self.path}.lock", os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            length = self._look()  # another worker may have done it while we waited
            if length and length + wanted > self.most:
                for number in range(self.keep - 1, 0, -1):
                    with contextlib.suppress(FileNotFoundError):
                        Path(f"{self.path}.{number}").replace(f"{self.path}.{number + 1}")
                self.path.replace(f"{self.path}.1")
                self._look()
        finally:
            os.close(lock)


class Sinks(logging.Handler):
    """Formats a record once and hands it to every sink."""

    def __init__(self, *sinks: Stream | RotatedFile) -> None:
        super().__init__()
        self.sinks = sinks

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001 - what cannot be told is not told
            line = f"a record of {record.name} could not be written, at {record.pathname}:{record.lineno}\n".encode()
        for sink in self.sinks:
            with contextlib.suppress(OSError):
                sink.write(line)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()
        super().close()


def _write_all(fd: int, line: bytes) -> None:
    written = os.write(fd, line)
    while written < len(line):
        line = line[written:]
        written = os.write(fd, line)
