"""What may become of an order: its agreement, its payment, its goods. Three tables on one page; nothing moves but by them.

``may_move`` asks, ``check_move`` refuses with the legal moves named, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.errors import IllegalMove
from shop.order.models import FulfillmentState as Goods
from shop.order.models import OrderState as Agreement
from shop.order.models import PaymentState as Money

AGREEMENT: dict[Agreement, tuple[Agreement, ...]] = {
    Agreement.OPEN: (Agreement.COMPLETED, Agreement.CANCELED),
    Agreement.COMPLETED: (),
    Agreement.CANCELED: (),
}

MONEY: dict[Money, tuple[Money, ...]] = {
    Money.UNPAID: (Money.CHECKING, Money.AUTHORIZED, Money.PAID),
    Money.CHECKING: (Money.UNPAID, Money.AUTHORIZED, Money.PAID),
    Money.AUTHORIZED: (Money.PAID, Money.UNPAID),  # taken, or let go
    Money.PAID: (Money.PARTLY_REFUNDED, Money.REFUNDED),
    Money.PARTLY_REFUNDED: (Money.PARTLY_REFUNDED, Money.REFUNDED),
    Money.REFUNDED: (),
}

GOODS: dict[Goods, tuple[Goods, ...]] = {
    Goods.UNFULFILLED: (Goods.PACKED, Goods.PARTLY_SHIPPED, Goods.SHIPPED),
    Goods.PACKED: (Goods.PARTLY_SHIPPED, Goods.SHIPPED, Goods.DELIVERED),  # delivered from packed: handed over at the counter
    Goods.PARTLY_SHIPPED: (Goods.PARTLY_SHIPPED, Goods.SHIPPED),
    Goods.SHIPPED: (Goods.DELIVERED, Goods.RETURNED),
    Goods.DELIVERED: (Goods.RETURNED,),
    Goods.RETURNED: (),
}

STILL_HERE = frozenset({Goods.UNFULFILLED, Goods.PACKED})
EDITABLE = STILL_HERE | {Goods.PARTLY_SHIPPED}
WORDS: dict[Agreement | Money | Goods, Any] = {
    Agreement.OPEN: _l("open"),
    Agreement.COMPLETED: _l("completed"),
    Agreement.CANCELED: _l("canceled"),
    Money.UNPAID: _l("unpaid"),
    Money.CHECKING: _l("payment being checked"),
    Money.AUTHORIZED: _l("payment authorized"),
    Money.PAID: _l("paid"),
    Money.PARTLY_REFUNDED: _l("partly refunded"),
    Money.REFUNDED: _l("refunded"),
    Goods.UNFULFILLED: _l("not packed yet"),
    Goods.PACKED: _l("packed"),
    Goods.PARTLY_SHIPPED: _l("partly shipped"),
    Goods.SHIPPED: _l("shipped"),
    Goods.DELIVERED: _l("delivered"),
    Goods.RETURNED: _l("returned"),
}
State = TypeVar("State", Agreement, Money, Goods)


def word(state: Agreement | Money | Goods) -> str:
    """The state as people read it."""
    return str(WORDS[state])


def may_move(moves: Mapping[State, Collection[State]], now: State, to: State) -> bool:
    return to in moves[now]


def check_move(moves: Mapping[State, Collection[State]], now: State, to: State) -> None:
    """Refuse what the table does not hold.

    Raises:
        IllegalMove: names the state and the legal moves; ``extras`` has both for programs.
    """
    if may_move(moves, now, to):
        return
    legal = moves[now]
    if legal:
        detail = _(
            "The order is %(state)s. From there it can become: %(legal)s.", state=word(now), legal=", ".join(word(move) for move in legal)
        )
    else:
        detail = _("The order is %(state)s. Nothing changes that.", state=word(now))
    raise IllegalMove(detail, state=now.value, legal=[move.value for move in legal])


def can_be_canceled(agreement: Agreement, goods: Goods) -> bool:
    """As long as nothing left the house."""
    return may_move(AGREEMENT, agreement, Agreement.CANCELED) and goods in STILL_HERE
