"""Paying by card when banks, networks and fingers do their worst: one order, one payment each."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import Visitor
from tests.journeys.acts import fill_in, go_to_bank, has_js, number_of, open_mail, order_button, put_in, somebody
from tests.journeys.backstage import Backstage

OIL, OIL_SKU = "/p/olive-oil?size=500-ml", "OIL-500"


def expect_paid(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    expect(page.locator(".timeline li", has_text="Paid")).to_have_attribute("data-state", "done")


def fill_checkout_by_card(page: Page, name: str) -> str:
    """At the checkout, everything written, nothing pressed; gives the e-mail."""
    person = somebody(name)
    page.goto("/checkout")
    fill_in(page, person)
    page.locator("input[name=payment_method][value=test_card]").check()
    return person.email


def test_a_card_that_the_bank_approves(page: Page, visitor: Visitor, backstage: Backstage) -> None:
    person = somebody("Ana Ruiz")
    go_to_bank(page, person)
    page.get_by_role("button", name="Approve").click()

    number = number_of(page)
    expect_paid(page)
    assert (backstage.orders_of(person.email), backstage.payments_of(person.email), backstage.charges_for(number)) == (1, 1, 1)
    open_mail(visitor, f"Your payment for order {number}", js=has_js(page))


def test_a_declined_card_is_tried_again_on_the_same_order(page: Page, backstage: Backstage) -> None:
    person = somebody("Bea Gil")
    go_to_bank(page, person)
    page.get_by_role("button", name="Decline").click()

    number = number_of(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Almost there, Bea.")
    expect(page.get_by_role("region", name="Pay the order")).to_contain_text("The card was declined. Nothing was charged")
    page.get_by_role("button", name=re.compile(r"^Pay €")).click()
    page.wait_for_url("**/test-card")
    page.get_by_role("button", name="Approve").click()
    assert number_of(page) == number
    expect_paid(page)
    assert (backstage.orders_of(person.email), backstage.payments_of(person.email), backstage.charges_for(number)) == (1, 1, 1)


def test_a_bank_that_asks_for_a_confirmation(page: Page, backstage: Backstage) -> None:
    person = somebody("Carla Sanz")
    go_to_bank(page, person)
    page.get_by_role("button", name="Ask for a confirmation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it you?")
    page.get_by_role("button", name="Yes, it is me").click()

    number = number_of(page)
    expect_paid(page)
    assert (backstage.payments_of(person.email), backstage.charges_for(number)) == (1, 1)


def test_an_answer_that_was_lost_is_asked_for_again_by_the_sweep(page: Page, backstage: Backstage) -> None:
    person = somebody("Diego Mora")
    go_to_bank(page, person)
    page.get_by_role("button", name="Take the money, but lose the answer").click()

    number = number_of(page)
    expect(page.get_by_role("main")).to_contain_text("We are checking with the bank")
    assert page.get_by_role("button", name=re.compile("^Pay")).count() == 0
    backstage.let_an_hour_pass(number)
    backstage.run("payment", "sweep")
    page.reload()
    expect_paid(page)
    assert (backstage.orders_of(person.email), backstage.payments_of(person.email), backstage.charges_for(number)) == (1, 1, 1)


def test_a_double_click_and_the_way_back_make_one_order(page: Page, backstage: Backstage) -> None:
    put_in(page, OIL)
    email = fill_checkout_by_card(page, "Elena Paz")
    order_button(page).dblclick()
    page.wait_for_url(re.compile(r"test-card|/orders/.+"))
    assert backstage.orders_of(email) == 1

    page.go_back()
    expect(page.get_by_role("main")).to_contain_text("Nothing is in it yet.")
    assert backstage.orders_of(email) == 1


def test_a_bank_page_that_is_answered_twice_counts_once(page: Page, backstage: Backstage) -> None:
    person = somebody("Fina Rey")
    go_to_bank(page, person)
    bank = page.url
    page.get_by_role("button", name="Approve").click()
    number = number_of(page)

    page.goto(bank)
    expect(page.get_by_role("main")).to_contain_text("This payment was answered before.")
    page.get_by_role("main").get_by_role("link", name="Back to the order").click()
    assert number_of(page) == number
    assert (backstage.payments_of(person.email), backstage.charges_for(number)) == (1, 1)


def test_two_tabs_make_one_order(page: Page, backstage: Backstage) -> None:
    put_in(page, OIL)
    first = fill_checkout_by_card(page, "Gala Font")
    other = page.context.new_page()
    second = fill_checkout_by_card(other, "Gala Font")

    page.bring_to_front()
    order_button(page).click()
    page.wait_for_url("**/test-card")
    other.bring_to_front()
    order_button(other).click()
    number = number_of(other)
    assert backstage.orders_of(first) + backstage.orders_of(second) == 1
    page.bring_to_front()
    page.get_by_role("button", name="Approve").click()
    assert number_of(page) == number
    other.reload()
    expect_paid(other)
    assert (backstage.payments_of(first), backstage.charges_for(number)) == (1, 1)


@pytest.fixture
def usual_price(backstage: Backstage) -> Iterator[None]:
    yield
    backstage.set_price(OIL_SKU, 1450)


@pytest.mark.usefixtures("usual_price")
def test_a_price_that_moved_is_shown_and_asked_again(page: Page, backstage: Backstage) -> None:
    put_in(page, OIL, "2")
    email = fill_checkout_by_card(page, "Hugo Vidal")
    backstage.set_price(OIL_SKU, 1550)
    order_button(page).click()

    changed = page.get_by_role("alert", name="Something changed")
    expect(changed).to_contain_text("Nothing was ordered yet")
    expect(changed).to_contain_text("€29.00")
    expect(changed).to_contain_text("€31.00")
    expect(changed).to_be_focused()
    expect(page.locator("#email")).to_have_value(email)
    expect(page.locator("input[value=test_card]")).to_be_checked()
    assert backstage.orders_of(email) == 0
    order_button(page).click()
    page.wait_for_url("**/test-card")
    expect(page.locator(".sums__all")).to_contain_text(re.compile(r"€3\d"))
    assert backstage.orders_of(email) == 1


def test_what_sold_out_meanwhile_is_never_ordered(page: Page, backstage: Backstage) -> None:
    put_in(page, "/p/throw?colour=mustard", "2")
    email = fill_checkout_by_card(page, "Ines Roca")
    before = backstage.stock_of("THR-MUS")
    backstage.set_stock("THR-MUS", 1)
    order_button(page).click()

    expect(page.get_by_role("alert", name="Something changed")).to_contain_text("Wool throw, pieces")
    assert (backstage.orders_of(email), backstage.stock_of("THR-MUS")) == (0, 1)
    backstage.set_stock("THR-MUS", 0)
    order_button(page).click()
    page.wait_for_url("**/cart")
    expect(page.get_by_role("main")).to_contain_text("This is sold out.")
    assert backstage.orders_of(email) == 0
    backstage.set_stock("THR-MUS", before)
