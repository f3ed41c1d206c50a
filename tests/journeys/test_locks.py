"""An account from its first mail to a second lock: by pages alone, and with passkeys that a real Chromium makes and uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect
from pyotp import TOTP

from tests.chromium import Visitor
from tests.journeys.acts import register, sign_in, somebody
from tests.mailbox import letters_in, wait_for_link
from tests.servers import Server, serve_shop

FIRST, SECOND = "four quiet winter apples", "seven loud summer pears"


@pytest.fixture(scope="module")
def shop(instance: Path) -> Iterator[Server]:
    """By a name: browsers make no passkeys for a bare address."""
    with serve_shop(instance, host="localhost") as server:
        yield server


def sign_out(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Sign out").click()


def codes_on(page: Page) -> list[str]:
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    return page.locator("main ol code").all_inner_texts()


def test_from_the_first_mail_to_a_log_in_with_six_digits(page: Page, instance: Path) -> None:
    person = somebody("Nuria Sol")
    register(page, instance, person, FIRST, go_on="/account/profile")
    page.wait_for_url("**/account/profile")
    expect(page.get_by_role("status").first).to_contain_text("Welcome, Nuria Sol.")

    sign_out(page)
    page.goto("/login")
    page.get_by_role("link", name="Password forgotten?").click()
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_role("button", name="Write to me").click()
    expect(page.get_by_role("main")).to_contain_text("a mail is on its way")
    page.goto(wait_for_link(instance, person.email, "A new password"))
    assert page.url.endswith("/password")
    page.get_by_label("New password").fill(SECOND)
    page.get_by_role("button", name="Set the new password").click()
    page.wait_for_url("**/login")
    sign_in(page, person.email, FIRST)
    expect(page.get_by_role("alert").first).to_contain_text("do not go together")
    sign_in(page, person.email, SECOND)
    page.wait_for_url("**/account")

    page.get_by_role("link", name="Security").click()
    page.get_by_role("button", name="Set up an app").click()
    expect(page.locator(".app-picture")).to_be_visible()
    totp = TOTP(page.locator("#letters").inner_text().replace(" ", ""))
    used = totp.now()
    page.get_by_label("The six digits that the app shows").fill(used)
    page.get_by_role("button", name="Switch it on").click()
    codes = codes_on(page)
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()

    sign_out(page)
    sign_in(page, person.email, SECOND)
    page.wait_for_url("**/login/code")
    page.get_by_label("Code").fill(used)  # the code that switched it on
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert").first).to_contain_text("One thing to look at")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/account")
    page.goto("/account/security")
    expect(page.get_by_role("main")).to_contain_text("9 codes are left")


@pytest.fixture
def keys(page_with_js: Page) -> Iterator[CDPSession]:
    """A virtual authenticator in this page's browser: a device that checks its owner by itself."""
    cdp = page_with_js.context.new_cdp_session(page_with_js)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    device = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    yield cdp
    cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device["authenticatorId"]})


def test_a_passkey_logs_in_alone_and_as_the_second_step(page_with_js: Page, keys: CDPSession, instance: Path) -> None:
    page, person = page_with_js, somebody("Pau Vidal")
    register(page, instance, person, FIRST)
    page.wait_for_url("**/account")
    page.goto("/account/security")
    page.get_by_role("button", name="Add a passkey").click()
    assert len(codes_on(page)) == 10
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name").fill("My desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My desk")).to_be_visible()

    sign_out(page)
    page.goto("/login?next=/account/security")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url("**/account/security")
    expect(page.get_by_role("main")).to_contain_text("last used")

    sign_out(page)
    sign_in(page, person.email, FIRST)
    page.wait_for_url("**/login/code")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/account")

    page.goto("/account/security")
    page.get_by_role("button", name=re.compile("Remove.*My desk")).click()
    expect(page.get_by_role("heading", name="My desk")).to_have_count(0)
    sign_out(page)
    page.goto("/login")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("status").first).to_contain_text("Try another one")
    sign_in(page, person.email, FIRST)
    page.wait_for_url("**/account")
    assert any("second factor" in letter.subject for letter in letters_in(instance / "mail", person.email))


def test_without_a_script_no_page_speaks_of_a_button_that_cannot_work(visitor: Visitor) -> None:
    page = visitor.open("/login", js=False)

    expect(page.get_by_role("button", name="Log in with a passkey")).to_have_count(0)


def test_a_new_password_is_judged_before_it_is_sent(page_with_js: Page) -> None:
    page = page_with_js
    page.goto("/register")
    field, said = page.get_by_label("Password"), page.locator("#password-strength")

    field.press_sequentially("password123")
    expect(said).to_contain_text("Many people use this password")
    field.fill("four quiet winter apples")
    expect(said).to_have_text(re.compile("[Ss]trong"))
    expect(page.locator("meter")).to_have_attribute("value", "4")
