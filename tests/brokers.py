"""RabbitMQ for tests, a broker that is silent, and workers that hear them. A Redis of the test's own stands in ``tests.redis``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT, settings

RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
PATIENCE_S = 180.0  # a worker is up after five seconds of processor time, which a busy machine may make a minute


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def wait_until(is_so: object, *, seconds: float = PATIENCE_S, what: str = "it") -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until, f"{what} never was so"
        time.sleep(0.05)


@dataclass
class Crew:
    """A running worker with its processes. ``log`` holds what its shop heard, if it is ``tests.outbox.hands``."""

    process: subprocess.Popen[bytes]
    log: Path
    output: Path

    def heard(self) -> list[tuple[str, int, int]]:
        """Subject, number and process of each hand-over so far, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(subject, int(number), int(pid)) for subject, number, pid in (line.split() for line in lines)]

    def hands(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def crew(folder: Path, *words: str, **environ: str) -> Iterator[Crew]:
    """``tests.outbox.hands`` for the shop in ``folder``; ``words``: how many processes."""
    log, output = folder / "heard.log", folder / "worker.log"
    own = {**settings(folder), "HANDS_LOG": str(log), **environ}
    with output.open("ab") as out:
        command = [sys.executable, "-m", "tests.outbox.hands", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=out, stderr=out)
    made = Crew(process, log, output)
    try:
        yield made
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
