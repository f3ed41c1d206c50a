"""Writes the orders that were planned, priced by the shop's own rules; what became of them stands in ``turns``.

Rows are written without events: no mail goes out for what never happened.
"""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy.orm import Session

from shop.db import transaction
from shop.demo.place import Place
from shop.demo.stories import AT_COUNTER, Story
from shop.demo.turns import Move, Told, tell_on
from shop.inventory.models import Reason
from shop.order.models import (
    MOST_TRACE,
    AddressKind,
    Adjustment,
    FulfillmentState,
    Order,
    OrderAddress,
    OrderLine,
    OrderState,
    PaymentState,
)
from shop.order.numbers import ALPHABET, LENGTH
from shop.pricing.goods import Item
from shop.pricing.queries import list_deliveries, prices_include_tax, tax_rates
from shop.pricing.quote import Quote, make_quote
from shop.pricing.trace import write_trace


def write_orders(place: Place, stories: list[Story], chance: Random) -> list[Move]:
    """Write all orders; gives how they moved the stock."""
    moves: list[Move] = []
    with transaction() as session:
        for story in stories:
            told = _place(session, place, story, chance)
            tell_on(told)
            session.flush()
            moves += told.moves
    return moves


def _place(session: Session, place: Place, story: Story, chance: Random) -> Told:
    quote = _quote(place, story)
    delivery = quote.delivery
    assert delivery is not None
    buyer = story.buyer
    order = Order(
        number=_number(chance),
        user_id=buyer.user_id,
        customer_id=buyer.customer_id,
        email=buyer.email,
        locale=buyer.locale,
        currency=quote.currency,
        state=OrderState.OPEN,
        payment_state=PaymentState.UNPAID,
        fulfillment_state=FulfillmentState.UNFULFILLED,
        prices_include_tax=quote.prices_include_tax,
        subtotal_minor=quote.subtotal_minor,
        discount_minor=quote.discount_minor,
        shipping_minor=quote.shipping_minor,
        trace=write_trace(quote, most=MOST_TRACE),
        tax_minor=quote.tax_minor,
        total_minor=quote.total_minor,
        shipping_method=delivery.code,
        shipping_name=delivery.name,
        is_pickup=delivery.is_pickup,
        payment_method=story.gateway,
        note=story.note,
        terms_accepted_at=story.placed_at,
        placed_at=story.placed_at,
        is_demo=True,
    )
    session.add(order)
    session.flush()
    lines = [_line(order.id, position, line) for position, line in enumerate(quote.lines)]
    session.add_all(lines)
    session.add_all(Adjustment(order_id=order.id, **_columns(adjustment)) for adjustment in quote.adjustments)
    kind = AddressKind.BILLING if delivery.is_pickup else AddressKind.SHIPPING
    session.add(OrderAddress(order_id=order.id, kind=kind, **buyer.home))
    session.flush()
    told = Told(session, place, chance, story, order, lines, story.placed_at)
    told.move(-1, Reason.SALE, "customer")
    return told


def _quote(place: Place, story: Story) -> Quote:
    locale, country = story.buyer.locale, story.buyer.country
    ways = list_deliveries(country, currency=place.currency, locale=locale)
    wanted = next((way for way in ways if way.is_pickup is (story.kind in AT_COUNTER)), ways[0])
    items = []
    for sold, count in story.lines:
        price, former = sold.price_at(story.placed_at)
        options = ", ".join(value[locale] for value in sold.piece.values)
        items.append(
            Item(
                variant_id=sold.id,
                product_id=sold.product_id,
                name=sold.good.name[locale],
                options=options,
                sku=sold.piece.sku,
                unit_price_minor=price,
                compare_at_minor=former,
                quantity=count,
                tax_class=sold.good.tax_class,
                weight_g=sold.piece.weight_g,
                requires_shipping=True,
                image_id=sold.image_id,
                slug=sold.slug[locale],
            )
        )
    rates = tax_rates(country, at=story.placed_at)
    return make_quote(items, currency=place.currency, prices_include_tax=prices_include_tax(), tax_rates=rates, delivery=wanted)


def _line(order_id: int, position: int, line: Any) -> OrderLine:
    item = line.item
    return OrderLine(
        order_id=order_id,
        position=position,
        variant_id=item.variant_id,
        product_slug=item.slug,
        name=item.name,
        options=item.options,
        sku=item.sku,
        image_id=item.image_id,
        quantity=item.quantity,
        shipped_quantity=0,
        unit_price_minor=item.unit_price_minor,
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_class=item.tax_class,
        weight_g=item.weight_g,
        requires_shipping=item.requires_shipping,
    )


def _columns(adjustment: Any) -> dict[str, Any]:
    return {
        name: getattr(adjustment, name) for name in ("kind", "source", "label", "net_minor", "tax_minor", "gross_minor", "tax_rate_ppm")
    }


def _number(chance: Random) -> str:
    drawn = "".join(chance.choice(ALPHABET) for _ in range(LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"
