"""Every page of the demo world, as strangers, members and staff see it: valid, accessible, fitting on a phone, with nothing waived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import APIRequestContext, Browser, Page
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from config import Config
from shop import create_app
from tests.chromium import DESKTOP, PHONE, Visitor
from tests.pages import errands, visitors
from tests.pages.crawl import Seen, send_forms_empty, walk
from tests.pages.judges import axe, nu
from tests.payment.stripes import running_stripe
from tests.servers import Server, serve_shop, settings

LOST = ["/no-such-page", "/es/no-such-page", "/search?q=zzzzzz", "/es/search?q=zzzzzz"]  # no link leads there

# Answers to GET that are no pages, each with what it is.
NO_PAGES = {
    "static": "files",
    "content.feed": "XML",
    "content.robots": "for machines",
    "content.sitemap": "XML",
    "content.sitemap_pages": "XML",
    "content.sitemap_products": "XML",
    "payment.finish_payment": "leads back to the order",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "mail.show_mail_html": "a mail as its reader sees it",
    "media.send_image": "pictures",
    "account.download_my_data": "a file",
    "admin.promotion_staff.download_codes": "a file",
    "order.download_document": "a file",
    "admin.order_staff.download_packing_slip": "a file",
    "storage.send_private": "files",
    "auth.show_signing_keys_json": "for machines",
    "auth.return_from_provider": "leads back to the shop",
    "auth.open_link": "leads on from a mail",
}
KINDS = ["stranger", "newcomer", "forgetful", "member", "staff"]

# The shop offers what only a setting brings: another provider's sign-in, and Stripe's element with a fake of its server.
GOOGLE = {"GOOGLE_CLIENT_ID": "shop", "GOOGLE_CLIENT_SECRET": "nobody asks for it here"}
STRIPE = {
    "SHOP_PAYMENT_METHODS": "bank_transfer,test_card,stripe",
    "STRIPE_PAGE": "element",
    "STRIPE_SECRET_KEY": "sk_test_123",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_123",
    "STRIPE_WEBHOOK_SECRET": "whsec_new",
}
STRIPE_SCRIPT = "window.Stripe = () => ({ elements: () => ({ create: () => ({ mount() {}, on(name, tell) { tell(); } }) }) });"


@dataclass
class Walked:
    """What one kind of visitor saw, and the window that they look through."""

    visitor: Visitor
    first: Page
    seen: dict[str, Seen]


@pytest.fixture(scope="module")
def shop(instance: Path) -> Iterator[Server]:
    with running_stripe() as stripe, serve_shop(instance, **GOOGLE, **STRIPE, STRIPE_API_BASE=stripe.url) as server:
        yield server


@pytest.fixture(scope="module")
def app(shop: Server) -> Flask:
    """The same shop in this process, for its map of addresses."""
    return create_app(Config.from_env(settings(shop.folder), testing=True))


@pytest.fixture(scope="module")
def kind_of(app: Flask) -> Callable[[str], str | None]:
    """The endpoint and language of a path; None for what is no page of the shop."""
    addresses = app.url_map.bind("127.0.0.1")
    locales = app.extensions["config"].locales[1:]

    def kind_of(path: str) -> str | None:
        bare = urlsplit(path).path
        language = next((locale for locale in locales if bare == f"/{locale}" or bare.startswith(f"/{locale}/")), "")
        bare = bare.removeprefix(f"/{language}") if language else bare
        if path in LOST:
            return path
        try:
            endpoint, _ = addresses.match(bare or "/", method="GET")
        except RequestRedirect as redirect:
            return kind_of(urlsplit(redirect.new_url).path)
        except HTTPException:
            return f"broken link: {path}"
        return f"{endpoint} {language}".strip()

    return kind_of


@pytest.fixture(scope="module", params=KINDS)
def walked(request: pytest.FixtureRequest, browser: Browser, shop: Server, kind_of: Callable[[str], str | None]) -> Iterator[Walked]:
    visitor = Visitor(browser, shop.url)
    visitor.others.add("js.stripe.com")
    first = visitor.open("/")
    first.context.route("https://js.stripe.com/**", lambda route: route.fulfill(content_type="text/javascript", body=STRIPE_SCRIPT))
    seen = looked_at(request.param, first, shop, kind_of)
    if request.param == "staff":  # the shop itself was judged by the others
        seen = {kind: page for kind, page in seen.items() if page.path.startswith(("/admin", "/dev"))}
    seen |= send_forms_empty(first.context.request, list(seen.values()), kind_of)
    yield Walked(visitor, first, seen)
    visitor.close()


def looked_at(who: str, page: Page, shop: Server, kind_of: Callable[[str], str | None]) -> dict[str, Seen]:
    """The pages that somebody comes to. Those who stand in a door see the doors alone: behind them are the pages of the others."""
    at_doors = {"newcomer": as_newcomer, "forgetful": as_forgetful}
    inside = {"stranger": as_stranger, "member": as_member, "staff": as_staff}
    starts = (at_doors | inside)[who](page, shop)
    return walk(page.context.request, starts, kind_of, goes_on=who in inside)


def in_both(*paths: str) -> list[str]:
    """The paths in the shop's two languages."""
    return [prefix + path for path in paths for prefix in ("", "/es")]


def as_stranger(page: Page, _shop: Server) -> list[str]:
    visitors.fill_cart(page.context.request)
    return [*in_both("/", "/cart", "/checkout", "/login"), "/problems/not-found", *LOST]


