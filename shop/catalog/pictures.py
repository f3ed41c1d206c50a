"""Pictures of goods as JSON and other programs get them; pages use the macro ``picture``."""

from __future__ import annotations

from typing import Any

from shop.media.urls import ImageView, media_url

USUAL_WIDTH = 960


def picture_url(image: ImageView, width: int = USUAL_WIDTH) -> str:
    """The JPEG that is at least ``width`` wide, or the widest there is."""
    return media_url(image, next((kept for kept in image.widths if kept >= width), image.widths[-1]), "jpeg")


def dump_picture(image: ImageView | None) -> dict[str, Any] | None:
    """``{url, alt, width, height}``; the size is that of the original and gives the shape."""
    return image and {"url": picture_url(image), "alt": image.alt, "width": image.width, "height": image.height}
