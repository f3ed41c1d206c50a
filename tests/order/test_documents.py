"""Papers: one invoice at the moment that staff set, frozen, numbered without a gap; credit notes that never exceed it; the PDF says what the page says."""

from __future__ import annotations

import io
import logging
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from shop.db import db, rows, scalar, transaction
from shop.order.documents.models import Document, DocumentSeries
from shop.order.documents.paper import packing_slip
from shop.order.documents.pdf import make_pdf
from shop.order.documents.queries import find_broken_documents, get_document, list_documents
from shop.order.documents.services import issue_credit_note, issue_invoice
from shop.order.documents.splitting import Taxed, by_rate, split_credit
from shop.order.links import order_key
from shop.order.models import Order, OrderAddress, PaymentState
from shop.order.policy import Seller
from shop.order.queries import get_order
from shop.order.services import cancel_order, claim_order, mark_delivered, mark_packed, record_payment_state, ship_order
from shop.settings.services import save_settings
from tests.factories import NOON, make_product
from tests.office import Desk, words
from tests.orders import ADDRESS, make_order
from tests.people import inside, log_in, make_user
from tests.races import in_parallel

ANA = "ana@bodega.example"


def pay(order: Order) -> None:
    record_payment_state(order.id, PaymentState.PAID, by="shop", at=NOON)


def paid_order(lines=(), **changes) -> Order:
    order = make_order(lines, **changes)
    pay(order)
    return order


def papers(order: Order) -> list:
    return [get_document(order.id, found.number) for found in list_documents(order.id)]


def pdf_text(content: bytes) -> str:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def texts_of(paper: dict) -> list[str]:
    """Every text of a paper."""
    found = [paper["title"], paper["number"], *paper["seller"], *paper["columns"], *paper["notes"]]
    found += [text for pair in paper["facts"] for text in pair]
    found += [text for part in (paper["buyer"], paper["goes_to"]) if part for text in (part["title"], *part["lines"])]
    found += [text for row in paper["rows"] for text in (row["name"], row["under"], *row["cells"])]
    found += [text for name, amount, _kind in paper["sums"] for text in (name, amount)]
    if paper["taxes"]:
        found += [paper["taxes"]["title"], *paper["taxes"]["columns"], *(cell for line in paper["taxes"]["rows"] for cell in line)]
    return [text for text in [*found, *paper["foot"]] if text]


def squeezed(text: str) -> str:
    """Letters only: where a line breaks is no matter of words."""
    return re.sub(r"\s", "", text)


# When


def test_an_invoice_is_issued_once_when_the_order_is_paid(context):
    order = make_order([(make_product("Mug", price=1450), 2)])
    assert papers(order) == []

    pay(order)
    with transaction():
        claim_order(order.id)
        assert issue_invoice(order.id, at=NOON) is None

    (invoice,) = papers(order)
    assert (invoice.number, invoice.kind, invoice.gross_minor) == ("INV-2026-00001", "invoice", order.total_minor)
    assert invoice.net_minor + invoice.tax_minor == invoice.gross_minor
    assert invoice.tax_minor == order.tax_minor


def test_an_invoice_is_issued_at_the_first_parcel_if_staff_want_it_so(context):
    save_settings({("invoice.when", ""): "shipment", ("invoice.prefix", ""): "F"})
    order = make_order([(make_product(stock=9), 3)])
    pay(order)
    assert papers(order) == []

    ship_order(order.id, [(get_order(order.number).lines[0].id, 1)], by=ANA, at=NOON)
    ship_order(order.id, by=ANA, at=NOON)

    assert [found.number for found in papers(order)] == ["F-2026-00001"]


def test_an_order_that_was_paid_before_the_setting_changed_is_invoiced_when_it_leaves(context):
    save_settings({("invoice.when", ""): "shipment"})
    order = paid_order()
    save_settings({("invoice.when", ""): "payment"})

    ship_order(order.id, by=ANA, at=NOON)

    assert len(papers(order)) == 1


def test_an_order_that_left_before_the_setting_changed_is_invoiced_when_it_is_paid(context):
    order = make_order()
    ship_order(order.id, by=ANA, at=NOON)
    assert papers(order) == []
    save_settings({("invoice.when", ""): "shipment"})

    pay(order)

    assert len(papers(order)) == 1


def test_what_is_collected_is_invoiced_when_it_is_handed_over(context):
    save_settings({("invoice.when", ""): "shipment"})
    order = paid_order(shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)

    mark_packed(order.id, by=ANA, at=NOON)
    assert papers(order) == []
    mark_delivered(order.id, by=ANA, at=NOON)

    assert len(papers(order)) == 1


