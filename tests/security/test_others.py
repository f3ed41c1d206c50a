"""Another customer's ids: every address with an id of one customer, asked by another, by a stranger, and by each role that may not see it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from shop.auth.models import LoginSession
from shop.auth.permissions import BUILT_IN
from shop.cart.models import CartItem
from shop.customer.models import Address, Customer
from shop.db import Base, transaction
from tests.orders import ADDRESS, make_cart, make_order
from tests.people import inside, log_in, make_user

OWNER = "owner@example.com"
NAMES = {"number", "address_id", "login_session_id", "item_id", "place", "document", "payment_id", "refund_id", "user_id", "customer_id"}
OTHERS = ("stranger", "customer", "catalog")  # none of them may see orders or customers


@pytest.fixture
def theirs(app):
    """The ids of somebody with an order, a cart, an address and a device."""
    user_id = make_user(OWNER)
    log_in(app.test_client(), OWNER)
    order = inside(make_order)(user_id=user_id, email=OWNER)
    inside(make_cart)(user_id=user_id)
    return {"number": order.number, "user_id": user_id, **_rest(user_id)}


@inside
def _rest(user_id):
    with transaction() as session:
        customer_id = session.execute(select(Customer.id).where(Customer.user_id == user_id)).scalar_one()
        values = {**ADDRESS.dump(), "customer_id": customer_id, "is_default": True}
        address_id = session.execute(insert(Address).values(**values).returning(Address.id)).scalar_one()
        return {
            "customer_id": customer_id,
            "address_id": address_id,
            "login_session_id": session.execute(select(LoginSession.id)).scalars().first(),
            "item_id": session.execute(select(CartItem.id).order_by(CartItem.id.desc())).scalars().first(),
            "place": 1,
            "document": "INV-2026-00001",
            "payment_id": 1,
            "refund_id": 1,
        }


@inside
def _state():
    """What the owner has, cell by cell."""
    with transaction() as session:
        tables = ("orders", "addresses", "cart_items", "payments", "return_requests", "customers", "users")
        found = {name: sorted(map(str, session.execute(Base.metadata.tables[name].select()).all())) for name in tables}
        found["login_sessions"] = [one for one in session.execute(select(LoginSession.id, LoginSession.ended_at)).all() if one.id == 1]
        return str(found)


def addresses(app, ids):
    """Every address that takes one of these ids, once for each method."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.arguments <= NAMES:
            path = adapter.build(rule.endpoint, {name: ids[name] for name in rule.arguments}, append_unknown=False)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.endpoint, method, path


@pytest.mark.parametrize("person", OTHERS)
def test_ids_of_another_customer_open_nothing_and_change_nothing(app, theirs, person):
    browser = app.test_client()
    if person != "stranger":
        make_user("other@example.com", role=person)
        log_in(browser, "other@example.com")
    before, wrong = _state(), []
    wanted = list(addresses(app, theirs))
    assert len(wanted) > 40

    for endpoint, method, path in wanted:
        answer = browser.open(path, method=method, json={} if path.startswith("/api/") else None)
        is_refused = answer.status_code in {400, 401, 403, 404, 405, 415, 422} or (answer.status_code == 303)
        if not is_refused or OWNER in answer.text:
            wrong.append((endpoint, method, path, answer.status_code))

    assert wrong == []
    assert _state() == before


def test_a_customer_is_told_that_it_is_not_there(app, theirs):
    """Not that it is somebody else's: both look alike."""
    make_user("other@example.com")
    browser = app.test_client()
    log_in(browser, "other@example.com")

    answers = {}
    for endpoint, method, path in addresses(app, theirs):
        if method == "GET" and not path.startswith("/admin") and endpoint.partition(".")[0] in {"order", "account", "cart"}:
            answers[path] = browser.get(path).status_code

    assert set(answers.values()) <= {404}, answers


def test_the_owner_is_let_in_where_others_are_not(app, theirs):
    """Else the test above would pass in a shop that refuses everybody."""
    browser = app.test_client()
    log_in(browser, OWNER)

    for path in (f"/orders/{theirs['number']}", f"/account/addresses/{theirs['address_id']}", f"/api/v1/orders/{theirs['number']}"):
        assert browser.get(path).status_code == 200, path


def test_roles_are_all_thought_of():
    assert {role for role, held in BUILT_IN.items() if "orders.view" not in held} == {"customer", "catalog"}
