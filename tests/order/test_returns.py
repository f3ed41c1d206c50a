"""Returns: asked by the customer, guest too, decided and received by staff; each piece once, within the period, and the stock as staff say."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select, update

from shop.clock import now
from shop.db import db, row, rows, scalar, transaction
from shop.errors import IllegalMove, Invalid
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.money import Money
from shop.order.goods import hold_goods, shelve_goods
from shop.order.links import order_key
from shop.order.models import Order, OrderCredit, OrderLine, PaymentState
from shop.order.queries import get_order
from shop.order.returns.models import ReturnReason, ReturnState
from shop.order.returns.queries import get_return, list_returns, returnable
from shop.order.returns.services import ask_return, decide_return, receive_return, withdraw_return
from shop.order.returns.states import MOVES, WORDS, check_return_move
from shop.order.services import mark_delivered, mark_packed, record_payment_state, ship_order
from shop.payment.services import record_bank_payment
from shop.settings.services import save_settings
from tests.factories import NOON, make_product
from tests.office import Desk, fields_of, words
from tests.orders import ADDRESS, make_order
from tests.people import inside, make_user
from tests.races import in_parallel

ANA = "ana@bodega.example"
BACK = ReturnReason.WITHDRAWAL


def delivered(lines=(), *, at=NOON, **changes) -> Order:
    """An order that was paid and has arrived."""
    order = make_order(lines or [(make_product("Mug", price=1450, stock=9), 3)], **changes)
    record_bank_payment(order.id, by="shop", at=at)
    ship_order(order.id, by=ANA, at=at)
    mark_delivered(order.id, by=ANA, at=at)
    return order


def line_of(order, place=0) -> int:
    return get_order(order.number).lines[place].id


def ask(order, count=1, *, by="customer", at=NOON, **more) -> int:
    """The id of a return of so many pieces of the first line."""
    place = ask_return(order.id, [(line_of(order), count)], reason=BACK, by=by, at=at, **more)
    return get_return(get_order(order.number), place).id


def state_of(order, place=1) -> str:
    return get_return(get_order(order.number), place).state.value


def kinds(order) -> list[str]:
    return [entry.kind for entry in get_order(order.number).entries]


def on_hand(order) -> int:
    return scalar(select(StockItem.on_hand).where(StockItem.variant_id == get_order(order.number).lines[0].variant_id))


# The verbs


@pytest.mark.parametrize(("now", "to"), list(product(ReturnState, ReturnState)))
def test_a_return_moves_by_its_table_and_the_refusal_names_the_legal_moves(context, now, to):
    if to in MOVES[now]:
        check_return_move(now, to)
        return

    with pytest.raises(IllegalMove) as refusal:
        check_return_move(now, to)

    assert refusal.value.extras["legal"] == [move.value for move in MOVES[now]]
    assert all(str(WORDS[move]) in refusal.value.detail for move in MOVES[now])


def test_from_the_request_to_the_shelf(context):
    order = delivered()
    stock = on_hand(order)

    return_id = ask(order, 2, note="Too small")
    decide_return(return_id, approve=True, answer="Send it to us", by=ANA, at=NOON)
    receive_return(return_id, {line_of(order): (2, 1)}, refund_minor=2900, by=ANA, at=NOON)

    shown = get_order(order.number)
    assert state_of(order) == "received"
    assert kinds(order)[-3:] == ["return_asked", "return_approved", "return_received"]
    assert shown.lines[0].returned_quantity == 2
    assert on_hand(order) == stock + 1
    assert row(select(StockMovement.delta, StockMovement.reference).where(StockMovement.reason == Reason.RETURN)) == (1, order.number)
    assert rows(select(OrderCredit.source, OrderCredit.amount_minor)) == [(f"return:{return_id}", 2900)]
    assert shown.fulfillment_state == "delivered"


def test_when_everything_is_back_the_goods_are_returned(context):
    order = delivered()
    return_id = ask(order, 3)
    decide_return(return_id, approve=True, by=ANA, at=NOON)

    receive_return(return_id, {line_of(order): (3, 3)}, refund_minor=4350, by=ANA, at=NOON)

    assert get_order(order.number).fulfillment_state == "returned"


def test_a_return_that_pays_nothing_back_is_done_when_it_is_here(context):
    order = delivered()
    return_id = ask(order)
    decide_return(return_id, approve=True, by=ANA, at=NOON)

    receive_return(return_id, {line_of(order): (1, 0)}, refund_minor=0, by=ANA, at=NOON)

    assert state_of(order) == "refunded"
    assert rows(select(OrderCredit.id)) == []


def test_each_piece_comes_back_once(context):
    order = delivered()
    ask(order, 2)

    with pytest.raises(Invalid):
        ask(order, 2)
    ask(order, 1)
    with pytest.raises(IllegalMove):
        ask(order, 1)


def test_what_was_refused_or_taken_back_may_be_asked_again(context):
    order = delivered()
    decide_return(ask(order, 3), approve=False, answer="It was worn", by=ANA, at=NOON)
    withdraw_return(ask(order, 3), by="customer", at=NOON)

    ask(order, 3)

    assert [found.state.value for found in list_returns(get_order(order.number))] == ["refused", "withdrawn", "asked"]


@pytest.mark.parametrize("pieces", [[], [(0, 1)], [("mug", 4)], [("mug", 0)], [("mug", -1)], [("mug", 1), ("mug", 1)]])
def test_what_was_not_bought_cannot_come_back(context, pieces):
    order = delivered()
    mug = line_of(order)

    with pytest.raises(Invalid):
        ask_return(order.id, [(mug if name == "mug" else name, count) for name, count in pieces], reason=BACK, by="customer", at=NOON)

    assert list_returns(get_order(order.number)) == []


def test_what_has_not_left_cannot_come_back(context):
    order = make_order([(make_product(stock=9), 3)])
    with pytest.raises(IllegalMove):
        ask(order)

    ship_order(order.id, [(line_of(order), 1)], by=ANA, at=NOON)

    assert returnable(get_order(order.number), at=NOON).pieces == {line_of(order): 1}


def test_what_was_collected_can_come_back(context):
    order = make_order(shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)
    record_payment_state(order.id, PaymentState.PAID, by="shop", at=NOON)
    mark_packed(order.id, by=ANA, at=NOON)
    mark_delivered(order.id, by=ANA, at=NOON)

    assert returnable(get_order(order.number), at=NOON).pieces == {line_of(order): 1}


def test_what_was_collected_goes_back_to_the_shelf_with_a_refund_but_not_before_it_was_collected(context):
    order = make_order(shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)
    record_payment_state(order.id, PaymentState.PAID, by="shop", at=NOON)
    mark_packed(order.id, by=ANA, at=NOON)
    stock, back = on_hand(order), {line_of(order): 1}

    with pytest.raises(Invalid):
        hold_goods(order.id, back)
    mark_delivered(order.id, by=ANA, at=NOON)
    hold_goods(order.id, back)
    with pytest.raises(Invalid):
        hold_goods(order.id, back)
    shelve_goods(order.id, back, reference=order.number, by=ANA, at=NOON)

    assert on_hand(order) == stock + 1


def test_pieces_of_a_return_come_back_by_it_and_not_by_a_refund_meanwhile(context):
    order = delivered()
    return_id = ask(order, 2)
    decide_return(return_id, approve=True, by=ANA, at=NOON)

    with pytest.raises(Invalid):
        hold_goods(order.id, {line_of(order): 2})
    hold_goods(order.id, {line_of(order): 1})
    receive_return(return_id, {line_of(order): (2, 2)}, refund_minor=2900, by=ANA, at=NOON)

    assert get_order(order.number).lines[0].returned_quantity == 3


def test_a_return_of_pieces_that_are_back_already_is_refused_in_words(context):
    order = delivered()
    return_id = ask(order, 2)
    decide_return(return_id, approve=True, by=ANA, at=NOON)
    with transaction() as session:
        session.execute(update(OrderLine).where(OrderLine.order_id == order.id).values(returned_quantity=2))

    with pytest.raises(Invalid):
        receive_return(return_id, {line_of(order): (2, 2)}, refund_minor=2900, by=ANA, at=NOON)
    receive_return(return_id, {line_of(order): (1, 1)}, refund_minor=1450, by=ANA, at=NOON)

    assert state_of(order) == "received"


def test_goods_that_are_only_data_do_not_come_back(context):
    order = delivered([(make_product("E-book", requires_shipping=False, stock=None), 1), (make_product("Mug", stock=9), 1)])

    assert list(returnable(get_order(order.number), at=NOON).pieces) == [line_of(order, 1)]


@pytest.mark.parametrize(
    ("days", "setting", "may"), [(14, "14", True), (15, "14", False), (14, "3", True), (30, "", True), (31, "", False), (31, "x", False)]
)
def test_the_period_is_a_setting_and_never_shorter_than_the_law(context, days, setting, may):
    if setting:
        save_settings({("returns.days", ""): setting})
    order = delivered()
    later = NOON + timedelta(days=days)

    if may:
        ask(order, at=later)
    else:
        with pytest.raises(IllegalMove, match="over"):
            ask(order, at=later)
        ask(order, by=ANA, at=later)  # staff may


@pytest.mark.parametrize("received", [{"mug": (4, 0)}, {"mug": (1, 2)}, {"mug": (0, 0)}, {}, {999: (1, 0)}])
def test_more_than_was_asked_cannot_arrive(context, received):
    order = delivered()
    return_id = ask(order, 3)
    decide_return(return_id, approve=True, by=ANA, at=NOON)
    mug, stock = line_of(order), on_hand(order)

    with pytest.raises(Invalid):
        receive_return(
            return_id, {mug if name == "mug" else name: came for name, came in received.items()}, refund_minor=0, by=ANA, at=NOON
        )

    assert (state_of(order), on_hand(order)) == ("approved", stock)


def test_not_more_than_was_paid_goes_back(context):
    order = delivered()
    return_id = ask(order)
    decide_return(return_id, approve=True, by=ANA, at=NOON)

    with pytest.raises(Invalid):
        receive_return(return_id, {line_of(order): (1, 1)}, refund_minor=order.total_minor + 1, by=ANA, at=NOON)


def test_ten_clerks_who_receive_the_same_return_receive_it_once(app):
    with app.app_context():
        order = delivered()
        return_id, line_id, stock = ask(order, 3), line_of(order), on_hand(order)
        decide_return(return_id, approve=True, by=ANA, at=NOON)
        db.session.remove()

    answers = in_parallel(
        app, [lambda: receive_return(return_id, {line_id: (3, 3)}, refund_minor=4350, by=ANA, at=NOON) for _clerk in range(10)]
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["IllegalMove"] * 9 + ["NoneType"]
    with app.app_context():
        assert on_hand(order) == stock + 3
        assert rows(select(OrderCredit.amount_minor)) == [(4350,)]


def test_customers_who_ask_ten_times_at_once_ask_for_each_piece_once(app):
    with app.app_context():
        order = delivered()
        pieces = [(line_of(order), 1)]
        db.session.remove()

    answers = in_parallel(app, [lambda: ask_return(order.id, pieces, reason=BACK, by="customer", at=NOON) for _press in range(10)])

    assert sorted(answer for answer in answers if isinstance(answer, int)) == [1, 2, 3]


# Pages of the customer


def path_of(order) -> tuple[str, str]:
    return f"/orders/{order.number}", inside(order_key)(order.number)


def test_a_guest_asks_by_the_link_and_takes_it_back(app, client):
    order = inside(delivered)()
    path, key = path_of(order)
    line = inside(line_of)(order)
    assert f"{path}/returns/new?key={key}" in client.get(f"{path}?key={key}").text

    form = client.get(f"{path}/returns/new?key={key}").text
    typed = {**fields_of(form, f"{path}/returns"), f"pieces-{line}": "2", "reason": "damaged", "note": "A crack\nin the handle"}
    asked = client.post(f"{path}/returns", data=typed)

    assert (asked.status_code, inside(state_of)(order)) == (303, "asked")
    shown = words(client.get(asked.location).text)
    assert f"{order.number}-R1: asked for" in shown
    assert "2 × Mug" in shown
    back = client.post(f"{path}/returns/1/withdrawal", data={"key": key})
    assert (back.status_code, inside(state_of)(order)) == (303, "withdrawn")


@pytest.mark.parametrize("typed", ["", "-1", "4", "1e1", "٣", "1_0", "99999999999999999999"])
def test_a_wrong_quantity_is_said_and_nothing_is_asked(app, client, typed):
    order = inside(delivered)()
    path, key = path_of(order)

    answer = client.post(f"{path}/returns", data={"key": key, f"pieces-{inside(line_of)(order)}": typed, "reason": "other"})

    assert answer.status_code == 422
    assert inside(list_returns)(inside(get_order)(order.number)) == []


def test_a_reason_that_there_is_not_is_refused(app, client):
    order = inside(delivered)()
    path, key = path_of(order)

    answer = client.post(f"{path}/returns", data={"key": key, f"pieces-{inside(line_of)(order)}": "1", "reason": "evil"})

    assert answer.status_code == 422


def test_returns_of_others_are_not_there(app, client):
    order, other = inside(delivered)(), inside(delivered)()
    path, _key = path_of(order)
    foreign = path_of(other)[1]

    assert client.get(f"{path}/returns/new?key={foreign}").status_code == 404
    assert client.post(f"{path}/returns", data={"key": foreign}).status_code == 404
    assert client.post(f"{path}/returns/1/withdrawal", data={"key": foreign}).status_code == 404
    assert client.get(f"/api/v1{path}/returns?key={foreign}").status_code == 404
    assert client.post(f"/api/v1{path}/returns?key={foreign}", json={}).status_code == 404


# Pages of staff


@pytest.fixture
def desk(client) -> Desk:
    return Desk(client)


def test_staff_approve_and_receive(desk):
    order = inside(delivered)()
    line = inside(line_of)(order)
    inside(ask)(order, 2)
    base, page = f"/admin/orders/{order.number}", f"/admin/orders/{order.number}/returns/1"
    assert f"{order.number}-R1" in desk.see("/admin/returns?state=asked")
    assert f"{order.number}-R1" not in desk.see("/admin/returns?state=approved")

    decided = desk.press(desk.see(page), f"{page}/decision", approve="1", answer="Please send it to Calle Mayor 12.")
    assert (decided.status_code, inside(state_of)(order)) == (303, "approved")
    seen = desk.see(page)
    assert "€29.00" in seen
    received = desk.press(seen, f"{page}/receipt", **{f"came__{line}": 2, f"shelf__{line}": 0, "refund": "25.50"})

    assert (received.status_code, inside(state_of)(order)) == (303, "received")
    assert inside(rows)(select(OrderCredit.amount_minor)) == [(2550,)]
    again = desk.press(seen, f"{page}/receipt", **{f"came__{line}": 2, f"shelf__{line}": 0, "refund": "25.50"})
    assert (again.status_code, again.location) == (303, base)
    assert inside(rows)(select(OrderCredit.amount_minor)) == [(2550,)]


def test_an_act_that_the_state_does_not_allow_is_409_and_names_the_moves(desk):
    order = inside(delivered)()
    inside(ask)(order)
    page = f"/admin/orders/{order.number}/returns/1"
    seen = desk.see(page)
    token = fields_of(seen, f"{page}/decision")

    early = desk.client.post(f"{page}/receipt", data={**token, "refund": "1"})
    by_json = desk.client.post(
        f"/api/v1/orders/{order.number}/returns/1/receipt",
        json={"lines": [{"id": inside(line_of)(order), "received": 1}], "refund": {"minor": 1, "currency": "EUR"}},
    )

    assert (early.status_code, by_json.status_code) == (409, 409)
    assert "approved, refused, taken back" in words(early.text)
    assert by_json.json["legal"] == ["approved", "refused", "withdrawn"]
    assert inside(state_of)(order) == "asked"


@pytest.mark.parametrize(
    "typed", [{"came": 3}, {"shelf": 2, "came": 1}, {"came": 0, "shelf": 0}, {"refund": "-1"}, {"refund": "9999999"}, {"refund": "NaN"}]
)
def test_a_wrong_receipt_is_said_and_nothing_moves(desk, typed):
    order = inside(delivered)()
    line = inside(line_of)(order)
    inside(decide_return)(inside(ask)(order, 2), approve=True, by=ANA, at=NOON)
    page = f"/admin/orders/{order.number}/returns/1"

    answer = desk.press(
        desk.see(page), f"{page}/receipt", **{name if name == "refund" else f"{name}__{line}": value for name, value in typed.items()}
    )

    assert answer.status_code == 422
    assert inside(state_of)(order) == "approved"


def test_staff_write_a_return_down_after_the_period(desk):
    order = inside(delivered)(at=NOON - timedelta(days=90))
    path = f"/admin/orders/{order.number}/returns"

    page = desk.see(f"{path}/new")
    answer = desk.press(page, path, **{f"pieces__{inside(line_of)(order)}": 1, "reason": "damaged"})

    assert "The period ended" in words(page)
    assert (answer.status_code, inside(state_of)(order)) == (303, "asked")


# Programs


def test_programs_take_the_same_way(app, desk):
    order = inside(delivered)()
    path, key = f"/api/v1/orders/{order.number}/returns", inside(order_key)(order.number)
    line, guest = inside(line_of)(order), app.test_client()

    listed = guest.get(f"{path}?key={key}").json
    asked = guest.post(f"{path}?key={key}", json={"lines": [{"id": line, "quantity": 2}], "reason": "wrong"})
    decided = desk.client.post(f"{path}/1/decision", json={"approve": True, "answer": "Yes"})
    received = desk.client.post(
        f"{path}/1/receipt", json={"lines": [{"id": line, "received": 2, "restocked": 2}], "refund": {"minor": 2900, "currency": "EUR"}}
    )

    assert listed["returnable"] == [{"id": line, "quantity": 3}]
    assert [answer.status_code for answer in (asked, decided, received)] == [201, 200, 200]
    assert [answer.json["state"] for answer in (asked, decided, received)] == ["asked", "approved", "received"]
    assert guest.get("/api/v1/returns").status_code == 401
    assert [found["number"] for found in desk.client.get("/api/v1/returns?state=received").json["items"]] == [f"{order.number}-R1"]
    assert guest.post(f"{path}/1/withdrawal?key={key}").status_code == 409


def test_programs_of_customers_may_not_decide(app, client):
    make_user("ana@example.com")
    order = inside(delivered)()
    inside(ask)(order)

    for act, body in (("decision", {"approve": True}), ("receipt", {"lines": [], "refund": {"minor": 0, "currency": "EUR"}})):
        answer = client.post(f"/api/v1/orders/{order.number}/returns/1/{act}?key={inside(order_key)(order.number)}", json=body)
        assert answer.status_code in {401, 403}
    assert inside(state_of)(order) == "asked"


# The delivery


def sent_back(desk, count, *, reason=BACK) -> tuple[str, dict[str, str], Order]:
    """A return of so many of three pieces that were paid and have arrived: its page, and what its form proposes."""

    def begin() -> Order:
        order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
        record_bank_payment(order.id, by=ANA, at=now())
        ship_order(order.id, by=ANA, at=now())
        mark_delivered(order.id, by=ANA, at=now())
        place = ask_return(order.id, [(line_of(order), count)], reason=reason, by="customer", at=now())
        decide_return(get_return(get_order(order.number), place).id, approve=True, by=ANA, at=now())
        return order

    order = inside(begin)()
    path = f"/admin/orders/{order.number}/returns/1"
    page = desk.see(path)
    return page, fields_of(page, f"{path}/receipt"), order


def test_who_withdraws_from_all_of_it_gets_the_delivery_back(client):
    desk = Desk(client, "sam@example.com", role="support")  # may take back, may not give more than the law asks

    page, proposed, order = sent_back(desk, 3)
    answer = desk.press(page, f"/admin/orders/{order.number}/returns/1/receipt")

    assert order.total_minor > 3 * 1450
    assert proposed["refund"] == str(Money(order.total_minor, "EUR").to_decimal())
    assert "the delivery of" in words(page)
    assert answer.status_code == 303
    assert inside(scalar)(select(OrderCredit.amount_minor)) == order.total_minor


@pytest.mark.parametrize(("count", "reason"), [(2, BACK), (3, ReturnReason.DAMAGED)])
def test_a_part_and_what_is_no_withdrawal_leave_the_delivery_to_staff(client, count, reason):
    page, proposed, _order = sent_back(Desk(client), count, reason=reason)

    assert proposed["refund"] == str(Money(count * 1450, "EUR").to_decimal())
    assert "the delivery of" not in words(page)


def test_more_than_goods_and_delivery_is_for_those_who_may_give_money_back(client):
    desk = Desk(client, "sam@example.com", role="support")
    page, _proposed, order = sent_back(desk, 2)

    answer = desk.press(page, f"/admin/orders/{order.number}/returns/1/receipt", refund="29.01")

    assert answer.status_code == 422
