"""Processes that work on pictures, so that no process of the shop must: see ``renditions``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

PROGRAM = Path(__file__).with_name("renditions.py")
PROCESSES = 2

Job = dict[str, str]
Answer = dict[str, Any]


class Worker:
    """One process of the workshop, started when the first job comes; one that died with a job is followed by another."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def do(self, job: Job) -> Answer:
        """The answer of ``renditions``; ``{"problem": "exhausting"}`` when the process did not survive the job."""
        process = self.process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            answer: Answer = json.loads(line)
            return answer
        self.close()
        return {"problem": "exhausting"}

    def _start(self) -> subprocess.Popen[str]:
        # -I: no modules from the current folder or the environment; the program finds only what is installed.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def close(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()


@contextmanager
def workshop(processes: int = PROCESSES) -> Iterator[Workshop]:
    """Open while there is work; closing it ends its processes."""
    workers = [Worker() for _ in range(processes)]
    try:
        yield Workshop(workers)
    finally:
        for worker in workers:
            worker.close()


class Workshop:
    """Hands jobs to whichever worker is free."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.free: SimpleQueue[Worker] = SimpleQueue()
        self.size = len(workers)
        for worker in workers:
            self.free.put(worker)

    def do_all(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Answers in the order of the jobs, as they come."""
        with ThreadPoolExecutor(self.size) as threads:
            yield from threads.map(self._do, jobs)

    def _do(self, job: Job) -> Answer:
        worker = self.free.get()
        try:
            return worker.do(job)
        finally:
            self.free.put(worker)
