"""Counting for Prometheus over many processes: each writes into a file of its own, mapped into its memory; whoever asks gets their sum.

What a process counted is in its file at once, so that nothing is lost when it is killed. The file belongs to a place, not to a process: each process
takes the first place that is free, held by a lock that the system lets go when it dies, and goes on counting where the last one there ended. So there
are never more files than processes at one time. When nobody holds a place, counting begins anew. Source: https://prometheus.github.io/client_python
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shop.observe.figures import COUNTED, Counter, Spread

MOST_PLACES = 1024


class Places:
    """The numbered places of a folder, one for each process that counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.held: tuple[int, int, int] = (-1, -1, -1)  # process, place, its lock

    def mine(self) -> int:
        """The place of this process, taken when it first counts; after a fork, the child takes one of its own."""
        if self.held[0] != os.getpid():
            with self._alone():
                number, lock = next(self._free())
            self.held = os.getpid(), number, lock
        return self.held[1]

    def begin_anew(self) -> None:
        """Forget what earlier processes counted, unless one of them lives."""
        with self._alone():
            if not self.count_held():
                for path in self.folder.glob("*.db"):
                    path.unlink()

    def count_held(self) -> int:
        """How many processes hold a place."""
        return sum(1 for path in self.folder.glob("*.place") if not self._is_free(path))

    def _free(self) -> Iterator[tuple[int, int]]:
        for number in range(MOST_PLACES):
            lock = os.open(self.folder / f"{number}.place", os.O_RDWR | os.O_CREAT, 0o640)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield number, lock
                return
            os.close(lock)
        raise RuntimeError(f"more than {MOST_PLACES} processes count in {self.folder}")

    @staticmethod
    def _is_free(path: Path) -> bool:
        lock = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(lock)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time looks for a place, or looks who holds one."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class Book:
    """The figures of this process. Loaded in the parent, opened by each worker when it first counts."""

    def __init__(self, folder: Path) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the library looks there when it opens a file
        import prometheus_client  # noqa: F401 - loaded now, so that workers share it

        self.places = Places(folder)
        self.lock = threading.Lock()
        self.pid = 0
        self.kinds: dict[Counter | Spread, Any] = {}
        self.known: dict[tuple[Any, ...], Any] = {}
        self.groups: dict[tuple[str, ...], tuple[Any, ...]] = {}

    def add(self, figure: Counter | Spread, labels: tuple[str, ...], amount: float) -> None:
        """Count ``amount`` more, or one more that is as large as ``amount``."""
        found = self.known.get((figure, labels))
        if found is None or self.pid != os.getpid():
            found = self._learn(figure, labels)
        found(amount)

    def group(self, name: tuple[str, ...], make: Callable[..., Iterable[tuple[Counter | Spread, tuple[str, ...]]]]) -> tuple[Any, ...]:
        """How to count several figures that always go together, looked up once per ``name``; ``make(*name)`` says which, with all labels."""
        found = self.groups.get(name)
        if found is None or self.pid != os.getpid():
            found = tuple([self._learn(figure, labels) for figure, labels in make(*name)])
            self.groups[name] = found
        return found

    def _learn(self, figure: Counter | Spread, labels: tuple[str, ...]) -> Any:
        with self.lock:
            if self.pid != os.getpid():
                self._open()
            child = self.kinds[figure].labels(*labels)
            act = child.inc if isinstance(figure, Counter) else child.observe
            self.known[(figure, labels)] = act
            return act

    def _open(self) -> None:
        from prometheus_client import CollectorRegistry, metrics, values

        values.ValueClass = values.MultiProcessValue(self.places.mine)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self.known, self.kinds, self.groups = {}, {}, {}
        for figure in COUNTED:
            names = ("shop", *figure.labels)
            self.kinds[figure] = (
                metrics.Counter(figure.name.removesuffix("_total"), figure.help, names, registry=registry)
                if isinstance(figure, Counter)
                else metrics.Histogram(figure.name, figure.help, names, buckets=figure.buckets, registry=registry)
            )
        self.pid = os.getpid()

    def totals(self) -> Any:
        """The sums over all processes, living and dead, as the library's metrics."""
        from prometheus_client.multiprocess import MultiProcessCollector

        files = sorted(path for path in self.places.folder.glob("*.db") if path.stat().st_size)  # one is empty for a moment when it is made
        return MultiProcessCollector.merge([str(path) for path in files])  # type: ignore[no-untyped-call]
