"""Passwords: hashing, bounded so that a flood of log-ins cannot starve the shop, and which ones are refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import Flask, current_app
from flask_babel import gettext as _

from shop.errors import N_, ShopError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 8, 256
JUDGED = 72  # characters: what zxcvbn takes; it needs 20 ms for the worst of them
AT_ONCE = 2
PATIENCE_S = 4.0
COMMON = Path(__file__).with_name("common_passwords.txt")


class TooBusy(ShopError):
    """More log-ins at once than the machine can check."""

    status, slug, title = 503, "too-busy", N_("Many people are logging in just now")


def init_app(app: Flask) -> None:
    app.extensions["password_slots"] = BoundedSemaphore(AT_ONCE)


@cache
def _hasher() -> PasswordHasher:
    """Argon2id with 19 MiB and two passes, about 20 ms. Source: OWASP Password Storage Cheat Sheet."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """The hash that is checked where there is no account, so that both take the same time."""
    return _hasher().hash(secrets.token_urlsafe(16))


@contextmanager
def _slot() -> Iterator[None]:
    """One of the few places for hashing in this process; the others wait a little, then are asked to come back."""
    slots: BoundedSemaphore = current_app.extensions["password_slots"]
    if not slots.acquire(timeout=PATIENCE_S):
        raise TooBusy(_("Please try again in a few seconds."), retry_after_s=5)
    try:
        yield
    finally:
        slots.release()


def hash_password(password: str) -> str:
    """An argon2id hash with its own salt.

    Raises:
        TooBusy: no place for hashing became free in time.
    """
    with _slot():
        return _hasher().hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Is this the password? Takes the same time where there is no hash at all. Never inside a transaction.

    Raises:
        TooBusy: no place for hashing became free in time.
    """
    from argon2.exceptions import Argon2Error, InvalidHashError

    with _slot():
        try:
            return _hasher().verify(password_hash or _nobody(), password) and bool(password_hash)
        except (Argon2Error, InvalidHashError):
            return False


def needs_rehash(password_hash: str) -> bool:
    """Was this hash made with weaker settings than today's?"""
    return _hasher().check_needs_rehash(password_hash)


@cache
def _common() -> frozenset[str]:
    return frozenset(COMMON.read_text("utf-8").split())


def why_refused(password: str, *, about: tuple[str, ...] = ()) -> str:
    """The reason why nobody should use this password, or "". ``about``: the person's own address and name.

    No rules about kinds of characters. Source: NIST SP 800-63B, 3.1.1.2; OWASP ASVS 5.0, 6.2.4, 6.2.5.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return str(_("Use %(low)s to %(high)s characters.", low=SHORTEST, high=LONGEST))
    plain = password.casefold()
    if plain in _common() or len(set(plain)) <= 2:
        return str(_("Many people use this password, so it is guessed first. Choose another one."))
    own = {word.casefold() for text in about for word in (text, text.partition("@")[0]) if word}
    if plain in own:
        return str(_("This is your name or address. Choose something that nobody knows of you."))
    return ""


def judge_strength(password: str, *, about: tuple[str, ...] = ()) -> tuple[int, str]:
    """How long a password would withstand guessing, from 0 to 4, in words. Advice only: what is refused says ``why_refused``.

    Source: D. Wheeler, zxcvbn, USENIX Security 2016.
    """
    if reason := why_refused(password, about=about):
        return 0, reason
    from zxcvbn import zxcvbn  # its lists take 15 MB, and only who chooses a password needs them

    score = int(zxcvbn(password[:JUDGED], user_inputs=[text[:JUDGED] for text in about])["score"])
    words = (
        _("Easy to guess. Add a few words."),
        _("Easy to guess. Add a few words."),
        _("Could be stronger: add a word or two."),
        _("Strong."),
        _("Very strong."),
    )
    return score, str(words[score])
