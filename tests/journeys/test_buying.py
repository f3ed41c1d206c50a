"""A guest looks around, fills a cart, orders by bank transfer and reads the mail."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.chromium import PHONE, Visitor
from tests.journeys.acts import fill_in, focused, has_js, number_of, open_mail, order_button, put_in, somebody

MUG, OIL = "/p/mug?colour=cream&size=250-ml", "/p/olive-oil"


def quantity_of(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=f"Quantity of {name}")


def type_quantity(page: Page, name: str, text: str) -> None:
    box = quantity_of(page, name)
    box.fill(text)
    box.press("Enter")


def test_a_guest_finds_the_mug_by_its_name_and_by_its_shelf(page: Page) -> None:
    page.goto("/")
    with_js = has_js(page)
    page.get_by_role("searchbox").or_(page.get_by_role("combobox", name="Search the shop")).fill("mug")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Goods called “mug”")
    expect(page.get_by_role("main").get_by_role("link", name="Stoneware mug")).to_be_visible()

    page.goto("/c/table")
    page.get_by_role("main").get_by_role("link", name="Ceramics").first.click()
    page.wait_for_url("**/c/ceramics")
    page.get_by_label("To", exact=True).fill("15,5o")
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_label("To", exact=True)).to_have_value("15,5o")
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("To", exact=True).fill("20")
    page.get_by_label("In stock").check()
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url(re.compile("max_price=20"))
    assert page.get_by_role("main").get_by_role("link", name="Teapot").count() == 0
    page.get_by_label("Sort").select_option(label="Price, low to high")
    if not with_js:
        page.get_by_role("button", name="Sort").click()
    page.wait_for_url(re.compile("sort="))
    page.get_by_role("main").get_by_role("link", name="Stoneware mug").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stoneware mug")


def test_a_guest_chooses_and_reads_what_cannot_be_had(page: Page) -> None:
    page.goto("/p/mug")
    buy = page.locator("#buy")

    buy.get_by_role("link", name="Dusk blue", exact=True).click()
    expect(buy.get_by_role("link", name="Dusk blue", exact=True)).to_have_attribute("aria-current", "true")
    expect(buy.get_by_role("link", name="350 ml")).to_contain_text("not in Dusk blue")
    buy.get_by_role("link", name="350 ml").click()
    expect(buy.locator(".buy__price")).to_contain_text("€18.50")
    expect(buy.get_by_role("link", name="Dusk blue")).to_contain_text("not in 350 ml")
    buy.get_by_role("link", name="Sage").click()
    expect(buy.get_by_role("link", name="Sage")).to_have_attribute("aria-current", "true")
    expect(buy.get_by_role("button", name="Add to cart")).to_be_visible()

    page.goto("/p/mug?colour=dusk-blue&size=350-ml")
    expect(buy).to_contain_text("We do not have these together: Dusk blue, 350 ml.")
    expect(buy.get_by_role("button", name="Add to cart")).to_have_count(0)

    page.goto("/p/table-lamp")
    expect(buy.get_by_role("link", name="Sage")).to_contain_text("sold out")
    buy.get_by_role("link", name="Sage").click()
    expect(buy).to_contain_text("Sold out in this choice: Sage.")


def test_a_cart_says_what_is_wrong_and_gives_back_what_was_taken_out(page: Page) -> None:
    put_in(page, MUG, "2")
    expect(quantity_of(page, "Stoneware mug")).to_have_value("2")
    put_in(page, OIL)

    for typed in ("-1", "1000000000", "٣", "", "2,5"):
        with page.expect_response("**/cart/items/*") as answer:
            type_quantity(page, "Stoneware mug", typed)
        assert answer.value.status == 422, typed
        expect(quantity_of(page, "Stoneware mug")).to_have_attribute("aria-invalid", "true")
        expect(quantity_of(page, "Stoneware mug")).to_have_value(typed)
    expect(page.get_by_role("main")).to_contain_text("Error:")
    if has_js(page):
        expect(quantity_of(page, "Stoneware mug")).to_be_focused()
    type_quantity(page, "Stoneware mug", "3")
    expect(page.locator(".line", has_text="Stoneware mug").locator(".line__total")).to_have_text("€48.00")

    type_quantity(page, "Stoneware mug", "0")
    expect(page.get_by_role("status").filter(has_text="Stoneware mug is out of the cart.")).to_be_visible()
    expect(quantity_of(page, "Stoneware mug")).to_have_count(0)
    page.get_by_role("button", name="Put it back").click()
    expect(quantity_of(page, "Stoneware mug")).to_have_value("3")
    expect(page.locator("[data-part=cart-count]").first).to_contain_text("4")


def test_a_guest_orders_by_transfer_and_opens_the_order_from_the_mail(page: Page, visitor: Visitor) -> None:
    person = somebody("Ana Ruiz")
    put_in(page, MUG, "2")
    page.get_by_role("main").get_by_role("link", name="To the checkout").click()

    order_button(page).click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_visible()
    expect(page).to_have_title(re.compile("things to look at"))
    assert "things to look at" in focused(page)
    summary.get_by_role("link", name="e-mail").click()
    assert focused(page) == "email"
    fill_in(page, person)
    page.locator("#shipping-postcode").fill("4100")
    order_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("One thing to look at")
    expect(page.locator("#shipping-postcode")).to_have_value("4100")
    expect(page.locator("#shipping-postcode")).to_have_attribute("aria-describedby", "shipping-postcode-error")
    expect(page.locator("#shipping-line1")).to_have_value(person.street)
    page.locator("#shipping-postcode").fill(person.postcode)
    total = page.locator(".sums__all dd").inner_text()
    order_button(page).click()

    number = number_of(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ana.")
    pay = page.get_by_role("region", name="Please transfer")
    expect(pay).to_contain_text(re.compile(r"ES\d\d "))
    expect(pay).to_contain_text(number)
    expect(pay).to_contain_text(total)
    expect(page.locator("[data-part=cart-count]").first).to_be_hidden()

    mail = open_mail(visitor, f"Your order {number}", js=has_js(page))
    text = mail.locator("pre").inner_text()
    assert number in text
    assert total in text
    mail.get_by_role("link", name="See it as its reader does").click()
    link = mail.get_by_role("link", name="See your order").get_attribute("href")
    assert link is not None
    assert link in text
    fresh = visitor.open(link, js=has_js(page), width=PHONE)
    expect(fresh.get_by_role("region", name="Please transfer")).to_contain_text(number)
    stranger = visitor.open(js=has_js(page))
    answer = stranger.goto(f"/orders/{number}")
    assert answer is not None
    assert answer.status == 404


def test_a_guest_orders_in_spanish_and_collects(page: Page, visitor: Visitor) -> None:
    person = somebody("Iñaki Etxeberria")
    put_in(page, "/es/p/mug")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tu cesta")
    page.goto("/es/checkout")
    page.locator("input[name=shipping_method][value=pickup]").check()
    if not has_js(page):
        page.locator("p[data-part=update] button").click()
    expect(page.locator("#shipping-line1")).to_have_count(0)
    page.locator("#email").fill(person.email)
    page.locator("#shipping-name").fill(person.name)
    page.locator("#accepts_terms").check()
    order_button(page).click()

    number = number_of(page)
    assert "/es/orders/" in page.url
    expect(page.get_by_role("heading", level=1)).to_have_text("Gracias, Iñaki.")
    mail = open_mail(visitor, number, js=has_js(page))
    expect(mail.locator("pre")).to_contain_text("/es/orders/")
    expect(mail.locator("pre")).to_contain_text("Taza de gres")
