"""Staff move orders along: every act by page, as everybody, twice, too late, and with bad input."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shop.db import transaction
from shop.errors import StaleVersion
from shop.inventory.models import StockItem
from shop.order.models import Order, OrderLine
from shop.order.queries import get_order
from shop.order.seen import act_if_unchanged
from shop.order.services import cancel_order, mark_packed, ship_order
from shop.order.worklist import find_neighbors
from shop.outbox.models import Event
from shop.payment.services import record_bank_payment
from tests.factories import NOON, make_product
from tests.office import Desk, fields_of, offers, words
from tests.orders import make_order
from tests.people import inside, log_in, make_user, row, rows

BOSS = "boss@example.com"
EVIL = ["-1", "1e9", "2,5", "٣", "", "9223372036854775808", "NaN", "\0", "1_0", " ", "x" * 5000]


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def placed(*, paid=True, packed=False, quantity=3, products=1, **changes):
    """The number of an order of ``quantity`` mugs and as many lamps."""
    goods = [(make_product(name, stock=10), quantity) for name in ("Mug", "Lamp", "Board")[:products]]
    order = make_order(goods, **changes)
    if paid:
        record_bank_payment(order.id, by=BOSS, at=NOON)
    if packed:
        mark_packed(order.id, by=BOSS, at=NOON)
    return order.number


@inside
def order(number):
    return get_order(number)


def state(number):
    return tuple(row(select(Order.state, Order.payment_state, Order.fulfillment_state).where(Order.number == number)))


def path(number, act=""):
    return f"/admin/orders/{number}" + (f"/{act}" if act else "")


def timeline(number):
    return [(entry.kind, entry.actor) for entry in order(number).entries]


# The way through


def test_an_order_goes_all_the_way_and_the_timeline_names_who_did_it(desk):
    number = placed(paid=False, quantity=3)

    for act, shown in (("payment", "Mark packed"), ("packing", "Ship 3 pieces")):
        answer = desk.press(desk.see(path(number)), path(number, act))
        assert answer.status_code == 303
        assert shown in desk.see(path(number))
    ship = path(number, "shipments")
    parcel = {"carrier": "Correos", "tracking_number": "PQ4A7K", "tracking_url": "https://correos.example/PQ4A7K"}
    assert desk.press(desk.see(ship), ship, **parcel).status_code == 303
    assert desk.press(desk.see(path(number)), path(number, "delivery")).status_code == 303

    assert state(number) == ("completed", "paid", "delivered")
    assert timeline(number) == [(kind, desk.email) for kind in ("paid", "packed", "shipped", "delivered")]
    page = words(desk.see(path(number)))
    assert "Correos PQ4A7K" in page
    assert "Everything has arrived." in page
    kinds = [event.kind for event in rows(select(Event.kind).order_by(Event.id))]
    assert [kind for kind in kinds if kind.startswith("order.")] == [
        "order.placed", "order.paid", "order.packed", "order.shipped", "order.delivered",
    ]  # fmt: skip


def test_a_parcel_may_hold_a_part_and_the_rest_follows(desk):
    number = placed(packed=True, quantity=3, products=2)
    mug, lamp = order(number).lines
    ship = path(number, "shipments")

    first = desk.press(desk.see(ship), ship, **{f"pieces__{mug.id}": 2, f"pieces__{lamp.id}": 0})

    assert first.status_code == 303
    assert state(number)[2] == "partly_shipped"
    assert "2 of 6 pieces left, 4 are still to ship." in words(desk.see(path(number)))
    assert not offers(desk.see(path(number)), path(number, "cancellation"))
    assert fields_of(desk.see(ship), ship)[f"pieces-{mug.id}"] == "1"

    assert desk.press(desk.see(ship), ship).status_code == 303
    assert state(number)[2] == "shipped"
    assert [[quantity for _line, quantity in parcel.pieces] for parcel in order(number).parcels] == [[2], [1, 3]]


def test_canceling_puts_the_stock_back_and_keeps_the_reason(desk):
    number = placed(paid=False, quantity=3)
    cancel = path(number, "cancellation")

    answer = desk.press(desk.see(cancel), cancel, note="Ordered twice <b>by mistake</b>")

    assert answer.status_code == 303
    assert state(number)[0] == "canceled"
    assert [item.on_hand for item in rows(select(StockItem.on_hand))] == [10]
    page = desk.see(path(number))
    assert "Ordered twice &lt;b&gt;by mistake&lt;/b&gt;" in page
    assert not any(offers(page, path(number, act)) for act in ("payment", "packing", "shipments", "delivery", "cancellation"))


def test_a_note_stands_in_the_timeline_and_an_empty_one_does_not(desk):
    number = placed()
    notes = path(number, "notes")

    assert desk.press(desk.see(path(number)), notes, note="Rang her.\nMonday is fine.").status_code == 303
    empty = desk.press(desk.see(path(number)), notes, note="   ")

    assert empty.status_code == 422
    assert [(entry.actor, entry.note) for entry in order(number).entries if entry.kind == "note"] == [
        (desk.email, "Rang her.\nMonday is fine.")
    ]


# Who may


@pytest.mark.parametrize("role", ["stranger", "customer"])
def test_nobody_else_moves_an_order(app, client, role):
    desk = Desk(client)
    number = placed(packed=True)
    other = app.test_client()
    if role == "customer":
        make_user("eve@example.com")
        log_in(other, "eve@example.com")
    before = (state(number), timeline(number))

    for act in ("payment", "packing", "shipments", "delivery", "cancellation", "notes"):
        known = fields_of(desk.see(path(number, "shipments")), path(number, "shipments"))
        answer = other.post(path(number, act), data={**known, "note": "x"})
        assert answer.status_code in ({303} if role == "stranger" else {403}), act
        assert role == "customer" or "/login" in answer.location

    assert (state(number), timeline(number)) == before


@pytest.mark.parametrize("act", ["payment", "packing", "delivery", "cancellation", "shipments", "notes"])
def test_without_the_token_of_the_page_nothing_happens(desk, act):
    number = placed(paid=act != "payment")
    before = (state(number), timeline(number))
    seen = f"{order(number).version}-{max((entry.id for entry in order(number).entries), default=0)}"

    answer = desk.client.post(path(number, act), data={"seen": seen, "note": "x", "csrf_token": "forged"})

    assert answer.status_code == 422
    assert (state(number), timeline(number)) == before


# What is not possible


def test_what_is_not_possible_is_not_offered_and_answers_with_what_is(desk):
    number = placed()
    page = desk.see(path(number))
    assert not offers(page, path(number, "delivery"))

    token = {name: value for name, value in fields_of(page, path(number, "packing")).items() if name in {"csrf_token", "seen"}}
    answer = desk.client.post(path(number, "delivery"), data=token)

    assert answer.status_code == 409
    assert "From there it can become: packed, partly shipped, shipped." in words(answer.text)
    assert state(number)[2] == "unfulfilled"


def test_a_stale_page_is_told_what_changed_and_by_whom(desk):
    number = placed()
    page = desk.see(path(number))
    inside(lambda: cancel_order(order(number).id, by=BOSS, note="Fraud", at=NOON))()

    answer = desk.press(page, path(number, "packing"))

    assert answer.status_code == 409
    said = words(answer.text)
    assert "Nothing was done." in said
    assert f"{BOSS} canceled the order" in said
    assert "Fraud" in said
    assert state(number)[0] == "canceled"


@pytest.mark.parametrize("quantity", [3, 2])
def test_a_double_click_sends_one_parcel(desk, quantity):
    number = placed(packed=True, quantity=3)
    ship = path(number, "shipments")
    page, line = desk.see(ship), order(number).lines[0]

    answers = [desk.press(page, ship, **{f"pieces__{line.id}": quantity}) for _click in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert [answer.location for answer in answers] == [path(number)] * 2
    assert len(order(number).parcels) == 1
    assert order(number).lines[0].shipped_quantity == quantity


def test_two_people_at_once_send_one_parcel(app):
    number = placed(packed=True, quantity=3)
    seen, results = order(number), []

    def ship(by):
        with app.app_context():
            try:
                act_if_unchanged(seen.id, seen.version, lambda: ship_order(seen.id, [(seen.lines[0].id, 1)], by=by, at=NOON))
                results.append("sent")
            except StaleVersion:
                results.append("stale")

    threads = [threading.Thread(target=ship, args=(f"{name}@example.com",)) for name in ("ana", "luz", "eva")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["sent", "stale", "stale"]
    assert order(number).lines[0].shipped_quantity == 1


@pytest.mark.parametrize("typed", EVIL)
def test_a_wrong_quantity_is_said_at_its_field_and_nothing_is_sent(desk, typed):
    number = placed(packed=True, quantity=3)
    ship, line = path(number, "shipments"), order(number).lines[0]

    answer = desk.press(desk.see(ship), ship, **{f"pieces__{line.id}": typed, "carrier": "GLS"})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert fields_of(answer.text, ship)["carrier"] == "GLS"
    assert order(number).parcels == ()


@pytest.mark.parametrize(
    "typed", [{"tracking_url": "javascript:alert(1)"}, {"tracking_number": "x" * 101}, {"carrier": "a\0b"}, {"seen": "-1"}, {"seen": ""}]
)
def test_a_wrong_parcel_is_refused(desk, typed):
    number = placed(packed=True)
    ship = path(number, "shipments")

    answer = desk.press(desk.see(ship), ship, **typed)

    assert answer.status_code == 422
    assert order(number).parcels == ()


def test_an_empty_parcel_is_refused(desk):
    number = placed(packed=True)
    ship, line = path(number, "shipments"), order(number).lines[0]

    answer = desk.press(desk.see(ship), ship, **{f"pieces__{line.id}": 0})

    assert answer.status_code == 422
    assert "Put at least one piece into the parcel." in words(answer.text)


@pytest.mark.parametrize("number", ["nope", "B7K4-4QX2", "x" * 200, "%00", "٣"])
def test_an_order_that_is_not_there_is_a_page_of_the_back_office(desk, number):
    answer = desk.client.get(path(number))

    assert answer.status_code == 404
    assert "back office" in answer.text


# The list


def test_tabs_and_filters_hold_what_they_say(desk):
    numbers = {
        "pack": placed(),
        "ship": placed(packed=True),
        "transfer": placed(paid=False),
        "refund": placed(),
        "done": placed(packed=True),
    }
    inside(lambda: cancel_order(order(numbers["refund"]).id, by=BOSS, at=NOON))()
    inside(lambda: ship_order(order(numbers["done"]).id, by=BOSS, at=NOON))()

    for task in ("pack", "ship", "transfer", "refund"):
        page = desk.see(f"/admin/orders?task={task}")
        assert [number for number in numbers.values() if number in page] == [numbers[task]], task
    assert numbers["done"] in desk.see("/admin/orders?task=underway")
    assert numbers["refund"] not in desk.see("/admin/orders?task=agreed")
    assert numbers["transfer"] in desk.see("/admin/orders?payment=unpaid")
    assert numbers["pack"] not in desk.see("/admin/orders?payment=unpaid")
    assert numbers["refund"] in desk.see("/admin/orders?state=canceled&since=2026-11-21&until=2026-11-21")
    assert "No order matches" in desk.see("/admin/orders?since=2026-11-22")


@pytest.mark.parametrize("typed", ["{number}", "{number_lower}", "{start}", "LUCIA@ex", "ferrer", "Lucía Ferrer"])
def test_search_finds_by_number_email_and_name(desk, typed):
    number, other = placed(), placed(email="somebody@example.org")
    inside(lambda: _rename(other, "Bob"))()

    page = desk.see("/admin/orders?q=" + typed.format(number=number, number_lower=number.lower().replace("-", ""), start=number[:3]))

    assert number in page
    assert "LUCIA" in typed or typed.startswith("{") or other not in page


def _rename(number, name):
    from shop.order.models import OrderAddress

    with transaction() as session:
        session.execute(update(OrderAddress).where(OrderAddress.order_id == get_order(number).id).values(name=name))


def test_pages_of_the_list_neither_skip_nor_repeat(desk, monkeypatch):
    monkeypatch.setattr("shop.order.worklist.list_work.__kwdefaults__", {"limit": 2, "cursor": None})
    numbers = [placed() for _ in range(5)]  # all in the same moment
    found, page = [], desk.see("/admin/orders")

    for _page in range(4):
        found += [number for number in reversed(numbers) if number in page]
        following = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0] if 'rel="next"' in page else ""
        if not following:
            break
        page = desk.see(following.replace("&amp;", "&"))

    assert found == list(reversed(numbers))


@pytest.mark.parametrize(
    "query",
    [
        "state=zzz",
        "task=%00",
        "since=2026-13-45",
        "since=0001-01-01",
        "until=9999-12-31",
        "cursor=zzz",
        "q=" + "x" * 300,
        "payment=paid&payment=x",
    ],
)
def test_a_wrong_filter_is_refused_clearly(desk, query):
    answer = desk.client.get(f"/admin/orders?{query}")

    assert answer.status_code in {200, 422}
    assert answer.status_code == 422 or query.startswith("payment")


# The same by JSON


@pytest.fixture
def api(desk):
    return lambda method, number, act="", **body: desk.client.open(
        f"/api/v1/orders/{number}" + (f"/{act}" if act else ""), method=method, **({"json": body} if method == "POST" else {})
    )


def test_programs_take_the_same_way(api, desk):
    number = placed(paid=False, quantity=3)
    line = api("GET", number).json["lines"][0]["id"]

    assert api("POST", number, "payment").json["payment"]["state"] == "paid"
    packed = api("POST", number, "packing", version=api("GET", number).json["version"])
    part = api("POST", number, "shipments", lines=[{"id": line, "quantity": 1}], carrier="GLS", tracking_number="1")
    rest = api("POST", number, "shipments")
    done = api("POST", number, "delivery")

    assert [answer.status_code for answer in (packed, part, rest, done)] == [200, 201, 201, 200]
    assert [answer.json["fulfillment"] for answer in (packed, part, rest, done)] == ["packed", "partly_shipped", "shipped", "delivered"]
    assert {actor for _kind, actor in timeline(number)} == {desk.email}


def test_programs_are_told_the_legal_moves_and_when_they_are_late(api):
    number = placed()

    illegal = api("POST", number, "delivery")
    stale = api("POST", number, "packing", version=1)

    assert (illegal.status_code, illegal.json["legal"]) == (409, ["packed", "partly_shipped", "shipped"])
    assert (stale.status_code, stale.json["type"]) == (409, "/problems/stale-version")
    assert state(number)[2] == "unfulfilled"


def test_a_shipment_that_is_repeated_under_one_key_is_sent_once(desk):
    number = placed(packed=True, quantity=3)
    line = order(number).lines[0].id
    send = lambda: desk.client.post(  # noqa: E731
        f"/api/v1/orders/{number}/shipments", json={"lines": [{"id": line, "quantity": 1}]}, headers={"Idempotency-Key": "parcel-1"}
    )

    first, again = send(), send()

    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(order(number).parcels) == 1


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [
        ("packing", {"state": "paid"}, 422),
        ("packing", {"version": "1"}, 422),
        ("packing", {"version": 2**63}, 422),
        ("shipments", {"lines": [{"id": 1, "quantity": 0}]}, 422),
        ("shipments", {"lines": [{"id": 999_999, "quantity": 1}]}, 422),
        ("shipments", {"lines": [{"quantity": 1}]}, 422),
        ("shipments", {"lines": "all"}, 422),
        ("shipments", {"tracking_url": "javascript:alert(1)"}, 422),
        ("shipments", {"carrier": None}, 422),
        ("cancellation", {"is_admin": True}, 422),
    ],
)
def test_programs_bad_input_is_refused(api, act, body, status):
    number = placed()
    before = (state(number), timeline(number))

    assert api("POST", number, act, **body).status_code == status
    assert (state(number), timeline(number)) == before


def test_staff_cancel_by_the_customers_address_in_their_own_name(api, desk):
    number = placed()

    assert api("POST", number, "cancellation", note="Fraud").json["state"] == "canceled"
    assert timeline(number)[-1] == ("canceled", desk.email)


def test_the_list_for_programs_is_for_staff_alone_and_pages(app, desk):
    numbers = [placed() for _ in range(3)]
    make_user("eve@example.com")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    first = desk.client.get("/api/v1/orders?limit=2&task=pack").json
    second = desk.client.get(first["next"]).json

    assert [item["number"] for item in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None
    assert eve.get("/api/v1/orders").status_code == 403
    assert app.test_client().get("/api/v1/orders").status_code == 401
    assert desk.client.get("/api/v1/orders?limit=0").status_code == 422
    assert desk.client.get("/api/v1/orders?nope=1").status_code == 422


def test_lines_of_the_list_cost_no_statements_of_their_own(app, desk):
    from tests.orders import counted

    def cost():
        with app.app_context(), counted() as statements:
            desk.see("/admin/orders")
        return len(statements)

    placed()
    cost()  # what is kept per process is read
    few = cost()
    for _ in range(5):
        placed(products=3)

    assert cost() == few
    assert rows(select(OrderLine.id))


def test_the_neighbors_of_an_order_are_the_ones_placed_before_and_after_it_never_itself(app):
    first, second, third = (placed(paid=False, at=NOON + timedelta(hours=hours)) for hours in (0, 1, 2))

    assert inside(find_neighbors)(order(first)) == {"newer": second, "older": None}
    assert inside(find_neighbors)(order(second)) == {"newer": third, "older": first}
    assert inside(find_neighbors)(order(third)) == {"newer": None, "older": second}
