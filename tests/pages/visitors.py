"""Who looks at the pages: a stranger with a cart, a member with an order, a member of staff. All through the shop's own JSON."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import APIRequestContext, APIResponse

from tests.mailbox import wait_for_link
from tests.pages.crawl import Page
from tests.servers import Server, flask

PASSWORD = "a long walk by the sea"
ADDRESS = {
    "name": "Mira Soler",
    "line1": "Carrer del Mar 4",
    "city": "Barcelona",
    "region": "B",
    "postcode": "08003",
    "country": "ES",
    "phone": "",
}


def call(visitor: APIRequestContext, method: str, path: str, content: object = None) -> Any:
    answer: APIResponse = visitor.fetch(f"/api/v1/{path}", method=method, data=content)
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json() if answer.text() else None


def fill_cart(visitor: APIRequestContext, kinds: int = 2) -> None:
    """Put the first available variants of some products into the cart."""
    for product in call(visitor, "GET", f"products?in_stock=true&limit={kinds}")["items"]:
        variants = call(visitor, "GET", f"products/{product['slug']}")["variants"]
        chosen = next(variant["id"] for variant in variants if variant["available"])
        call(visitor, "POST", "cart/items", {"variant_id": chosen, "quantity": 1})


def order(visitor: APIRequestContext, email: str, *, payment_method: str = "bank_transfer") -> dict[str, Any]:
    """Order what is in the cart; what the shop answers: the order's ``url``, and in ``payment`` where to go ``next``."""
    placed: dict[str, Any] = call(
        visitor,
        "POST",
        "orders",
        {
            "email": email,
            "shipping_address": {**ADDRESS, "company": "", "line2": ""},
            "shipping_method": "standard",
            "payment_method": payment_method,
            "accepts_terms": True,
        },
    )
    return placed


def send(visitor: APIRequestContext, page: str, action: str, **typed: str) -> APIResponse:
    """Send the form of a page that goes to ``action`` and asks for some of this."""
    form = next(form for form in Page(visitor.get(page).text()).forms if form.action == action and typed.keys() & form.empty.keys())
    return visitor.post(action, form={**form.hidden, **typed})


def save_address(visitor: APIRequestContext) -> None:
    """Write the address into the member's book, through the form."""
    path = "/account/addresses/new"
    answer = send(visitor, path, path, **ADDRESS)
    assert answer.url.endswith("/account/addresses"), answer.text()


def join(visitor: APIRequestContext, shop: Server) -> str:
    """Become a member and sign in; gives the address that was taken."""
    email = f"mira.{uuid.uuid4().hex[:8]}@example.com"
    call(visitor, "POST", "auth/register", {"name": "Mira Soler", "email": email, "password": PASSWORD})
    token = wait_for_link(shop.folder, email).rpartition("/")[2]
    call(visitor, "POST", "auth/register/confirmation", {"token": token, "password": PASSWORD})
    return email


def sign_in_as_staff(visitor: APIRequestContext, shop: Server) -> None:
    """As an administrator, who may see every page of the back office."""
    email = f"keeper.{uuid.uuid4().hex[:8]}@example.com"
    flask(shop.folder, "user", "create-admin", "--name", "Keeper", "--password", PASSWORD, email)
    call(visitor, "POST", "auth/login", {"email": email, "password": PASSWORD})
