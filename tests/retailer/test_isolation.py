"""Nothing of one retailer is seen or changed from another. Acme does all that a shop does, under a word that nobody else uses; then everything of
acme's is tried at beta: cookies, tokens, keys, links, numbers, ids. Beta answers as if it had never heard of them, and acme does not notice.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from shop.auth.models import User
from shop.catalog.models import ProductImage
from shop.clock import now
from shop.db import Base, rows, scalar, transaction
from shop.media.models import Image
from shop.media.services import store_image
from shop.order.documents.models import Document
from shop.order.documents.services import issue_invoice
from shop.order.links import order_key
from shop.retailer.cli import run_in
from shop.settings.services import save_settings
from tests.factories import NOON, make_category, make_product
from tests.mailbox import letters_to
from tests.media.pictures import picture
from tests.orders import make_order
from tests.people import PASSWORD, log_in, make_user
from tests.retailer.conftest import Arcade, Visitor

WORD = "zebrafinch"  # stands in all that acme has, and nowhere else
ADMIN = "admin@both.example"  # works for both, by two passwords
THEIR_PASSWORD = "seven loud summer pears"


@dataclass
class Deeds:
    """What acme has and did, and what beta was before and after."""

    arcade: Arcade
    member: Visitor
    guest: Visitor
    tokens: dict[str, str]
    key: str
    numbers: list[str]
    order_key: str
    links: list[str]
    picture: str
    ids: dict[str, Any]
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)

    @property
    def acme(self) -> Flask:
        return self.arcade.shops["acme"]

    @property
    def beta(self) -> Flask:
        return self.arcade.shops["beta"]

    def stranger(self, *, cookies_of: Visitor | None = None) -> Visitor:
        """Somebody at beta, with a browser that shows it acme's cookies."""
        visitor = self.arcade.visitor("beta")
        for cookie in cookies_of._cookies.values() if cookies_of else ():
            visitor.set_cookie(cookie.key, cookie.value, domain="beta.example", path=cookie.path)
        return visitor

    def staff(self) -> Visitor:
        """Beta's own administrator."""
        visitor = self.arcade.visitor("beta")
        assert log_in(visitor, ADMIN, THEIR_PASSWORD).status_code == 303
        return visitor


@pytest.fixture(scope="module")
def deeds(arcade: Arcade) -> Deeds:
    acme, beta = arcade.shops["acme"], arcade.shops["beta"]
    with beta.app_context():
        make_user(ADMIN, name="Bea", password=THEIR_PASSWORD, role="admin")
        make_product("Beta cup", slug="cup", price=900, categories=[make_category("Beta shelf", slug="shelf")])
    before = state_of(beta)
    done = do_everything(arcade, acme)
    done.before, done.after = before, state_of(beta)
    return done


