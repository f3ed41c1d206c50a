"""A real gunicorn with several workers: what it counts is right when they are killed, what it writes names nobody, and one number goes through all."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shop.observe.figures import COUNTED, READ
from tests.observe.shops import WORKERS, Collector, Watched, collecting, watching

CANARY = "canary-7f3a9b1c"
PATIENCE_S, KILLED = 40, 6


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Watched]:
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200", "API_TOKEN": f"{CANARY}-secret"}
    with watching(tmp_path_factory.mktemp("observed"), **traces) as found:
        yield found


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for what another process does in its own time."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_S} s"
        time.sleep(0.1)


def visit(shop: Watched, times: int) -> int:
    """Look at the mug so often; gives how often the shop answered."""
    answered = 0
    for _ in range(times):
        try:
            answered += shop.server.get("/p/mug").status == 200
        except OSError:  # the worker was killed over it
            continue
    return answered


def crowd(shop: Watched, visitors: int, times: int) -> int:
    """Several visitors at once; gives how many answers they got."""
    answered: list[int] = []
    threads = [threading.Thread(target=lambda: answered.append(visit(shop, times))) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered)


def seen(shop: Watched) -> float:
    return shop.figure("bodega_requests_total", endpoint="catalog.show_product", method="GET", status="2xx")


def replace_worker(shop: Watched) -> None:
    """Kill one worker and wait for the one that comes in its place."""
    before = shop.workers()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(shop.workers()) == WORKERS and before[0] not in shop.workers(), "a new worker")


def test_requests_are_counted_exactly_over_workers_that_come_and_are_killed(shop):
    before = seen(shop)

    answered = crowd(shop, 4, 15)
    replace_worker(shop)
    answered += crowd(shop, 4, 15)
    replace_worker(shop)
    answered += crowd(shop, 4, 15)

    assert answered == 180
    assert seen(shop) - before == 180
    times = shop.figure("bodega_request_seconds_count", endpoint="catalog.show_product")
    assert times == shop.figure("bodega_request_statements_count", endpoint="catalog.show_product") == seen(shop)


def test_a_worker_that_is_killed_over_its_work_takes_no_figure_with_it(shop):
    before, sent = seen(shop), 4 * 30
    killer = threading.Timer(0.3, lambda: replace_worker(shop))
    killer.start()

    answered = crowd(shop, 4, 30)
    killer.join()

    assert answered > 0
    assert answered <= seen(shop) - before <= sent


def test_there_are_never_more_files_than_processes_at_one_time(shop):
    for _ in range(3):
        replace_worker(shop)
    visit(shop, 6)

    assert len(list((shop.server.folder / "metrics").glob("counter_*.db"))) <= WORKERS + 1
    assert shop.figure("bodega_processes") <= WORKERS + 1


def test_every_figure_that_is_read_just_now_is_there(shop):
    names = {name for name, _ in shop.figures()}

    assert {gauge.name for gauge in READ} <= names
    assert shop.figure("bodega_database_up") == 1


def test_the_door_answers_one_address_and_visitors_find_none(shop):
    assert shop.door.get("/").status == 404
    assert shop.server.get("/metrics").status == 404


def test_a_paid_order_is_counted_once_in_each_figure(shop):
    before = shop.figures()
    visitor = shop.browse()

    order = visitor.order(shop.mug)
    page = urlsplit(order["payment"]["next"])
    back = urlsplit(visitor.ask("POST", page.path, form={"answer": "approve"}).headers["Location"])
    visitor.ask("GET", f"{back.path}?{back.query}")

    until(lambda: shop.figure("bodega_mails_total") >= 1, "a mail")
    until(lambda: shop.figure("bodega_outbox_waiting") == 0, "an empty outbox")

    def more(name: str, **labels: str) -> float:
        wanted = set(labels.items())
        was = sum(value for (found, own), value in before.items() if found == name and wanted <= own)
        return shop.figure(name, **labels) - was

    assert more("bodega_cart_puts_total") == 1
    assert more("bodega_events_total", kind="order.placed") == 1
    assert more("bodega_events_total", kind="order.paid") == 1
    assert more("bodega_payments_total", gateway="test_card", outcome="paid") == 1
    assert more("bodega_payments_total") == 1
    assert more("bodega_gateway_calls_total", gateway="test_card", outcome="answered") >= 2
    assert more("bodega_mails_total", outcome="sent") == shop_mails(shop)
    assert [line["number"] for line in shop.lines() if line["message"] == "order.paid"] == [order["number"]]


def shop_mails(shop: Watched) -> int:
    return len(list((shop.server.folder / "mail").glob("*.eml")))


def test_refusals_are_counted(shop):
    visitor = shop.browse()

    visitor.ask("POST", "/api/v1/cart/items", said={"variant_id": shop.mug, "quantity": 990})
    visitor.ask("POST", "/api/v1/cart/items", said={"variant_id": shop.mug, "quantity": 990})
    visitor.ask("POST", "/api/v1/auth/login", said={"email": "nobody@example.com", "password": "not the right one"})

    assert shop.figure("bodega_stock_refusals_total", where="cart") == 1
    assert shop.figure("bodega_sign_in_refusals_total", step="password", reason="wrong-password") == 1


def test_one_number_goes_from_the_proxy_to_every_line_mail_and_span(shop, collector):
    number = "0123456789abcdef0123456789abcdef"
    visitor = shop.browse()
    visitor.headers = {"X-Request-ID": number}

    order = visitor.order(shop.mug, payment_method="bank_transfer")

    def mine() -> list[str]:
        return [line["message"] for line in shop.lines() if line["request_id"] == number]

    def mails() -> list[str]:
        found = [path.read_text() for path in (shop.server.folder / "mail").glob("*.eml")]
        return [mail for mail in found if order["number"] in mail]

    until(mails, "the mail of the order")
    assert visitor.ask("GET", "/healthz").headers["X-Request-ID"] == number
    assert {"request", "order.placed", "delivery done"} <= set(mine())
    assert all(f"X-Request-ID: {number}" in mail for mail in mails())

    def named() -> set[str]:
        return {span.name for span in collector.spans() if span.trace_id.hex() == number}

    until(lambda: {"deliver order.count_sold", "deliver mail.send"} <= named(), "the spans of the deliveries")
    assert {"POST checkout.place_json", "POST cart.add_item_json"} <= named()


def test_a_visitor_does_not_forge_a_number(shop):
    answer = shop.server.get("/healthz", X_Request_ID="a forged number!")

    assert len(answer.headers["X-Request-ID"]) == 16


def test_an_error_page_names_the_number_of_its_line(shop):
    answer = shop.browse().ask("POST", "/broken/x", form={"note": "x"})

    number = answer.headers["X-Request-ID"]
    assert answer.status == 500
    assert number in answer.text
    (line,) = [line for line in shop.lines() if line["request_id"] == number and line["level"] == "error"]
    assert (line["message"], line["error"]) == ("a bug in break_down", "ValueError")
    assert "break_down" in line["traceback"]


def test_nothing_that_somebody_sent_or_that_is_secret_is_told_to_anybody(shop, collector):
    """In every field that there is: lines on standard output and in the file, figures and spans."""
    before = len(collector.bodies)
    visitor = shop.browse()
    visitor.headers = {
        "User-Agent": f"{CANARY}-agent",
        "Referer": f"https://elsewhere.example/{CANARY}",
        "X-Forwarded-For": "203.0.113.77",
        "X-Canary": CANARY,
        "Accept-Language": f"en,{CANARY}",
        "Authorization": f"Basic {CANARY}",
    }
    visitor.cookies = {"session": CANARY, "other": CANARY}
    visitor.ask("GET", f"/{CANARY}?q={CANARY}")
    visitor.ask("GET", f"/search?q={CANARY}")
    visitor.ask("GET", f"/orders/B-0000?key={CANARY}")
    visitor.ask("GET", f"/links/{CANARY}")
    visitor.ask(f"{CANARY.upper()}", "/")
    visitor.ask("POST", f"/broken/{CANARY}?key={CANARY}-query", form={f"{CANARY}-name": f"{CANARY} in words", "e": f"{CANARY}@example.com"})
    visitor.ask("POST", "/login", form={"email": f"{CANARY}@example.com", "password": f"{CANARY} wrong"})
    visitor.ask("POST", "/register", form={"email": f"{CANARY}@example.com", "name": CANARY, "password": f"{CANARY} long enough"})
    visitor.ask("POST", "/api/v1/auth/login", said={"email": f"{CANARY}@example.com", "password": CANARY})
    visitor.ask("POST", "/orders/search", form={"number": CANARY, "email": f"{CANARY}@example.com"})
    visitor.ask("GET", "/", Cookie=f"{CANARY}", **{"X-Request-ID": f"{CANARY}<script>"})
    visitor.headers.pop("Authorization")
    address = {"name": f"Lucía {CANARY}", "line1": f"{CANARY} 18", "line2": CANARY, "city": CANARY, "postcode": "41003", "country": "ES"}
    visitor.order(shop.mug, email=f"{CANARY}@example.com", note=f"{CANARY} at the door", shipping_address=address)
    until(lambda: any(CANARY in path.read_text() for path in (shop.server.folder / "mail").glob("*.eml")), "the mail of the order")
    until(lambda: len(collector.bodies) > before, "spans")

    told = {
        "standard output": shop.server.log.read_text(),
        "file": (shop.server.folder / "logs" / "app.log").read_text(),
        "figures": shop.door.get("/metrics").text,
        "spans": b"".join(collector.bodies).decode("latin-1"),
    }
    private = (CANARY, "203.0.113.77")
    found = {
        f"{where}: {line}" for where, text in told.items() for line in text.splitlines() if any(word in line.lower() for word in private)
    }
    assert found == set()
    assert '"network":"203.0.113.0/24"' in told["file"]
    assert all(len(text) > 1000 for text in told.values())


def test_standard_output_and_the_file_hold_the_same_lines(shop):
    printed = [line for line in shop.server.log.read_text().splitlines() if line.startswith("{")]

    kept = {json.dumps(line, separators=(",", ":")) for line in shop.lines()}
    assert len(set(printed) & kept) > 100
    assert len(set(printed) ^ kept) <= KILLED  # who is killed between the two writes the one alone


def test_a_broken_request_is_counted_with_its_endpoint(shop):
    before = shop.figure("bodega_bugs_total", endpoint="break_down")

    shop.browse().ask("POST", "/broken/x", form={"note": "x"})

    assert shop.figure("bodega_bugs_total", endpoint="break_down") == before + 1
    assert shop.figure("bodega_requests_total", endpoint="break_down", status="5xx") >= before + 1


def test_every_name_of_a_figure_is_used_once() -> None:
    names = [figure.name for figure in (*COUNTED, *READ)]

    assert len(set(names)) == len(names)
    assert all(name.startswith("bodega_") for name in names)
    assert Path("shop/observe/figures.py").exists()
