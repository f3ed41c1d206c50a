"""What scripts add: the cart beside the page, choices and suggestions without a reload, the theme, everything by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.chromium import PHONE, Visitor
from tests.journeys.acts import fill_in, focused, number_of, somebody


def watch_loads(page: Page) -> list[str]:
    """The documents that the page loads from now on."""
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    return loads


def tab_to(page: Page, target: Locator, *, most: int = 80, key: str = "Tab") -> None:
    """Press Tab until the target has the focus, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached by {most} presses of {key}")


def test_goods_go_into_the_cart_without_leaving_the_page(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/p/mug?colour=sage&size=250-ml")
    loads = watch_loads(page)
    count = page.locator("[data-part=cart-count]").first
    expect(count).to_be_hidden()

    page.get_by_role("button", name="One more: Quantity").click()
    page.get_by_role("button", name="Add to cart").click()
    drawer = page.get_by_role("dialog", name="In your cart")
    expect(drawer).to_be_visible()
    line = drawer.get_by_role("listitem")
    expect(line).to_contain_text("Stoneware mug")
    expect(line).to_contain_text("Sage, 250 ml")
    expect(line).to_contain_text("2 × €16.00")
    expect(drawer).to_contain_text("€32.00")
    expect(count).to_contain_text("2")
    assert page.evaluate("document.querySelector('#mini-cart').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert focused(page) == "Add to cart"

    page.get_by_role("link", name="Cart").click()
    expect(drawer).to_be_visible()
    assert loads == []
    drawer.get_by_role("link", name="To the checkout").click()
    page.wait_for_url("**/checkout")


def test_more_than_there_is_is_refused_on_the_page(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/p/mug?colour=sage&size=350-ml")
    loads = watch_loads(page)

    page.get_by_label("Quantity", exact=True).fill("500")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#buy").get_by_role("alert")).to_contain_text(re.compile(r"\d"))
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("500")
    assert loads == []


def test_a_choice_changes_price_and_address_without_a_reload(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/p/mug?colour=cream&size=250-ml")
    loads = watch_loads(page)

    page.get_by_label("Quantity", exact=True).fill("3")
    page.locator("#buy").get_by_role("link", name="350 ml").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".buy__price")).to_contain_text("€18.50")
    expect(page).to_have_url(re.compile("size=350-ml"))
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("3")
    expect(page.locator("#buy").get_by_role("link", name="350 ml", exact=True)).to_be_focused()
    assert loads == []


def test_suggestions_are_walked_by_keyboard(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/")
    box = page.get_by_role("combobox", name="Search the shop")
    box.press_sequentially("mug")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(options.first).to_contain_text("Stoneware mug")
    expect(box).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_value("mug")
    box.press_sequentially("s")
    box.press("Backspace")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/mug")


def test_suggestions_speak_spanish(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/es/")
    box = page.locator("#q")
    box.press_sequentially("taza")
    expect(page.get_by_role("option").first).to_contain_text("Taza de gres")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/es/p/**")


def test_a_theme_is_remembered_on_this_machine(page: Page) -> None:
    page.goto("/")
    root = page.locator("html")
    page.get_by_role("radio", name="Night").check()
    apply = page.get_by_role("contentinfo").get_by_role("button", name="Apply")
    if apply.is_visible():
        apply.click()
        page.wait_for_url("**/")
    expect(root).to_have_attribute("data-theme", "dark")

    page.goto("/p/mug")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("radio", name="Night")).to_be_checked()
    page.goto("/cart")
    expect(root).to_have_attribute("data-theme", "dark")


def test_everything_is_bought_by_keyboard_alone(page_with_js: Page) -> None:
    page = page_with_js
    person = somebody("Pepa Roig")
    page.goto("/c/ceramics")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "main"
    tab_to(page, page.get_by_role("main").get_by_role("link", name="Stoneware mug"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/mug")
    tab_to(page, page.get_by_role("button", name="Add to cart"))
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="In your cart")
    expect(drawer).to_be_visible()
    tab_to(page, drawer.get_by_role("link", name="See the cart"), most=10)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cart")

    tab_to(page, page.get_by_role("main").get_by_role("link", name="To the checkout"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout")
    tab_to(page, page.locator("#email"), most=10)
    page.keyboard.type(person.email)
    tab_to(page, page.locator("#shipping-name"), most=4)
    page.keyboard.type(person.name)
    page.keyboard.press("Tab")
    page.keyboard.type(person.street)
    tab_to(page, page.locator("#shipping-postcode"), most=3)
    page.keyboard.type(person.postcode)
    page.keyboard.press("Tab")
    page.keyboard.type(person.town)
    tab_to(page, page.locator("input[name=payment_method]:checked"), most=6)
    tab_to(page, page.locator("#accepts_terms"), most=8)
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    number_of(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Pepa.")


def test_a_country_changes_the_fields_and_keeps_what_was_typed(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/p/olive-oil")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("dialog", name="In your cart")).to_be_visible()
    page.goto("/checkout")
    loads = watch_loads(page)
    fill_in(page, somebody("Quim Serra"))

    page.locator("#shipping-country").focus()
    page.locator("#shipping-country").select_option("PT")
    expect(page.locator("#shipping-country")).to_be_focused()
    expect(page.locator("#shipping-line1")).to_have_value("Calle Feria 18")
    page.locator("input[name=shipping_method]").last.check()
    expect(page.locator("#email")).to_have_value(re.compile("guest-"))
    expect(page.locator("#accepts_terms")).to_be_checked()
    assert loads == []


def test_a_phone_opens_menu_and_filters(visitor: Visitor) -> None:
    page = visitor.open("/", width=PHONE)
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("navigation", name="Goods").get_by_role("link", name="Table", exact=True).click()
    page.wait_for_url("**/c/table")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("In stock").check()
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url(re.compile("in_stock=1"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
