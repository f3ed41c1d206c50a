"""Saying why nothing can be delivered: which part of the address or the cart is the reason, and what to do."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import format_decimal
from flask_babel import gettext as _

from shop.cart.quotes import CartView
from shop.customer.addresses import country_name
from shop.money import format_minor
from shop.pricing.delivery import Measure, Obstacle


def tell_obstacle(view: CartView, locale: str) -> dict[str, list[str]]:
    """The obstacle of a cart as an error at the field that is about it; empty where there is none."""
    obstacle = view.obstacle
    if obstacle is None:
        return {}
    pointer = "/shipping_method" if obstacle.field == "shipping_method" else f"/shipping_address/{obstacle.field}"
    return {pointer: [obstacle_words(view, obstacle, locale)]}


def obstacle_words(view: CartView, obstacle: Obstacle, locale: str) -> str:
    """The reason and the remedy, in one or two sentences."""
    remedy = _("You can collect it.") if obstacle.can_be_collected else _("Choose another address, or write to us.")
    if obstacle.what != "place":
        less = _("Take something out, or order it in two parts.")
        words = [_too_much(view, obstacle, locale), less, *([remedy] if obstacle.can_be_collected else [])]
        return " ".join(str(part) for part in words)
    country = country_name(view.country, locale)
    if obstacle.field == "postcode":
        where = _("We do not deliver to the postcode %(postcode)s in %(country)s.", postcode=view.place.postcode, country=country)
    elif obstacle.field == "region":
        where = _("We do not deliver to this part of %(country)s.", country=country)
    else:
        where = _("We do not deliver to %(country)s.", country=country)
    return f"{where} {remedy}"


def _too_much(view: CartView, obstacle: Obstacle, locale: str) -> str:
    if obstacle.what == Measure.WEIGHT:
        heaviest = max(view.quote.lines, key=lambda line: line.item.weight_g * line.item.quantity * line.item.requires_shipping)
        return str(
            _(
                "This weighs %(has)s kg, and a parcel there takes at most %(most)s kg; the heaviest is %(name)s.",
                has=_kilos(obstacle.has),
                most=_kilos(obstacle.most),
                name=heaviest.item.name,
            )
        )
    if obstacle.what == Measure.AMOUNT:
        most = format_minor(obstacle.most, view.quote.currency, locale)
        return str(_("A delivery there takes goods for at most %(most)s.", most=most))
    return str(_("These are %(has)d pieces, and a delivery there takes at most %(most)d.", has=obstacle.has, most=obstacle.most))


def _kilos(grams: int) -> str:
    return str(format_decimal(Decimal(grams) / 1000))
