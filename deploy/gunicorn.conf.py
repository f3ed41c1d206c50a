"""How gunicorn serves the shop: ``gunicorn --config deploy/gunicorn.conf.py wsgi:app``.

What differs between machines comes from the settings (``config.py``); an option on gunicorn's command line still wins, such as
``--bind unix:/run/bodega/gunicorn.sock`` behind nginx.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunicorn.systemd import SD_LISTEN_FDS_START, sd_notify

# What is imported later must come from the release that was opened, even after the link that led here leads to another one.
sys.path[:] = [str(Path(place).resolve()) if place else place for place in sys.path]

from environment import ConfigError
from shop.observe.gunicorn import ShopLogger
from shop.observe.process import begin_to_count, open_eyes
from shop.retailer.door import opening_words, process_settings, shops_behind

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

gc.disable()  # nothing of what is loaded until `when_ready` is garbage; looking for it took a quarter of the start
try:
    shop_config = process_settings()  # not "config", which is a setting of gunicorn
except ConfigError as problem:
    sys.exit(str(problem))

open_eyes(shop_config)
begin_to_count(shop_config)

bind = f"127.0.0.1:{shop_config.port}"
workers = shop_config.workers
worker_class = "gthread"
threads = 8
preload_app = True  # imported once, shared by all workers
timeout = 60  # longer than the slowest payment gateway is waited for
graceful_timeout = 20
keepalive = 5
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat must not wait for a disk
control_socket_disable = True  # it would let every process of this user stop the shop
limit_request_line = 4094
accesslog = None
logger_class = ShopLogger
loglevel = "warning"


def when_ready(server: Arbiter) -> None:
    """Tell systemd who leads; leave what is loaded alone, so that workers share it; say where the shop is."""
    sd_notify(f"MAINPID={os.getpid()}", server.log)  # after deploy/reload.sh systemd watches this one
    gc.freeze()  # the collector would write into every object, and each worker get a copy of its own
    gc.enable()
    if not shop_config.is_production:
        print(f"\n{opening_words()}\n  Ctrl-C closes it.\n", flush=True)


def pre_exec(server: Arbiter) -> None:
    """Hand the socket of systemd to the next master (deploy/reload.sh) under the number at which it will look for it, which gunicorn does not."""
    if not server.systemd:
        return
    kept = [os.dup(listener.fileno()) for listener in server.LISTENERS]
    for number, (listener, copy) in enumerate(zip(server.LISTENERS, kept, strict=True), SD_LISTEN_FDS_START):
        listener.set_inheritable(False)
        os.dup2(copy, number, inheritable=True)


def post_fork(_server: Arbiter, _worker: Worker) -> None:
    """Forget the database connections of the parent without closing them: they are its own."""
    from shop.db import db
    from wsgi import app

    for shop in shops_behind(app):
        with shop.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)


def post_worker_init(_worker: Worker) -> None:
    """Begin to answer Prometheus, and to deliver what the outbox of each shop holds."""
    from shop.observe.door import open_door
    from shop.outbox.courier import start_courier
    from wsgi import app

    shops = shops_behind(app)
    open_door(*shops)
    for shop in shops:
        start_courier(shop)


def worker_exit(_server: Arbiter, _worker: Worker) -> None:
    """Let the couriers finish the letters in their hands; send the spans that are left."""
    from shop.observe.process import close_eyes
    from shop.outbox.courier import stop_couriers
    from wsgi import app

    stop_couriers(shops_behind(app))
    close_eyes()