def do_everything(arcade: Arcade, acme: Flask) -> Deeds:
    member, guest = arcade.visitor("acme"), arcade.visitor("acme")
    with acme.app_context():
        make_user(ADMIN, name=f"{WORD} admin", role="admin")
        make_user(f"ana@{WORD}.example", name=f"Ana {WORD}")
        save_settings({("shop.name", ""): f"{WORD} goods", ("invoice.prefix", ""): "ZEB"})
        cup = make_product(f"{WORD} cup", slug="cup", categories=[make_category(f"{WORD} shelf", slug="shelf")], sku=f"{WORD}-1")
        shown = give_picture(cup.id)
        user_id = scalar(select(User.id).where(User.email == f"ana@{WORD}.example"))
        orders = [make_order([(cup, 1)], email=f"ana@{WORD}.example", user_id=user_id, at=now()) for _ in range(3)]
        for order in orders:
            issue_invoice(order.id, at=now())
        documents = [found.number for found in rows(select(Document.number))]
        numbers, secret = [order.number for order in orders], order_key(orders[0].number)
    assert log_in(member, f"ana@{WORD}.example").status_code == 303
    for visitor in (member, guest):
        assert visitor.post("/api/v1/cart/items", json={"variant_id": cup.variant_id, "quantity": 2}).status_code == 201
    office = arcade.visitor("acme")
    log_in(office, ADMIN)
    tokens = arcade.visitor("acme").post("/api/v1/auth/tokens", json={"email": f"ana@{WORD}.example", "password": PASSWORD})
    key = office.post("/api/v1/keys", json={"name": WORD, "permissions": ["orders.view", "customers.view"]})
    guest.post("/forgotten-password", data={"email": f"ana@{WORD}.example"})
    guest.post("/register", data={"name": WORD, "email": f"new@{WORD}.example", "password": PASSWORD})
    links = [letter.path for to in ("ana", "new") for letter in letters_to(acme, f"{to}@{WORD}.example") if "/links/" in letter.text]
    assert (tokens.status_code, key.status_code, len(documents), bool(links)) == (201, 201, 3, True)
    ids = {"number": numbers[0], "slug": "cup", "document": documents[0], "user_id": user_id, "hash": shown}
    return Deeds(arcade, member, guest, tokens.json, key.json["key"], numbers, secret, links, shown, ids)


def give_picture(product_id: int) -> str:
    """A picture of acme's, and its name among the files."""
    image_id = store_image(picture(200, 100), name=f"{WORD}.jpg", at=NOON)
    with transaction() as session:
        session.add(ProductImage(product_id=product_id, image_id=image_id, position=0))
    return str(scalar(select(Image.hash).where(Image.id == image_id)))


def state_of(shop: Flask) -> dict[str, list[str]]:
    """All that a shop has: each row of each table, each file."""
    with shop.app_context():
        found = {table.name: sorted(str(tuple(one)) for one in rows(table.select())) for table in Base.metadata.sorted_tables}
    folder = Path(shop.instance_path)
    kept = (path for name in ("media", "mail", "theme") for path in (folder / name).rglob("*") if path.is_file())
    found["files"] = sorted(f"{path.relative_to(folder)} {path.stat().st_size}" for path in kept)
    return found


# Beta did not notice


def test_whatever_acme_does_changes_nothing_at_beta(deeds: Deeds):
    assert deeds.before == deeds.after
    assert sum(len(found) for found in state_of(deeds.acme).values()) > sum(len(found) for found in deeds.after.values()) + 30


def test_the_same_address_shows_each_shop_its_own_and_each_its_currency(deeds: Deeds):
    for _ in range(3):  # from the second time on each page is kept
        ours, theirs = deeds.arcade.visitor("acme").get("/p/cup").text, deeds.arcade.visitor("beta").get("/p/cup").text

        assert f"{WORD} cup" in ours
        assert "€14.50" in ours
        assert "Beta cup" in theirs
        assert "900" in theirs
        assert WORD not in theirs
        assert "€" not in theirs


def test_many_visitors_of_both_at_once_never_meet_the_other(deeds: Deeds):
    own = {"acme": f"{WORD} cup", "beta": "Beta cup"}
    member, staff = deeds.member, deeds.staff()

    def walk(number: int) -> list[str]:
        name, other = ("acme", "beta") if number % 2 else ("beta", "acme")
        known = deeds.arcade.visitor(name)
        for cookie in (member if name == "acme" else staff)._cookies.values():
            known.set_cookie(cookie.key, cookie.value, domain=f"{name}.example", path=cookie.path)
        pages = [visitor.get(path).text for path in ("/p/cup", "/c/shelf", "/") for visitor in (deeds.arcade.visitor(name), known)]
        return [page for page in pages if own[other] in page or own[name] not in page]

    with ThreadPoolExecutor(8) as pool:
        assert [page for wrong in pool.map(walk, range(48)) for page in wrong] == []


# What opens a door at acme opens none at beta


