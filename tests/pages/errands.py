"""What must have happened before some pages show anything: a parcel came, a mail was opened, a second lock was set. Through the shop's own JSON and forms."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import APIRequestContext
from pyotp import TOTP

from tests.auth.authenticator import Key
from tests.mailbox import wait_for_link
from tests.pages import visitors
from tests.pages.visitors import PASSWORD, call, send
from tests.servers import Server


@dataclass(frozen=True)
class Sold:
    """An order that was paid and has arrived: ``path`` is its page, ``lines`` the ids of what was bought."""

    number: str
    path: str
    lines: list[int]


def sell(customer: APIRequestContext, staff: APIRequestContext, email: str) -> Sold:
    """The customer orders, the money comes, the parcel goes out and arrives."""
    visitors.fill_cart(customer)
    placed = visitors.order(customer, email)
    for act in ("payment", "shipments", "delivery"):
        call(staff, "POST", f"orders/{placed['number']}/{act}", {})
    allowed = call(customer, "GET", f"orders/{placed['number']}/returns")["returnable"]
    return Sold(placed["number"], urlsplit(placed["url"]).path, [line["id"] for line in allowed])


def pay(customer: APIRequestContext, staff: APIRequestContext, email: str) -> str:
    """The customer orders and the money comes; gives the number of the order, which waits to be packed."""
    visitors.fill_cart(customer)
    number = str(visitors.order(customer, email)["number"])
    call(staff, "POST", f"orders/{number}/payment", {})
    return number


def ask_back(customer: APIRequestContext, sold: Sold) -> None:
    """The customer wants to send one piece back."""
    wanted = {"lines": [{"id": sold.lines[0], "quantity": 1}], "note": "The handle is chipped."}
    call(customer, "POST", f"orders/{sold.number}/returns", wanted)


def withdraw(customer: APIRequestContext, email: str, number: str) -> str:
    """Declare a withdrawal; gives its reference."""
    said = {"name": "Mira Soler", "order_number": number, "email": email, "note": "All of it."}
    return str(call(customer, "POST", "withdrawals", said)["reference"])


def invoice_of(customer: APIRequestContext, sold: Sold) -> str:
    """The page of the order's first document."""
    number = call(customer, "GET", f"orders/{sold.number}/documents")["items"][0]["number"]
    return f"/orders/{sold.number}/documents/{number}"


def begin_app(member: APIRequestContext) -> str:
    """Have a key made for an app, which no code has confirmed yet; gives its letters."""
    return str(call(member, "POST", "me/security/app")["letters"]).replace(" ", "")


def add_passkey(member: APIRequestContext, shop: Server) -> str:
    """Guard the account with a passkey; gives the page that renames it."""
    options = call(member, "POST", "me/passkeys/options")
    call(member, "POST", "me/passkeys", {"credential": Key().make(options, origin=shop.url), "name": "My desk"})
    passkey = call(member, "GET", "me/security")["passkeys"][0]
    return f"/account/security/passkeys/{passkey['id']}"


def stand_at_second_step(member: APIRequestContext, email: str) -> None:
    """Switch an app on, leave, and come back with the password alone."""
    call(member, "POST", "me/security/app/confirmation", {"code": TOTP(begin_app(member)).now()})
    call(member, "POST", "auth/logout")
    answer = send(member, "/login", "/login", email=email, password=PASSWORD)
    assert answer.url.endswith("/login/code"), answer.url


def register(visitor: APIRequestContext, shop: Server) -> str:
    """Ask for an account on the page; gives the link in the mail."""
    email = f"nora.{uuid.uuid4().hex[:8]}@example.com"
    answer = send(visitor, "/register", "/register", name="Nora Pla", email=email, password=PASSWORD)
    assert answer.url.endswith("/register/mail"), answer.url
    return wait_for_link(shop.folder, email)


def forget_password(member: APIRequestContext, shop: Server, email: str) -> str:
    """Ask for a new password; gives the link in the mail."""
    call(member, "POST", "auth/password-resets", {"email": email})
    return wait_for_link(shop.folder, email, "A new password")


def move_address(member: APIRequestContext, shop: Server, email: str) -> str:
    """Ask to be written to at another address; gives the link in its mail."""
    new = f"new.{email}"
    call(member, "POST", "me/email", {"email": new})
    return wait_for_link(shop.folder, new)


def erase(member: APIRequestContext) -> str:
    """Erase the account; gives the page of the receipt."""
    return f"/erasures/{call(member, 'POST', 'me/erasure', {'password': PASSWORD})['reference']}"


def add_webhook(staff: APIRequestContext) -> None:
    """Name an address that nobody has, and try it once: its log holds the failure."""
    made = call(staff, "POST", "webhooks", {"url": "https://receiver.invalid/shop", "kinds": ["order.*"], "note": "Warehouse"})
    call(staff, "POST", f"webhooks/{made['id']}/test")


def add_group(staff: APIRequestContext, email: str) -> None:
    """A group of customers with somebody in it."""
    call(staff, "POST", "customer-groups", {"code": "trade", "name": "Trade"})
    call(staff, "POST", "customer-groups/trade/members", {"email": email})
