"""A day of staff: an order comes in, its money comes in, it is packed and sent; another one is canceled. The customer sees it all."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.chromium import Visitor
from tests.journeys.acts import has_js, open_mail, place_quietly, put_in, sign_in, somebody
from tests.journeys.backstage import Backstage
from tests.servers import ROOT

PICTURE = ROOT / "shop" / "demo" / "world" / "images" / "bowl-1.jpg"


STAFF, ADMIN = "staff@bodega.example", "admin@bodega.example"


def go_to_work(page: Page, backstage: Backstage, email: str = STAFF) -> None:
    sign_in(page, email, backstage.password)
    page.wait_for_url(re.compile("/(account|admin)"))
    page.goto("/admin")


def open_order(page: Page, backstage: Backstage, number: str, *, email: str = STAFF) -> None:
    """Sign in, find the order by its number and open it."""
    go_to_work(page, backstage, email)
    page.get_by_role("link", name="Orders").first.click()
    page.wait_for_url("**/admin/orders")
    page.get_by_role("searchbox", name="Find in orders").fill(number)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=number, exact=True).click()
    page.wait_for_url(f"**/admin/orders/{number}")


def number_in(url: str) -> str:
    found = re.search(r"/orders/([A-Z0-9-]+)", url)
    assert found
    return found[1]


def test_an_order_is_paid_packed_and_shipped_and_its_customer_sees_it(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    js = has_js(page)
    customer = visitor.open(js=js)
    url = place_quietly(customer, somebody("Marta Oliva"), quantity=2)
    customer.goto(url)
    number = number_in(url)
    open_order(page, backstage, number)

    page.get_by_role("button", name=re.compile("^Payment arrived")).first.click()
    expect(page.get_by_role("region", name="Payments", exact=True)).to_contain_text("Paid")
    customer.reload()
    expect(customer.locator(".timeline li", has_text="Paid")).to_have_attribute("data-state", "done")
    page.get_by_role("button", name="Mark packed").first.click()
    customer.reload()
    expect(customer.locator(".timeline li", has_text="Wrapped")).to_have_attribute("data-state", "done")
    page.get_by_role("link", name="Ship 2 pieces").first.click()
    page.get_by_label("Carrier").fill("Correos")
    page.get_by_label("Tracking number").fill("PQ7J2K0041")
    page.get_by_role("button", name="Send the parcel").click()
    page.wait_for_url(f"**/admin/orders/{number}")
    expect(page.get_by_role("region", name="Shipments", exact=True)).to_contain_text("PQ7J2K0041")

    customer.reload()
    expect(customer.locator(".timeline li", has_text="On its way")).to_have_attribute("data-state", "done")
    expect(customer.get_by_role("main")).to_contain_text("PQ7J2K0041")
    assert customer.get_by_text("Cancel the order").count() == 0
    open_mail(visitor, f"Your payment for order {number}", js=js)
    mail = open_mail(visitor, f"Your order {number} is on its way", js=js)
    expect(mail.locator("pre")).to_contain_text("PQ7J2K0041")


def test_two_people_cannot_do_the_same_twice(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    customer = visitor.open(js=has_js(page))
    number = number_in(place_quietly(customer, somebody("Nuria Sala")))
    open_order(page, backstage, number)
    other = visitor.open(js=has_js(page))
    open_order(other, backstage, number, email=ADMIN)

    other.get_by_role("button", name=re.compile("^Payment arrived")).first.click()
    expect(other.get_by_role("region", name="Payments", exact=True)).to_contain_text("Paid")
    page.get_by_role("button", name=re.compile("^Payment arrived")).first.click()
    expect(page.get_by_role("main")).to_contain_text("Nothing was done.")
    expect(page.get_by_role("main")).to_contain_text("admin@bodega.example recorded the payment")


def test_a_canceled_order_gives_its_stock_back(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    js = has_js(page)
    before = backstage.stock_of("OIL-500")
    customer = visitor.open(js=js)
    url = place_quietly(customer, somebody("Olga Pons"), quantity=3)
    number = number_in(url)
    assert backstage.stock_of("OIL-500") == before - 3
    open_order(page, backstage, number)

    page.locator("summary", has_text="All acts").click()
    page.get_by_role("link", name="Cancel the order …").click()
    expect(page.get_by_role("main")).to_contain_text("3 pieces go back to stock.")
    page.locator("#note").fill("The bottles broke")
    page.get_by_role("button", name="Cancel the order").click()
    page.wait_for_url(f"**/admin/orders/{number}")
    assert backstage.stock_of("OIL-500") == before
    customer.goto(url)
    expect(customer.get_by_role("heading", level=1)).to_have_text("This order is canceled.")
    open_mail(visitor, f"Your order {number} is canceled", js=js)


def test_new_goods_get_a_picture_and_a_price_and_are_sold_the_same_minute(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    js = has_js(page)
    name = f"Salt cellar {secrets.token_hex(3)}"
    go_to_work(page, backstage)
    page.get_by_role("link", name="Products").first.click()
    page.get_by_role("link", name="New product").first.click()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("One thing to look at")
    page.locator("#name_en").fill(name)
    page.locator("#name_es").fill(f"Salero {name[-6:]}")
    page.locator("#description_html_en").fill("<p>For the table.</p><script>alert(1)</script>")
    page.locator("#main_category").select_option(label="Table › Ceramics")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)

    page.locator("#files").set_input_files(PICTURE)
    page.get_by_role("button", name="Add pictures").click()
    expect(page.locator("section[aria-labelledby=pictures] img")).to_have_count(1)
    page.get_by_role("link", name="Make the first one").click()
    page.get_by_label("Price", exact=True).fill("12,5x")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_label("Price", exact=True)).to_have_value("12,5x")
    page.get_by_label("Price", exact=True).fill("12.50")
    page.locator("#sku").fill(f"SALT-{name[-6:]}")
    page.locator("#on_hand").fill("2")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("New variant")
    page.get_by_role("link", name="Products").first.click()
    page.get_by_role("searchbox", name="Find in products").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_label("Shown from now on").check()
    page.get_by_role("button", name="Save").first.click()
    page.get_by_role("link", name="See in shop").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    customer = visitor.open(urlsplit(page.url).path, js=js)
    expect(customer.locator(".buy__price")).to_have_text("€12.50")
    expect(customer.locator(".gallery img")).to_have_count(1)
    assert customer.locator(".gallery img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    put_in(customer, urlsplit(page.url).path, "2")
    expect(customer.get_by_role("main")).to_contain_text("€25.00")


def test_a_customer_does_not_get_behind_the_counter(page: Page, backstage: Backstage) -> None:
    page.goto("/admin/orders")
    assert "/login" in page.url
    page.get_by_label("E-mail").fill("lucia@example.com")
    page.get_by_label("Password").fill(backstage.password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).not_to_have_text("Orders")
    answer = page.goto("/admin/orders")
    assert answer is not None
    assert answer.status == 403
