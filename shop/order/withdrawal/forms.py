"""What somebody declares who withdraws, and what staff answer."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from shop.order.numbers import ALPHABET
from shop.order.withdrawal.services import new_reference
from shop.web.fields import EmailField, InputRequired, ShopForm, TextField

REFERENCE = re.compile(f"[{ALPHABET}]{{4}}(-[{ALPHABET}]{{4}}){{2}}")


class WithdrawalForm(ShopForm):
    """Name, order, e-mail: what the law lets a shop ask, and a line for whoever withdraws from a part only.

    Source: Directive 2011/83/EU, article 11a (2).
    """

    name = TextField(_l("Your name"), [InputRequired()], minimum=1, maximum=200)
    order_number = TextField(_l("Number of the order"), [InputRequired()], minimum=1, maximum=60)
    email = EmailField(_l("E-mail for the receipt"), [InputRequired()])
    note = TextField(_l("If it is about a part only: which goods?"), maximum=1000, multiline=True)
    reference = HiddenField("")

    @property
    def press(self) -> str:
        """The name of this declaration; drawn anew if what was sent is none."""
        sent = self.reference.data or ""
        return sent if REFERENCE.fullmatch(sent) else new_reference()


class HandlingForm(ShopForm):
    """What was done."""

    outcome = TextField(_l("What was done"), minimum=1, maximum=500)
