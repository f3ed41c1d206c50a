"""The real shop in production mode behind a real nginx with TLS: fast for strangers, private for everybody else."""

from __future__ import annotations

import http.cookies
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mailbox import link_token
from tests.servers import ROOT, SECRET, Answer, Server, copy_instance, demo_world, serve_nginx, serve_shop

pytestmark = pytest.mark.nginx

PRODUCTION = {
    "SHOP_ENV": "production",
    "SHOP_URL": "https://shop.example",
    "SHOP_PROXIES": "1",
    "SECRET_KEY": SECRET,
    "SHOP_PAYMENT_METHODS": "bank_transfer",
    "SHOP_BANK_ACCOUNT": "ES91 2100 0418 4502 0005 1332",
    "MAIL_URL": "smtp://127.0.0.1:9",
    "SHOP_COURIER": "0",
}
OURS = {"Host": "shop.example"}
PASSWORD = "a long walk by the sea"
ANN = "ann.nobody-else@example.com"
NAME = "Annelore Nobodyelse"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("nginx")
    instance = copy_instance(demo_world(), folder / "instance")
    sockets = folder / "shop.sock"
    with serve_shop(instance, sockets=sockets, **PRODUCTION), serve_nginx(folder, instance, sockets, tls=True) as server:
        yield server


class Browser:
    """A visitor who keeps cookies, as browsers do."""

    def __init__(self, nginx: Server) -> None:
        self.nginx = nginx
        self.cookies = http.cookies.SimpleCookie()

    def ask(self, method: str, path: str, content: object = None) -> Answer:
        headers = {**OURS, "Origin": "https://shop.example", "Sec-Fetch-Site": "same-origin"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = self.nginx.ask(method, path, headers=headers, body=json.dumps(content) if content is not None else None)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies.load(line)
        return answer


@pytest.fixture
def stranger(nginx: Server) -> Browser:
    return Browser(nginx)


@pytest.fixture(scope="module")
def ann(nginx: Server) -> Browser:
    """A customer with an account and something in her cart."""
    browser = Browser(nginx)
    registered = browser.ask("POST", "/api/v1/auth/register", {"name": NAME, "email": ANN, "password": PASSWORD})
    assert registered.status == 202, registered.text
    token = link_token(nginx.folder / "instance", ANN)
    confirmed = browser.ask("POST", "/api/v1/auth/register/confirmation", {"token": token, "password": PASSWORD})
    assert confirmed.status == 201, confirmed.text
    added = browser.ask("POST", "/api/v1/cart/items", {"variant_id": first_variant(browser), "quantity": 1})
    assert added.status == 201, added.text
    return browser


def first_variant(browser: Browser) -> int:
    products = json.loads(browser.ask("GET", "/api/v1/products?in_stock=true&limit=1").text)["items"]
    details = json.loads(browser.ask("GET", f"/api/v1/products/{products[0]['slug']}").text)
    found: int = next(variant["id"] for variant in details["variants"] if variant["available"])
    return found


def links(answer: Answer, start: str) -> list[str]:
    return [part.split('"')[0] for part in answer.text.split('href="')[1:] if part.startswith(start)]


def test_strangers_get_the_home_page_from_nginx(stranger: Browser) -> None:
    stranger.ask("GET", "/")

    kept = stranger.ask("GET", "/")

    assert kept.status == 200
    assert kept.headers["X-Cache"] == "HIT"
    assert kept.headers["Set-Cookie"] is None
    assert "cookie" not in (kept.headers["Vary"] or "").lower()


def test_a_visitor_with_a_cart_is_served_by_the_shop_itself_and_told_to_keep_nothing(ann: Browser) -> None:
    answer = ann.ask("GET", "/")

    assert answer.headers["X-Cache"] == "BYPASS"
    assert "private" in answer.headers["Cache-Control"]


DECEPTIONS = [
    "/account/x.css",
    "/account/x.js?v=1",
    "/account;x.css",
    "/account%2Fx.css",
    "/account/..%2Fstatic/x.css",
    "//account",
    "/account%00.css",
]
PERSONAL = ["/", "/es/", "/cart", "/checkout", "/account", "/account/orders", "/login", "/api/v1/me", "/api/v1/cart", *DECEPTIONS]


def is_hers(answer: Answer) -> bool:
    return ANN in answer.text or NAME.partition(" ")[0] in answer.text


def test_what_a_member_saw_is_never_shown_to_a_stranger(ann: Browser, stranger: Browser) -> None:
    hers = {path: [ann.ask("GET", path) for _ in range(2)] for path in PERSONAL}

    strange = {path: [stranger.nginx.ask("GET", path, headers=OURS) for _ in range(2)] for path in PERSONAL}

    assert any(is_hers(answer) for answers in hers.values() for answer in answers), "the test must have something to leak"
    assert [path for path, answers in strange.items() for answer in answers if is_hers(answer)] == []
    assert [path for path, answers in hers.items() for answer in answers if answer.headers["X-Cache"] in {"HIT", "STALE", "MISS"}] == []


def test_what_a_stranger_saw_is_not_shown_to_a_member(ann: Browser, stranger: Browser) -> None:
    for _ in range(2):
        stranger.nginx.ask("GET", "/account", headers=OURS)

    assert is_hers(ann.ask("GET", "/account"))


def test_the_session_cookie_is_for_this_host_and_https_only(nginx: Server) -> None:
    browser = Browser(nginx)

    added = browser.ask("POST", "/api/v1/cart/items", {"variant_id": first_variant(browser), "quantity": 1})

    cookie = added.headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}


