"""From an untrusted file to clean pictures in several widths and formats.

This file is also a program: ``workshop`` runs it by its path in a process of its own, so that a decoder that hangs, crashes or eats memory takes
nothing else with it and workers of the web never load Pillow. It therefore imports nothing of the shop. It reads jobs, one JSON object a line
(``source``, ``folder``, ``hash``), and answers each with one line: ``{"width", "height", "widths"}`` or ``{"problem"}``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

WIDTHS = (160, 320, 640, 960, 1280)
MAX_PIXELS = 40_000_000
READS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
# Measured on 1200 × 1500 photographs: AVIF at speed 9 costs 40 % of speed 8 and gives 13 % more bytes, and needs quality 68
# instead of 60 to keep flat backgrounds calm around fine leaves; WebP's method 2 a third of method 4 for 7 %.
# The narrow range of AVIF shifts flat colors half as much as the full one (libavif rounds chroma down) and saves 5 %.
WRITES: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 68, "speed": 9, "range": "limited", "max_threads": 1},
    "webp": {"format": "WEBP", "quality": 78, "method": 2},
    "jpeg": {"format": "JPEG", "quality": 78, "optimize": True, "progressive": True},
}
CPU_S = 60
MEMORY_B = 2 * 1024**3

# What else a file may pretend to be: a page, a script, a document at its beginning; an archive at its end.
FOREIGN = re.compile(rb"<script[\s>]|<html[\s>]|<!doctype |<\?php", re.IGNORECASE)
FOREIGN_HEAD = re.compile(rb"%PDF-|<svg[\s>]|<\?xml", re.IGNORECASE)
HEAD_B = 1024
ZIP_END = b"PK\x05\x06"
ZIP_END_B = 22


class Unusable(Exception):
    """The file is no picture that the shop takes; the argument is a word that ``services`` has a sentence for."""


def make_renditions(source: Path, folder: Path, name: str) -> dict[str, Any]:
    """Check the file, write ``<folder>/<name>-<width>.<format>`` for every width and format, and tell the original's size and the widths.

    Raises:
        Unusable: see there. Nothing is written then.
    """
    content = source.read_bytes()
    refuse_foreign(content)
    image = upright_srgb(decode(content))
    widths = widths_of(image.width)
    for width, format_name, encoded in encode(image, widths):
        write(folder / f"{name}-{width}.{format_name}", encoded)
    return {"width": image.width, "height": image.height, "widths": widths}


def refuse_foreign(content: bytes) -> None:
    """A file that is a picture and something else as well is a trap, although none of it would survive the encoding."""
    head = content[:HEAD_B]
    if re.search(rb"<svg[\s>]", head, re.IGNORECASE):
        raise Unusable("svg")
    if FOREIGN_HEAD.search(head) or FOREIGN.search(content) or ends_as_archive(content):
        raise Unusable("foreign")


def ends_as_archive(content: bytes) -> bool:
    """Does a ZIP directory end exactly where the file does? Source: APPNOTE.TXT 4.3.16, end of central directory record."""
    at = content.rfind(ZIP_END)
    if at < 0 or at + ZIP_END_B > len(content):
        return False
    comment = int.from_bytes(content[at + 20 : at + ZIP_END_B], "little")
    return at + ZIP_END_B + comment == len(content)


def decode(content: bytes) -> Image.Image:
    """The first frame, all of its pixels read. The size is judged before any pixel is."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=READS)
        if image.width * image.height > MAX_PIXELS:
            raise Unusable("pixels")
        image.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Unusable("pixels") from None
    except UnidentifiedImageError:
        raise Unusable("unknown") from None
    except MemoryError:
        raise Unusable("pixels") from None
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, OverflowError, EOFError):
        raise Unusable("damaged") from None
    return image


def upright_srgb(image: Image.Image) -> Image.Image:
    """Turned as the camera was held, in sRGB, without any metadata; RGBA where something is transparent, else RGB."""
    profile = image.info.get("icc_profile")
    with contextlib.suppress(OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError):  # broken metadata beside good pixels
        image = ImageOps.exif_transpose(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        image = image.convert(mode)
    converted = to_srgb(image, profile, mode) or image.convert(mode)
    if mode == "RGBA" and converted.getchannel("A").getextrema() == (255, 255):
        converted = converted.convert("RGB")
    converted.info.clear()
    return converted


def to_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image | None:
    """Converted by its own color profile, or None where it has none that works."""
    if not profile:
        return None
    try:
        return ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def widths_of(width: int) -> list[int]:
    """The usual widths below the original's, and its own where it stands before the next: never enlarged."""
    smaller = [usual for usual in WIDTHS if usual < width]
    return smaller if len(smaller) == len(WIDTHS) else [*smaller, width]


def encode(image: Image.Image, widths: list[int]) -> Iterator[tuple[int, str, bytes]]:
    """Each width in each format, from the widest down, each made from the one before. JPEG knows no transparency: it gets white paper."""
    shape = image.size
    for width in reversed(widths):
        if width != image.width:
            size = (width, max(1, round(shape[1] * width / shape[0])))
            image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        for format_name, how in WRITES.items():
            written = on_white(image) if format_name == "jpeg" and image.mode == "RGBA" else image
            out = io.BytesIO()
            written.save(out, **how)
            yield width, format_name, out.getvalue()


def on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def write(path: Path, content: bytes) -> None:
    """The whole file or none: under another name first, on the disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def main() -> None:
    """Do jobs until the input ends; a job that needs more memory or time than any picture should ends this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_B, MEMORY_B))
    for line in sys.stdin:
        job = json.loads(line)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(usage.ru_utime + usage.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_S, resource.RLIM_INFINITY))
        try:
            answer = make_renditions(Path(job["source"]), Path(job["folder"]), job["hash"])
        except Unusable as problem:
            answer = {"problem": str(problem)}
        except MemoryError:
            answer = {"problem": "pixels"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
