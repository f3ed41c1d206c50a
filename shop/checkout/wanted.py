"""What a customer wants, checked as one thing: who, where to, by which delivery, how it is paid. The same for the page and for JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _

from shop.customer.addresses import WrongAddress, all_countries, clean_address, place_of
from shop.customer.values import AddressValues
from shop.errors import Invalid
from shop.payment.queries import gateways
from shop.pricing.delivery import Delivery
from shop.pricing.places import Destination
from shop.pricing.queries import reachable_countries


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An order as the customer wants it. ``shown`` is the fingerprint of the quote they saw; None asks for the cart exactly as it was filled.

    ``shipping_address`` is None when it is collected; the name stands in ``billing_address`` then, which is None when both are the same.
    """

    email: str
    locale: str
    shipping_address: AddressValues | None
    billing_address: AddressValues | None
    shipping_method: str
    payment_method: str
    shown: str | None = None
    note: str = ""
    vat_number: str = ""
    user_id: int | None = None
    is_demo: bool = False

    @property
    def name(self) -> str:
        address = self.shipping_address or self.billing_address
        return address.name if address else ""

    @property
    def destination(self) -> Destination:
        """Where it is taxed: where it goes, or where it is handed over."""
        address = self.shipping_address
        return Destination(address.country, address.region, address.postcode) if address else Destination(home_country())

    @property
    def country(self) -> str:
        return self.destination.country


def destination_of(given: Mapping[str, str]) -> Destination:
    """Where an address leads that nobody has judged yet."""
    return Destination(*place_of(given))


def home_country() -> str:
    country: str = current_app.extensions["config"].country
    return country


def check_addresses(
    shipping: Mapping[str, str], billing: Mapping[str, str] | None, *, goes_somewhere: bool
) -> tuple[AddressValues | None, AddressValues | None]:
    """The addresses of an order. What is collected needs no more than a name; the invoice may go to another address, in any country.

    Raises:
        Invalid: names the wrong fields, ``/shipping_address/postcode``.
    """
    errors: dict[str, list[str]] = {}
    if goes_somewhere:
        goes_to = _check("shipping_address", shipping, reachable_countries(), errors, needs_place=True)
    else:
        here = {**shipping, "country": home_country()}
        goes_to = _check("shipping_address", here, {home_country()}, errors, needs_place=False)
    invoice = _check("billing_address", billing, all_countries(), errors, needs_place=True) if billing is not None else None
    if errors:
        raise Invalid(errors)
    return (goes_to, invoice) if goes_somewhere else (None, invoice or goes_to)


def _check(
    part: str, given: Mapping[str, str], countries: Collection[str], errors: dict[str, list[str]], *, needs_place: bool
) -> AddressValues | None:
    try:
        return clean_address(given, countries=countries, needs_place=needs_place)
    except WrongAddress as wrong:
        errors.update({f"/{part}/{field}": [message] for field, message in wrong.errors.items()})
        return None


def check_choices(
    *, shipping_method: str, payment_method: str, accepts_terms: bool, deliveries: Collection[Delivery]
) -> tuple[Delivery | None, dict[str, list[str]]]:
    """The chosen delivery, and what is wrong with the choices. Goods that need no delivery have none to choose."""
    errors: dict[str, list[str]] = {}
    delivery = next((offered for offered in deliveries if offered.code == shipping_method), None)
    if deliveries and delivery is None:
        errors["/shipping_method"] = [_("Choose how it shall come.")]
    if payment_method not in gateways():
        errors["/payment_method"] = [_("Choose one of the ways to pay.")]
    if not accepts_terms:
        errors["/accepts_terms"] = [_("Please agree to the terms of sale.")]
    return delivery, errors
