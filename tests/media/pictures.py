"""Files as visitors and imports bring them: good, odd and hostile."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from flask import current_app
from PIL import Image


def media_folder() -> Path:
    """Where the shop under test keeps its pictures."""
    instance: Path = current_app.extensions["config"].instance
    return instance / "media"


def picture(width: int = 400, height: int = 500, *, kind: str = "JPEG", mode: str = "RGB", color: Any = "salmon", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), color).save(out, kind, **how)
    return out.getvalue()


def noise(width: int = 300, height: int = 300, *, kind: str = "JPEG", **how: Any) -> bytes:
    """Pixels that fill the file, so that cutting it cuts pixels."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(out, kind, **how)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def real_bomb(side: int = 12_000) -> bytes:
    """A few kilobytes that unpack to 400 MB of pixels."""
    return picture(side, side, kind="PNG", mode="1", color=0, optimize=True)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("run.js", "alert(1)")
    return out.getvalue()


def turned() -> bytes:
    """Wide in the file, upright for people: orientation 6."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera of a private person"
    return picture(300, 200, exif=exif)
