"""The cart's page and its forms. What is refused is shown on the cart's page, with what was typed and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from shop.cart import bp
from shop.cart.codes import remove_code
from shop.cart.current import (
    find_cart_id,
    keep_cart,
    quote_visitor_cart,
    remember_added,
    remember_removed,
    take_added,
    take_removed,
    this_owner,
    use_typed_code,
)
from shop.cart.forms import TYPED_MAX, AddForm, ChangeForm, RemoveForm, TypedCode
from shop.cart.models import MAX_QUANTITY
from shop.cart.queries import find_variant, list_sought
from shop.cart.services import CartFull, NotForSale, Removed, put_into_cart, remove_item, set_quantity
from shop.catalog.cards import show_cards
from shop.clock import now
from shop.customer.addresses import list_countries
from shop.errors import Conflict, Invalid, NotFound, OutOfStock, ShopError, TooManyTries
from shop.pricing.queries import reachable_countries
from shop.web.locale import current_locale
from shop.web.text import clean_integer

BESIDE = 4


@dataclass(frozen=True, slots=True)
class Refused:
    """What could not be put in or changed, as it was typed. ``item_id`` is None when it was to be put in anew."""

    message: str
    typed: str
    item_id: int | None = None
    variant: Any = None


@bp.get("/cart")
def show_cart() -> ResponseReturnValue:
    """What lies in the cart and what it costs. Looking changes nothing in it."""
    return show(added=take_added(), removed=take_removed())


@bp.post("/cart/items")
def add_item() -> ResponseReturnValue:
    """Put pieces of a variant in, then show the cart."""
    try:
        variant_id = clean_integer(request.form.get("variant_id", ""), low=1)
        quantity = clean_integer(request.form.get("quantity", ""), low=1, high=MAX_QUANTITY)
    except ValueError as error:
        return refuse_to_add(str(error), 422)
    try:
        cart = put_into_cart(this_owner(), variant_id, quantity, at=now())
    except (OutOfStock, NotForSale, CartFull, Invalid) as problem:
        return refuse_to_add(_words(problem), problem.status)
    keep_cart(cart)
    remember_added(variant_id)
    return redirect(url_for("cart.show_cart"), 303)


@bp.post("/cart/items/<int:item_id>")
def change_item(item_id: int) -> ResponseReturnValue:
    """Change a line's quantity, or take it out."""
    cart_id = find_cart_id()
    if cart_id is None:
        raise NotFound(_("This line is not in the cart any more."))
    if "remove" in request.form:
        return take_out(cart_id, item_id)
    form = ChangeForm()
    quantity = form.quantity.data
    if not form.validate_on_submit() or quantity is None:
        return show(422, refused=Refused(_first_error(form), typed_in(form), item_id))
    try:
        changed = set_quantity(cart_id, item_id, quantity, at=now())
    except (OutOfStock, NotForSale) as problem:
        return show(problem.status, refused=Refused(_words(problem), typed_in(form), item_id))
    if isinstance(changed, Removed):
        remember_removed(changed)
    return redirect(url_for("cart.show_cart"), 303)


@bp.post("/cart/codes")
def change_codes() -> ResponseReturnValue:
    """Use a code, or take one out."""
    form, typed = RemoveForm(), request.form.get("code", "")[:TYPED_MAX]
    if not form.validate_on_submit():
        return show(422, code=TypedCode(typed, _first_error(form)))
    if "remove" in request.form:
        remove_code(find_cart_id() or 0, request.form["remove"][:TYPED_MAX], at=now())
        return redirect(url_for("cart.show_cart"), 303)
    try:
        use_typed_code(typed)
    except (Invalid, TooManyTries) as problem:
        return show(problem.status, code=TypedCode(typed, _words(problem)))
    return redirect(url_for("cart.show_cart"), 303)


def take_out(cart_id: int, item_id: int) -> ResponseReturnValue:
    """Take a line out and offer to put it back."""
    form = RemoveForm()
    if not form.validate_on_submit():
        return show(422, refused=Refused(_first_error(form), "", item_id))
    remember_removed(remove_item(cart_id, item_id, at=now()))
    return redirect(url_for("cart.show_cart"), 303)


def refuse_to_add(message: str, status: int) -> ResponseReturnValue:
    """The cart's page, with the goods that were not put in and a field to try again. Only here a form object is worth its time."""
    form = AddForm()
    variant_id = form.variant_id.data
    variant = None if variant_id is None else find_variant(variant_id, locale=current_locale(), at=now())
    return show(status, refused=Refused(message, typed_in(form), variant=variant))


def show(
    status: int = 200,
    *,
    refused: Refused | None = None,
    added: int | None = None,
    removed: dict[str, Any] | None = None,
    code: TypedCode | None = None,
) -> ResponseReturnValue:
    view = quote_visitor_cart(request.args.get("country", "")[:2].upper())
    if refused is not None and refused.item_id is not None and all(line.id != refused.item_id for line in view.lines):
        raise NotFound(_("This line is not in the cart any more."))
    new = next((line for line in view.lines if line.variant_id == added), None)
    beside = show_cards(list_sought(beside={line.product_id for line in view.lines}, most=BESIDE), current_locale())
    page = render_template(
        "cart/show_cart.html",
        view=view,
        refused=refused,
        new=new,
        removed=removed,
        typed_code=code,
        form=RemoveForm(),
        country=_country_name(view.country),
        countries=list_countries(reachable_countries(), current_locale()) if view.needs_delivery else [],
        beside=beside,
    )
    return page, status


def _country_name(code: str) -> str:
    return str(get_locale().territories.get(code, code))


def typed_in(form: AddForm | ChangeForm) -> str:
    """The quantity just as it was typed."""
    return str(form.quantity._value())  # noqa: SLF001 - WTForms' name for it


def _first_error(form: ChangeForm | RemoveForm) -> str:
    return str(next((message for messages in form.errors.values() for message in messages), ""))


def _words(problem: ShopError) -> str:
    if isinstance(problem, Invalid):
        return str(next(message for messages in problem.errors.values() for message in messages))
    return problem.detail if isinstance(problem, Conflict) else str(problem)
