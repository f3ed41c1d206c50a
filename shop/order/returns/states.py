"""What may become of a return: one table, as those of orders in ``shop.order.states``."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.errors import IllegalMove
from shop.order.returns.models import ReturnReason, ReturnState

MOVES: dict[ReturnState, tuple[ReturnState, ...]] = {
    ReturnState.ASKED: (ReturnState.APPROVED, ReturnState.REFUSED, ReturnState.WITHDRAWN),
    ReturnState.APPROVED: (ReturnState.RECEIVED, ReturnState.WITHDRAWN),
    ReturnState.RECEIVED: (ReturnState.REFUNDED,),
    ReturnState.REFUSED: (),
    ReturnState.WITHDRAWN: (),
    ReturnState.REFUNDED: (),
}
UNDER_WAY = (ReturnState.ASKED, ReturnState.APPROVED)
WORDS: dict[ReturnState, Any] = {
    ReturnState.ASKED: _l("asked for"),
    ReturnState.APPROVED: _l("approved"),
    ReturnState.REFUSED: _l("refused"),
    ReturnState.WITHDRAWN: _l("taken back"),
    ReturnState.RECEIVED: _l("received"),
    ReturnState.REFUNDED: _l("paid back"),
}
REASONS: dict[ReturnReason, Any] = {
    ReturnReason.WITHDRAWAL: _l("I changed my mind"),
    ReturnReason.DAMAGED: _l("It is damaged or does not work"),
    ReturnReason.WRONG: _l("It is not what I ordered"),
    ReturnReason.NOT_AS_SHOWN: _l("It is not as it was shown"),
    ReturnReason.OTHER: _l("Something else"),
}


def return_word(state: ReturnState) -> str:
    """The state as people read it."""
    return str(WORDS[state])


def may_move(now: ReturnState, to: ReturnState) -> bool:
    return to in MOVES[now]


def check_return_move(now: ReturnState, to: ReturnState) -> None:
    """Refuse what the table does not hold.

    Raises:
        IllegalMove: names the state and the legal moves.
    """
    if may_move(now, to):
        return
    legal = MOVES[now]
    if legal:
        words = ", ".join(str(WORDS[move]) for move in legal)
        detail = _("The return is %(state)s. From there it can become: %(legal)s.", state=str(WORDS[now]), legal=words)
    else:
        detail = _("The return is %(state)s. Nothing changes that.", state=str(WORDS[now]))
    raise IllegalMove(detail, state=now.value, legal=[move.value for move in legal])
