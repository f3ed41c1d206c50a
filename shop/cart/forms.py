"""What the cart's HTML forms may send."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from shop.cart.models import MAX_QUANTITY
from shop.web.fields import IntegerField, ShopForm

TYPED_MAX = 200


@dataclass(frozen=True, slots=True)
class TypedCode:
    """A code that was not taken, as it was typed, and why."""

    typed: str
    message: str


class AddForm(ShopForm):
    """So many pieces of a variant, from its product's page.

    Without a token: product pages are the same for everybody and set no cookie. That the request comes from our own page is checked as for all
    (``shop.web.csrf``).
    """

    class Meta(ShopForm.Meta):
        csrf = False

    variant_id = IntegerField(_l("Variant"), low=1)
    quantity = IntegerField(_l("Quantity"), low=1, high=MAX_QUANTITY)


class ChangeForm(ShopForm):
    """A new quantity for a line; 0 takes it out."""

    quantity = IntegerField(_l("Quantity"), low=0, high=MAX_QUANTITY)


class RemoveForm(ShopForm):
    """The button that takes a line out."""