def test_a_canceled_order_that_is_paid_too_late_gets_no_invoice(context):
    order = make_order()
    cancel_order(order.id, by="customer", at=NOON)

    pay(order)

    assert papers(order) == []


# What it says


def test_an_invoice_says_the_same_as_the_order_to_the_last_cent(context):
    order = paid_order([(make_product("Mug", price=1450, stock=9), 3), (make_product("Oil", price=999, tax_class="food", stock=9), 7)])

    (invoice,) = papers(order)
    shown = get_order(order.number)

    assert invoice.gross_minor == shown.total.minor
    assert invoice.tax_minor == shown.tax.minor
    assert sum(tax["tax_minor"] for tax in invoice.facts["taxes"]) == shown.tax.minor
    assert sum(tax["gross_minor"] for tax in invoice.facts["taxes"]) == shown.total.minor
    assert len(invoice.facts["taxes"]) == 2
    assert [item["quantity"] for item in invoice.facts["items"] if item["kind"] == "line"] == [3, 7]


def test_an_issued_invoice_is_frozen(context):
    order = paid_order()
    before = papers(order)[0]

    with transaction() as session:
        session.execute(update(OrderAddress).where(OrderAddress.order_id == order.id).values(name="Somebody Else"))
    save_settings({("shop.name", ""): "Another Shop", ("seller.vat_number", ""): "ESX"})

    after = papers(order)[0]
    assert (after.paper, after.facts, after.hash) == (before.paper, before.facts, before.hash)
    assert "Lucía Ferrer Ortega" in str(after.paper["buyer"])


def test_sellers_data_come_from_the_settings_and_the_language_is_the_customers(context):
    save_settings(
        {
            ("seller.name", ""): "Bodega Comercio S. L.",
            ("seller.address", ""): "Calle Mayor 12\n41001 Sevilla",
            ("seller.vat_number", ""): "ESB00000000",
            ("seller.registration", ""): "Registro Mercantil de Sevilla",
        }
    )

    (invoice,) = papers(paid_order(locale="es"))

    assert invoice.paper["lang"] == "es"
    assert invoice.paper["seller"][:3] == ["Bodega Comercio S. L.", "Calle Mayor 12", "41001 Sevilla"]
    assert "ESB00000000" in invoice.paper["seller"][-1]
    assert "Registro Mercantil de Sevilla" in invoice.paper["foot"][0]
    assert "noviembre" in str(invoice.paper["facts"])


# Numbers


@pytest.mark.parametrize("who", ["invoices", "credit_notes"])
def test_twenty_at_once_leave_no_gap_and_no_number_twice(app, who):
    with app.app_context():
        orders = [make_order([(make_product(stock=9), 1)]) for _ in range(20)]
        if who == "credit_notes":
            for order in orders:
                pay(order)
        db.session.remove()

    def credit(order):
        with transaction():
            claim_order(order.id)
            return issue_credit_note(order.id, 100, cause=f"test:{order.id}", at=NOON)

    answers = in_parallel(app, [lambda order=order: (credit if who == "credit_notes" else pay)(order) for order in orders])

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    with app.app_context():
        prefix = "CN" if who == "credit_notes" else "INV"
        found = [
            row.position for row in rows(select(Document.position).where(Document.series == f"{prefix}-2026").order_by(Document.position))
        ]
        assert found == list(range(1, 21))
        assert find_broken_documents() == []


def test_a_number_that_was_rolled_back_goes_to_the_next(context):
    first, second = make_order(), make_order()

    with pytest.raises(ZeroDivisionError), transaction():
        pay(first)
        1 / 0  # noqa: B018
    pay(second)

    assert papers(first) == []
    assert [found.number for found in papers(second)] == ["INV-2026-00001"]
    assert find_broken_documents() == []


@pytest.mark.parametrize("fault", ["words", "amount", "gap", "end"])
def test_a_paper_that_was_changed_or_is_missing_is_found(context, fault):
    orders = [paid_order() for _ in range(3)]
    assert find_broken_documents() == []
    middle = papers(orders[1])[0]

    with transaction() as session:
        if fault == "words":
            session.execute(update(Document).where(Document.id == middle.id).values(paper={**middle.paper, "title": "Bill"}))
        elif fault == "amount":
            session.execute(update(Document).where(Document.id == middle.id).values(facts={**middle.facts, "gross_minor": 1}))
        elif fault == "gap":
            session.execute(Document.__table__.delete().where(Document.id == middle.id))
        else:
            session.execute(update(DocumentSeries).values(last_position=4))

    assert find_broken_documents() != []


# Credit notes


def credit(order, minor: int, cause: str, **more) -> str | None:
    with transaction():
        claim_order(order.id)
        return issue_credit_note(order.id, minor, cause=cause, at=NOON, **more)


