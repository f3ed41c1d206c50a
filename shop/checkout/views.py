"""The checkout page and the press that orders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from shop.cart.codes import remove_code
from shop.cart.current import find_cart_id, this_buyer, use_typed_code
from shop.cart.forms import TYPED_MAX, TypedCode
from shop.cart.models import CartState
from shop.cart.quotes import CartView, quote_cart
from shop.cart.services import CartClosed
from shop.checkout import bp
from shop.checkout.forms import CheckoutForm
from shop.checkout.obstacles import tell_obstacle
from shop.checkout.press import read_press
from shop.checkout.queries import KnownAddress, find_cart_state, find_last_address, list_known_addresses
from shop.checkout.services import place_order
from shop.checkout.shown import Change, Shown, list_changes
from shop.checkout.wanted import Checkout, destination_of, home_country
from shop.clock import now
from shop.errors import CartEmpty, Invalid, NotFound, OutOfStock, QuoteChanged, TooManyTries
from shop.order.links import own_path
from shop.order.queries import get_order
from shop.payment.queries import gateways
from shop.payment.services import start_payment
from shop.payment.views import allow_gateways
from shop.pricing.delivery import Delivery
from shop.pricing.places import Destination
from shop.pricing.queries import find_taxation, get_rules, list_deliveries, reachable_countries
from shop.pricing.vat import NOTHING, VatJudgment, clean_vat_number, judge_vat_number
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
    code: TypedCode | None = None
    book: list[KnownAddress] | None = None

    def __post_init__(self) -> None:
        self.wished = self.form.shipping_method.data or ""
        self.vat = self._judge_number()
        self.at_door = self._quote(self.form.destination, self.wished or None)
        self.view = self._where_it_is_taxed()
        self.form.adapt(self.view.deliveries, self.view.quote.delivery, current_locale())

    def _quote(self, place: Destination, code: str | None) -> CartView:
        buyer = this_buyer(self.form.email.data or "")
        locale, at, currency = current_locale(), self.at, current_app.extensions["config"].currency
        is_reversed = self.vat.is_reverse_charged and place == self.form.destination
        rules = get_rules(place, currency=currency, locale=locale, at=at, is_reverse_charged=is_reversed)
        return quote_cart(self.cart_id, country=place, delivery_code=code, locale=locale, at=at, rules=rules, buyer=buyer)

    def _judge_number(self) -> VatJudgment:
        """What the typed VAT number does; a wrong one does nothing, and is told when the order is placed."""
        try:
            return judge_vat_number(clean_vat_number(self.form.vat_number.data or ""), self.form.destination, at=self.at)
        except (ValueError, Invalid):
            return NOTHING

    def _where_it_is_taxed(self) -> CartView:
        """Prices for where it goes; what is collected is taxed at the counter."""
        delivery, here = self.at_door.quote.delivery, Destination(home_country())
        if delivery is None or not delivery.is_pickup:
            return self.at_door
        reversed_now = self.vat.is_reverse_charged
        if find_taxation(self.at_door.place, at=self.at, is_reverse_charged=reversed_now) == find_taxation(here, at=self.at):
            return self.at_door
        return replace(self._quote(here, delivery.code), deliveries=self.at_door.deliveries)

    @property
    def obstacles(self) -> dict[str, list[str]]:
        """Why nothing can be brought to the door, at the field that is the reason."""
        return tell_obstacle(self.at_door, current_locale())

    def is_unreachable(self) -> bool:
        """Was a way wished for that does not lead there, and no other does, but to the counter?"""
        return bool(self.obstacles) and all(self.wished != delivery.code for delivery in self.at_door.deliveries)

    def render(self, status: int = 200) -> ResponseReturnValue:
        allow_gateways()
        page = render_template(
            "checkout/show_checkout.html",
            form=self.form,
            book=_book() if self.book is None else self.book,
            view=self.view,
            cart_token=_tokens().dumps(self.cart_id),
            was=Shown.of(self.view.quote).write(),
            problem=self.problem,
            changes=self.changes,
            typed_code=self.code,
            gateways=gateways(),
            vat_sentence=self.vat.sentence,
            obstacles=[text for texts in self.obstacles.values() for text in texts],
        )
        return page, status


@bp.get("/checkout")
def show_checkout() -> ResponseReturnValue:
    """Everything that an order needs on one page; members find their e-mail and usual address in it."""
    form = CheckoutForm(formdata=None)
    member, book = user(), _book()
    if member is not None:
        form.email.data = member.email
        address = book[0].values if book else find_last_address(member.id)
        if address is not None:
            form.start_from(address)
        else:
            form.shipping.form.name.data = member.name
    page = CheckoutPage(form, find_cart_id(), now(), book=book)
    return page.render() if page.view.can_be_ordered else _to_cart()


@bp.post("/checkout")
def update_checkout() -> ResponseReturnValue:
    """Country, delivery, codes or address were changed: the same page with other fields and numbers, nothing judged yet but a code."""
    form, book = CheckoutForm(), _book()
    pressed = request.form.get("address", "")
    for known in book:
        if str(known.id) == pressed:
            form.start_from(known.values)
    status, code = _change_codes(form)
    page = CheckoutPage(form, find_cart_id(), now(), code=code, book=book)
    return page.render(status) if page.view.can_be_ordered else _to_cart()


def _book() -> list[KnownAddress]:
    member = user()
    return list_known_addresses(member.id) if member is not None else []


def _change_codes(form: CheckoutForm) -> tuple[int, TypedCode | None]:
    """Take the code out whose button was pressed, or put the typed one in; what was refused is shown with why."""
    typed, removed = request.form.get("code", "")[:TYPED_MAX], request.form.get("remove", "")[:TYPED_MAX]
    try:
        if removed:
            remove_code(find_cart_id() or 0, removed, at=now())
        elif typed.strip():
            use_typed_code(typed, email=form.email.data or "")
    except Invalid as problem:
        return 422, TypedCode(typed, str(next(text for texts in problem.errors.values() for text in texts)))
    except TooManyTries as problem:
        return 429, TypedCode(typed, problem.detail)
    except (NotFound, CartClosed):
        return 200, None  # somebody took it out already: the page shows how it is
    return 200, None


@bp.post("/orders")
def place() -> ResponseReturnValue:
    """Place the order as shown, then go where its payment wants the customer. The same page pressed twice leads to the same order."""
    cart_id, number = _cart_of_page()
    if number is not None:
        return redirect(own_path(get_order(number), user()), 303)
    if cart_id is None:
        return _to_cart()
    if request.form.get("code", "").strip():
        return _use_code_first(cart_id)
    at, shown = now(), request.form.get("shown", "")[:FINGERPRINT_MAX]
    wanted = _read_quickly(shown)
    return _place_form(cart_id, shown, at) if wanted is None else _place(cart_id, wanted, at)


def _place_form(cart_id: int, shown: str, at: datetime) -> ResponseReturnValue:
    """What the form must look at first."""
    form = CheckoutForm()
    if not _adapt_quickly(form) or not form.validate_on_submit():
        page = CheckoutPage(form, cart_id, at)
        is_fine = page.form.validate_on_submit()
        if not page.view.can_be_ordered:
            return _to_cart()
        if page.is_unreachable():
            page.form.keep_asking_where(current_locale())
            page.form.show_errors(page.obstacles)
            is_fine = False
        if not is_fine:
            return page.render(422)
    member = user()
    return _place(cart_id, form.wanted(locale=current_locale(), shown=shown, user_id=member.id if member else None), at, form)


def _use_code_first(cart_id: int) -> ResponseReturnValue:
    """A code was typed and not used yet: whoever presses means it to count, but must see what it does before anything is charged."""
    form = CheckoutForm()
    status, code = _change_codes(form)
    page = CheckoutPage(form, cart_id, now(), code=code)
    if not page.view.can_be_ordered:
        return _to_cart()
    if code is None:
        status, page.problem = 409, _("Your code is in. Nothing was ordered yet: look at the new total, then press again.")
        page.changes = list_changes(Shown.read(request.form.get("was", "")), page.view.quote, {})
    return page.render(status)


def _read_quickly(shown: str) -> Checkout | None:
    """A guest's press in which nothing is wrong; None when the form must look at it."""
    if user() is not None:
        return None
    country = request.form.get("shipping-country", "").strip().upper()
    if country not in reachable_countries():
        return None
    place = destination_of({name: request.form.get(f"shipping-{name}", "") for name in ("country", "region", "postcode")})
    return read_press(request.form, _list_deliveries(place), locale=current_locale(), shown=shown)


def _list_deliveries(place: Destination) -> list[Delivery]:
    return list_deliveries(place, currency=current_app.extensions["config"].currency, locale=current_locale())


def _adapt_quickly(form: CheckoutForm) -> bool:
    """Without looking at the goods: the chosen delivery is one that goes there. Whether it is right is told by the fingerprint."""
    deliveries = _list_deliveries(form.destination)
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
