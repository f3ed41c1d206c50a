"""Workers: processes that do nothing but deliver, for one shop or several.

Celery's processes hear the bell and carry with the very functions that serve in process. Each also has a courier of its own that looks every second and
runs the periodic tasks: with the broker gone, or a bell lost, deliveries come a second later. A process that is killed leaves its leases behind; when
they end, others carry what it had in hand.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from flask import Flask

from shop.clock import now
from shop.db import db
from shop.outbox.courier import Courier, deliver_due
from shop.outbox.doorbell import LOOK, make_celery

WORK_S = 10.0  # a process that was told to end does not go on for ever
LONGEST_TASK_S = 900


def work(shops: Mapping[str, Flask], *, processes: int) -> None:
    """Deliver for these shops, by name, until SIGTERM. They share one broker, or all have none."""
    [url] = {app.extensions["config"].broker_url for app in shops.values()}
    if url:
        _work_with_celery(url, shops, processes)
    else:
        _work_alone(shops)


def look(app: Flask) -> None:
    """Carry what is due in this shop; while there is more than one pair of hands carries in a moment, ring for others."""
    until = time.monotonic() + WORK_S
    with app.app_context():
        has_more = True
        while has_more and time.monotonic() < until:
            has_more = deliver_due(at=now()).is_full
            if has_more:
                app.extensions["outbox"].ring()


def _work_with_celery(url: str, shops: Mapping[str, Flask], processes: int) -> None:
    from celery import signals

    celery = make_celery(url, list(shops))
    couriers: list[Courier] = []

    @celery.task(name=LOOK, time_limit=LONGEST_TASK_S, shared=False)  # type: ignore[untyped-decorator]
    def hear(shop: str) -> None:
        look(shops[shop])

    def begin(**_: Any) -> None:
        _forget_connections(shops)
        couriers.extend(_start_couriers(shops))

    def end(**_: Any) -> None:
        _stop(couriers)

    signals.setup_logging.connect(_leave_logging_alone)
    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    worker = celery.Worker(pool="prefork", concurrency=processes, without_gossip=True, without_mingle=True, quiet=True, loglevel="WARNING")
    worker.start()
    sys.exit(worker.exitcode)


def _work_alone(shops: Mapping[str, Flask]) -> None:
    leaving = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: leaving.set())
    couriers = _start_couriers(shops)
    leaving.wait()
    _stop(couriers)


def _start_couriers(shops: Mapping[str, Flask]) -> list[Courier]:
    couriers = [Courier(app) for app in shops.values()]
    for courier in couriers:
        courier.start()
    return couriers


def _stop(couriers: list[Courier]) -> None:
    for courier in couriers:
        courier.stop()


def _forget_connections(shops: Mapping[str, Flask]) -> None:
    """Those of the parent are its own: they are left, not closed."""
    for app in shops.values():
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)


def _leave_logging_alone(**_: Any) -> None:
    """The shop's own logging counts."""
