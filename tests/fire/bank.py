"""The test bank as a program of its own, with everything that a bank does on a bad day; its ledger is the judge."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.fire.world import wait_until
from tests.servers import PROGRAMS, ROOT, free_port, settings

BAD_DAY = {"latency_min_ms": 50, "latency_max_ms": 300, "lost_percent": 5, "silence_ms": 1500}


@contextmanager
def bank_server(folder: Path, **behavior: int) -> Iterator[str]:
    """Gives where it listens."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    chosen = [word for name, value in behavior.items() for word in ("--set", f"{name}={value}")]
    words = [PROGRAMS / "flask", "payment", "test-gateway", "--port", str(port), "--books", str(folder / "books.db"), *chosen]
    with (folder / "bank.log").open("wb") as log:
        bank = subprocess.Popen(words, cwd=ROOT, env=settings(folder / "of-the-bank"), stdout=log, stderr=log)
    try:
        if not wait_until(lambda: bank.poll() is not None or _answers(url)) or bank.poll() is not None:
            raise RuntimeError(f"the bank does not open:\n{(folder / 'bank.log').read_text()}")
        yield url
    finally:
        bank.terminate()
        bank.wait(10)


def _answers(url: str) -> bool:
    try:
        return bool(_get(url))
    except OSError:
        return False


def ledger(url: str) -> list[dict[str, Any]]:
    """Every capture and refund, as the bank knows them."""
    found: list[dict[str, Any]] = _get(f"{url}/ledger")["entries"]
    return found


def behave(url: str, **behavior: int) -> None:
    _get(f"{url}/settings?" + "&".join(f"{name}={value}" for name, value in behavior.items()))


def _get(url: str) -> Any:
    with urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())
