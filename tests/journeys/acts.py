"""What people do in the shop again and again, so that a story tells only what is its own.

Boxes of the checkout are found by their id where the same act serves two languages; stories themselves read what is on the page.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.chromium import Visitor
from tests.mailbox import wait_for_link


@dataclass(frozen=True)
class Person:
    """Who orders, and where to."""

    name: str
    email: str
    street: str = "Calle Feria 18"
    postcode: str = "41003"
    town: str = "Sevilla"


def somebody(name: str) -> Person:
    """A person of that name whom the shop has never seen."""
    return Person(name, f"guest-{secrets.token_hex(4)}@example.com")


def has_js(page: Page) -> bool:
    """Does this visitor run scripts?"""
    return bool(page.evaluate("matchMedia('(scripting: enabled)').matches"))


def put_in(page: Page, address: str, quantity: str = "1") -> None:
    """Put the goods of that page into the cart, and go there."""
    page.goto(address)
    page.locator("#quantity").fill(quantity)
    page.locator("#buy [type=submit]").click()
    if has_js(page):
        expect(page.locator("#mini-cart li")).not_to_have_count(0)
        page.locator("#mini-cart a[href$='/cart'].button").click()
    page.wait_for_url("**/cart")


def fill_in(page: Page, person: Person) -> None:
    """Write the person into the checkout, and agree to the terms."""
    page.locator("#email").fill(person.email)
    page.locator("#shipping-name").fill(person.name)
    page.locator("#shipping-line1").fill(person.street)
    page.locator("#shipping-postcode").fill(person.postcode)
    page.locator("#shipping-city").fill(person.town)
    page.locator("#accepts_terms").check()


def order_button(page: Page) -> Locator:
    return page.locator("form[action$='/orders'] .button--main")


def go_to_bank(page: Page, person: Person, address: str = "/p/olive-oil") -> None:
    """Order something by test card, up to the bank's page."""
    put_in(page, address)
    page.goto("/checkout")
    fill_in(page, person)
    page.locator("input[name=payment_method][value=test_card]").check()
    order_button(page).click()
    page.wait_for_url("**/test-card")


def place_quietly(page: Page, person: Person, sku: str = "oil-500", *, quantity: int = 1) -> str:
    """An order by bank transfer, placed as a program does; gives the address of its page."""
    found = page.request.get("/api/v1/products/olive-oil").json()
    variant = next(one["id"] for one in found["variants"] if one["sku"].casefold() == sku)
    assert page.request.post("/api/v1/cart/items", data={"variant_id": variant, "quantity": quantity}).ok
    where = {"name": person.name, "line1": person.street, "city": person.town, "postcode": person.postcode, "country": "ES"}
    wanted = {"email": person.email, "shipping_address": where, "shipping_method": "standard", "payment_method": "bank_transfer"}
    answer = page.request.post("/api/v1/orders", data={**wanted, "accepts_terms": True})
    assert answer.ok, answer.text()
    return str(answer.json()["url"])


def number_of(page: Page) -> str:
    """The number of the order whose page is open."""
    page.wait_for_url(re.compile(r"/orders/[A-Z0-9-]+(\?|$)"))
    found = re.search(r"/orders/([A-Z0-9-]+)", page.url)
    assert found
    return found[1]


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def register(page: Page, instance: Path, person: Person, password: str, *, go_on: str = "") -> None:
    """Make an account: the form, the mail, the button."""
    page.goto(f"/register?next={go_on}" if go_on else "/register")
    page.get_by_label("Name").fill(person.name)
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Make an account").click()
    confirm_by_mail(page, instance, person.email)


def confirm_by_mail(page: Page, instance: Path, email: str) -> None:
    """Who has just registered opens the link in the mail, and presses the button."""
    page.wait_for_url("**/register/mail")
    page.goto(wait_for_link(instance, email, "Confirm your address"))
    page.get_by_role("button", name="Finish my account").click()


def open_mail(visitor: Visitor, subject: str, *, js: bool = True) -> Page:
    """The newest mail of that subject, in a window of its own; waits for it to be written."""
    page = visitor.open("/dev/mail", js=js)
    for _ in range(40):
        found = page.get_by_role("link", name=subject)
        if found.count():
            found.first.click()
            return page
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(f"no mail {subject!r} within 10 s")


def focused(page: Page) -> str:
    """The id of what has the focus, else its words."""
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
