"""Something goes back: the customer asks by the link of the order, staff receive it, the money goes back, and the credit note is there."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.chromium import Visitor
from tests.journeys.acts import has_js, open_mail, place_quietly, somebody
from tests.journeys.backstage import Backstage
from tests.journeys.test_staff import number_in, open_order


def test_what_comes_back_is_paid_back_with_a_credit_note(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    js = has_js(page)
    customer = visitor.open(js=js)
    url = place_quietly(customer, somebody("Rita Sanz"), quantity=2)
    number = number_in(url)
    open_order(page, backstage, number)
    page.get_by_role("button", name=re.compile("^Payment arrived")).first.click()
    page.get_by_role("link", name="Ship 2 pieces").first.click()
    page.get_by_label("Carrier").fill("Correos")
    page.get_by_role("button", name="Send the parcel").click()
    page.get_by_role("button", name="Mark delivered").first.click()

    customer.goto(url)
    customer.get_by_role("link", name="Send something back").click()
    customer.get_by_label(re.compile("^Pieces of")).fill("1")
    customer.get_by_role("button", name="Ask for the return").click()
    expect(customer.get_by_role("main")).to_contain_text(f"{number}-R1: asked for")

    page.goto("/admin/returns?state=asked")
    page.get_by_role("link", name=f"{number}-R1").click()
    page.get_by_role("button", name="Approve").click()
    page.goto(f"/admin/orders/{number}/returns/1")
    page.get_by_label(re.compile("that came$")).fill("1")
    page.get_by_role("button", name="It is here").click()
    page.wait_for_url(f"**/admin/orders/{number}")
    sent = page.get_by_role("button", name="It was sent")
    for _look in range(40):  # the couriers need a moment
        if sent.count():
            break
        page.wait_for_timeout(250)
        page.reload()
    sent.first.click()
    expect(page.get_by_role("region", name="Returns", exact=True)).to_contain_text("Done")

    customer.reload()
    customer.get_by_role("link", name=re.compile("^Credit note CN-")).click()
    expect(customer.get_by_role("main")).to_contain_text("Credited")
    open_mail(visitor, f"Your return of order {number} has arrived", js=js)
