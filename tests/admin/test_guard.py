"""The one door: every address of the back office, and every JSON act that is not a customer's own, for every kind of visitor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import Rule

from shop.auth.permissions import BUILT_IN, PERMISSIONS
from shop.web.csrf import SAFE
from tests.people import log_in, make_user

PEOPLE = ("stranger", *BUILT_IN)
# Blueprints whose JSON acts are a visitor's own; every other act is for staff.
VISITORS_OWN = {"auth", "cart", "checkout", "account"}
# Single acts of other blueprints that visitors may do, each with its reason.
OPEN = {
    "order.cancel_json": "a customer may cancel what has not left yet; the view checks whose order it is",
    "order.ask_for_return_json": "a customer sends something back; the view checks whose order it is",
    "order.take_back_return_json": "a customer keeps it after all; the view checks whose order it is",
    "order.withdraw_json": "anybody may withdraw from a contract: the law forbids a log-in",
    "payment.start_payment_json": "a customer pays an order again; the view checks whose order it is",
}


@pytest.fixture
def people(app):
    """A browser for each kind of visitor."""
    browsers = {person: app.test_client() for person in PEOPLE}
    for person in PEOPLE[1:]:
        make_user(f"{person}@example.com", role=person)
        log_in(browsers[person], f"{person}@example.com")
    return browsers


def routes(app: Flask, prefix: str) -> Iterator[tuple[Rule, str, str]]:
    """Each rule below the prefix with a path that fits it, once per method."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.rule == prefix or rule.rule.startswith(f"{prefix}/"):
            path = adapter.build(rule.endpoint, {name: _value(rule, name) for name in rule.arguments}, append_unknown=False)
            for method in sorted((rule.methods or set()) - {"HEAD"}):
                yield rule, method, path


def _value(rule: Rule, name: str) -> object:
    converter = type(rule._converters[name]).__name__
    return 7 if "Integer" in converter or "Id" in converter else "7"


def passes(client, method, path):
    """Is the visitor let through, whatever waits behind? Strangers are asked to log in (303, 401), others turned away (403)."""
    answer = client.open(path, method=method, headers={"Accept": "text/html"})
    to_log_in = answer.status_code == 303 and "/login" in (answer.location or "")
    return not to_log_in and answer.status_code not in {401, 403}


def may(person: str, permission: str) -> bool:
    """What the tables of roles say."""
    return permission in BUILT_IN.get(person, frozenset())


def test_every_address_of_the_back_office_keeps_others_out(app, people):
    wrong = []
    for rule, method, path in routes(app, "/admin"):
        needed = getattr(app.view_functions[rule.endpoint], "permission", "")
        assert needed in PERMISSIONS, rule.endpoint
        asked = ("stranger", "customer") if method == "OPTIONS" else PEOPLE  # OPTIONS speaks for all pages of an address
        wrong += [(person, method, path) for person in asked if passes(people[person], method, path) != may(person, needed)]

    assert wrong == []


def test_a_page_that_names_no_permission_is_nobodys(another_app):
    """Another application of the same process, with a page whose author forgot it: the administrator is turned away as well."""
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/admin/stray", view_func=lambda: "secret")
    app = another_app()
    app.register_blueprint(stray)
    browser = app.test_client()
    make_user("root@example.com", role="admin")
    log_in(browser, "root@example.com")

    answers = [browser.get(path).status_code for path in ("/admin", "/admin/stray")]

    assert answers == [200, 403]


def test_every_json_act_that_is_not_a_visitors_own_is_for_staff(app):
    wrong = []
    for rule, method, path in routes(app, "/api/v1"):
        description = getattr(app.view_functions[rule.endpoint], "description", None)
        is_probe = "." not in rule.endpoint  # other tests of this process add such; every route of the shop stands on a blueprint
        is_open = is_probe or rule.endpoint.partition(".")[0] in VISITORS_OWN or rule.endpoint in OPEN
        if method not in SAFE and not is_open and (description is None or not description.permission):
            wrong.append((method, path, rule.endpoint))

    assert wrong == []


def test_what_a_json_view_says_of_its_role_is_so(app, people):
    wrong = []
    for rule, method, path in routes(app, "/api/v1"):
        description = getattr(app.view_functions[rule.endpoint], "description", None)
        if method == "OPTIONS" or description is None or not (description.role or description.permission):
            continue
        for person in PEOPLE:
            is_let_in = person != "stranger" if description.role == "customer" else may(person, description.permission)
            answer = people[person].open(path, method=method, json={})
            expected = None if is_let_in else 401 if person == "stranger" else 403
            if (answer.status_code in {401, 403}) != (expected is not None) or (expected and answer.status_code != expected):
                wrong.append((person, method, path, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/", "/admin/nothing/here", "/es/admin", "/admin/../admin", "/admin//x", "/es/admin/nothing"]
)
def test_the_door_stands_also_where_no_page_is(people, path):
    assert not passes(people["stranger"], "GET", path)
    assert not passes(people["customer"], "GET", path)
    assert passes(people["staff"], "GET", path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
def test_no_method_goes_round_it(people, method):
    assert not passes(people["stranger"], method, "/admin")
    assert not passes(people["customer"], method, "/admin")


def test_a_page_that_forgot_to_be_nested_is_behind_the_door_too(another_app):
    """Another application of the same process, with a blueprint that somebody registered by himself."""
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/admin/stray", view_func=lambda: "secret")
    app = another_app()
    app.register_blueprint(stray)

    answer = app.test_client().get("/admin/stray")

    assert (answer.status_code, answer.location) == (303, "/login?next=/admin/stray")


def test_programs_hear_it_as_a_problem(people):
    accept = {"Accept": "application/json"}

    assert people["stranger"].get("/admin", headers=accept).status_code == 401
    refused = people["customer"].get("/admin", headers=accept)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")


def test_who_is_turned_away_sees_a_page_with_a_way_on(people):
    answer = people["customer"].get("/admin")

    assert answer.status_code == 403
    assert 'href="/login"' in answer.text


def test_nothing_behind_the_door_may_be_kept_by_caches(app, people):
    for _rule, method, path in routes(app, "/admin"):
        if method == "GET":
            assert "no-store" in people["staff"].get(path).headers["Cache-Control"]


def test_staff_see_only_the_entries_that_they_may_open(app, people):
    from shop.admin.menu import menu_for
    from shop.web.staff import StaffEntry

    entries = [StaffEntry("admin.dashboard", "All", 2), StaffEntry("admin.order_staff.list_orders", "Orders", 1)]

    def seen_by(person):
        cookie = people[person].get_cookie("session").value
        with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
            return [line.name for line in menu_for(entries)]

    assert seen_by("catalog") == ["All"]
    assert seen_by("support") == ["Orders", "All"]
