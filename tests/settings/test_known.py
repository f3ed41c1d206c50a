"""What may be set is declared once; reading, the README and the shop's texts follow the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop.order.policy import InvoiceWhen, invoice_when, prefix_of, return_days
from shop.pricing.queries import prices_include_tax, tax_rounding
from shop.pricing.rounding import Rounding
from shop.pricing.tax import EuSales
from shop.settings.known import KNOWN
from shop.settings.queries import ShopTexts, setting
from shop.settings.services import save_settings

README = Path(__file__).parents[2] / "README.md"


def unnamed(text: str) -> list[str]:
    return [
        known.name for known in KNOWN.values() if f"| `{known.name}` | {f'`{known.default}`' if known.default else '(none)'} |" not in text
    ]


def test_the_readme_names_every_setting_with_its_default():
    assert unnamed(README.read_text(encoding="utf-8")) == []


def test_a_setting_that_the_readme_forgot_is_found():
    text = README.read_text(encoding="utf-8").replace("| `returns.days` | `30`", "| `returns.days` | `31`")

    assert unnamed(text) == ["returns.days"]


def test_every_text_of_the_shop_can_be_set():
    assert {f"shop.{name}" for name in ShopTexts.NAMES} == {name for name in KNOWN if name.startswith("shop.")}


def test_the_words_of_a_choice_are_those_that_the_rules_know():
    def words(name):
        return {value for value, _label in KNOWN[name].choices}

    assert words("invoice.when") == set(InvoiceWhen)
    assert words("eu_sales") == set(EuSales)
    assert words("tax_rounding") == set(Rounding)


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_a_default_makes_sense(known):
    assert known.makes_sense(known.default)


@pytest.mark.parametrize(
    ("name", "written", "counts"),
    [
        ("returns.days", "60", "60"), ("returns.days", "3", "30"), ("returns.days", "٣٠", "30"), ("returns.days", "", "30"),
        ("invoice.when", "shipment", "shipment"), ("invoice.when", "never", "payment"), ("prices_include_tax", "yes", "1"),
        ("prices_include_tax", "0", "0"), ("invoice.prefix", "", "INV"), ("tax_rounding", "order", "order"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_counts_as_its_default(context, name, written, counts):
    save_settings({(name, ""): written})

    assert setting(name) == counts


def test_a_new_shop_reads_the_defaults(context):
    assert (invoice_when(), prefix_of("invoice"), prefix_of("credit_note"), return_days()) == ("payment", "INV", "CN", 30)
    assert (prices_include_tax(), tax_rounding()) == (True, "line")
