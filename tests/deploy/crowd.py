"""Visitors who look and order all the time, while something is done to the shop; each request that was not answered as it should be counts."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from types import TracebackType

from tests.bench.acts import checkout_form, put_into_cart
from tests.bench.load import Browser
from tests.servers import PATIENCE_S


class Crowd:
    """Some visitors; ``asked`` and ``orders`` are counted, ``failed`` holds a line for each request that failed."""

    def __init__(self, url: str, visitors: int = 3) -> None:
        self.url, self.asked, self.orders, self.failed = url, 0, 0, list[str]()
        self.over, self.lock = threading.Event(), threading.Lock()
        self.numbers = itertools.count(1)
        self.threads = [threading.Thread(target=self._live, daemon=True) for _ in range(visitors)]

    def __enter__(self) -> Crowd:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE_S)
        if any(thread.is_alive() for thread in self.threads):
            self.failed.append("a visitor still waits")

    def _live(self) -> None:
        while not self.over.is_set():
            number = next(self.numbers)
            browser = _Counting(self.url, self)
            try:
                self._visit(browser, number)
            except (OSError, HTTPException, RuntimeError, ValueError) as problem:
                with self.lock:
                    self.failed.append(f"{type(problem).__name__}: {str(problem)[:300]}")
                self.over.wait(0.02)  # a shop that is away must not be run down
            finally:
                browser.connection.close()
            self.over.wait(0.2)

    def _visit(self, browser: _Counting, number: int) -> None:
        """A stranger whom nginx may not answer, goods in the cart, an order, its page."""
        browser.ask("GET", f"/?visit={number}")
        browser.ask("GET", f"/p/product-{number % 90 + 1}")
        browser.ask("GET", f"/api/v1/products?limit={number % 20 + 1}")
        put_into_cart(browser, [number % 90 + 1, number % 7 + 91])
        browser.ask("POST", "/orders", checkout_form(browser), expect=303)
        page = browser.location.partition("://")[2].partition("/")[2] or browser.location.lstrip("/")
        with self.lock:
            self.orders += 1
        browser.ask("GET", f"/{page}")

    @contextmanager
    def goes_on(self, orders: int) -> Iterator[None]:
        """Only return after so many more orders than at the beginning have been placed, or failed."""
        before = self.orders + len(self.failed)
        yield
        for _ in range(int(PATIENCE_S / 0.05)):
            if self.orders + len(self.failed) >= before + orders:
                return
            self.over.wait(0.05)
        raise AssertionError(f"only {self.orders} orders; {self.failed[:3]}")


class _Counting(Browser):
    def __init__(self, url: str, crowd: Crowd) -> None:
        super().__init__(url)
        self.crowd = crowd

    def ask(self, method: str, path: str, body: str = "", expect: int = 200) -> str:
        with self.crowd.lock:
            self.crowd.asked += 1
        return super().ask(method, path, body, expect)