def as_newcomer(page: Page, shop: Server) -> list[str]:
    """Left with everything, and is on the way back in: the mail is open."""
    visitor = page.context.request
    visitors.join(visitor, shop)
    receipt = errands.erase(visitor)
    visitor.get(errands.register(visitor, shop))
    return in_both(receipt, "/register/mail", "/register/confirmation")


def as_forgetful(page: Page, shop: Server) -> list[str]:
    """Stands before the second step, with the mail for a new password open."""
    visitor = page.context.request
    email = visitors.join(visitor, shop)
    errands.stand_at_second_step(visitor, email)
    visitor.get(errands.forget_password(visitor, shop, email))
    return in_both("/login/code", "/password")


def as_member(page: Page, shop: Server) -> list[str]:
    visitor = page.context.request
    email = visitors.join(visitor, shop)
    visitors.save_address(visitor)
    passkey = errands.add_passkey(visitor, shop)
    errands.begin_app(visitor)
    visitors.fill_cart(visitor)
    ordered = urlsplit(visitors.order(visitor, email)["url"]).path
    visitors.fill_cart(visitor)
    bank = urlsplit(visitors.order(visitor, email, payment_method="test_card")["payment"]["next"]).path
    visitors.fill_cart(visitor)
    card = urlsplit(visitors.order(visitor, email, payment_method="stripe")["payment"]["next"]).path
    with another(page) as keeper:
        visitors.sign_in_as_staff(keeper, shop)
        sold = errands.sell(visitor, keeper, email)
    papers = [errands.invoice_of(visitor, sold), f"/withdrawal/{errands.withdraw(visitor, email, sold.number)}"]
    visitors.fill_cart(visitor)
    visitor.get(errands.move_address(visitor, shop, email))
    locks = ["/account/proof", "/account/security/app", "/account/security/sign-ins", passkey, "/account/address-confirmation"]
    return [*in_both("/account", ordered, bank, card, f"{sold.path}/returns/new", *papers, *locks), "/", "/cart", "/checkout"]


def as_staff(page: Page, shop: Server) -> list[str]:
    visitor = page.context.request
    visitors.sign_in_as_staff(visitor, shop)
    with another(page) as customer:
        email = visitors.join(customer, shop)
        sold = errands.sell(customer, visitor, email)
        errands.ask_back(customer, sold)
        errands.withdraw(customer, email, sold.number)
        waiting = errands.pay(customer, visitor, email)
    errands.add_group(visitor, email)
    errands.add_webhook(visitor)
    order = f"/admin/orders/{sold.number}"
    still = [f"/admin/orders/{waiting}/{act}" for act in ("cancellation", "edit", "shipments")]
    return ["/admin", "/admin/find?q=mug", "/dev/mail", order, f"{order}/returns/new", *still]


@contextmanager
def another(page: Page) -> Iterator[APIRequestContext]:
    """A second person, in a window of their own."""
    browser = page.context.browser
    assert browser
    context = browser.new_context(base_url="{0.scheme}://{0.netloc}".format(urlsplit(page.url)))
    yield context.request
    context.close()


def test_no_link_is_broken_and_no_page_fails(walked: Walked) -> None:
    broken = [f"{kind} ({page.status})" for kind, page in walked.seen.items() if kind.startswith("broken link") or page.status >= 500]

    assert not broken, listed(broken)
    assert len(walked.seen) > 5


def test_every_page_is_valid_html(walked: Walked) -> None:
    found = nu({f"{kind} {page.path}": page.html for kind, page in walked.seen.items()})

    assert not found, listed(found)


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_every_page_is_accessible_and_fits(walked: Walked, width: int, scheme: str) -> None:
    page = walked.first
    walked.visitor.problems.clear()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    problems = []

    for kind, seen in walked.seen.items():
        show(page, seen)
        problems += [f"{kind}: {problem}" for problem in axe(page)]
        problems += [f"{kind} at {width}: {problem}" for problem in what_sticks_out(page)]

    assert not problems, listed(problems)
    assert not walked.visitor.problems, listed(walked.visitor.problems)


def listed(problems: Iterable[str]) -> str:
    return "\n".join(["", *sorted(problems)])


def show(page: Page, seen: Seen) -> None:
    """Open the page; one that only a form gives is laid over the page that holds the form."""
    page.goto(seen.path)
    if seen.kind.endswith("sent empty"):
        page.route(seen.path, lambda route: route.fulfill(status=200, content_type="text/html; charset=utf-8", body=seen.html))
        page.goto(seen.path)
        page.unroute(seen.path)


def what_sticks_out(page: Page) -> list[str]:
    """The page must not scroll sideways; names the widest elements if it does."""
    return page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const wide = [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > width + 1);
        return wide.slice(0, 3).map(one => `sticks out: ${one.outerHTML.slice(0, 120)}`);
    }""")


def test_no_page_escaped(app: Flask, browser: Browser, shop: Server, kind_of: Callable[[str], str | None]) -> None:
    """Each address that answers with a page was seen by somebody, or stands in NO_PAGES with its reason."""
    seen: set[str] = set()
    for who in KINDS:
        visitor = Visitor(browser, shop.url)
        seen |= looked_at(who, visitor.open("/"), shop, kind_of).keys()
        visitor.close()

    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/")}

    escaped = endpoints - {kind.split()[0] for kind in seen} - NO_PAGES.keys()
    assert not escaped, listed(escaped)
