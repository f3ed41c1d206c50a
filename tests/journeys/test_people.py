"""A person makes an account, keeps an address, changes the password, and is out where they said so."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.chromium import Visitor
from tests.journeys.acts import Person, confirm_by_mail, register

EMAIL, FIRST, SECOND = "teresa@example.com", "four quiet winter apples", "seven loud summer pears"


def test_an_account_from_its_first_day_to_the_log_out(page: Page, instance: Path) -> None:
    email = f"{page.evaluate('Math.random().toString(36).slice(2)')}@example.com"

    page.goto("/register?next=/account/addresses")
    page.get_by_label("Name").fill("Teresa")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Make an account").click()
    assert page.get_by_label("E-mail").input_value() == email
    assert page.get_by_label("Password").input_value() == ""
    page.get_by_label("Password").fill(FIRST)
    page.get_by_role("button", name="Make an account").click()
    confirm_by_mail(page, instance, email)
    page.wait_for_url("**/account/addresses")

    page.get_by_role("link", name="Add an address").click()
    page.get_by_label("Country").select_option("US")
    page.get_by_role("button", name="Show its fields").click()
    page.get_by_label("State").select_option("CA")
    page.get_by_label("Country").select_option("ES")
    page.get_by_role("button", name="Show its fields").click()
    page.locator("#name").fill("Teresa Ruiz")
    page.get_by_label("Street and number").fill("Calle Feria 18")
    page.get_by_label("Postcode").fill("41003")
    page.get_by_label("Town").fill("Sevilla")
    page.get_by_role("main").get_by_role("button", name="Save").last.click()
    page.wait_for_url("**/account/addresses")
    assert page.get_by_text("Calle Feria 18").first.is_visible()

    page.get_by_role("link", name="Profile").click()
    page.get_by_label("Your password of today").fill(FIRST)
    page.get_by_label("New password").fill(SECOND)
    page.get_by_role("button", name="Set the new password").click()
    assert page.get_by_text("Your new password is set.").is_visible()

    page.get_by_role("button", name="Sign out").click()
    page.goto("/account")
    assert "/login" in page.url
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(SECOND)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account")


def test_a_device_that_is_signed_out_elsewhere_is_out(visitor: Visitor, instance: Path) -> None:
    desk, phone = visitor.open(), visitor.open("/login", js=False, width=390)
    register(desk, instance, Person("Teresa", EMAIL), FIRST)
    desk.wait_for_url("**/account")
    phone.get_by_label("E-mail").fill(EMAIL)
    phone.get_by_label("Password").fill(FIRST)
    phone.get_by_role("main").get_by_role("button", name="Sign in").click()
    phone.wait_for_url("**/account")

    desk.get_by_role("link", name="Devices").click()
    desk.get_by_role("button", name="Sign out there").click()
    assert desk.get_by_text("That device is logged out.").is_visible()

    phone.goto("/account")
    assert "/login" in phone.url
