"""The checkout page and the press that orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from shop.cart.current import find_cart_id
from shop.cart.models import CartState
from shop.cart.quotes import CartView, quote_cart
from shop.cart.services import CartClosed
from shop.checkout import bp
from shop.checkout.forms import CheckoutForm
from shop.checkout.press import read_press
from shop.checkout.queries import find_cart_state, find_usual_address, reachable_countries
from shop.checkout.services import place_order
from shop.checkout.shown import Change, Shown, list_changes
from shop.checkout.wanted import Checkout, home_country
from shop.clock import now
from shop.errors import CartEmpty, Invalid, OutOfStock, QuoteChanged
from shop.order.links import own_path
from shop.order.queries import get_order
from shop.payment.queries import gateways
from shop.payment.services import start_payment
from shop.pricing.queries import list_deliveries
from shop.pricing.quote import Delivery
from shop.web.context import user
from shop.web.locale import current_locale

FINGERPRINT_MAX = 64


@dataclass
class CheckoutPage:
    """The page as it is built up: form, cart and its numbers at one moment; then what went wrong."""

    form: CheckoutForm
    cart_id: int | None
    at: datetime
    problem: str = ""
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view = self._quote()
        self.form.adapt(self.view.deliveries, self.view.quote.delivery, current_locale())

    def _quote(self) -> CartView:
        """Prices for where it goes; what is collected is taxed at the counter."""
        country, code = self.form.country, self.form.shipping_method.data or None
        view = quote_cart(self.cart_id, country=country, delivery_code=code, locale=current_locale(), at=self.at)
        delivery = view.quote.delivery
        if delivery and delivery.is_pickup and country != home_country():
            view = quote_cart(self.cart_id, country=home_country(), delivery_code=delivery.code, locale=current_locale(), at=self.at)
        return view

    def render(self, status: int = 200) -> ResponseReturnValue:
        page = render_template(
            "checkout/show_checkout.html",
            form=self.form,
            view=self.view,
            cart_token=_tokens().dumps(self.cart_id),
            was=Shown.of(self.view.quote).write(),
            problem=self.problem,
            changes=self.changes,
            gateways=gateways(),
        )
        return page, status


@bp.get("/checkout")
def show_checkout() -> ResponseReturnValue:
    """Everything that an order needs on one page; members find their e-mail and usual address in it."""
    form = CheckoutForm(formdata=None)
    member = user()
    if member is not None:
        form.email.data = member.email
        address = find_usual_address(member.id)
        if address is not None:
            form.shipping.form.country.data = address.country
            form.shipping.form.fill(address)
        else:
            form.shipping.form.name.data = member.name
    page = CheckoutPage(form, find_cart_id(), now())
    return page.render() if page.view.can_be_ordered else _to_cart()


@bp.post("/checkout")
def update_checkout() -> ResponseReturnValue:
    """The country or the delivery was changed: the same page with other fields and numbers, nothing judged yet."""
    page = CheckoutPage(CheckoutForm(), find_cart_id(), now())
    return page.render() if page.view.can_be_ordered else _to_cart()


@bp.post("/orders")
def place() -> ResponseReturnValue:
    """Place the order as shown, then go where its payment wants the customer. The same page pressed twice leads to the same order."""
    cart_id, number = _cart_of_page()
    if number is not None:
        return redirect(own_path(get_order(number), user()), 303)
    if cart_id is None:
        return _to_cart()
    at, shown = now(), request.form.get("shown", "")[:FINGERPRINT_MAX]
    wanted = _read_quickly(shown)
    if wanted is not None:
        return _place(cart_id, wanted, at)
    form = CheckoutForm()
    if not _adapt_quickly(form) or not form.validate_on_submit():
        page = CheckoutPage(form, cart_id, at)
        is_fine = page.form.validate_on_submit()
        if not page.view.can_be_ordered:
            return _to_cart()
        if not is_fine:
            return page.render(422)
    member = user()
    return _place(cart_id, form.wanted(locale=current_locale(), shown=shown, user_id=member.id if member else None), at, form)


def _read_quickly(shown: str) -> Checkout | None:
    """A guest's press in which nothing is wrong; None when the form must look at it."""
    if user() is not None:
        return None
    country = request.form.get("shipping-country", "").strip().upper()
    if country not in reachable_countries():
        return None
    return read_press(request.form, _list_deliveries(country), locale=current_locale(), shown=shown)


def _list_deliveries(country: str) -> list[Delivery]:
    return list_deliveries(country, currency=current_app.extensions["config"].currency, locale=current_locale())


def _adapt_quickly(form: CheckoutForm) -> bool:
    """Without looking at the goods: the chosen delivery is one that goes there. Whether it is right is told by the fingerprint."""
    deliveries = _list_deliveries(form.country)
    chosen = next((delivery for delivery in deliveries if delivery.code == form.shipping_method.data), None)
    if chosen is not None:
        form.adapt(deliveries, chosen, current_locale())
    return chosen is not None


def _place(cart_id: int, wanted: Checkout, at: datetime, form: CheckoutForm | None = None) -> ResponseReturnValue:
    """``form`` is made only now where the press was read without one."""
    try:
        order = place_order(cart_id, wanted, at=at)
    except (QuoteChanged, OutOfStock):
        return _ask_again(form or CheckoutForm(), cart_id)
    except Invalid as problem:
        page = CheckoutPage(form or CheckoutForm(), cart_id, at)
        page.form.show_errors(problem.errors)
        return page.render(422)
    except (CartEmpty, CartClosed):
        return _to_cart()
    is_remote = order.total_minor and getattr(gateways().get(order.payment_method), "is_remote", False)
    step = start_payment(order.id, gateway=order.payment_method, at=now()) if is_remote else None
    return redirect(step.url if step and step.url else own_path(order, user()), 303)


def _ask_again(form: CheckoutForm, cart_id: int) -> ResponseReturnValue:
    """Nothing was ordered: say what is different now, and wait for another press."""
    page = CheckoutPage(form, cart_id, now())
    if not page.view.can_be_ordered:
        return _to_cart()
    names = {line.variant_id: line.name for line in page.view.lines}
    page.changes = list_changes(Shown.read(request.form.get("was", "")), page.view.quote, names)
    page.problem = _("Something changed since you saw this page. Nothing was ordered yet: look at it, then press again.")
    return page.render(409)


def _to_cart() -> ResponseReturnValue:
    flash(_("There is nothing to order at the moment. Look at your cart, please."), "warning")
    return redirect(url_for("cart.show_cart"), 303)


def _cart_of_page() -> tuple[int | None, str | None]:
    """The cart that the pressed page showed, and the number of the order that it became; else the visitor's cart now."""
    member = user()
    try:
        cart_id = _tokens().loads(request.form.get("cart", "")[:200])
        found = find_cart_state(cart_id) if type(cart_id) is int else None
    except BadSignature:
        found = None
    if found is None or found.user_id not in {None, member.id if member else None} or found.state is CartState.MERGED:
        return find_cart_id(), None
    return found.id, found.number


def _tokens() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.config["SECRET_KEY"]), salt="checkout-cart")
