"""Money that goes back: once per return, through the payments, with a credit note; to the last cent and never more than was paid or invoiced."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from shop.audit.services import run_audit
from shop.clock import now
from shop.db import row, rows, scalar
from shop.errors import IllegalMove
from shop.mail.models import Mail
from shop.order.changes.services import Edit, edit_order
from shop.order.documents.models import DocumentKind
from shop.order.documents.queries import find_broken_documents, get_document, list_documents
from shop.order.models import Order, OrderCredit, PaymentState
from shop.order.queries import get_order
from shop.order.returns.models import ReturnReason
from shop.order.returns.queries import get_return, list_returns
from shop.order.returns.services import ask_return, decide_return, receive_return
from shop.order.services import cancel_order, mark_delivered, ship_order
from shop.outbox.courier import deliver_due
from shop.payment.models import Payment, Refund, State
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import record_bank_payment
from shop.settings.services import save_settings
from tests.factories import NOON, make_product
from tests.orders import make_order

ANA = "ana@bodega.example"


def carry() -> None:
    """Let the couriers work until nothing is left."""
    while deliver_due(at=now()).delivered:
        pass


def paid(lines=()) -> Order:
    order = make_order(
        lines or [(make_product("Mug", price=1450, stock=9), 3), (make_product("Tea", price=499, tax_class="food", stock=9), 2)]
    )
    record_bank_payment(order.id, by=ANA, at=NOON)
    return order


def delivered(lines=()) -> Order:
    order = paid(lines)
    ship_order(order.id, by=ANA, at=NOON)
    mark_delivered(order.id, by=ANA, at=NOON)
    return order


def send_back(order: Order, place: int, count: int, refund: int) -> int:
    """A return of so many pieces of a line that was received; gives its id."""
    line = get_order(order.number).lines[place].id
    found = get_return(
        get_order(order.number), ask_return(order.id, [(line, count)], reason=ReturnReason.WITHDRAWAL, by="customer", at=NOON)
    )
    decide_return(found.id, approve=True, by=ANA, at=NOON)
    receive_return(found.id, {line: (count, count)}, refund_minor=refund, by=ANA, at=NOON)
    return found.id


def send_money() -> None:
    """Staff sends what waits to be sent by hand."""
    for refund in rows(select(Refund.id).where(Refund.state == State.PENDING)):
        record_bank_refund(refund.id, by=ANA, at=NOON)


def notes(order: Order) -> list:
    found = [get_document(order.id, listed.number) for listed in list_documents(order.id)]
    return [document for document in found if document.kind is DocumentKind.CREDIT_NOTE]


def test_what_came_back_is_paid_back_once_and_credited_on_paper(context):
    order = delivered()

    send_back(order, 0, 2, 2900)
    carry()
    assert rows(select(Refund.amount_minor, Refund.state)) == [(2900, State.PENDING)]
    assert notes(order) == []
    send_money()
    carry()

    (note,) = notes(order)
    assert (note.number, note.gross_minor) == ("CN-2026-00001", 2900)
    assert [tax["rate_ppm"] for tax in note.facts["taxes"]] == [210_000]
    assert [(goods["name"], goods["quantity"]) for goods in note.facts["goods"]] == [("Mug", 2)]
    assert "INV-2026-00001" in str(note.paper["facts"])
    assert list_returns(get_order(order.number))[0].state == "refunded"
    assert get_order(order.number).payment_state is PaymentState.PARTLY_REFUNDED
    subjects = [mail.subject for mail in rows(select(Mail.subject).order_by(Mail.id))]
    assert sum("return" in subject for subject in subjects) == 3
    carry()
    assert scalar(select(func.count()).select_from(Refund)) == 1


def test_everything_that_comes_back_in_parts_ends_at_nothing_left(context):
    order = delivered([(make_product("Odd", price=333, stock=9), 3)])
    delivery = get_order(order.number).shipping.minor

    for _piece in range(3):
        send_back(order, 0, 1, 333)
        carry()
        send_money()
    refund_payment(row(select(Payment.id)).id, press="delivery", amount_minor=delivery, by=ANA, at=NOON)
    send_money()

    assert get_order(order.number).payment_state is PaymentState.REFUNDED
    assert sum(note.gross_minor for note in notes(order)) == order.total_minor
    assert sum(note.tax_minor for note in notes(order)) == order.tax_minor
    assert find_broken_documents() == []


def test_pieces_that_an_edit_took_off_weigh_nothing_at_their_tax_rate(context):
    tea = make_product("Tea", price=499, tax_class="food", stock=9)
    order = paid([(make_product("Mug", price=1450, stock=9), 3), (tea, 2), (make_product("Lamp", price=5000, stock=9), 1)])
    mug, tea_line = (line.id for line in get_order(order.number).lines[:2])
    edit_order(order.id, Edit(pieces={mug: 1}), by=ANA, at=NOON)
    carry()
    send_money()

    refund_payment(row(select(Payment.id)).id, press="one", pieces={mug: 1, tea_line: 1}, by=ANA, at=NOON)
    send_money()

    found = [{tax["rate_ppm"]: tax["gross_minor"] for tax in note.facts["taxes"]} for note in notes(order)]
    assert found == [{210_000: 2900}, {210_000: 1450, 100_000: 499}]


def test_a_refund_by_staff_makes_its_credit_note(context):
    order = delivered()
    line = get_order(order.number).lines[1].id

    refund_payment(row(select(Payment.id)).id, press="one", pieces={line: 1}, reason="damaged", by=ANA, at=NOON)
    send_money()

    (note,) = notes(order)
    assert note.gross_minor == 499
    assert [tax["rate_ppm"] for tax in note.facts["taxes"]] == [100_000]


def test_a_refund_before_the_money_of_an_edit_went_back_makes_its_credit_note_too(context):
    order = paid()
    mug = get_order(order.number).lines[0].id
    edit_order(order.id, Edit(pieces={mug: 2}), by=ANA, at=NOON)

    payment_id = row(select(Payment.id)).id
    refund_payment(payment_id, press="scratch", amount_minor=700, reason="a scratch", by=ANA, at=NOON)
    send_money()
    assert [note.gross_minor for note in notes(order)] == [1450, 700]
    assert get_order(order.number).owed.minor == -1450
    carry()
    send_money()
    carry()

    after = get_order(order.number)
    assert [note.gross_minor for note in notes(order)] == [1450, 700]
    assert (after.refunded.minor, after.owed.minor, after.payment_state) == (2150, 0, PaymentState.PARTLY_REFUNDED)
    assert [
        found.rule for found in run_audit(at=now()).broken if found.rule != "I17"
    ] == []  # the test's clock stands still, the courier's does not


def test_staff_read_that_the_money_of_an_edit_was_given_back_before(context):
    order = paid()
    edit_order(order.id, Edit(pieces={get_order(order.number).lines[0].id: 2}), by=ANA, at=NOON)
    refund_payment(row(select(Payment.id)).id, press="all", amount_minor=order.total_minor, reason="kind", by=ANA, at=NOON)

    carry()

    assert "€14.50: not so much is left of what was paid" in [
        one.note for one in get_order(order.number).entries if one.kind == "refund_failed"
    ]


def test_a_paid_order_that_is_canceled_is_credited_in_full(context):
    order = paid()

    cancel_order(order.id, by="customer", at=NOON)
    carry()
    send_money()

    (note,) = notes(order)
    assert (note.gross_minor, note.tax_minor) == (order.total_minor, order.tax_minor)


def test_what_was_paid_back_before_the_invoice_is_credited_with_it(context):
    save_settings({("invoice.when", ""): "shipment"})
    order = paid()

    refund_payment(row(select(Payment.id)).id, press="sorry", amount_minor=500, reason="late", by=ANA, at=NOON)
    send_money()
    assert list_documents(order.id) == []
    ship_order(order.id, by=ANA, at=NOON)

    assert [(found.kind.value, found.gross_minor) for found in list_documents(order.id)] == [
        ("invoice", order.total_minor),
        ("credit_note", 500),
    ]


def test_a_return_that_is_received_twice_owes_once(context):
    order = delivered()
    return_id = send_back(order, 0, 1, 1450)

    with pytest.raises(IllegalMove, match="received"):
        receive_return(return_id, {get_order(order.number).lines[0].id: (1, 1)}, refund_minor=1450, by=ANA, at=NOON)
    carry()
    carry()

    assert rows(select(OrderCredit.amount_minor)) == [(1450,)]
    assert rows(select(Refund.amount_minor)) == [(1450,)]
