"""The checkout's form: one page, addresses by country, everything typed kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField, RadioField
from wtforms.fields.choices import Choice
from wtforms.widgets import Select

from shop.checkout.wanted import Checkout, check_addresses, check_choices, destination_of, home_country
from shop.customer.addresses import LENGTHS, AddressRules, address_rules, list_countries
from shop.customer.values import AddressValues
from shop.errors import Invalid
from shop.payment.queries import gateways
from shop.pricing.delivery import Delivery
from shop.pricing.places import Destination
from shop.pricing.queries import reachable_countries
from shop.pricing.vat import clean_vat_number
from shop.web.fields import ChoiceField, EmailField, InputRequired, ShopForm, TextField, TickField

PARTS = {"shipping_address": "shipping", "billing_address": "billing"}
TEXTS = tuple(LENGTHS)


class RegionField(TextField):
    """A text, or a list where the country has one."""

    choices: tuple[tuple[str, str], ...] = ()

    def offer(self, choices: tuple[tuple[str, str], ...]) -> None:
        self.choices = choices
        if choices:
            self.widget, self.type = Select(), "SelectField"

    def _iter_choices_normalized(self) -> Iterator[Choice]:
        """What WTForms' list draws."""
        chosen = self._value().casefold()
        yield Choice(value="", label=str(_("Please choose")), selected=not chosen, render_kw={})
        for code, name in self.choices:
            yield Choice(value=code, label=name, selected=chosen in {code.casefold(), name.casefold()}, render_kw={})

    def has_groups(self) -> bool:
        return False


class AddressForm(wtforms.Form):
    """An address. ``adapt`` gives it the fields, names and rules of its country; ``clean_address`` judges it."""

    country = ChoiceField(_l("Country"), validate_choice=False)
    name = TextField(_l("Name"), maximum=LENGTHS["name"])
    company = TextField(_l("Company"), maximum=LENGTHS["company"])
    line1 = TextField(_l("Street and number"), maximum=LENGTHS["line1"])
    line2 = TextField(_l("Floor, door"), maximum=LENGTHS["line2"])
    postcode = TextField(_l("Postcode"), maximum=LENGTHS["postcode"])
    city = TextField(_l("Town"), maximum=LENGTHS["city"])
    region = RegionField(_l("Region"), maximum=LENGTHS["region"])
    phone = TextField(_l("Phone"), maximum=LENGTHS["phone"])

    rules: AddressRules
    locale: str

    @property
    def countries(self) -> list[tuple[str, str]]:
        """(code, name) of those that we deliver to."""
        return list_countries(reachable_countries(), self.locale)

    def adapt(self, country: str, locale: str, *, needs_place: bool) -> None:
        """Become the form of that country."""
        self.rules = address_rules(country)
        self.locale = locale
        self.country.data = country
        for name in ("postcode", "city", "region"):
            self[name].label.text = str(self.rules.label(name))
        self.region.offer(self.rules.regions)
        for name in ("name", *self.rules.required):
            if needs_place or name == "name":
                self[name].flags.required = True

    def fill(self, address: AddressValues) -> None:
        """Begin with what is known."""
        for name in TEXTS:
            self[name].data = getattr(address, name)
            self[name].raw_data = None  # what was typed before counts no more

    def given(self) -> dict[str, str]:
        """What was typed, for ``clean_address``; what could not be read at all says so at its field already."""
        return {"country": self.country.data or "", **{name: self[name].data or "" for name in TEXTS}}


class BillingField(FormField):
    """The address of the invoice; its form is made only when somebody looks at it, which most orders never do."""

    _made: AddressForm | None = None
    _later: tuple[Any, ...] = ()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.type = "FormField"  # as macros know it

    def process(self, *given: Any, **named: Any) -> None:
        self._later = (given, named)

    def post_process(self, formdata: Any = None) -> None:
        """Nothing: there may be no form yet."""

    @property
    def form(self) -> AddressForm:
        if self._made is None:
            given, named = self._later
            super().process(*given, **named)
        return cast("AddressForm", self._made)

    @form.setter
    def form(self, made: AddressForm) -> None:
        self._made = made

    @property
    def errors(self) -> Any:
        return self._made.errors if self._made else {}

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        return super().validate(form, extra_validators) if form.bill_elsewhere.data else True


