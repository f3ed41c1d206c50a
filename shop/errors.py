"""Everything that can go wrong in shop words. One place renders them: ``shop.web.errors``.

ShopError                400  the common root: status, slug, title, what to do next
├── NotFound             404  it does not exist, or it is not yours
├── Forbidden            403  you are known, but may not
├── NotLoggedIn          401  log in first
│   └── BadToken         401  the token or key of a program is not taken
├── Invalid              422  fields are wrong; carries them
├── BadImage             422  the file is no picture that the shop takes; says why
├── Conflict             409  the rule of the shop stands against it
│   ├── IllegalMove      409  the thing is not in a state for that; names the legal moves
│   ├── StaleVersion     409  somebody else changed it since you looked
│   ├── OutOfStock       409  fewer pieces than wanted; names the lines
│   ├── QuoteChanged     409  price, stock, tax or delivery differ from what was shown
│   └── CartEmpty        409  nothing to order
├── TooManyTries         429  wait a little
├── FilesAway            503  the storage of files is away; nothing was changed
└── NotNow               503  the database is away; nothing was half done
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


def N_(text: str) -> str:  # noqa: N802
    """Mark a text for the translators where it is written; it is translated where it is shown."""
    return text


class ShopError(Exception):
    """A rule of the shop was broken. ``detail`` says to the reader what to do next; ``extras`` go into the JSON answer."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "bad-request"
    title: ClassVar[str] = N_("That did not work")

    def __init__(self, detail: str = "", **extras: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extras = extras


class NotFound(ShopError):
    """It does not exist, or it belongs to somebody else: both look alike."""

    status, slug, title = 404, "not-found", N_("Not found")


class Forbidden(ShopError):
    """The caller is known, and may not do this."""

    status, slug, title = 403, "forbidden", N_("Not allowed")


class NotLoggedIn(ShopError):
    """Only for people who have logged in."""

    status, slug, title = 401, "not-logged-in", N_("Please log in")


class BadToken(NotLoggedIn):
    """The token or key that a program shows is wrong, too old or was ended: all look alike."""

    slug, title = "bad-token", N_("This token is not taken")


class Invalid(ShopError):
    """Fields are wrong. ``errors`` maps a JSON pointer (``/address/postcode``) or field name to its messages."""

    status, slug, title = 422, "invalid", N_("Some fields need another look")

    def __init__(self, errors: Mapping[str, Sequence[str]], detail: str = "") -> None:
        super().__init__(detail)
        self.errors = errors


class BadImage(ShopError):
    """The file is no picture that the shop takes; the detail says why and what to send instead."""

    status, slug, title = 422, "bad-image", N_("This picture cannot be used")


class Conflict(ShopError):
    """A rule of the shop stands against it."""

    status, slug, title = 409, "conflict", N_("That is not possible now")


class IllegalMove(Conflict):
    """The object is not in a state from which this can be done; the detail names the legal moves."""

    slug, title = "illegal-move", N_("That step is not possible now")


class StaleVersion(Conflict):
    """Somebody else changed it since it was looked at."""

    slug, title = "stale-version", N_("Somebody changed this meanwhile")


class OutOfStock(Conflict):
    """Fewer pieces are left than wanted. ``extras['lines']`` lists ``{variant_id, wanted, available}``."""

    slug, title = "out-of-stock", N_("Not enough in stock")


class QuoteChanged(Conflict):
    """Price, stock, tax or delivery differ from what the customer was shown; nothing was ordered."""

    slug, title = "quote-changed", N_("The price has changed")


class CartEmpty(Conflict):
    """There is nothing to order."""

    slug, title = "cart-empty", N_("Your cart is empty")


class TooManyTries(ShopError):
    """Too often in too short a time. ``extras['retry_after_s']`` says how long to wait."""

    status, slug, title = 429, "too-many-tries", N_("Please wait a little")


class FilesAway(ShopError):
    """The place where pictures and papers lie does not answer. Nothing was changed; the detail says what to do."""

    status, slug, title = 503, "files-away", N_("Files cannot be reached at the moment")


class NotNow(ShopError):
    """The shop's database is away, full or overrun. Nothing was half done; try again after ``Retry-After`` seconds."""

    status, slug, title = 503, "not-now", N_("The shop cannot be reached at the moment")
