"""Forms of the account. All carry the token of a logged-in session."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.passwords import LONGEST, SHORTEST
from shop.customer.addresses import LENGTHS, AddressRules, WrongAddress, address_rules, all_countries, clean_address, list_countries
from shop.customer.values import AddressValues
from shop.web.fields import ChoiceField, EmailField, InputRequired, PasswordField, ShopForm, TextField, TickField


class ButtonForm(ShopForm):
    """A button that does something: nothing but the token."""


class ProfileForm(ShopForm):
    """How the shop speaks to somebody."""

    name = TextField(_l("Name"), [InputRequired(_l("Write your name."))], minimum=1, maximum=120)


class EmailForm(ShopForm):
    """Another address."""

    email = EmailField(_l("New e-mail address"), [InputRequired(_l("Write your e-mail address."))])


class ProofForm(ShopForm):
    """The password once more."""

    password = PasswordField(_l("Your password"), [InputRequired(_l("Write your password."))])


class PasswordForm(ShopForm):
    """A new password, by whoever knows the one of today."""

    current = PasswordField(_l("Your password of today"), [InputRequired(_l("Write your password of today."))])
    new = PasswordField(_l("New password"), [InputRequired(_l("Choose a new password."))], minimum=SHORTEST, maximum=LONGEST)


class AddressForm(ShopForm):
    """An address of any country; what must be in it is judged by ``shop.customer.addresses``. Make it by ``address_form``."""

    country = ChoiceField(_l("Country"), validate_choice=False)
    name = TextField(_l("Name"), maximum=LENGTHS["name"])
    company = TextField(_l("Company"), maximum=LENGTHS["company"])
    line1 = TextField(_l("Street and number"), maximum=LENGTHS["line1"])
    line2 = TextField(_l("Floor, door, building"), maximum=LENGTHS["line2"])
    postcode = TextField(maximum=LENGTHS["postcode"])
    city = TextField(maximum=LENGTHS["city"])
    region = TextField(maximum=LENGTHS["region"])
    phone = TextField(_l("Phone, for questions about the delivery"), maximum=LENGTHS["phone"])
    is_default = TickField(_l("My usual address"))

    rules: AddressRules

    def values(self) -> AddressValues | None:
        """The address, or None when something is wrong; then the fields say what."""
        given = {name: (self[name].raw_data or [""])[0] for name in AddressValues.__dataclass_fields__}
        try:
            return clean_address(given, countries=all_countries())
        except WrongAddress as wrong:
            for name, message in wrong.errors.items():
                self[name].errors = [message]
            return None


class _WithRegions(AddressForm):
    """Where the regions are a list."""

    region = ChoiceField(validate_choice=False)


def address_form(country: str, *, locale: str, saved: AddressValues | None = None, is_default: bool = False) -> AddressForm:
    """The form as ``country`` writes addresses: its fields, their names, its regions."""
    rules = address_rules(country)
    kind = _WithRegions if rules.regions and rules.asks_for("region") else AddressForm
    form = kind(**(saved.dump() if saved else {"country": country}), is_default=is_default)
    form.rules = rules
    form.country.choices = list_countries(all_countries(), locale)
    if isinstance(form, _WithRegions):
        form.region.choices = [("", _("Choose one")), *rules.regions]
    for name in ("postcode", "city", "region"):
        form[name].label.text = rules.label(name)
    for name in {"name", *rules.required}:
        form[name].flags.required = True
    return form
