"""The day of staff: numbers that lead to what they count, a search that finds, errors within the frame."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from shop.admin.chart import change, nice_top
from shop.admin.queries import list_sales
from shop.admin.times import today_here
from shop.clock import now
from shop.db import transaction
from shop.inventory.models import StockItem
from shop.order.models import Order
from shop.order.queries import get_order
from shop.order.services import cancel_order, mark_packed
from shop.payment.services import record_bank_payment
from tests.factories import NOON, make_product
from tests.office import Desk, words
from tests.orders import counted, make_order
from tests.people import inside

TILE = re.compile(r'<a href="([^"]+)"><b>(\d+)</b><span>([^<]+)</span>')


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def placed(at=None, *, paid=False, packed=False, canceled=False):
    made = make_order()
    if paid:
        record_bank_payment(made.id, by="boss@example.com", at=NOON)
    if packed:
        mark_packed(made.id, by="boss@example.com", at=NOON)
    if canceled:
        cancel_order(made.id, by="boss@example.com", at=NOON)
    with transaction() as session:
        session.execute(update(Order).where(Order.id == made.id).values(placed_at=at or now()))
    return made.number


def test_every_tile_counts_what_its_list_shows(desk):
    for count, facts in enumerate(({"paid": True}, {"paid": True, "packed": True}, {}), 1):
        for _order in range(count):
            placed(**facts)

    tiles = {name: (url.replace("&amp;", "&"), int(count)) for url, count, name in TILE.findall(desk.see("/admin"))}

    assert {name: count for name, (_url, count) in tiles.items() if count} == {
        "Orders to pack": 1, "Orders to ship": 2, "Transfers awaited": 3,
    }  # fmt: skip
    for url, count in tiles.values():
        if not url.startswith("#"):
            assert len(re.findall(r'<tr><th scope="row"', desk.see(url))) == count, url


def test_sales_count_days_by_the_shops_clock_and_leave_out_what_was_canceled(context):
    placed(NOON.replace(hour=22, minute=59))  # 23:59 in Madrid
    placed(NOON.replace(hour=23, minute=0))  # midnight: the next day
    placed(NOON, canceled=True)

    days = {day.day.isoformat(): (day.orders, day.total.minor) for day in list_sales((NOON + timedelta(days=1)).date(), 3)}

    total = get_order(placed()).total.minor
    assert days == {"2026-11-20": (0, 0), "2026-11-21": (1, total), "2026-11-22": (1, total)}


def test_each_day_of_the_table_leads_to_its_orders(desk):
    numbers = [placed(), placed(), placed(now() - timedelta(days=2)), placed(canceled=True)]
    today = inside(today_here)().isoformat()

    assert f"until={today}" in desk.see("/admin")
    page = desk.see(f"/admin/orders?task=agreed&since={today}&until={today}")

    assert [number in page for number in numbers] == [True, True, False, False]


def test_what_runs_out_is_said(desk):
    made = inside(make_product)("Lamp", stock=2, sku="LAMP-1")
    inside(_set_stock)(made.variant_id, 0)

    said = words(desk.see("/admin"))

    assert "1 sold out" in said
    assert "LAMP-1 Sold out" in said


def _set_stock(variant_id, on_hand):
    with transaction() as session:
        session.execute(update(StockItem).where(StockItem.variant_id == variant_id).values(on_hand=on_hand))


def test_the_day_costs_the_same_statements_however_much_there_is(app, desk):
    def cost():
        with app.app_context(), counted() as statements:
            desk.see("/admin")
        return len(statements)

    cost()
    empty = cost()
    for _order in range(4):
        placed(paid=True)

    assert cost() == empty
    assert empty <= 20


def test_an_empty_shop_says_so(desk):
    said = words(desk.see("/admin"))

    assert "Nothing waits to be packed or shipped." in said
    assert "No order yet." in said
    assert "No order yet" in desk.see("/admin/orders")
    assert "No mail yet" in desk.see("/admin/mails")
    assert "Nothing has happened yet" in desk.see("/admin/outbox")


def test_the_search_field_leads_to_an_order_at_once_and_finds_customers_and_goods(desk):
    number = placed()
    inside(make_product)("Seta table lamp", sku="LMP-SAG")

    by_number = desk.client.get(f"/admin/find?q={number.lower().replace('-', ' ')}")

    assert (by_number.status_code, by_number.location) == (303, f"/admin/orders/{number}")
    assert number in desk.see("/admin/find?q=lucia@")
    assert "LMP-SAG" in desk.see("/admin/find?q=lmp")
    assert "LMP-SAG" in desk.see("/admin/find?q=SETA")
    assert "Nothing found for" in words(desk.see("/admin/find?q=%25"))
    assert desk.see("/admin/find")


@pytest.mark.parametrize(
    ("path", "status"), [("/admin/nope", 404), ("/admin/orders/BBBB-CCCC", 404), ("/admin/orders/BBBB-CCCC/packing", 405)]
)
def test_errors_behind_the_door_are_shown_within_it(desk, path, status):
    answer = desk.client.get(path)

    assert answer.status_code == status
    assert "Sign out" in answer.text


def test_errors_before_the_door_tell_nothing_of_it(client):
    assert client.get("/admin/nope").status_code == 303
    assert "Sign out" not in client.get("/nope").text


@pytest.mark.parametrize(("highest", "top"), [(0, 400), (1, 400), (400, 400), (401, 800), (34_390, 40_000), (10**14, 12 * 10**13)])
def test_the_scale_ends_at_a_round_figure(highest, top):
    assert nice_top(highest) == top
    assert top % 4 == 0


def test_change_is_said_in_words_and_never_from_nothing():
    assert [change(127, 100), change(50, 100), change(5, 0)] == ["↑ 27 %", "↓ 50 %", ""]
