"""What visitors do, for the shop and for the floor: each function prepares what is not measured and gives what is."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.bench.load import Act, Browser

ADDRESS = {
    "email": "ana@example.com",
    "name": "Ana Ruiz",
    "line1": "Calle Feria 18",
    "city": "Sevilla",
    "postcode": "41003",
    "region": "",
    "country": "ES",
}
INPUT = re.compile(r"<(?:input|option|select|textarea)\b[^>]*>")
ATTRIBUTE = re.compile(r'([a-z-]+)(?:="([^"]*)")?')
SELECT = re.compile(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', re.DOTALL)


def put_into_cart(browser: Browser, numbers: list[int]) -> None:
    for number in numbers:
        browser.ask("POST", "/cart/items", urlencode({"variant_id": number, "quantity": 1}), expect=303)


def become_member(browser: Browser) -> None:
    """Open an account; from here on every page is rendered for this visitor alone."""
    email = f"member-{secrets.token_hex(6)}@example.com"
    body = urlencode({"name": "Ana Ruiz", "email": email, "password": secrets.token_urlsafe(12)})
    browser.ask("POST", "/register", body, expect=303)


def add(browser: Browser, number: int) -> Act:
    """One more thing into a cart that is there."""
    put_into_cart(browser, [number % 1_000 + 1])
    body = urlencode({"variant_id": number % 1_000 + 2, "quantity": 1})
    return lambda: browser.ask("POST", "/cart/items", body, expect=303)


def raw_add(browser: Browser, number: int) -> Act:
    csrf = browser.ask("GET", "/start")
    body = urlencode({"product": number % 1_000 + 2, "csrf": csrf})
    return lambda: browser.ask("POST", "/cart-add", body, expect=303)


def three(number: int) -> list[int]:
    """Three different goods, others each time."""
    return [number % 5_000 + 1, number % 900 + 5_001, number % 900 + 6_001]


def order(browser: Browser, number: int) -> Act:
    """The press on "Place the order" with three lines in the cart."""
    put_into_cart(browser, three(number))
    body = checkout_form(browser)
    return lambda: browser.ask("POST", "/orders", body, expect=303)


def raw_whole_order(browser: Browser, number: int) -> Act:
    """The press with the same fields, three lines in the cart, on the floor."""
    browser.ask("GET", f"/fill?numbers={','.join(map(str, three(number)))}")
    sent = {"email": ADDRESS["email"], **{f"shipping-{name}": value for name, value in ADDRESS.items() if name != "email"}}
    body = urlencode({**sent, "shipping_method": "standard", "payment_method": "bank_transfer", "accepts_terms": "y"})
    return lambda: browser.ask("POST", "/order-whole", body, expect=303)


def raw_order(browser: Browser, number: int) -> Act:
    body = urlencode({"product": number % 9_000 + 1})
    return lambda: browser.ask("POST", "/order", body, expect=303)


def whole_checkout(browser: Browser, number: int) -> None:
    """As a guest: look, put three things in, look at the cart, order, look at the order."""
    browser.ask("GET", f"/p/product-{number % 5_000 + 1}")
    put_into_cart(browser, three(number))
    browser.ask("GET", "/cart")
    browser.ask("POST", "/orders", checkout_form(browser), expect=303)
    location = urlsplit(browser.location)
    browser.ask("GET", f"{location.path}?{location.query}")


def checkout_form(browser: Browser) -> str:
    """The checkout page's form as a browser would send it, the address filled in, paying by transfer."""
    page = browser.ask("GET", "/checkout")
    fields = {name: value for name, value in _fields(page) if name}
    fields |= {name: value for name, value in ADDRESS.items() if name in fields}
    fields |= {prefixed: ADDRESS[name] for prefixed in fields for name in ADDRESS if prefixed.endswith(f"-{name}")}
    fields |= {"payment_method": "bank_transfer"}
    fields |= {name: "y" for name in fields if "terms" in name}
    return urlencode({name: value for name, value in fields.items() if not name.startswith(("billing", "update"))})


def _fields(page: str) -> list[tuple[str, str]]:
    form = page[page.index('action="/orders"') :]
    found = []
    for tag in INPUT.findall(form.partition("</form>")[0]):
        given = dict(ATTRIBUTE.findall(tag[1:]))
        kind = given.get("type", "text")
        if (
            "name" in given
            and kind not in {"submit", "button"}
            and (kind not in {"radio", "checkbox"} or "checked" in given or "terms" in given["name"])
        ):
            found.append((given["name"], given.get("value", "")))
    for name, options in SELECT.findall(form):
        chosen = re.search(r'<option[^>]*\bselected\b[^>]*value="([^"]*)"|<option[^>]*value="([^"]*)"[^>]*\bselected\b', options)
        found.append((name, (chosen[1] or chosen[2] or "") if chosen else ""))
    return found


def cursor_of_page(browser: Browser, path: str, *, page: int, per_page: int) -> str:
    """The query that opens a far page, made from the one that opens the second: its place moved on in the list of products 1, 2, 3 …"""
    from shop.web.pagination import decode_cursor, encode_cursor

    second = re.search(
        rf'href="{re.escape(path)}\?([^"]+)"[^>]*rel="next"|rel="next"[^>]*href="{re.escape(path)}\?([^"]+)"', browser.ask("GET", path)
    )
    if second is None:
        raise RuntimeError("no next page")
    query = {name: values[0] for name, values in parse_qs((second[1] or second[2]).replace("&amp;", "&")).items()}
    name = next(name for name in query if name in {"cursor", "after"})
    place = page * per_page
    order, direction, *_place = decode_cursor(query[name], str, str, int, int)
    return urlencode({**query, name: encode_cursor(order, direction, place, place)})


def mixed(browser: Browser, number: int) -> int:
    """Ten requests of all kinds; gives how many."""
    for path in (
        "/",
        f"/c/category-{number % 50 + 1}",
        f"/p/product-{number % 9_000 + 1}",
        "/search?q=amber",
        f"/es/p/product-{number % 900 + 1}",
    ):
        browser.ask("GET", path)
    put_into_cart(browser, [number % 9_000 + 1])
    for path in ("/cart", "/api/v1/products?limit=24", "/api/v1/cart", "/checkout"):
        browser.ask("GET", path)
    return 10
