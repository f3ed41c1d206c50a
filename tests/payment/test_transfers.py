"""Bank lists in many dialects, matched with orders by number and amount; what fits none waits for a person. The same list twice changes nothing."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import func, select

from shop.errors import IllegalMove, Invalid
from shop.order.models import PaymentState
from shop.order.queries import get_order
from shop.payment.models import Payment, State, Transfer, TransferState
from shop.payment.services import record_bank_payment
from shop.payment.transfers.files import read_bank_file
from shop.payment.transfers.services import assign_transfer, dismiss_transfer, import_transfers, list_open_transfers
from tests.factories import NOON
from tests.office import Desk, words
from tests.orders import make_order
from tests.people import inside, row, rows
from tests.races import in_parallel

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>A1</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Lucía Ferrer</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>Order {number}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def amount_of(order, comma=False):
    written = f"{order.total_minor // 100}.{order.total_minor % 100:02}"
    return written.replace(".", ",") if comma else written


def take(text, *, at=NOON):
    return import_transfers(read_bank_file(text.encode(), currency="EUR"), by="nuria@example.com", at=at)


def csv_for(order, **changes):
    values = {"amount": amount_of(order), "text": f"Payment {order.number}", "day": "2026-11-20", "name": "Lucía Ferrer", **changes}
    return "Date,Amount,Description,Name\n{day},{amount},{text},{name}\n".format(**values)


def state(order):
    return get_order(order.number).payment_state


def problems():
    return [found.problem for found in list_open_transfers()]


@pytest.mark.parametrize(
    "text",
    [
        "Date,Amount,Description,Name\n2026-11-20,{dot},Order {number},Ana\n",
        "Buchungstag;Auftraggeber;Verwendungszweck;Betrag;Währung\n20.11.2026;Ana;Bestellung {plain};{comma};EUR\n",
        "Konto;123\n\nFecha;Concepto;Importe (EUR)\n20/11/2026;pedido {lower} gracias;+{comma}\n",
        "Date\tReference\tCredit\tCurrency\n2026-11-20\tNr. {spaced}!\t{dot} EUR\tEUR\n",
        CAMT.replace("{amount}", "{dot}"),
    ],
)
def test_lists_of_many_banks_pay_the_order_that_they_name(context, text):
    order = make_order()
    number = order.number
    written = text.format(
        dot=amount_of(order),
        comma=amount_of(order, comma=True),
        number=number,
        plain=number.replace("-", ""),
        lower=number.lower(),
        spaced=number.replace("-", " "),
    )

    matched = take(written)

    assert (matched.paid, matched.open, matched.known) == (1, 0, 0)
    assert state(order) is PaymentState.PAID
    assert row(select(Payment.state, Payment.captured_minor)) == (State.CAPTURED, order.total_minor)


def test_the_same_list_twice_changes_nothing(context):
    order = make_order()
    text = csv_for(order)

    first, again = take(text), take(text)

    assert (first.paid, again.paid, again.known) == (1, 0, 1)
    assert row(select(func.count()).select_from(Payment))[0] == 1


def test_two_equal_lines_are_two_transfers(context):
    order = make_order()
    line = csv_for(order).splitlines()[1]

    matched = take(f"Date,Amount,Description,Name\n{line}\n{line}\n")

    assert (matched.paid, matched.open) == (1, 1)
    assert problems() == ["The order is paid already"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount": "0.01"}, "Another amount than the order’s"),
        ({"text": "for the mug"}, "No order number in its text"),
        ({"text": "2222-2222"}, "No order has that number"),
    ],
)
def test_what_fits_no_order_waits_with_its_reason(context, changes, problem):
    order = make_order()

    matched = take(csv_for(order, **changes))

    assert (matched.paid, matched.open) == (0, 1)
    assert problems() == [problem]
    assert state(order) is PaymentState.UNPAID


def test_an_order_in_another_currency_is_not_paid(context):
    order = make_order()

    take(f"Date,Amount,Description,Currency\n2026-11-20,{amount_of(order)},{order.number},USD\n")

    assert problems() == ["Another amount than the order’s"]


def test_two_orders_in_one_text_are_left_to_a_person(context):
    one, other = make_order(), make_order()

    take(csv_for(one, text=f"{one.number} and {other.number}"))

    assert problems() == ["More than one order is named"]


def test_what_went_out_is_left_out(context):
    assert read_bank_file(b"Date,Amount,Text\n2026-11-20,-5.00,rent\n2026-11-20,0,nothing\n", currency="EUR") == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"a,b,c\n1,2,3\n", b"Date,Amount,Text\nsoon,5.00,x\n", b"Date,Amount,Text\n2026-11-20,NaN,x\n",
        b"Date,Amount,Text\n2026-11-20,1e5,x\n", b"Date,Amount,Text\n2026-11-20,1.2.3.4,x\n", "Date,Amount,Text\n2026-11-20,٣,x\n".encode(),
        b"Date,Amount,Text\n2026-11-20,99999999999999999999,x\n", b"<x", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_whole(context, content):
    with pytest.raises(Invalid):
        read_bank_file(content, currency="EUR")


def test_amounts_are_read_in_every_habit(context):
    for written, minor in [
        ("1.234,56", 123456),
        ("1,234.56", 123456),
        ("1'234.50", 123450),
        ("1234", 123400),
        ("5,5", 550),
        ("1.234", 123400),
    ]:
        content = f'Date;Amount;Text\n2026-11-20;"{written}";x\n'
        assert read_bank_file(content.encode(), currency="EUR")[0].amount.minor == minor, written


def test_a_person_says_whose_it_is_or_lays_it_aside(context):
    order = make_order()
    take(csv_for(order, text="for the mug"))
    take(csv_for(order, text="rent", amount="500.00"))
    mine, rent = (found.id for found in list_open_transfers())
    with pytest.raises(Invalid):
        assign_transfer(rent, order.number, by="nuria@example.com", at=NOON)

    assign_transfer(mine, order.number.lower(), by="nuria@example.com", at=NOON)
    dismiss_transfer(rent, "rent", by="nuria@example.com")

    assert state(order) is PaymentState.PAID
    assert problems() == []
    with pytest.raises(IllegalMove):
        assign_transfer(mine, order.number, by="nuria@example.com", at=NOON)


def test_one_transfer_pays_one_order_however_many_assign_it(app, context):
    orders = [make_order() for _ in range(4)]
    take(csv_for(orders[0], text="for the mug"))
    transfer_id = list_open_transfers()[0].id

    in_parallel(app, [lambda order=order: assign_transfer(transfer_id, order.number, by="a@b.example", at=NOON) for order in orders])

    assert sum(state(order) is PaymentState.PAID for order in orders) == 1
    assert row(select(Transfer.state)).state is TransferState.MATCHED


def test_a_list_sent_by_many_at_once_pays_once(app, context):
    order = make_order()
    text = csv_for(order)

    in_parallel(app, [lambda: take(text)] * 8)

    assert state(order) is PaymentState.PAID
    assert rows(select(Payment.captured_minor)) == [(order.total_minor,)]


def test_an_order_paid_by_hand_before_is_not_paid_again(context):
    order = make_order()
    record_bank_payment(order.id, by="nuria@example.com", at=NOON)

    take(csv_for(order))

    assert problems() == ["The order is paid already"]
    assert rows(select(Payment.captured_minor)) == [(order.total_minor,)]


def test_staff_sends_the_list_on_a_page(client):
    desk, order = Desk(client), inside(make_order)()
    good, bad = csv_for(order), csv_for(order, text="for the mug")
    page = desk.see("/admin/transfers")

    for text, status in ((good, 303), (bad, 303), ("nothing", 422)):
        answer = desk.press(page, "/admin/transfers", list=(io.BytesIO(text.encode()), "list.csv"))
        assert answer.status_code == status
    page = desk.see("/admin/transfers")
    transfer_id = row(select(Transfer.id).where(Transfer.state == TransferState.OPEN)).id

    assert "No order number in its text" in words(page)
    assert desk.press(page, f"/admin/transfers/{transfer_id}/assignment", number=order.number).status_code == 409
    assert desk.press(page, f"/admin/transfers/{transfer_id}/dismissal", note="sent back").status_code == 303
    assert "Nothing waits" in words(desk.see("/admin/transfers"))


def test_the_command_takes_a_list(app, tmp_path):
    order = inside(make_order)()
    file = tmp_path / "list.csv"
    file.write_text(csv_for(order))

    said = app.test_cli_runner().invoke(args=["payment", "import-transfers", str(file)])

    assert said.output == "1 orders paid, 0 transfers wait for a person, 0 were known before.\n"


def test_programs_do_the_same(client):
    desk, order = Desk(client), inside(make_order)()
    lines = [csv_for(order, text="for the mug").splitlines()[1], csv_for(order, text="rent", amount="500.00").splitlines()[1]]

    taken = desk.client.post("/api/v1/transfers", json={"list": "\n".join(["Date,Amount,Description,Name", *lines])})
    wrong = desk.client.post("/api/v1/transfers", json={"list": "hello"})
    mine, rent = (found["id"] for found in desk.client.get("/api/v1/transfers").json["items"])
    refused = desk.client.post(f"/api/v1/transfers/{rent}/assignment", json={"number": order.number})
    assigned = desk.client.post(f"/api/v1/transfers/{mine}/assignment", json={"number": order.number})
    dismissed = desk.client.post(f"/api/v1/transfers/{rent}/dismissal", json={"note": "rent"})

    assert (taken.status_code, taken.json) == (200, {"paid": 0, "open": 2, "known": 0})
    assert (wrong.status_code, refused.status_code, assigned.status_code) == (422, 422, 200)
    assert dismissed.json == {"items": []}
    assert inside(state)(order) is PaymentState.PAID
