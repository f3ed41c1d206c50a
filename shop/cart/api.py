"""The cart for widgets: JSON under ``/api/v1/cart``. Every answer is the whole cart."""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from shop.cart import bp
from shop.cart.current import find_cart_id, keep_cart, owner_name, quote_visitor_cart, take_news, this_owner
from shop.cart.schemas import AddSchema, CartSchema, ChangeSchema, dump_cart
from shop.cart.services import CartClosed, CartFull, NotForSale, put_into_cart, remove_item, set_quantity
from shop.clock import now
from shop.errors import Invalid, NotFound, OutOfStock
from shop.web.api import describe
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

ADD, CHANGE, CART = AddSchema(), ChangeSchema(), CartSchema()


def answer(status: int = 200, **headers: str) -> Response:
    """The visitor's cart as it is now."""
    return json_response(dump_cart(quote_visitor_cart(), take_news()), status, headers)


def this_cart_id() -> int:
    """The visitor's cart, which must exist to be changed."""
    cart_id = find_cart_id()
    if cart_id is None:
        raise NotFound("You have no cart. POST to /api/v1/cart/items to begin one.")
    return cart_id


@bp.get("/api/v1/cart")
@describe("The visitor's cart", answer=CART)
def show_cart_json() -> ResponseReturnValue:
    return answer()


@bp.post("/api/v1/cart/items")
@describe(
    "Put pieces of a variant into the cart",
    body=ADD,
    answer=CART,
    status=201,
    errors=(Invalid, NotFound, OutOfStock, NotForSale, CartFull, CartClosed),
)
@idempotent(owner_name)
def add_item_json() -> ResponseReturnValue:
    wanted = load_body(ADD)
    keep_cart(put_into_cart(this_owner(), wanted["variant_id"], wanted["quantity"], at=now()))
    return answer(201, Location=url_for("cart.show_cart_json"))


@bp.patch("/api/v1/cart/items/<int:item_id>")
@describe(
    "Change how many pieces a line has; 0 takes it out",
    body=CHANGE,
    answer=CART,
    errors=(Invalid, NotFound, OutOfStock, NotForSale, CartClosed),
)
def change_item_json(item_id: int) -> ResponseReturnValue:
    wanted = load_body(CHANGE)
    set_quantity(this_cart_id(), item_id, wanted["quantity"], at=now())
    return answer()


@bp.delete("/api/v1/cart/items/<int:item_id>")
@describe("Take a line out of the cart", answer=CART, errors=(NotFound, CartClosed))
def remove_item_json(item_id: int) -> ResponseReturnValue:
    remove_item(this_cart_id(), item_id, at=now())
    return answer()
