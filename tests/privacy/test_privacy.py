"""What the shop knows of a person is all found, shown only to them, and erased as far as the law lets it go."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

import shop.tables  # noqa: F401
from shop.auth.models import User
from shop.cart.models import Cart
from shop.content.models import Page, PageText
from shop.customer.models import Address, Customer
from shop.db import Base, row, scalar, transaction
from shop.mail.models import Mail, MailState
from shop.order.models import Order, OrderAddress, OrderState
from shop.order.services import cancel_order
from shop.outbox.models import Event
from shop.privacy.holdings import HOLDINGS, NOT_THEIRS, Fate, find_person
from shop.privacy.models import Consent, Erasure
from shop.privacy.queries import dump_person, find_erasure, list_terms, wants_marketing
from shop.privacy.retention import days_of, forget, note_texts
from shop.privacy.services import MARKETING, OrderStillOpen, WorksHere, erase_person, set_consent, who_hash
from tests.audit.breaking import audit, broken_rules
from tests.factories import NOON
from tests.office import Desk
from tests.orders import ADDRESS, make_cart, make_order
from tests.people import PASSWORD, change, inside, log_in, make_user

ANA, LEO = "mia@example.com", "leo@example.com"
PERSONAL = re.compile(r"(^|_)(email|recipient|phone|payer|customer_id|user_id)$")
POINTS_AT = {"users", "customers", "orders"}


def looks_personal(table):
    named = any(PERSONAL.search(column.name) for column in table.columns)
    return named or any(key.target_fullname.partition(".")[0] in POINTS_AT for key in table.foreign_keys)


def test_every_table_that_points_at_a_person_is_named():
    named = {holding.table for holding in HOLDINGS} | NOT_THEIRS.keys()

    forgotten = {table.name for table in Base.metadata.sorted_tables if looks_personal(table)} - named
    assert forgotten == set(), "say in shop/privacy/holdings.py what these hold of a person, and what erasing does to it"


def test_a_table_that_was_forgotten_would_be_found():
    assert looks_personal(sa.Table("wishes", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("user_id", sa.Integer)))
    assert looks_personal(sa.Table("gifts", sa.MetaData(), sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"))))


def test_what_is_named_is_there():
    for holding in HOLDINGS:
        assert {*holding.by, *holding.blank, *holding.hidden} <= set(holding.columns.c.keys()), holding.table
        assert holding.fate in {Fate.DELETE, Fate.CASCADE} or str(holding.reason), holding.table


@pytest.fixture
def lived(context):
    """A member with an order that is done, an address, a cart, a mail; and somebody else with the same."""
    ids = {}
    for email in (ANA, LEO):
        user_id = make_user(email)
        order = make_order(user_id=user_id, email=email)
        with transaction() as session:
            session.execute(update(Order).where(Order.id == order.id).values(state=OrderState.CANCELED, note="ring twice"))
            session.execute(update(OrderAddress).where(OrderAddress.order_id == order.id).values(phone="+34600000000"))
            customer_id = session.execute(select(Customer.id).where(Customer.user_id == user_id)).scalar_one()
            session.execute(insert(Address).values(**ADDRESS.dump(), customer_id=customer_id, is_default=True))
            letter = {"subject": "Hello", "text": "Dear you", "html": "<p>", "locale": "en", "state": MailState.SENT}
            session.execute(insert(Mail).values(cause="c", recipient=email, created_at=NOON, **letter))
        make_cart(user_id=user_id)
        set_consent(user_id, MARKETING, is_given=True, text="You may write.", locale="en", at=NOON)
        ids[email] = user_id
    return ids


def everything():
    """All cells of all tables, a line for each table."""
    with transaction() as session:
        return "\n".join(f"{table.name}: {session.execute(table.select()).all()}" for table in Base.metadata.sorted_tables)


def tables_with(word):
    return [line.partition(":")[0] for line in everything().splitlines() if word in line]


def count(table, *conditions):
    return scalar(select(func.count()).select_from(table).where(*conditions))


def test_somebody_is_shown_all_of_theirs_and_nothing_of_others(lived):
    mine = dump_person(user_id=lived[ANA])

    assert {"users", "customers", "addresses", "orders", "order_lines", "carts", "mails", "consents"} <= mine["sections"].keys()
    assert LEO not in str(mine)
    assert "argon2" not in str(mine)
    assert len(mine["sections"]["orders"]) == 1


def test_an_address_that_nobody_confirmed_opens_no_mails(lived):
    assert "mails" in dump_person(user_id=lived[ANA])["sections"]

    change(update(User).where(User.id == lived[ANA]).values(email_verified_at=None))

    assert "mails" not in dump_person(user_id=lived[ANA])["sections"]


def test_erasing_takes_what_may_go_and_keeps_the_books(lived):
    person = find_person(user_id=lived[ANA])
    (order_id,) = person.order_ids
    total = row(select(Order.total_minor).where(Order.id == order_id)).total_minor

    reference = erase_person(person, by="customer", at=NOON)

    assert tables_with(ANA) == []
    assert tables_with(LEO) != []
    kept = row(select(Order.total_minor, Order.email, Order.note, Order.user_id).where(Order.id == order_id))
    assert (kept.total_minor, kept.note, kept.user_id) == (total, "", None)
    assert kept.email.endswith("@erased.invalid")
    assert count(OrderAddress, OrderAddress.order_id == order_id, OrderAddress.phone != "") == 0
    receipt = find_erasure(who_hash(ANA))
    assert (receipt.reference, receipt.actor) == (reference, "customer")
    assert {"users", "customers", "addresses", "carts", "mails"} <= receipt.erased.keys()
    assert receipt.kept["orders"]["why"]
    assert find_erasure(who_hash(LEO)) is None


def test_the_audit_is_as_clean_after_an_erasure_as_before(context):
    user_id = make_user(ANA)
    cancel_order(make_order(user_id=user_id, email=ANA).id, by="customer", at=NOON)
    assert broken_rules(audit()) == set()

    erase_person(find_person(user_id=user_id), by="customer", at=NOON)

    assert broken_rules(audit()) == set()


def test_nothing_is_erased_while_an_order_is_open(lived):
    change(update(Cart).where(Cart.user_id == lived[ANA]).values(user_id=None))
    order = make_order(user_id=lived[ANA], email=ANA)
    before = everything()

    with pytest.raises(OrderStillOpen) as refused:
        erase_person(find_person(user_id=lived[ANA]), by="customer", at=NOON)

    assert refused.value.extras["orders"] == [order.number]
    assert everything() == before


def test_who_works_here_is_not_erased(context):
    user_id = make_user(role="admin")

    with pytest.raises(WorksHere):
        erase_person(find_person(user_id=user_id), by="customer", at=NOON)


@pytest.mark.parametrize("statement", ["UPDATE erasures SET actor = 'nobody'", "DELETE FROM erasures"])
def test_a_receipt_never_changes(lived, statement):
    erase_person(find_person(user_id=lived[ANA]), by="customer", at=NOON)

    with pytest.raises(DatabaseError, match="never change"), transaction() as session:
        session.execute(text(statement))


def test_a_consent_keeps_the_text_that_was_read_and_when(context):
    user_id = make_user()
    set_consent(user_id, MARKETING, is_given=True, text="One text.", locale="en", at=NOON)
    set_consent(user_id, MARKETING, is_given=True, text="Another text.", locale="en", at=NOON)  # said already
    set_consent(user_id, MARKETING, is_given=False, text="Another text.", locale="en", at=NOON + timedelta(days=1))

    assert count(Consent) == 2
    assert not wants_marketing(user_id)
    assert [bool(one["is_given"]) for one in dump_person(user_id=user_id)["sections"]["consents"]] == [True, False]


def test_the_terms_of_an_order_are_those_that_stood_then(context):
    with transaction() as session:
        made = insert(Page).values(kind="legal", position=1, updated_at=NOON - timedelta(days=9)).returning(Page.id)
        page = session.execute(made).scalar_one()
        session.execute(insert(PageText).values(page_id=page, locale="en", slug="terms", title="Terms", body_html="<p>One"))
    note_texts(NOON)
    user_id = make_user()
    make_order(user_id=user_id)
    change(update(PageText).values(body_html="<p>Two"))
    change(update(Page).values(updated_at=NOON + timedelta(days=1)))
    note_texts(NOON + timedelta(days=1))
    note_texts(NOON + timedelta(days=2))

    (accepted,) = list_terms(find_person(user_id=user_id))
    assert accepted.since == NOON - timedelta(days=9)


def test_what_served_its_time_is_forgotten_and_nothing_else(lived):
    forget(NOON + timedelta(days=30))
    assert count(Cart, Cart.state == "open") == 2
    assert count(Mail, Mail.text == "Dear you") == 2

    forget(NOON + timedelta(days=366))

    assert (count(Cart, Cart.state == "open"), count(Cart, Cart.state == "ordered")) == (0, 2)
    assert (count(Mail, Mail.text == "Dear you"), count(Mail)) == (0, 2)
    assert count(Event, Event.kind == "order.placed") == 2


@pytest.mark.parametrize(("said", "days"), [("7", 7), ("0", 90), ("-1", 90), ("a", 90), ("999999", 90), ("٣", 90)])
def test_staff_say_how_many_days_and_nonsense_counts_for_nothing(context, said, days):
    from shop.settings.models import Setting

    change(insert(Setting).values(name="retention.carts", locale="", value=said))

    assert days_of("carts") == days


# Pages


def test_a_member_sees_downloads_and_erases_on_a_page(client):
    make_user(ANA)
    log_in(client, ANA)
    page = client.get("/account/data")
    assert page.status_code == 200
    assert ANA in page.text
    file = client.get("/account/data.json")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.json["sections"]["users"][0]["email"] == ANA
    token = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]

    assert client.post("/account/data/erasure", data={"password": "wrong one entirely", "csrf_token": token}).status_code == 422
    done = client.post("/account/data/erasure", data={"password": PASSWORD, "csrf_token": token})

    assert done.status_code == 303, done.text
    assert client.get(done.location).status_code == 200
    assert client.get("/account").status_code == 303
    assert inside(count)(User) == 0
    assert client.get("/erasures/guess").status_code == 404


def test_a_member_does_the_same_by_programs(client):
    make_user(ANA)
    log_in(client, ANA)

    assert client.put("/api/v1/me/marketing", json={"is_given": True}).status_code == 200
    assert client.get("/api/v1/me/data").json["sections"]["consents"][0]["is_given"] in {True}
    assert client.post("/api/v1/me/erasure", json={"password": "wrong one entirely"}).status_code == 422
    receipt = client.post("/api/v1/me/erasure", json={"password": PASSWORD})

    assert (receipt.status_code, receipt.json["erased"]["users"]) == (200, 1)
    assert client.get("/api/v1/me/data").status_code == 401


def test_staff_erase_a_guest_who_asked(client):
    desk = Desk(client, "boss@example.com", role="admin")
    order = inside(make_order)()
    (found,) = desk.client.get("/api/v1/customers?q=lucia@").json["items"]
    where = f"/admin/customers/{found['id']}"
    refused = desk.press(desk.see(where), f"{where}/erasure")
    assert (refused.status_code, order.number in refused.text) == (409, True)

    inside(cancel_order)(order.id, by="customer", at=NOON)
    assert desk.press(desk.see(where), f"{where}/erasure").status_code == 303

    assert desk.client.get(where).status_code == 404
    assert inside(scalar)(select(Erasure.actor)) == "boss@example.com"
