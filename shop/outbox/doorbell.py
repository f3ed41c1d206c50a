"""Waking the workers through a broker, RabbitMQ or Redis: a bell, not a queue. What must not be lost stands in the table.

Ringing costs whoever orders nothing: a thread of its own carries the sound, many rings become one, and a bell that rings already is left alone. A
broker that is gone delays deliveries until the workers look by themselves, a second later at most; it never slows or fails an order.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from environment import ConfigError

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection, Queue

log = logging.getLogger(__name__)

LOOK = "outbox.look"
ANSWER_WITHIN_S = 2.0
GATHER_S = 0.02  # what is ordered within this time rings once
MOST_RINGING = 8  # as many bells wait at most: there is nobody who could hear more of them
LONGEST_REST_S = 30.0
REDIS_TIMEOUTS, AMQP_TIMEOUTS = ("socket_timeout", "socket_connect_timeout"), ("read_timeout", "write_timeout")


def queue_of(shop: str) -> Queue:
    """Where the bells of one shop wait."""
    from kombu import Exchange, Queue

    return Queue(f"bodega.{shop}", Exchange(""), routing_key=f"bodega.{shop}")


def make_celery(url: str, shops: Collection[str]) -> Celery:
    """Celery on the broker at ``url``, for whoever rings and for whoever hears.

    Raises:
        ConfigError: its libraries are not installed.
    """
    try:
        from celery import Celery

        if url.startswith("redis"):
            import redis  # noqa: F401
    except ModuleNotFoundError as missing:
        remedy = "install it with: pip install --require-hashes -r requirements-server.txt"
        raise ConfigError(f"SHOP_BROKER_URL: needs the library {missing.name}; {remedy}") from None
    checked = {"ssl_cert_reqs" if url.startswith("redis") else "cert_reqs": ssl.CERT_REQUIRED}
    celery = Celery("bodega", broker=url, set_as_current=False)
    celery.conf.update(
        task_queues=[queue_of(shop) for shop in shops],
        task_ignore_result=True,
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,  # who reaches the broker may ring, and nothing else
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_timeout=ANSWER_WITHIN_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_use_ssl=checked if url.startswith(("amqps:", "rediss:")) else None,
    )
    return celery


class Doorbell:
    """Rings at the workers of one shop. Each process has a thread of its own from its first ring on."""

    def __init__(self, url: str, shop: str) -> None:
        self.celery, self.shop, self.queue = make_celery(url, [shop]), shop, queue_of(shop)
        self.timeouts = dict.fromkeys(REDIS_TIMEOUTS if url.startswith("redis") else AMQP_TIMEOUTS, ANSWER_WITHIN_S)
        self.wanted = threading.Event()
        self.starting = threading.Lock()
        self.pid = 0
        self.failures = 0

    def ring(self) -> None:
        """Something waits: have somebody look at once. Never waits, never fails."""
        self.wanted.set()
        if self.pid != os.getpid():
            self._start()

    def waiting(self) -> int:
        """How many bells nobody has heard yet. Asks the broker; raises what its library raises when there is none."""
        with self._connect() as link, link.channel() as channel:
            return int(self.queue(channel).queue_declare().message_count)

    def _start(self) -> None:
        with self.starting:
            if self.pid != os.getpid():
                self.pid = os.getpid()
                threading.Thread(target=self._work, name="doorbell", daemon=True).start()

    def _work(self) -> None:
        link: Connection | None = None
        while True:
            self.wanted.wait()
            time.sleep(GATHER_S)
            self.wanted.clear()
            try:
                link = link or self._connect()
                self._send(link)
                self._recover()
            except Exception:
                level = logging.DEBUG if self.failures else logging.WARNING  # said once
                log.log(level, "the broker does not answer; the workers look by themselves, and it is asked again later", exc_info=True)
                self._rest(link)
                link = None

    def _connect(self) -> Connection:
        link = self.celery.connection_for_write(transport_options=self.timeouts)
        link.connect()  # once: a broker that is gone is asked again at a later ring
        return link

    def _send(self, link: Connection) -> None:
        with link.channel() as channel:
            waiting = self.queue(channel).queue_declare().message_count
            if waiting < MOST_RINGING:
                self.celery.send_task(LOOK, (self.shop,), queue=self.queue, connection=link, retry=False, ignore_result=True)

    def _recover(self) -> None:
        if self.failures:
            log.warning("the broker answers again")
        self.failures = 0

    def _rest(self, link: Connection | None) -> None:
        self.failures += 1
        with suppress(Exception):
            if link:
                link.release()
        time.sleep(min(2 ** (self.failures - 1), LONGEST_REST_S))