def test_a_log_in_at_acme_is_none_at_beta(deeds: Deeds):
    assert deeds.member.get("/account").status_code == 200

    tried = deeds.stranger(cookies_of=deeds.member).get("/account")

    assert (tried.status_code, "/login" in tried.location) == (303, True)


def test_a_password_opens_the_shop_that_it_was_given_to(deeds: Deeds):
    assert log_in(deeds.arcade.visitor("acme"), ADMIN, PASSWORD).status_code == 303
    assert log_in(deeds.arcade.visitor("beta"), ADMIN, PASSWORD).status_code == 422
    assert log_in(deeds.arcade.visitor("beta"), f"ana@{WORD}.example", PASSWORD).status_code == 422


def test_a_program_of_acme_is_nobody_at_beta(deeds: Deeds):
    for token in (deeds.tokens["access_token"], deeds.key):
        headers = {"Authorization": f"Bearer {token}"}
        path = "/api/v1/me" if token != deeds.key else "/api/v1/orders"
        assert deeds.arcade.visitor("acme").get(path, headers=headers).status_code == 200
        assert deeds.arcade.visitor("beta").get(path, headers=headers).status_code == 401

    again = {"refresh_token": deeds.tokens["refresh_token"]}
    assert deeds.arcade.visitor("beta").post("/api/v1/auth/tokens/refresh", json=again).status_code == 401
    assert deeds.arcade.visitor("acme").post("/api/v1/auth/tokens/refresh", json=again).status_code in {200, 201}


def test_a_cart_of_acme_is_empty_at_beta_and_stays_as_it_is(deeds: Deeds):
    visitor = deeds.stranger(cookies_of=deeds.guest)

    assert visitor.get("/api/v1/cart").json["items"] == []

    visitor.post("/api/v1/cart/items", json={"variant_id": 1, "quantity": 1})
    assert [line["quantity"] for line in deeds.guest.get("/api/v1/cart").json["items"]] == [2]


def test_links_in_mails_and_to_orders_open_at_the_shop_that_wrote_them(deeds: Deeds):
    order = f"/orders/{deeds.numbers[0]}?key={deeds.order_key}"

    assert deeds.arcade.visitor("acme").get(order).status_code == 200
    assert deeds.arcade.visitor("beta").get(order).status_code == 404
    for link in deeds.links:
        tried = deeds.arcade.visitor("beta").get(link, follow_redirects=True)
        assert tried.status_code >= 400, (link, tried.status_code)
        assert WORD not in tried.text


# What acme has is not there at beta


def test_pictures_lie_in_the_shop_that_they_were_given_to(deeds: Deeds):
    folder = Path(deeds.acme.instance_path) / "media"
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]

    assert files
    for path in files:
        assert deeds.arcade.visitor("acme").get(f"/media/{path}").status_code == 200
        assert deeds.arcade.visitor("beta").get(f"/media/{path}").status_code == 404


def test_static_files_of_acmes_theme_are_acmes(deeds: Deeds):
    tree = deeds.acme.extensions["assets"].treehash

    assert tree != deeds.beta.extensions["assets"].treehash
    assert deeds.arcade.visitor("beta").get(f"/static/{tree}/css/theme.css").status_code == 302


def test_a_search_finds_what_the_shop_has(deeds: Deeds):
    path = f"/search?q={WORD}"

    assert f"{WORD} cup" in deeds.arcade.visitor("acme").get(path).text
    assert f"{WORD} cup" not in deeds.arcade.visitor("beta").get(path).text


def test_numbers_of_one_shop_tell_nothing_of_the_others(deeds: Deeds):
    with deeds.beta.app_context():
        assert rows(select(Document.number)) == []
    with deeds.acme.app_context():
        assert sorted(found.number[-1] for found in rows(select(Document.number))) == ["1", "2", "3"]