def test_credit_notes_never_exceed_the_invoice_and_end_at_nothing_left(context):
    order = paid_order([(make_product(price=1999, stock=9), 3), (make_product(price=333, tax_class="food", stock=9), 7)])
    third = order.total_minor // 3

    for number in range(5):
        credit(order, third, f"part:{number}")

    invoice, *notes = papers(order)
    assert sum(note.gross_minor for note in notes) == invoice.gross_minor
    assert sum(note.tax_minor for note in notes) == invoice.tax_minor
    assert {note.facts["order"] for note in notes} == {order.number}
    assert credit(order, 1, "more") is None


def test_the_same_cause_makes_one_credit_note(context):
    order = paid_order()

    assert credit(order, 500, "refund:1") == "CN-2026-00001"
    assert credit(order, 500, "refund:1") is None
    assert len(papers(order)) == 2


def test_without_an_invoice_there_is_no_credit_note(context):
    assert credit(make_order(), 500, "refund:1") is None


groups = st.dictionaries(st.sampled_from([210_000, 100_000, 68_750, 0]), st.integers(1, 10**7), min_size=1)


@given(groups, st.lists(st.integers(1, 10**7), min_size=1, max_size=8), st.sampled_from([0, 210_000, 68_750]))
def test_parts_of_a_credit_sum_to_the_whole_in_every_rate(grosses, amounts, wished):
    left = {rate: Taxed(rate, gross - gross * rate // (10_000 + rate), gross * rate // (10_000 + rate)) for rate, gross in grosses.items()}
    whole, given_back = dict(left), []

    for amount in [*amounts, sum(grosses.values())]:
        parts = split_credit(amount, left, {wished: amount})
        assert sum(part.gross_minor for part in parts) == min(amount, sum(part.gross_minor for part in left.values()))
        assert all(part.net_minor >= 0 and part.tax_minor >= 0 for part in parts)
        given_back += parts
        taken = [Taxed(part.rate_ppm, -part.net_minor, -part.tax_minor) for part in given_back]
        left = by_rate([*whole.values(), *taken])

    assert left == {}


# Pages and files


def test_the_page_and_the_pdf_say_every_word_of_the_paper(app, client):
    save_settings_inside = inside(save_settings)
    save_settings_inside({("seller.vat_number", ""): "ESB00000000", ("shop.email", ""): "hello@bodega.example"})
    lines = [(inside(make_product)("Mug <b>", stock=9), 2), (inside(make_product)("Aceite «ñ»", tax_class="food", stock=9), 1)]
    order = inside(paid_order)(lines)
    (invoice,) = inside(papers)(order)
    path = f"/orders/{order.number}/documents/{invoice.number}"
    key = inside(order_key)(order.number)

    page = client.get(f"{path}?key={key}")
    file = client.get(f"{path}.pdf?key={key}", follow_redirects=True, buffered=True)

    assert (page.status_code, file.status_code, file.mimetype) == (200, 200, "application/pdf")
    on_page, in_file = squeezed(words(page.text)), squeezed(pdf_text(file.data))
    for text in texts_of(invoice.paper):
        assert squeezed(text) in on_page, text
        assert squeezed(text) in in_file, text
    assert "no-store" in page.headers["Cache-Control"]
    assert "no-store" in file.headers["Cache-Control"]


def test_a_pdf_is_tagged_and_carries_its_letters_also_of_other_scripts(context):
    import pypdf

    with transaction() as session:
        order = make_order()
        session.execute(update(OrderAddress).where(OrderAddress.order_id == order.id).values(name="Иван Καλλιόπη Łukasz שרה"))
        pay(order)
    (invoice,) = papers(order)

    reader = pypdf.PdfReader(io.BytesIO(make_pdf(invoice.paper, at=invoice.issued_at)))
    root = reader.trailer["/Root"]
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]

    text = reader.pages[0].extract_text()
    assert "Иван Καλλιόπη Łukasz" in text
    assert "שרה" in text
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata.title == f"Invoice {invoice.number}"
    assert all("/FontFile" in str(font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object().keys()) for font in fonts)


def test_letters_that_no_font_has_do_not_stop_an_invoice(context, caplog):
    order = make_order()
    with transaction() as session:
        session.execute(update(OrderAddress).where(OrderAddress.order_id == order.id).values(name="\U0001d800\U00016b00 Lucía"))
    pay(order)
    (invoice,) = papers(order)

    with caplog.at_level(logging.WARNING):
        content = make_pdf(invoice.paper, at=invoice.issued_at)

    assert "Lucía" in pdf_text(content)


def test_the_same_paper_is_the_same_file(context):
    (invoice,) = papers(paid_order())

    assert make_pdf(invoice.paper, at=NOON) == make_pdf(invoice.paper, at=NOON + timedelta(microseconds=1))  # a real clock has them


def test_what_customers_type_is_no_markup_of_the_pdf(context):
    order = make_order()
    with transaction() as session:
        session.execute(
            update(OrderAddress).where(OrderAddress.order_id == order.id).values(name='#read("/etc/passwd") *x* $y$ @z = <a> \\ [b]')
        )
    pay(order)
    (invoice,) = papers(order)

    assert squeezed('#read("/etc/passwd")*x*$y$@z=<a>\\[b]') in squeezed(pdf_text(make_pdf(invoice.paper, at=NOON)))


def test_papers_are_shown_to_their_owner_their_link_and_staff_and_are_404_to_others(app, client):
    ana = make_user("ana@example.com")
    make_user("eva@example.com", name="Eva")
    order, other = inside(paid_order)(user_id=ana), inside(paid_order)(email="eva@example.com")
    (mine,), (others,) = inside(papers)(order), inside(papers)(other)
    key, foreign = inside(order_key)(order.number), inside(order_key)(other.number)
    paths = [f"/orders/{order.number}/documents/{mine.number}{end}" for end in ("", ".pdf")]
    paths += [f"/api/v1/orders/{order.number}/documents{end}" for end in ("", f"/{mine.number}")]

    for path in paths:
        assert client.get(path).status_code == 404
        assert client.get(f"{path}?key={foreign}").status_code == 404
        assert client.get(f"{path}?key={key}", follow_redirects=True, buffered=True).status_code == 200
    assert client.get(f"/orders/{order.number}/documents/{others.number}?key={key}").status_code == 404
    log_in(client, "eva@example.com")
    assert {client.get(path).status_code for path in paths} == {404}
    client.post("/logout")
    log_in(client, "ana@example.com")
    assert {client.get(path, follow_redirects=True, buffered=True).status_code for path in paths} == {200}


def test_programs_read_the_numbers_of_a_paper(app, client):
    order = inside(paid_order)()
    key = inside(order_key)(order.number)

    listed = client.get(f"/api/v1/orders/{order.number}/documents?key={key}").json["items"]
    shown = client.get(listed[0]["url"]).json

    assert listed[0]["gross"] == {"minor": order.total_minor, "currency": "EUR"}
    assert shown["facts"]["order"] == order.number
    assert shown["hash"] == inside(scalar)(select(Document.hash))
    assert client.get(listed[0]["pdf"], follow_redirects=True, buffered=True).mimetype == "application/pdf"


def test_the_order_page_leads_to_its_papers(app, client):
    order = inside(paid_order)()
    key = inside(order_key)(order.number)

    page = client.get(f"/orders/{order.number}?key={key}").text

    assert f"/orders/{order.number}/documents/INV-2026-00001?key={key}" in page


def test_a_packing_slip_lists_what_lies_in_the_parcel_and_no_price(app, client):
    desk = Desk(client)
    order = inside(paid_order)(
        [(inside(make_product)("Mug", price=1450, stock=9), 3), (inside(make_product)("Lamp", price=8900, stock=9), 1)]
    )
    shown = inside(get_order)(order.number)

    whole = words(desk.see(f"/admin/orders/{order.number}/packing-slip"))
    inside(ship_order)(order.id, [(shown.lines[0].id, 2)], "GLS", "42", by=ANA, at=NOON)
    parcel = inside(get_order)(order.number).parcels[0]
    slip = words(desk.see(f"/admin/orders/{order.number}/packing-slip?parcel={parcel.id}"))
    file = client.get(f"/admin/orders/{order.number}/packing-slip.pdf?parcel={parcel.id}")

    assert "Mug SKU" in whole
    assert "Lamp" in whole
    assert "Lamp" not in slip
    assert "GLS 42" in slip
    assert "€" not in slip
    assert "GLS 42" in pdf_text(file.data)
    assert client.get(f"/admin/orders/{order.number}/packing-slip?parcel=999").status_code == 404
    assert client.get(f"/admin/orders/{order.number}/packing-slip?parcel=x").status_code == 404


def test_a_slip_of_forty_lines_has_a_head_on_every_page(context):
    order = paid_order([(make_product(f"Thing {number}", stock=9), 1) for number in range(60)])

    slip = packing_slip(get_order(order.number), None, seller=Seller("Bodega"), contact="", at=NOON)
    text = pdf_text(make_pdf(slip, at=NOON))

    assert text.count("SKU\n") + text.count("SKU ") >= 2
    assert all(f"Thing {number}" in text for number in range(60))
