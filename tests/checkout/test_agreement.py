"""One sum from the cart to the invoice: what was shown is what is ordered, written down, mailed, and printed."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select, update

from shop.cart.quotes import quote_cart
from shop.cart.sums import sums_of_quote
from shop.checkout.services import place_order
from shop.clock import now
from shop.db import row, transaction
from shop.errors import QuoteChanged
from shop.mail.models import Mail
from shop.order.documents.facts import invoice_facts, read_order
from shop.order.links import order_key
from shop.order.models import Adjustment, Order, OrderDiscount, OrderLine
from shop.order.queries import get_order, get_trace
from shop.order.sums import sums_of_order
from shop.outbox.courier import deliver_due
from shop.pricing.promotions import PromotionKind
from shop.pricing.rounding import Rounding
from shop.promotion.models import Promotion
from shop.settings.services import save_settings, touch_topic
from tests.factories import NOON, make_product
from tests.orders import make_cart, make_order, make_wanted
from tests.people import inside, log_in, make_user
from tests.promotions import make_promotion, type_code


def fill(user_id: int | None = None) -> int:
    """A cart with two mugs and a lamp, 10 % off by code and a free delivery."""
    cart_id = make_cart([(make_product("Mug"), 2), (make_product("Lamp"), 1)], user_id=user_id)
    make_promotion("Summer", code="VERANO")
    make_promotion("Parcel for nothing", kind=PromotionKind.FREE_DELIVERY, percent=100)
    type_code(cart_id, "VERANO")
    return cart_id


def mail_of(order: Order) -> str:
    deliver_due(at=now())
    deliver_due(at=now())
    return str(row(select(Mail.html).where(Mail.about == f"order:{order.id}"))[0])


def view_of(cart_id: int):
    return quote_cart(cart_id, country="ES", delivery_code="standard", locale="en", at=NOON)


def rows_of(order_id: int, model, *columns):
    with transaction() as session:
        return session.execute(select(*columns).where(model.order_id == order_id).order_by(*columns)).all()


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("includes", ["1", "0"])
def test_cart_order_and_invoice_agree_to_the_last_cent(context, includes, rounding):
    save_settings({("prices_include_tax", ""): includes, ("tax_rounding", ""): rounding.value})
    cart_id = fill()
    quote = view_of(cart_id).quote

    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    shown = get_order(order.number)
    assert quote.rounding is rounding
    assert sums_of_order(shown)[-1] == sums_of_quote(quote, "Delivery, Parcel")[-1]
    assert [amount for _, amount, _ in sums_of_order(shown)] == [amount for _, amount, _ in sums_of_quote(quote, "")]
    assert (order.total_minor, order.tax_minor, order.discount_minor) == (quote.total_minor, quote.tax_minor, quote.discount_minor)
    facts = invoice_facts(read_order(order.id))
    assert (facts["gross_minor"], facts["tax_minor"]) == (quote.total_minor, quote.tax_minor)
    assert [(tax["rate_ppm"], tax["net_minor"], tax["tax_minor"]) for tax in facts["taxes"]] == [tuple(share)[:3] for share in quote.taxes]


def test_cart_checkout_order_page_and_mail_show_the_same_rows(client):
    cart_id = inside(fill)(make_user(email="ana@example.com"))
    log_in(client, "ana@example.com")
    wanted = ["€43.50", "-€4.35", "€4.90", "-€4.90", "€39.15"]

    pages = [client.get("/cart").text, client.get("/checkout").text]
    order = inside(lambda: place_order(cart_id, make_wanted(cart_id), at=NOON))()
    pages.append(client.get(f"/orders/{order.number}?key={inside(order_key)(order.number)}").text)
    pages.append(inside(mail_of)(order))

    for page in pages:
        text = re.sub(r"<[^>]+>", " ", page)
        assert "Summer (VERANO)" in text
        assert "Parcel for nothing" in text
        at = 0
        for amount in wanted:
            assert amount in text[at:], (amount, text)
            at = text.index(amount, at)


def test_an_order_keeps_what_each_promotion_took_off(context):
    cart_id = fill()
    quote = view_of(cart_id).quote

    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    columns = (OrderDiscount.label, OrderDiscount.code, OrderDiscount.kind, OrderDiscount.amount_minor, OrderDiscount.delivery_minor)
    assert rows_of(order.id, OrderDiscount, *columns) == [
        ("Parcel for nothing", "", PromotionKind.FREE_DELIVERY, 490, 490),
        ("Summer", "VERANO", PromotionKind.PERCENT, 435, 0),
    ]
    assert sorted(rows_of(order.id, OrderLine, OrderLine.discount_minor)) == sorted((line.discount_minor,) for line in quote.lines)
    assert rows_of(order.id, Adjustment, Adjustment.discount_minor, Adjustment.gross_minor) == [(490, 0)]


def test_a_promotion_keeps_its_name_on_old_orders(context):
    cart_id = fill()
    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    with transaction() as session:
        session.execute(update(Promotion).values(ended_at=NOON))
        touch_topic("promotions")

    assert [name for name, _, _ in sums_of_order(get_order(order.number))][1:4:2] == ["Summer (VERANO)", "Parcel for nothing"]


def test_the_trace_is_frozen_with_the_order(context):
    cart_id = fill()
    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    trace = get_trace(order.id)

    assert trace is not None
    assert trace["totals"]["total"] == order.total_minor
    assert [one["label"] for one in trace["discounts"]] == ["Summer", "Parcel for nothing"]
    assert sum(off for line in trace["lines"] for number, off in line["off"] if number == 0) == 435


def test_reading_an_order_does_not_read_its_trace(context):
    order = make_order()

    assert order.trace.startswith('{"version":1')
    assert "trace" not in set(get_order(order.number).__dataclass_fields__)
    assert row(select(Order.trace).where(Order.id == order.id)) == (order.trace,)


def test_a_code_that_ended_since_is_a_changed_quote(context):
    cart_id = fill()
    wanted = make_wanted(cart_id)
    with transaction() as session:
        session.execute(update(Promotion).where(Promotion.needs_code).values(ended_at=NOON))
        touch_topic("promotions")

    with pytest.raises(QuoteChanged) as changed:
        place_order(cart_id, wanted, at=NOON)

    assert changed.value.extras["quote"]["totals"]["discount"]["minor"] == 490


def test_who_may_see_an_order_may_ask_why_it_costs_that(client):
    order = inside(lambda: place_order((cart_id := fill()), make_wanted(cart_id), at=NOON))()
    path = f"/api/v1/orders/{order.number}?key={inside(order_key)(order.number)}"

    asked, plain = client.get(f"{path}&trace=1").json, client.get(path).json

    assert asked["trace"] == json.loads(order.trace)
    assert "trace" not in plain
    assert [(one["label"], one["code"], one["amount"]["minor"]) for one in plain["discounts"]] == [
        ("Summer", "VERANO", 435),
        ("Parcel for nothing", "", 490),
    ]
    assert sum(line["discount"]["minor"] for line in plain["lines"]) == 435
    assert client.get(f"/api/v1/orders/{order.number}?trace=1").status_code == 404
    assert client.get(f"{path}&trace=maybe").status_code == 422


def test_a_visitor_may_ask_why_the_cart_costs_that(client):
    product = inside(make_product)()
    client.post("/api/v1/cart/items", json={"variant_id": product.variant_id, "quantity": 2})
    inside(make_promotion)("Summer", minimum_minor=9_000)

    asked, plain = client.get("/api/v1/cart?trace=1").json, client.get("/api/v1/cart").json

    assert asked["trace"]["totals"]["total"] == plain["totals"]["total"]["minor"]
    assert [(one["reason"], one["missing"]) for one in asked["trace"]["missed"]] == [("minimum_amount", 9_000 - 2_900)]
    assert "trace" not in plain
    assert plain["totals"]["untaxed"]["minor"] == 0


def test_staff_read_the_whole_trace_on_a_page(client):
    make_user(email="boss@example.com", role="staff")
    log_in(client, "boss@example.com")
    order = inside(lambda: place_order((cart_id := fill()), make_wanted(cart_id), at=NOON))()

    page = client.get(f"/admin/orders/{order.number}/trace").text

    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Summer (VERANO): -€2.90" in words
    assert "Parcel for nothing" in words
    assert "21 %" in words
    assert "4.529752" in words
    assert f"/admin/orders/{order.number}/trace" in client.get(f"/admin/orders/{order.number}").text
    assert client.get("/admin/orders/BBBB-BBBB/trace").status_code == 404


def test_an_order_without_a_trace_says_so(client):
    make_user(email="boss@example.com", role="staff")
    log_in(client, "boss@example.com")
    order = inside(make_order)()

    @inside
    def forget():
        with transaction() as session:
            session.execute(update(Order).values(trace=""))

    forget()

    assert "Nothing was written down" in client.get(f"/admin/orders/{order.number}/trace").text
