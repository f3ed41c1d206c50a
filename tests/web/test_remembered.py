"""What is shared of a page: everything that is the same for all; what is somebody's own stays theirs, also in a theme of the merchant's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select, update

from shop.catalog.listing import refresh_listing
from shop.catalog.models import Price, Product
from shop.db import transaction
from tests.factories import NOON, make_product
from tests.people import inside, log_in, make_user, the_shop

__all__ = ["the_shop"]

made = inside(make_product)
COUNT = re.compile(r'data-part="number">(\d+)<')


@pytest.fixture
def guests(app):
    """Two guests, each with one piece in a cart of their own."""
    mug = made("Mug", stock=90)
    both = app.test_client(), app.test_client()
    for guest in both:
        guest.post("/cart/items", data={"variant_id": mug.variant_id, "quantity": 1})
        guest.get("/cart")
    return both


@pytest.fixture
def theme(app):
    """Lays a page of the merchant's own over the list of everything; it shows what it is given."""
    own = Path(app.instance_path, "theme", "templates", "catalog", "list_products.html")
    own.parent.mkdir(parents=True, exist_ok=True)

    def lay(shows: str) -> None:
        app.jinja_env.cache.clear()
        own.write_text(
            f'{{% extends "layouts/shop.html" %}}{{% block main %}}<p id="own">{shows}</p>{{{{ listing.cards }}}}{{% endblock %}}'
        )

    yield lay
    own.unlink()
    app.jinja_env.cache.clear()


def shown(client) -> str:
    return re.search(r'<p id="own">(.*?)</p>', client.get("/products").text)[1]


def test_guests_get_the_page_of_strangers_with_their_own_count(app, guests, statements):
    stranger = app.test_client().get("/products").text
    statements.clear()

    page = guests[0].get("/products").text

    assert [COUNT.search(text)[1] for text in (stranger, page)] == ["0", "1"]
    assert COUNT.sub("", page).replace('"count" data-part="cart-count"', "") == COUNT.sub("", stranger).replace(
        '"count" data-part="cart-count" hidden', ""
    )
    assert len(statements) == 2, "the rows of the list, and the pieces in the cart"


def test_what_is_said_once_is_said_to_whom_it_is_meant(app, guests):
    first, second = guests
    first.get("/products")
    with first.session_transaction() as session:
        session["_flashes"] = [("good", "Only for you")]

    pages = [client.get("/products").text for client in (second, first, first, second)]

    assert ["Only for you" in page for page in pages] == [False, True, False, False]


@pytest.mark.parametrize("shows", ["{{ session.get('cart') }}", "{{ 'known' if has_cookie() else 'new' }}", "{{ cart_count() }}"])
def test_a_theme_that_looks_at_the_visitor_is_shared_with_nobody(app, guests, theme, shows):
    theme(shows)
    mug = made("Cup", stock=90)
    guests[1].post("/cart/items", data={"variant_id": mug.variant_id, "quantity": 3})

    order = (app.test_client(), guests[0], app.test_client(), guests[1])
    seen = [shown(client) for client in order]

    known = {"{{ cart_count() }}": ["0", "1", "0", "4"], "{{ 'known' if has_cookie() else 'new' }}": ["new", "known", "new", "known"]}
    if shows in known:
        assert seen == known[shows]
    else:
        assert len(set(seen)) == 3
        assert seen[0] == seen[2] == "None"


def test_what_a_member_sees_is_nobody_elses(app, guests, theme):
    theme("{{ user().email if user() else 'nobody' }}")
    make_user()
    member = app.test_client()
    log_in(member)

    assert "@" in shown(member)
    assert member.get("/").status_code == 200
    assert not [name for name, room in app.extensions["cache"].rooms.items() if name.startswith("page ") and room.near.young], (
        "kept though a member looked"
    )
    assert [shown(client) for client in (*guests, app.test_client())] == ["nobody"] * 3
    assert "@" in shown(member)


def test_a_guest_sees_a_new_price_at_once(app, guests):
    first = guests[0].get("/products").text

    with app.app_context(), transaction() as session:
        session.execute(update(Price).values(minor=31_337))
        refresh_listing([session.scalars(select(Product.id)).one()], at=NOON)

    assert "313.37" not in first
    assert "313.37" in guests[0].get("/products").text


def test_every_page_of_a_list_has_its_own_ways_on(app, monkeypatch):
    monkeypatch.setattr("shop.catalog.views.PER_PAGE", 2)
    for number in range(9):
        made(f"Mug {number}")
    client, path, seen = app.test_client(), "/products?utm_source=a", []

    while path:
        page = client.get(path).text
        seen.append(re.findall(r'class="card__name"><a href="[^"]*">(Mug \d)', page))
        on = re.search(r'rel="next" href="([^"]*)"', page)
        assert ('rel="prev"' in page) is (len(seen) > 1)
        assert on is None or on[1]
        path = on[1].replace("&amp;", "&") if on else ""

    assert [len(names) for names in seen] == [2, 2, 2, 2, 1]
    assert len({name for names in seen for name in names}) == 9


def test_no_text_of_a_good_is_taken_for_a_gap(app):
    made("\ue003cards\ue004 \ue0000 mug")

    page = app.test_client().get("/products").text

    assert "\ue003cards\ue004 \ue0000 mug" in page
