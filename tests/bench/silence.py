"""Does the time of an answer tell whether an account exists? ``python -m tests.bench.silence [--tries 500]``

Log-in, registration and a forgotten password, each for addresses with and without an account in turn, in this process on a database of its own (SQLite, or
DATABASE_URL). Prints for each the two medians, the Kolmogorov-Smirnov distance with its p, and how often a guess by time alone would be right
(0.5 is a coin). It judges nothing: a p below 0.01 that comes again in a second run is worth a look.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import exp, sqrt
from pathlib import Path
from statistics import median

from flask import Flask
from sqlalchemy import delete, insert

from config import Config
from shop import create_app, enable_migrations
from shop.auth.models import LoginTry, User
from shop.auth.passwords import hash_password
from shop.clock import now
from shop.db import transaction
from tests.servers import settings

PASSWORD, WRONG = "four quiet winter apples", "not this one at all"
ACTS: dict[str, tuple[str, dict[str, str]]] = {
    "log-in": ("/login", {"password": WRONG}),
    "registration": ("/register", {"password": PASSWORD, "name": "Somebody"}),
    "forgotten": ("/forgotten", {}),
}


def distance(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The two-sample Kolmogorov-Smirnov distance, and how likely one as large is by chance. Source: Numerical Recipes, 14.3."""
    a, b = sorted(one), sorted(other)
    far = max(abs(bisect_right(a, value) / len(a) - bisect_right(b, value) / len(b)) for value in (*a, *b))
    effective = sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (effective + 0.12 + 0.11 / effective) * far
    chance = 2 * sum((-1) ** (k - 1) * exp(-2 * k * k * x * x) for k in range(1, 101)) if x > 0.2 else 1.0
    return far, min(1.0, max(0.0, chance))


def guessed(one: Sequence[float], other: Sequence[float]) -> float:
    """How often the slower of two is of the first kind: the area under the ROC curve."""
    b = sorted(other)
    return sum(bisect_right(b, value) for value in one) / (len(one) * len(b))


def measure(tries: int, ask: Callable[[str], object]) -> tuple[list[float], list[float]]:
    """Seconds for addresses that have an account and for those that have none, in an order that nobody knows."""
    times: dict[str, list[float]] = {"member": [], "nobody": []}
    order = [(kind, number) for kind in times for number in range(tries)]
    random.shuffle(order)
    for kind, number in order:
        began = time.perf_counter()
        ask(f"{kind}{number}@example.com")
        times[kind].append(time.perf_counter() - began)
    return times["member"], times["nobody"]


def fill(app: Flask, tries: int) -> None:
    from flask_migrate import upgrade

    enable_migrations(app)
    with app.app_context():
        upgrade()
        app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)
        known = {"name": "Member", "password_hash": hash_password(PASSWORD), "role": "customer", "locale": "en", "created_at": now()}
        with transaction() as session:
            session.execute(insert(User), [{**known, "email": f"member{number}@example.com"} for number in range(tries)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=500)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config.from_env({**settings(Path(folder), SHOP_COURIER="0"), **_database()}))
        fill(app, tries)
        print(f"{'':14}{'member':>10}{'nobody':>10}{'distance':>10}{'p':>8}{'guessed':>9}   {tries} tries each")
        for name, (path, fields) in ACTS.items():
            _print(name, *measure(tries, _asker(app, path, fields)))


def _asker(app: Flask, path: str, fields: dict[str, str]) -> Callable[[str], object]:
    client = app.test_client(use_cookies=False)
    for _warm in range(20):
        client.post(path, data={**fields, "email": "warm@example.com"})
    with app.app_context(), transaction() as session:
        session.execute(delete(LoginTry))
    return lambda email: client.post(
        path, data={**fields, "email": email}, environ_base={"REMOTE_ADDR": f"10.{random.randrange(256)}.{random.randrange(256)}.9"}
    )


def _print(name: str, member: list[float], nobody: list[float]) -> None:
    far, chance = distance(member, nobody)
    seconds = "".join(f"{1000 * median(times):>8.2f}ms" for times in (member, nobody))
    print(f"{name:14}{seconds}{far:>10.3f}{chance:>8.3f}{guessed(member, nobody):>9.3f}", flush=True)


def _database() -> dict[str, str]:
    import os

    return {"DATABASE_URL": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}


if __name__ == "__main__":
    main()
