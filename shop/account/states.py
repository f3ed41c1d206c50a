"""Where an order stands, in a word or two for its buyer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.money import format_money
from shop.order.models import FulfillmentState as Goods
from shop.order.models import OrderState, PaymentState
from shop.order.standing import standing_of
from shop.web.locale import current_locale

# The first that fits says it: (does it fit?, how the macro ``state`` marks it, what it says; at the counter it may say something else).
WORDS: tuple[tuple[Callable[[Any], bool], str, Any, Any], ...] = (
    (lambda order: order.state == OrderState.CANCELED, "", _l("Canceled"), None),
    (lambda order: order.fulfillment_state == Goods.RETURNED, "", _l("Sent back"), None),
    (lambda order: order.fulfillment_state == Goods.DELIVERED, "done", _l("Delivered"), _l("Collected")),
    (lambda order: order.fulfillment_state == Goods.SHIPPED, "now", _l("On its way"), None),
    (lambda order: order.fulfillment_state == Goods.PARTLY_SHIPPED, "now", _l("Partly on its way"), None),
    (lambda order: order.payment_state == PaymentState.CHECKING, "now", _l("The payment is being checked"), None),
    (lambda order: order.payment_state == PaymentState.UNPAID, "now", _l("Waiting for the payment"), None),
    (lambda order: order.fulfillment_state == Goods.PACKED, "now", _l("Packed"), _l("Ready to collect")),
    (lambda _order: True, "now", _l("We are getting it ready"), None),
)


def say_state(order: Any) -> tuple[str, str]:
    """Mark and words for an order, or a row of a list of them, with its three states and ``is_pickup``."""
    mark, at_home, at_the_counter = next(words for fits, *words in WORDS if fits(order))
    return mark, str(at_the_counter if order.is_pickup and at_the_counter else at_home)


def say_money(order: Any) -> list[tuple[str, str]]:
    """Marks and words for what moved or still moves beside the one payment, of a row of a list: nothing for an order that is simply paid."""
    standing, said = standing_of(order), []
    if standing.to_pay:
        said.append(("now", str(_("%(amount)s still to pay", amount=format_money(standing.to_pay, current_locale())))))
    if standing.to_give_back:
        said.append(("now", str(_("%(amount)s on their way back to you", amount=format_money(standing.to_give_back, current_locale())))))
    if standing.refunded:
        said.append(("done", str(_("%(amount)s given back", amount=format_money(standing.refunded, current_locale())))))
    return said
