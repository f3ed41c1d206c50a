"""A press on "Place the order" with a form in which everything is right, read without building the form.

Most presses are such. Whatever is not right at first sight, or is unusual (a second address, a VAT number, a member with a token to check), is left to
``CheckoutForm``, which says what is wrong. The rules are the same ones: ``clean_email``, ``clean_text``, ``check_addresses``, ``check_choices``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shop.checkout.wanted import Checkout, check_addresses, check_choices
from shop.customer.addresses import LENGTHS
from shop.errors import Invalid
from shop.pricing.delivery import Delivery
from shop.web.text import clean_email, clean_text

NOTE_MAX = 1000


def read_press(sent: Mapping[str, str], deliveries: Sequence[Delivery], *, locale: str, shown: str) -> Checkout | None:
    """What a guest wants; None when the form must look at it. ``deliveries`` are the ways to the country that was sent."""
    delivery = next((one for one in deliveries if one.code == sent.get("shipping_method")), None)
    if delivery is None or "bill_elsewhere" in sent or sent.get("vat_number"):
        return None
    chosen, wrong = check_choices(
        shipping_method=delivery.code,
        payment_method=sent.get("payment_method", ""),
        accepts_terms=sent.get("accepts_terms", "") not in {"", "false"},
        deliveries=[delivery],
    )
    if wrong or chosen is None:
        return None
    try:
        email = clean_email(sent.get("email", ""))
        note = clean_text(sent.get("note", ""), maximum=NOTE_MAX, multiline=True)
        address = {name: sent.get(f"shipping-{name}", "") for name in ("country", *LENGTHS)}
        shipping, billing = check_addresses(address, None, goes_somewhere=not delivery.is_pickup)
    except (ValueError, Invalid):
        return None
    return Checkout(
        email=email,
        locale=locale,
        shipping_address=shipping,
        billing_address=billing,
        shipping_method=delivery.code,
        payment_method=sent["payment_method"],
        shown=shown,
        note=note,
    )