def test_addresses_in_pages_follow_the_settings_whatever_the_visitor_says(stranger: Browser) -> None:
    lies = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.test", "X-Forwarded-Prefix": "/evil"}

    page = stranger.nginx.ask("GET", "/?poison=1", headers={**OURS, **lies})

    assert page.status == 200
    assert "evil" not in page.text
    assert "https://shop.example/" in page.text


def test_plain_http_leads_to_https_for_ever(nginx: Server) -> None:
    assert "return 308 https://$host$request_uri;" in (ROOT / "deploy" / "nginx.conf").read_text()
    assert "max-age=31536000" in nginx.ask("GET", "/", headers=OURS).headers["Strict-Transport-Security"]


def test_style_sheets_come_from_disk_packed_and_for_ever(stranger: Browser) -> None:
    sheet = next(link for link in links(stranger.ask("GET", "/"), "/static/") if link.endswith(".css"))

    packed = stranger.nginx.ask("GET", sheet, headers={**OURS, "Accept-Encoding": "gzip"})

    assert packed.status == 200
    assert packed.headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["X-Content-Type-Options"] == "nosniff"
    assert packed.headers["X-Request-ID"] is None, "the shop was asked"
    twin = next(stranger.nginx.folder.glob(f"instance/assets/*/{sheet.split('/', 3)[3]}.gz"))
    assert packed.body == twin.read_bytes()


def test_an_old_address_of_a_sheet_leads_to_the_file_of_today_and_nonsense_is_not_kept(stranger: Browser) -> None:
    sheet = next(link for link in links(stranger.ask("GET", "/"), "/static/") if link.endswith(".css"))
    name = sheet.split("/", 3)[3]

    moved = stranger.ask("GET", f"/static/000000000000/{name}")
    missing = stranger.ask("GET", "/static/000000000000/nonsense.css")

    assert (moved.status, moved.headers["Location"]) == (302, sheet)
    assert missing.status == 404
    assert "immutable" not in (missing.headers["Cache-Control"] or "")


def test_pictures_come_from_disk_and_for_ever(stranger: Browser) -> None:
    picture = next(
        path for path in Path(stranger.nginx.folder, "instance", "media").rglob("*") if path.suffix in {".jpeg", ".webp", ".avif"}
    )
    path = "/media/" + picture.relative_to(stranger.nginx.folder / "instance" / "media").as_posix()

    answer = stranger.ask("GET", path)

    assert (answer.status, answer.body) == (200, picture.read_bytes())
    assert answer.headers["Content-Type"].startswith("image/")
    assert answer.headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/static/../shop.db", "/static/%2e%2e/shop.db", "/media/..%2f..%2fsecret_key", "/media../shop.db", "/static../secret_key"]
)
def test_nothing_else_in_the_instance_folder_can_be_had(stranger: Browser, path: str) -> None:
    answer = stranger.ask("GET", path)

    assert answer.status in {400, 403, 404}
    assert b"SQLite" not in answer.body


def test_machines_see_that_the_shop_is_alive(stranger: Browser) -> None:
    assert stranger.ask("GET", "/healthz").status == 200
    assert stranger.ask("GET", "/readyz").status in {200, 503}


@pytest.mark.parametrize("path", ["/api/v1/categories", "/es/api/v1/categories"])
def test_widgets_may_ask_whether_anything_changed(stranger: Browser, path: str) -> None:
    first = stranger.ask("GET", path)

    again = stranger.nginx.ask("GET", path, headers={**OURS, "If-None-Match": first.headers["ETag"]})

    assert again.status == 304