def test_mails_leave_by_the_shop_that_wrote_them(deeds: Deeds):
    letters = {name: list((deeds.arcade.root / name / "instance" / "mail").glob("*.eml")) for name in ("acme", "beta")}

    assert letters["acme"]
    assert not any(WORD in path.read_text("utf-8", "replace") for path in letters["beta"])


def test_an_export_takes_out_the_goods_of_one_shop(deeds: Deeds, tmp_path: Path):
    for name, shop in deeds.arcade.shops.items():
        run_in(shop, ["catalog", "export", str(tmp_path / f"{name}.jsonl")])

    assert WORD in (tmp_path / "acme.jsonl").read_text("utf-8")
    assert WORD not in (tmp_path / "beta.jsonl").read_text("utf-8")


# Everything, everywhere


def addresses(shop: Flask, ids: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every address of a shop with every method, with acme's ids in it."""
    adapter = shop.url_map.bind("localhost")
    for rule in shop.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] in {"log_out", "logout", "serve_asset"} or rule.endpoint == "static":
            continue
        path = adapter.build(rule.endpoint, {name: ids.get(name, 1) for name in rule.arguments}, append_unknown=False)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path


WHO: dict[str, Callable[[Deeds], tuple[Visitor, dict[str, str]]]] = {
    "acme's member": lambda deeds: (deeds.stranger(cookies_of=deeds.member), {}),
    "acme's program": lambda deeds: (deeds.stranger(), {"Authorization": f"Bearer {deeds.key}"}),
    "beta's administrator": lambda deeds: (deeds.staff(), {}),
}


@pytest.mark.parametrize("who", WHO)
def test_no_page_and_no_answer_of_beta_knows_anything_of_acme(deeds: Deeds, who: str):
    visitor, headers = WHO[who](deeds)
    wanted = list(addresses(deeds.beta, deeds.ids))
    assert len(wanted) > 200
    before, wrong = state_of(deeds.acme), []

    for method, path in wanted:
        answer = visitor.open(path, method=method, headers=headers, json={} if path.startswith("/api/") and method != "GET" else None)
        told = answer.text if answer.mimetype not in {"application/pdf", "image/webp"} else ""
        if WORD in told or answer.status_code >= 500:
            wrong.append((method, path, answer.status_code))

    assert wrong == []
    assert state_of(deeds.acme) == before


def test_the_same_walk_at_acme_meets_the_word_again_and_again(deeds: Deeds):
    """Else the test above would pass in a shop that shows nothing."""
    office = deeds.arcade.visitor("acme")
    log_in(office, ADMIN)

    pages = [office.get(path).get_data() for method, path in addresses(deeds.acme, deeds.ids) if method == "GET"]

    assert sum(WORD.encode() in page for page in pages) > 60


# What the process remembers


def texts_below(*starts: object) -> Iterator[str]:
    """Each text that can be reached from these without going through an application or its engine."""
    seen, todo = {id(start) for start in starts}, list(starts)
    while todo:
        for thing in gc.get_referents(todo.pop()):
            if id(thing) in seen or isinstance(thing, Flask | Engine | types.ModuleType | types.FrameType | weakref.ref):
                continue
            seen.add(id(thing))
            if isinstance(thing, str):
                yield thing
            elif isinstance(thing, bytes):
                yield thing.decode("utf-8", "replace")
            elif not (isinstance(thing, dict) and "__builtins__" in thing):  # another module, by a function of its own
                todo.append(thing)


def modules() -> list[object]:
    return [module.__dict__ for name, module in sys.modules.items() if name == "shop" or name.startswith("shop.")]


def test_no_module_remembers_anything_of_a_shop(deeds: Deeds):
    assert {text[:80] for text in texts_below(*modules()) if WORD in text} == set()


def test_what_a_module_remembers_would_be_found(monkeypatch):
    import shop.money

    monkeypatch.setattr(shop.money, "kept", {("a", 1): [WORD.encode()]}, raising=False)

    assert WORD in texts_below(shop.money.__dict__)
