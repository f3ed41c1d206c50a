"""Changing an order that was placed: what was agreed stays, an edit appends; sums agree to the last cent, the difference goes back or is asked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from shop.clock import now
from shop.db import db, row, rows, scalar
from shop.errors import IllegalMove, Invalid, OutOfStock
from shop.inventory.models import StockItem
from shop.ledger.queries import balances_of
from shop.mail.models import Mail
from shop.order.changes.services import Edit, edit_order
from shop.order.documents.queries import find_broken_documents, get_document, list_documents
from shop.order.models import Adjustment, Order, OrderCredit, OrderLine, OrderRevision, PaymentState
from shop.order.parcels import mark_parcel_delivered
from shop.order.queries import get_order
from shop.order.services import mark_delivered, record_payment_state, ship_order
from shop.order.shares import share_of
from shop.outbox.courier import deliver_due
from shop.payment.models import Payment, Refund, State
from shop.payment.refunds import record_bank_refund
from shop.payment.services import record_bank_payment
from tests.checkout.test_obstacles import make_zone
from tests.factories import NOON, make_product
from tests.office import Desk, fields_of, words
from tests.orders import ADDRESS, make_order
from tests.people import inside
from tests.races import in_parallel

ANA = "ana@bodega.example"


def carry() -> None:
    while deliver_due(at=now()).delivered:
        pass


def two_lines(*, is_paid=True, **changes) -> Order:
    order = make_order(
        [(make_product("Mug", price=1450, stock=9), 3), (make_product("Tea", price=499, tax_class="food", stock=9), 2)], **changes
    )
    if is_paid:
        record_bank_payment(order.id, by=ANA, at=NOON)
    return order


def lines(order) -> list:
    return list(get_order(order.number).lines)


def change(order, pieces=None, **more) -> int:
    named = {lines(order)[place].id: count for place, count in (pieces or {}).items()}
    return edit_order(order.id, Edit(pieces=named, **more), by=ANA, at=NOON)


def on_hand(order, place=0) -> int:
    return scalar(select(StockItem.on_hand).where(StockItem.variant_id == lines(order)[place].variant_id))


def check_sums(order) -> None:
    """What must hold of every order: its total and tax are the sum of its rows, and the sums that its page shows lead to the total."""
    kept = row(select(Order).where(Order.id == order.id))
    for table in (OrderLine, Adjustment):
        assert table is not None
    sums = [
        row(select(func.sum(table.gross_minor), func.sum(table.tax_minor)).where(table.order_id == order.id))
        for table in (OrderLine, Adjustment)
    ]
    assert kept.total_minor == sum(int(found[0] or 0) for found in sums)
    assert kept.tax_minor == sum(int(found[1] or 0) for found in sums)
    assert kept.total_minor == kept.subtotal_minor - kept.discount_minor + kept.shipping_minor - kept.untaxed_minor
    shown = get_order(order.number)
    assert sum(line.total.minor for line in shown.lines) == shown.subtotal.minor


def test_pieces_taken_off_a_paid_order_go_back_to_the_shelf_and_their_money_to_the_customer(context):
    order = two_lines()
    stock, frozen = on_hand(order), rows(select(OrderLine.quantity, OrderLine.gross_minor).order_by(OrderLine.id))

    assert change(order, {0: 1}, reason="Two are chipped") == 1
    carry()
    for refund in rows(select(Refund.id).where(Refund.state == State.PENDING)):
        record_bank_refund(refund.id, by=ANA, at=NOON)
    carry()

    after = get_order(order.number)
    assert after.total.minor == order.total_minor - 2900
    assert [line.quantity for line in after.lines] == [1, 2]
    assert rows(select(OrderLine.quantity, OrderLine.gross_minor).order_by(OrderLine.id)) == frozen
    assert on_hand(order) == stock + 2
    assert rows(select(Refund.amount_minor)) == [(2900,)]
    assert after.payment_state is PaymentState.PAID
    assert after.owed.minor == 0
    assert sum(balances_of(order.id).values()) == 0
    assert row(select(OrderRevision.revision, OrderRevision.actor, OrderRevision.reason)) == (1, ANA, "Two are chipped")
    assert "− 2 × Mug; Two are chipped" in [entry.note for entry in after.entries if entry.kind == "edited"]
    check_sums(order)
    papers = [get_document(order.id, found.number) for found in list_documents(order.id)]
    assert [(paper.kind.value, paper.gross_minor) for paper in papers] == [("invoice", order.total_minor), ("credit_note", 2900)]
    assert find_broken_documents() == []
    mail = row(select(Mail.text).where(Mail.subject.contains("was changed")))
    assert "€29.00 go back to you" in mail.text


def test_the_books_agree_after_edits_returns_and_refunds(context):
    from shop.audit.services import run_audit
    from shop.order.returns.models import ReturnReason
    from shop.order.returns.queries import get_return
    from shop.order.returns.services import ask_return, decide_return, receive_return

    order, other = two_lines(), two_lines(is_paid=False)
    change(order, {0: 2, 1: 1})
    change(order, {1: 0})
    change(other, {0: 1}, added=[(make_product("Cup", price=333, stock=5).variant_id, 3)])
    record_bank_payment(other.id, by=ANA, at=NOON)
    for placed in (order, other):
        ship_order(placed.id, by=ANA, at=NOON)
        mark_delivered(placed.id, by=ANA, at=NOON)
        mug = lines(placed)[0].id
        found = get_return(get_order(placed.number), ask_return(placed.id, [(mug, 1)], reason=ReturnReason.DAMAGED, by=ANA, at=NOON))
        decide_return(found.id, approve=True, by=ANA, at=NOON)
        receive_return(found.id, {mug: (1, 1)}, refund_minor=1450, by=ANA, at=NOON)
    carry()
    for refund in rows(select(Refund.id).where(Refund.state == State.PENDING)):
        record_bank_refund(refund.id, by=ANA, at=now())
    carry()

    report = run_audit(at=now())

    assert [(result.rule, result.findings, result.error) for result in report.broken] == []


def test_a_line_that_was_taken_off_is_gone_from_page_parcel_and_stock(context):
    order = two_lines()

    change(order, {1: 0})
    ship_order(order.id, by=ANA, at=NOON)

    shown = get_order(order.number)
    assert [line.name for line in shown.lines] == ["Mug"]
    assert [[line.name for line, _count in parcel.pieces] for parcel in shown.parcels] == [["Mug"]]
    assert shown.fulfillment_state == "shipped"
    check_sums(order)


def test_an_order_that_waits_for_its_transfer_is_asked_for_the_new_total(context):
    order, lamp = two_lines(is_paid=False), make_product("Lamp", price=8900, stock=1)

    change(order, {0: 2}, added=[(lamp.variant_id, 1)])
    record_bank_payment(order.id, by=ANA, at=NOON)

    after = get_order(order.number)
    assert after.total.minor == order.total_minor - 1450 + 8900
    assert [(line.name, line.quantity) for line in after.lines] == [("Mug", 2), ("Tea", 2), ("Lamp", 1)]
    assert rows(select(Payment.captured_minor)) == [(after.total.minor,)]
    assert rows(select(OrderCredit.id)) == []
    assert [found.gross_minor for found in list_documents(order.id)] == [after.total.minor]
    assert scalar(select(StockItem.on_hand).where(StockItem.variant_id == lamp.variant_id)) == 0
    check_sums(order)


def test_a_paid_order_may_be_swapped_for_something_cheaper_but_not_dearer(context):
    order, cup, lamp = two_lines(), make_product("Cup", price=900, stock=5), make_product("Lamp", price=8900, stock=1)

    with pytest.raises(IllegalMove, match="would cost more"):
        change(order, added=[(lamp.variant_id, 1)])
    change(order, {0: 2}, added=[(cup.variant_id, 1)])

    papers = [(found.kind.value, found.gross_minor) for found in list_documents(order.id)]
    assert papers == [("invoice", order.total_minor), ("credit_note", 1450), ("invoice", 900)]
    assert rows(select(OrderCredit.amount_minor)) == [(550,)]
    assert scalar(select(StockItem.on_hand).where(StockItem.variant_id == lamp.variant_id)) == 1
    check_sums(order)


def test_what_has_left_cannot_be_taken_off_and_the_rest_ends_the_shipping(context):
    order = two_lines()
    ship_order(order.id, [(lines(order)[0].id, 2)], by=ANA, at=NOON)

    with pytest.raises(Invalid) as refusal:
        change(order, {0: 1})
    assert "2 to 3" in str(refusal.value.errors)
    change(order, {0: 2, 1: 0})

    assert get_order(order.number).fulfillment_state == "shipped"
    mark_delivered(order.id, by=ANA, at=NOON)
    assert get_order(order.number).state == "completed"


@pytest.mark.parametrize("wanted", [{0: 4}, {0: -1}, {}, {0: 3, 1: 2}, {0: 0, 1: 0}])
def test_an_edit_that_changes_nothing_or_cannot_be_is_refused(context, wanted):
    order = two_lines()

    with pytest.raises(Invalid):
        change(order, wanted)

    assert rows(select(OrderRevision.id)) == []


@pytest.mark.parametrize("state", ["checking", "card", "shipped", "canceled"])
def test_what_is_being_paid_or_has_left_or_ended_cannot_be_changed(context, state):
    from shop.order.services import cancel_order

    order = two_lines(is_paid=state == "shipped", payment_method="test_card" if state == "card" else "bank_transfer")
    if state == "checking":
        record_payment_state(order.id, PaymentState.CHECKING, by="shop", at=NOON)
    elif state == "shipped":
        ship_order(order.id, by=ANA, at=NOON)
    elif state == "canceled":
        cancel_order(order.id, by=ANA, at=NOON)

    with pytest.raises(IllegalMove):
        edit_order(order.id, Edit(pieces={lines(order)[0].id: 1}), by=ANA, at=NOON)


def test_more_than_there_is_cannot_be_added(context):
    order, lamp = two_lines(is_paid=False), make_product("Lamp", stock=1)

    with pytest.raises(OutOfStock):
        change(order, added=[(lamp.variant_id, 2)])
    with pytest.raises(Invalid):
        change(order, added=[(999_999, 1)])

    assert len(lines(order)) == 2


def test_another_address_is_kept_with_the_old_one_in_the_timeline(context):
    order = two_lines()

    change(order, address=replace(ADDRESS, line1="Calle Sol 2"))

    after = get_order(order.number)
    assert after.shipping_address.line1 == "Calle Sol 2"
    assert "Calle Feria 18" in after.entries[-1].note
    assert after.total.minor == order.total_minor
    with pytest.raises(Invalid) as refusal:
        change(order, address=replace(ADDRESS, country="FR", postcode="75001", city="Paris", region=""))
    assert "other taxes" in str(refusal.value.errors)


@pytest.mark.parametrize("price", [None, 1900])
def test_an_address_where_the_delivery_costs_more_or_does_not_go_is_refused(context, price):
    order = two_lines()
    make_zone("balearics", [{"country": "ES", "postcode_from": "07", "postcode_to": "07"}], price)

    with pytest.raises(Invalid) as refusal:
        change(order, address=replace(ADDRESS, postcode="07001", city="Palma", region=""))

    assert "ways to deliver" in str(refusal.value.errors)
    assert get_order(order.number).shipping_address == ADDRESS


def test_a_credit_note_names_the_invoice_that_sold_its_goods(context):
    order, cup = two_lines(), make_product("Cup", price=900, stock=5)
    change(order, {0: 2}, added=[(cup.variant_id, 1)])

    change(order, {0: 1})
    change(order, {2: 0})

    first, added = [paper.number for paper in list_documents(order.id) if paper.kind == "invoice"]
    notes = [get_document(order.id, paper.number) for paper in list_documents(order.id) if paper.kind == "credit_note"]
    assert [[number for number in (first, added) if number in str(note.paper["facts"])] for note in notes] == [[first], [first], [added]]


def test_ten_edits_at_once_never_take_the_same_piece_twice(app):
    with app.app_context():
        order = two_lines()
        line_id, stock = lines(order)[0].id, on_hand(order)
        db.session.remove()

    answers = in_parallel(app, [lambda: edit_order(order.id, Edit(pieces={line_id: 2}), by=ANA, at=NOON) for _press in range(10)])

    assert [answer for answer in answers if isinstance(answer, int)] == [1]
    with app.app_context():
        assert on_hand(order) == stock + 1
        assert rows(select(OrderCredit.amount_minor)) == [(1450,)]


amounts = st.integers(0, 10**9)


@given(st.integers(1, 60), st.tuples(amounts, amounts, amounts), st.booleans(), st.data())
def test_parts_of_a_line_sum_to_the_line(quantity, whole, includes, data):
    net, tax, off = whole
    line = type("Line", (), {"quantity": quantity, "net_minor": net, "tax_minor": tax, "gross_minor": net + tax, "discount_minor": off})
    steps = sorted({0, quantity, *data.draw(st.lists(st.integers(0, quantity)))})

    parts = [share_of(line, b, prices_include_tax=includes) - share_of(line, a, prices_include_tax=includes) for a, b in pairwise(steps)]

    assert (sum(part.net_minor for part in parts), sum(part.tax_minor for part in parts), sum(part.off_minor for part in parts)) == (
        net,
        tax,
        off,
    )
    assert all(part.tax_minor >= 0 and part.off_minor >= 0 for part in parts)


# Parcels and words


def test_a_known_carrier_and_a_number_make_a_link(context):
    order = two_lines()

    ship_order(order.id, [(lines(order)[0].id, 1)], "correos ", "PQ 4/A", by=ANA, at=NOON)
    ship_order(order.id, [(lines(order)[0].id, 1)], "Uncle Joe", "7", by=ANA, at=NOON)

    first, second = get_order(order.number).parcels
    assert first.tracking_url.endswith("tracking-number=PQ%204%2FA")
    assert second.tracking_url == ""


def test_the_last_parcel_to_arrive_delivers_the_order(context):
    order = two_lines()
    ship_order(order.id, [(lines(order)[0].id, 3)], by=ANA, at=NOON)
    ship_order(order.id, by=ANA, at=NOON)
    first, second = get_order(order.number).parcels

    mark_parcel_delivered(order.id, first.id, by=ANA, at=NOON)
    with pytest.raises(IllegalMove):
        mark_parcel_delivered(order.id, first.id, by=ANA, at=NOON)
    assert get_order(order.number).fulfillment_state == "shipped"
    mark_parcel_delivered(order.id, second.id, by=ANA, at=NOON)

    assert (get_order(order.number).fulfillment_state, get_order(order.number).state) == ("delivered", "completed")


def test_the_customer_reads_what_is_for_them_and_not_what_is_for_the_team(app, client):
    from shop.order.links import order_key

    desk, guest = Desk(client), app.test_client()
    order = inside(two_lines)()
    page, base = desk.see(f"/admin/orders/{order.number}"), f"/admin/orders/{order.number}"
    token = fields_of(page, f"{base}/notes")

    for _press in range(2):
        client.post(f"{base}/messages", data={**token, "note": "A cup is late,\nsorry"})
    client.post(f"{base}/notes", data={**token, "note": "Difficult customer"})
    inside(carry)()

    seen = guest.get(f"/orders/{order.number}?key={inside(order_key)(order.number)}").text
    assert "A cup is late" in seen
    assert "Difficult" not in seen
    assert "A cup is late" in inside(scalar)(select(Mail.text).where(Mail.subject.contains("A word")))
    assert "Write to the customer" in page
    assert [entry.kind for entry in inside(get_order)(order.number).entries].count("message") == 1


# Pages and programs


def test_staff_change_an_order_by_its_form(client):
    desk = Desk(client)
    order = inside(two_lines)()
    cup = inside(make_product)("Cup", price=900, stock=5, sku="CUP-1")
    mug = inside(lines)(order)[0].id
    path = f"/admin/orders/{order.number}/edit"

    answer = desk.press(
        desk.see(path), path, **{f"pieces__{mug}": 2, "sku": "CUP-1", "added_pieces": 1, "line1": "Calle Sol 2", "reason": "Asked by phone"}
    )

    assert answer.status_code == 303, words(answer.text)
    after = inside(get_order)(order.number)
    assert [(line.name, line.quantity) for line in after.lines] == [("Mug", 2), ("Tea", 2), ("Cup", 1)]
    assert after.shipping_address.line1 == "Calle Sol 2"
    assert cup.variant_id
    again = desk.press(desk.see(path), path)
    assert again.status_code == 422


@pytest.mark.parametrize("typed", [{"pieces": "9"}, {"pieces": "x"}, {"sku": "NOPE"}, {"postcode": "1"}, {"added_pieces": "0", "sku": "X"}])
def test_a_wrong_change_is_said_at_its_field(client, typed):
    desk = Desk(client)
    order = inside(two_lines)()
    path, mug = f"/admin/orders/{order.number}/edit", inside(lines)(order)[0].id

    answer = desk.press(desk.see(path), path, **{f"pieces__{mug}" if name == "pieces" else name: value for name, value in typed.items()})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert inside(rows)(select(OrderRevision.id)) == []


def test_programs_take_the_same_way_and_are_told_when_it_cannot_be(client):
    desk = Desk(client)
    order = inside(two_lines)()
    path, mug = f"/api/v1/orders/{order.number}", inside(lines)(order)[0].id

    edited = desk.client.post(f"{path}/edits", json={"lines": [{"id": mug, "quantity": 1}], "reason": "Asked"})
    note = desk.client.post(f"{path}/notes", json={"note": "Hello", "for_customer": True})
    desk.client.post(f"{path}/shipments", json={})
    late = desk.client.post(f"{path}/edits", json={"lines": [{"id": mug, "quantity": 0}]})
    parcel = inside(get_order)(order.number).parcels[0].id
    arrived = desk.client.post(f"{path}/shipments/{parcel}/delivery", json={})

    assert (edited.status_code, edited.json["lines"][0]["quantity"]) == (200, 1)
    assert note.status_code == 201
    assert (late.status_code, late.json["type"]) == (409, "/problems/illegal-move")
    assert (arrived.status_code, arrived.json["fulfillment"]) == (200, "delivered")
    wrong = desk.client.post(f"{path}/edits", json={"address": {"country": "ES", "evil": "1"}})
    assert wrong.status_code == 422
