"""A worker as ``flask shop worker`` runs it, whose shop also notes what it hears: a line of ``HANDS_LOG`` for each event that was handed over.

Only this module knows how to die at an event, and how to be slow; the shop as it is deployed has no such thing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from shop import create_app
from shop.outbox import Happened, courier, subscribe
from shop.outbox.worker import work

LOG = Path(os.environ["HANDS_LOG"])


def note(event: Happened) -> None:
    """Write down what was heard, in one piece. ``die``: the first to hear it is killed as by ``kill -9`` after that."""
    time.sleep(event.payload.get("slow_s", 0))
    with LOG.open("a") as lines:
        lines.write(f"{event.subject} {event.payload['number']} {os.getpid()}\n")
    if event.payload.get("die") and not LOG.with_suffix(".died").exists():
        LOG.with_suffix(".died").touch()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if lease_s := float(os.environ.get("HANDS_LEASE_S", "0")):  # so that a test need not wait two minutes
        courier.LEASE, courier.HOLD = timedelta(seconds=lease_s), timedelta(seconds=lease_s / 4)
    app = create_app()
    subscribe(app, "test.happened", "test.listener", note)
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    work({app.extensions["config"].name: app}, processes=processes)
