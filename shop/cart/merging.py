"""What becomes of a guest's cart when its owner logs in: it becomes theirs, or joins the one they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, delete, insert, update
from sqlalchemy.exc import IntegrityError

from shop.cart.codes import bring_codes
from shop.cart.models import MAX_QUANTITY, CartState
from shop.cart.queries import list_cart_lines
from shop.cart.services import CHANGE, CLAIM_OF_GUEST, CLAIM_OF_MEMBER, carts, close_cart, lines
from shop.db import connection, row, transaction

ADOPT = update(carts).where(carts.c.id == bindparam("cart")).values(user_id=bindparam("owner_id"))
EMPTY = delete(lines).where(lines.c.cart_id == bindparam("cart"))


class Capped(NamedTuple):
    """A line of which less was kept than the two carts together held."""

    name: str
    wanted: int
    kept: int


class Merge(NamedTuple):
    """What joining two carts did: how many lines came along, and which were cut to what there is."""

    cart_id: int
    joined: int
    capped: tuple[Capped, ...]


def merge_carts(key: str, user_id: int, *, locale: str, at: datetime) -> Merge | None:
    """Let the guest's cart named ``key`` be the member's: as it is when they have none, else line by line, quantities added.

    A line is cut to what is in stock and to ``MAX_QUANTITY``, never below what the member's cart held before; what is sold out comes along and says
    so. Of two log-ins at once the second finds no guest's cart any more: None, nothing happens twice.
    """
    with transaction():
        guest = row(CLAIM_OF_GUEST, owner_key=key, at=at)
        if guest is None:
            return None
        member = row(CLAIM_OF_MEMBER, owner_id=user_id, at=at)
        if member is None and _adopt(guest.id, user_id):
            return Merge(guest.id, 0, ())
        member = member or row(CLAIM_OF_MEMBER, owner_id=user_id, at=at)
        if member is None:
            return None
        return _join(guest.id, member.id, locale=locale, at=at)


def _adopt(cart_id: int, user_id: int) -> bool:
    """Make the guest's cart the member's; False when another device gave them one this moment."""
    try:
        with connection().begin_nested():
            connection().execute(ADOPT, {"cart": cart_id, "owner_id": user_id})
    except IntegrityError:
        return False
    return True


def _join(guest_id: int, member_id: int, *, locale: str, at: datetime) -> Merge:
    theirs = {line.variant_id: line for line in list_cart_lines(member_id, locale=locale, at=at)}
    brought = list_cart_lines(guest_id, locale=locale, at=at)
    _write(member_id, brought, theirs, at)
    bring_codes(guest_id, member_id)
    connection().execute(EMPTY, {"cart": guest_id})
    close_cart(guest_id, CartState.MERGED, at=at)
    capped = [
        Capped(line.name, _wanted(line, theirs), kept) for line in brought if 0 < (kept := _together(line, theirs)) < _wanted(line, theirs)
    ]
    return Merge(member_id, len(brought), tuple(capped))


def _wanted(line: Row[Any], theirs: Mapping[int, Row[Any]]) -> int:
    return int(line.quantity) + _held(line, theirs)


def _held(line: Row[Any], theirs: Mapping[int, Row[Any]]) -> int:
    return int(theirs[line.variant_id].quantity) if line.variant_id in theirs else 0


def _together(line: Row[Any], theirs: Mapping[int, Row[Any]]) -> int:
    """How many pieces the joined line holds."""
    held = _held(line, theirs)
    most = min(line.on_hand, MAX_QUANTITY) if line.is_tracked else MAX_QUANTITY
    if most <= 0:
        return held or int(line.quantity)
    return max(held, min(held + int(line.quantity), most))


def _write(cart_id: int, brought: Sequence[Row[Any]], theirs: Mapping[int, Row[Any]], at: datetime) -> None:
    changed = [
        {"item": theirs[line.variant_id].id, "pieces": _together(line, theirs), "seen": theirs[line.variant_id].seen_price_minor}
        for line in brought
        if line.variant_id in theirs
    ]
    new = [
        {
            "cart_id": cart_id,
            "variant_id": line.variant_id,
            "quantity": _together(line, theirs),
            "seen_price_minor": line.seen_price_minor,
            "added_at": at,
        }
        for line in brought
        if line.variant_id not in theirs
    ]
    if changed:
        connection().execute(CHANGE, changed)
    if new:
        connection().execute(insert(lines), new)
