"""Many acts at the same moment, for tests of races."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from shop.db import db


def in_parallel(app: Flask, acts: list[Callable[[], Any]]) -> list[Any]:
    """Do all of them at the same moment, each with a connection of its own; errors are answers too."""
    start, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int) -> None:
        with app.app_context():
            start.wait()
            try:
                answers[place] = acts[place]()
            except Exception as error:  # noqa: BLE001 - an error is an answer here
                answers[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers
