"""Where pictures lie, and the shape in which templates get them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

FORMATS = ("avif", "webp", "jpeg")


class ImageView(NamedTuple):
    """A picture for the macro ``picture``: size of the original, ascending ``widths`` that exist, and the text for those who do not see it."""

    hash: str
    width: int
    height: int
    widths: tuple[int, ...]
    alt: str = ""


class HasHash(Protocol):
    @property
    def hash(self) -> str: ...


def image_view(hash: str | None, width: int | None, height: int | None, widths: str | None, alt: str | None = "") -> ImageView | None:  # noqa: A002
    """The picture made of the columns of ``Image`` (``widths`` is text there), or None where an outer join found none."""
    if hash is None or width is None or height is None or widths is None:
        return None
    return ImageView(hash, width, height, tuple(map(int, widths.split())), alt or "")


def media_url(image: HasHash | str, width: int, format: str) -> str:  # noqa: A002
    """``/media/ab/<hash>-640.webp``: the same in every language, immutable. ``image`` is its hash or anything that has one."""
    name = image if isinstance(image, str) else image.hash
    return f"/media/{name[:2]}/{name}-{width}.{format}"


def media_srcset(image: ImageView, format: str, max_width: int) -> str:  # noqa: A002
    """The files of ``image`` to choose from, as ``srcset`` has them: the smallest, and all others up to ``max_width``."""
    start = f"/media/{image.hash[:2]}/{image.hash}-"
    return ", ".join([f"{start}{width}.{format} {width}w" for width in image.widths if width <= max_width or width == image.widths[0]])


def file_of(hash: str, width: int, format: str) -> str:  # noqa: A002
    """The path of a rendition below the folder of media."""
    return f"{hash[:2]}/{hash}-{width}.{format}"
