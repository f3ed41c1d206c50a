"""A code in the cart, and the order carries it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.acts import fill_in, number_of, order_button, put_in, somebody

MUG = "/p/mug?colour=cream&size=250-ml"


def use(page: Page, code: str) -> None:
    if not page.locator("#code").is_visible():
        page.get_by_text("I have a code").click()
    page.locator("#code").fill(code)
    page.get_by_role("button", name="Use it").click()


def test_a_code_in_the_cart_is_carried_by_the_order(page: Page) -> None:
    put_in(page, MUG, "2")

    use(page, "welcome9")
    expect(page.locator("#code-error")).to_contain_text("We do not know this code.")
    expect(page.locator("#code")).to_have_value("welcome9")
    use(page, " welcome10 ")
    expect(page.get_by_role("list", name="Your codes")).to_contain_text("WELCOME10")
    expect(page.get_by_role("complementary", name="Together")).to_contain_text("Ten percent to begin with (WELCOME10)")

    page.get_by_role("link", name="To the checkout").click()
    expect(page.get_by_role("complementary", name="Your order")).to_contain_text("WELCOME10")
    fill_in(page, somebody("Alba Prieto"))
    page.locator("input[name=payment_method][value=bank_transfer]").check()
    order_button(page).click()
    number_of(page)

    expect(page.get_by_role("main")).to_contain_text("Ten percent to begin with (WELCOME10)")


def test_a_code_at_the_checkout_changes_the_total_and_keeps_what_was_typed(page: Page) -> None:
    put_in(page, MUG, "3")
    page.goto("/checkout")
    person = somebody("Alba Prieto")
    fill_in(page, person)
    before = order_button(page).inner_text()

    use(page, "parcel")

    expect(page.get_by_role("list", name="Your codes")).to_contain_text("PARCEL")
    expect(page.locator("#email")).to_have_value(person.email)
    expect(page.locator("#shipping-line1")).to_have_value(person.street)
    assert order_button(page).inner_text() != before
    page.get_by_role("button", name="Remove PARCEL").click()
    expect(page.get_by_role("list", name="Your codes")).to_have_count(0)
    assert order_button(page).inner_text() == before
