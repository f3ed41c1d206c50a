"""Ordering by JSON: the same rules, the same service."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.cart.current import find_cart_id, owner_name, this_owner
from shop.cart.quotes import quote_cart
from shop.cart.services import CartClosed
from shop.checkout import bp
from shop.checkout.obstacles import tell_obstacle
from shop.checkout.schemas import PlaceOrderSchema
from shop.checkout.services import find_own_order, place_order
from shop.checkout.wanted import Checkout, check_addresses, check_choices, destination_of, home_country
from shop.clock import now
from shop.errors import CartEmpty, Invalid, OutOfStock, QuoteChanged
from shop.order.links import order_url
from shop.order.models import Order
from shop.order.queries import get_order_by_id
from shop.order.schemas import OrderSchema, dump_order, pay_url
from shop.payment.services import start_payment
from shop.pricing.places import Destination
from shop.pricing.queries import list_deliveries
from shop.pricing.vat import clean_vat_number
from shop.web.api import describe
from shop.web.context import user
from shop.web.idempotency import first_tried_at, idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

body, answer = PlaceOrderSchema(), OrderSchema()


@bp.post("/api/v1/orders")
@describe(
    "Order what lies in the cart",
    body=body,
    answer=answer,
    status=201,
    errors=[CartEmpty, CartClosed, QuoteChanged, OutOfStock, Invalid],
)
@idempotent(owner_name)
def place_json() -> ResponseReturnValue:
    wanted = _read(load_body(body))
    placed = _find_unanswered() or place_order(_this_cart(), wanted, at=now())
    step = start_payment(placed.id, gateway=placed.payment_method, at=now()) if placed.total_minor else None
    order = get_order_by_id(placed.id)
    where = (step.url if step else None) or pay_url(order)
    return json_response(dump_order(order, pay_url=where), 201, {"Location": order_url(order.number, order.locale)})


def _find_unanswered() -> Order | None:
    """The order of this very request, where the process that wrote it died before it could answer."""
    since = first_tried_at()
    return None if since is None else find_own_order(this_owner(), since=since)


def _this_cart() -> int:
    cart_id = find_cart_id()
    if cart_id is None:
        raise CartEmpty(_("Put something in first."))
    return cart_id


def _read(sent: dict[str, Any]) -> Checkout:
    """The body as an order.

    Raises:
        Invalid: names everything that is wrong at once.
    """
    place = destination_of(sent["shipping_address"])
    offered = list_deliveries(place, currency=current_app.extensions["config"].currency, locale=current_locale())
    here = list_deliveries(home_country(), currency=current_app.extensions["config"].currency, locale=current_locale())
    deliveries = {delivery.code: delivery for delivery in [*(one for one in here if one.is_pickup), *offered]}
    delivery, errors = check_choices(
        shipping_method=sent["shipping_method"],
        payment_method=sent["payment_method"],
        accepts_terms=sent["accepts_terms"],
        deliveries=deliveries.values() if sent["shipping_method"] else (),
    )
    if delivery is None and sent["shipping_method"] and not any(not way.is_pickup for way in offered):
        errors |= _nothing_leads_to(place)
    try:
        vat_number = clean_vat_number(sent["vat_number"])
    except ValueError as wrong:
        errors["/vat_number"] = [str(wrong)]
    goes_somewhere = bool(sent["shipping_method"]) and not (delivery is not None and delivery.is_pickup)
    try:
        shipping, billing = check_addresses(sent["shipping_address"], sent["billing_address"], goes_somewhere=goes_somewhere)
    except Invalid as problem:
        raise Invalid({**problem.errors, **errors}) from None
    if errors:
        raise Invalid(errors)
    member = user()
    return Checkout(
        email=sent["email"],
        locale=current_locale(),
        shipping_address=shipping,
        billing_address=billing,
        shipping_method=delivery.code if delivery else "",
        payment_method=sent["payment_method"],
        shown=sent["shown"],
        note=sent["note"],
        vat_number=vat_number,
        user_id=member.id if member else None,
    )


def _nothing_leads_to(place: Destination) -> dict[str, list[str]]:
    """No way of delivery reaches the address: says which part of it is the reason."""
    view = quote_cart(find_cart_id(), country=place, delivery_code=None, locale=current_locale(), at=now())
    return tell_obstacle(view, current_locale()) or {"/shipping_method": [_("Choose how it shall come.")]}
