"""A cart that follows its owner: from guest to member, from desk to phone, to an order in the account."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.chromium import PHONE, Visitor
from tests.journeys.acts import Person, has_js, number_of, open_mail, order_button, put_in, register, sign_in, somebody
from tests.journeys.backstage import Backstage

PASSWORD = "four quiet winter apples"
MUG, OIL = "/p/mug?colour=cream&size=250-ml", "/p/olive-oil?size=500-ml"


def join(page: Page, backstage: Backstage, name: str) -> Person:
    person = somebody(name)
    register(page, backstage.instance, person, PASSWORD)
    page.wait_for_url("**/account")
    return person


def test_two_carts_become_one_and_are_on_every_device(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    js = has_js(page)
    person = join(page, backstage, "Julia Prat")
    put_in(page, MUG, "2")
    phone = visitor.open(js=js, width=PHONE)
    put_in(phone, MUG, "1")
    put_in(phone, OIL, "1")

    sign_in(phone, person.email, PASSWORD)
    expect(phone.get_by_role("status").first).to_contain_text("The 2 things in your cart here are now with what you had put in before.")
    phone.goto("/cart")
    expect(phone.get_by_role("textbox", name="Quantity of Stoneware mug")).to_have_value("3")
    page.goto("/cart")
    expect(page.get_by_role("textbox", name="Quantity of Stoneware mug")).to_have_value("3")
    expect(page.get_by_role("main")).to_contain_text("Alborada extra virgin olive oil")
    page.goto("/account")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/cart")
    expect(page.get_by_role("main")).to_contain_text("Nothing is in it yet.")


def test_joined_carts_hold_no_more_than_there_is(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    person = join(page, backstage, "Kiko Luna")
    there = backstage.stock_of("THR-WHI")
    put_in(page, "/p/throw?colour=chalk", str(there))
    phone = visitor.open(js=has_js(page), width=PHONE)
    put_in(phone, "/p/throw?colour=chalk", "2")

    sign_in(phone, person.email, PASSWORD)
    expect(phone.get_by_role("main").or_(phone.locator("#flashes")).first).to_contain_text(
        f"Of Wool throw the cart holds {there} instead of {there + 2}: there are no more."
    )


def test_a_member_orders_to_the_usual_address_and_cancels(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    person = join(page, backstage, "Lola Mir")
    page.goto("/account/addresses/new")
    page.locator("#name").fill("Lola Mir")
    page.get_by_label("Street and number").fill("Gran Via 7")
    page.get_by_label("Postcode").fill("08007")
    page.get_by_label("Town").fill("Barcelona")
    page.get_by_role("main").get_by_role("button", name="Save").last.click()
    page.wait_for_url("**/account/addresses")

    before = backstage.stock_of("OIL-500")
    put_in(page, OIL, "2")
    page.goto("/checkout")
    expect(page.locator("#email")).to_have_value(person.email)
    expect(page.locator("#shipping-line1")).to_have_value("Gran Via 7")
    expect(page.locator("#shipping-city")).to_have_value("Barcelona")
    page.locator("#accepts_terms").check()
    order_button(page).click()
    number = number_of(page)
    assert "key=" not in page.url
    assert backstage.stock_of("OIL-500") == before - 2

    page.goto("/account")
    card = page.get_by_role("listitem").filter(has_text=number)
    card.get_by_role("link").first.click()
    assert number_of(page) == number
    page.locator("summary", has_text="Cancel the order").click()
    page.get_by_label("Why").or_(page.locator("#note")).first.fill("Two are too many")
    page.get_by_role("button", name="Cancel it now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This order is canceled.")
    expect(page.get_by_role("status").filter(has_text="The order is canceled.")).to_be_visible()
    assert backstage.stock_of("OIL-500") == before
    page.goto("/account")
    expect(page.get_by_role("listitem").filter(has_text=number)).to_contain_text("anceled")
    open_mail(visitor, f"Your order {number} is canceled", js=has_js(page))


def test_a_wrong_password_keeps_the_address_and_says_so(page: Page) -> None:
    sign_in(page, "lucia@example.com", "not this one")

    expect(page.get_by_role("alert").first).to_contain_text("do not go together")
    expect(page.get_by_label("E-mail")).to_have_value("lucia@example.com")
    expect(page.get_by_label("Password")).to_have_value("")


def test_a_member_of_the_demo_reads_their_orders_in_spanish(page: Page, backstage: Backstage) -> None:
    page.goto("/es/login")
    page.locator("#email").fill("lucia@example.com")
    page.locator("#password").fill(backstage.password)
    page.get_by_role("main").get_by_role("button", name="Entrar", exact=True).click()

    page.wait_for_url("**/es/account")
    expect(page.locator(".order-card").first).to_be_visible()
    page.locator(".order-card a").first.click()
    number_of(page)
    expect(page.locator("html")).to_have_attribute("lang", "es")
