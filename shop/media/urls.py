"""Where pictures lie, and the shape in which templates get them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from flask import current_app

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


class MediaUrls:
    """Where everybody finds the pictures of one shop: below ``base``, which is ``/media`` or an address elsewhere. Made once, since pages ask it often."""

    def __init__(self, base: str) -> None:
        self.base = base

    def url(self, image: HasHash | str, width: int, format: str) -> str:  # noqa: A002
        """``/media/ab/<hash>-640.webp``: the same in every language, immutable. ``image`` is its hash or anything that has one."""
        name = image if isinstance(image, str) else image.hash
        return f"{self.base}/{name[:2]}/{name}-{width}.{format}"

    def srcset(self, image: ImageView, format: str, max_width: int) -> str:  # noqa: A002
        """The files of ``image`` to choose from, as ``srcset`` has them: the smallest, and all others up to ``max_width``."""
        start = f"{self.base}/{image.hash[:2]}/{image.hash}-"
        return ", ".join([f"{start}{width}.{format} {width}w" for width in image.widths if width <= max_width or width == image.widths[0]])


def media_url(image: HasHash | str, width: int, format: str) -> str:  # noqa: A002
    """``MediaUrls.url`` of this shop, for who is no template: a path of the shop or an address elsewhere (``absolute_url`` takes both)."""
    urls: MediaUrls = current_app.extensions["media_urls"]
    return urls.url(image, width, format)


def file_of(hash: str, width: int, format: str) -> str:  # noqa: A002
    """The key of a rendition on the shelf of pictures."""
    return f"{hash[:2]}/{hash}-{width}.{format}"