class CheckoutForm(ShopForm):
    """Who, where to, how it comes, how it is paid. ``adapt`` before ``validate``."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write an e-mail address such as ana@example.com."))])
    shipping = FormField(AddressForm, "")
    shipping_method = RadioField(_l("How shall it come?"), validate_choice=False)
    payment_method = RadioField(_l("How do you pay?"), validate_choice=False)
    bill_elsewhere = TickField(_l("The invoice goes to another address"))
    billing = BillingField(AddressForm, "")
    vat_number = TextField(_l("VAT number"), maximum=40)
    note = TextField(_l("Your message"), maximum=1000, multiline=True)
    accepts_terms = TickField(_l("I agree to the terms of sale and have read how to withdraw."))

    delivery: Delivery | None = None
    locale: str = ""
    clean_number: str = ""
    goes_somewhere: bool = True
    addresses: tuple[AddressValues | None, AddressValues | None] = (None, None)

    @property
    def elsewhere(self) -> AddressForm:
        """The form of the invoice's address, in the fields of its country."""
        form = self.billing.form
        form.adapt(_offered(form.country.data), self.locale, needs_place=True)
        return form

    @property
    def country(self) -> str:
        """Where it goes, as far as the form says so."""
        return _offered(self.shipping.form.country.data)

    @property
    def destination(self) -> Destination:
        """Where it goes, as far as the form says so."""
        return destination_of({**self.shipping.form.given(), "country": self.country})

    @property
    def asks_vat_number(self) -> bool:
        """Within the Union a business may have one that matters."""
        return self.destination.is_in_vat_area and Destination(home_country()).is_in_vat_area

    def start_from(self, address: AddressValues) -> None:
        """Let it go to a known address."""
        self.shipping.form.country.data = address.country
        self.shipping.form.fill(address)

    def is_to(self, address: AddressValues) -> bool:
        """Is this the address that stands in the form?"""
        given = self.shipping.form.given()
        return all(given[name] == getattr(address, name) for name in ("country", "name", "line1", "line2", "postcode", "city"))

    def adapt(self, deliveries: Sequence[Delivery], chosen: Delivery | None, locale: str) -> None:
        """Offer what the cart can be delivered by, and show the fields of the chosen countries."""
        self.shipping_method.choices = [(delivery.code, delivery.name) for delivery in deliveries]
        self.payment_method.choices = [(code, gateway.name) for code, gateway in gateways().items()]
        self.delivery = chosen
        self.goes_somewhere = self.delivery is not None and not self.delivery.is_pickup
        self.shipping_method.data = self.delivery.code if self.delivery else ""
        self.payment_method.data = self.payment_method.data or next(iter(gateways()), "")
        self.shipping.form.adapt(self.country, locale, needs_place=self.goes_somewhere)
        self.locale = locale
        self.accepts_terms.flags.required = True

    def keep_asking_where(self, locale: str) -> None:
        """Show the address though nothing but the counter is left: it is what can be changed."""
        self.goes_somewhere = True
        self.shipping.form.adapt(self.country, locale, needs_place=True)

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field, then the addresses by their country and the choices by what is offered."""
        is_fine = super().validate(extra_validators)
        wrong: dict[str, Any] = {}
        try:
            self.clean_number = clean_vat_number(self.vat_number.data or "")
        except ValueError as error:
            wrong["/vat_number"] = [str(error)]
        try:
            billing = self.billing.form.given() if self.bill_elsewhere.data else None
            self.addresses = check_addresses(self.shipping.form.given(), billing, goes_somewhere=self.goes_somewhere)
        except Invalid as problem:
            wrong |= problem.errors
        _chosen, choices = check_choices(
            shipping_method=self.shipping_method.data or "",
            payment_method=self.payment_method.data or "",
            accepts_terms=bool(self.accepts_terms.data),
            deliveries=[self.delivery] if self.delivery else [],
        )
        self.show_errors({**wrong, **choices})
        return is_fine and not wrong and not choices

    def show_errors(self, errors: Any) -> None:
        """Put what a service or rule found at the fields that it is about."""
        for pointer, messages in errors.items():
            part, _slash, name = pointer.strip("/").partition("/")
            field = self[PARTS[part]].form[name] if part in PARTS else self._fields.get(part)
            if field is None:
                self.form_errors.extend(messages)
            elif not field.errors:
                field.errors = [*field.errors, *messages]

    def wanted(self, *, locale: str, shown: str, user_id: int | None) -> Checkout:
        """After ``validate``: what the customer wants."""
        shipping, billing = self.addresses
        return Checkout(
            email=self.email.data or "",
            locale=locale,
            shipping_address=shipping,
            billing_address=billing,
            shipping_method=self.delivery.code if self.delivery else "",
            payment_method=self.payment_method.data or "",
            shown=shown,
            note=self.note.data or "",
            vat_number=self.clean_number,
            user_id=user_id,
        )


def _offered(country: Any) -> str:
    """The country if we deliver there, else the shop's own, else any that we deliver to."""
    reached = reachable_countries()
    code = str(country or "").upper()
    if code in reached:
        return code
    return home_country() if home_country() in reached else min(reached)
