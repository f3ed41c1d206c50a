"""The cart for widgets: JSON under ``/api/v1/cart``. Every answer is the whole cart."""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.cart import bp
from shop.cart.codes import remove_code
from shop.cart.current import find_cart_id, keep_cart, owner_name, quote_visitor_cart, take_news, this_owner, use_typed_code
from shop.cart.schemas import AddSchema, CartSchema, ChangeSchema, CodeSchema, WhereSchema, dump_cart
from shop.cart.services import CartClosed, CartFull, NotForSale, put_into_cart, remove_item, set_quantity
from shop.clock import now
from shop.errors import Invalid, NotFound, OutOfStock, TooManyTries
from shop.pricing.queries import reachable_countries
from shop.pricing.trace import trace_of
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

ADD, CHANGE, CART, WHERE, CODE = AddSchema(), ChangeSchema(), CartSchema(), WhereSchema(), CodeSchema()


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
@describe("The visitor's cart; `country` estimates tax and delivery for another country", query=WHERE, answer=CART, errors=(Invalid,))
def show_cart_json() -> ResponseReturnValue:
    asked = load_query(WHERE)
    country = asked["country"].upper()
    if country and country not in reachable_countries():
        raise Invalid({"/country": [_("We do not deliver to %(country)s.", country=country)]})
    view = quote_visitor_cart(country)
    dumped = dump_cart(view, take_news())
    return json_response({**dumped, "trace": trace_of(view.quote)} if asked["trace"] else dumped)


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


@bp.post("/api/v1/cart/codes")
@describe(
    "Use a code; one that waits for more goods stays and says what is missing",
    body=CODE,
    answer=CART,
    status=201,
    errors=(Invalid, TooManyTries, CartClosed),
)
@idempotent(owner_name)
def use_code_json() -> ResponseReturnValue:
    use_typed_code(load_body(CODE)["code"])
    return answer(201, Location=url_for("cart.show_cart_json"))


@bp.delete("/api/v1/cart/codes/<code>")
@describe("Take a code out of the cart", answer=CART, errors=(NotFound, CartClosed))
def remove_code_json(code: str) -> ResponseReturnValue:
    remove_code(this_cart_id(), code, at=now())
    return answer()
