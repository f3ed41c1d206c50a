"""Acting only on what was looked at: a page or a program names the version that it saw, and nothing happens when the order has moved since."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, select, update

from shop.db import scalar, transaction
from shop.errors import NotFound, StaleVersion
from shop.order.models import Order

orders = cast("Table", Order.__table__)
VERSION = select(orders.c.version).where(orders.c.id == bindparam("id"))
Result = TypeVar("Result")


def act_if_unchanged(order_id: int, version: int | None, act: Callable[[], Result]) -> Result:
    """Hold the order, and do ``act`` (a verb of ``services``) if its version is still the one seen; None asks nothing.

    Raises:
        NotFound: there is no such order.
        StaleVersion: somebody or something changed it; ``extras`` has the version of now.
    """
    with transaction() as session:
        if version is not None:
            same = (orders.c.id == order_id) & (orders.c.version == version)
            if session.execute(update(orders).where(same).values(version=version)).rowcount == 0:  # type: ignore[attr-defined]
                raise _stale(order_id)
        return act()


def check_then_act(order_id: int, version: int | None, act: Callable[[], Result]) -> Result:
    """The same for verbs that ask a gateway, and so may not run within one transaction; their own tables refuse a second time.

    Raises:
        NotFound, StaleVersion: as above.
    """
    if version is not None and scalar(VERSION, id=order_id) != version:
        raise _stale(order_id)
    return act()


def _stale(order_id: int) -> Exception:
    current = scalar(VERSION, id=order_id)
    if current is None:
        return NotFound(_("There is no such order."))
    return StaleVersion(_("The order has changed since you looked. Look at it as it is now, and decide again."), version=current)
