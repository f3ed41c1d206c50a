"""A real Chromium for tests: pages with and without JavaScript, in three widths, that notice what a visitor would only feel.

Each page is watched: a script's error, something that does not load, a request to another host or a breach of the content
security policy fails the test that looked at it, whatever else the test was about.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect, sync_playwright

PHONE, TABLET, DESKTOP = 390, 820, 1440
WIDTHS = (PHONE, TABLET, DESKTOP)
HEIGHTS = {PHONE: 844, TABLET: 1180, DESKTOP: 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 10_000


def find_chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("Chromium is missing; `make machine` installs it or says how")


@contextmanager
def start_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Opens pages of one shop; each page is a visitor of their own, with an empty cookie jar."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser = browser
        self.base_url = base_url
        self.contexts: list[BrowserContext] = []
        self.problems: list[str] = []
        self.others: set[str] = set()  # hosts to which this story goes on purpose

    def open(self, path: str | None = None, *, js: bool = True, width: int = DESKTOP, locale: str = "en-GB", scheme: str = "light") -> Page:
        """A page in a fresh window, at ``path`` when one is named."""
        context = self.browser.new_context(
            base_url=self.base_url,
            java_script_enabled=js,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            locale=locale,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        context.on("page", self.watch)
        page = context.new_page()
        if path is not None:
            page.goto(path)
        return page

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: script error: {error}"))
        page.on("console", lambda message: self.heed_console(page, message))
        page.on("response", lambda response: self.heed_response(page, response))
        page.on("request", lambda request: self.heed_request(page, request))

    def heed_console(self, page: Page, message: ConsoleMessage) -> None:
        is_about_a_status = message.text.startswith("Failed to load resource")  # judged by heed_response, which knows of what
        if message.type == "error" and not is_about_a_status:
            self.problems.append(f"{page.url}: console: {message.text}")

    def heed_response(self, page: Page, response: Response) -> None:
        is_part_of_page = response.request.resource_type not in {"document", "fetch", "xhr"}
        if response.status >= 400 and is_part_of_page:
            self.problems.append(f"{page.url}: {response.url} answered {response.status}")
        if response.status >= 500:
            self.problems.append(f"{page.url}: {response.url} answered {response.status}")

    def heed_request(self, page: Page, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.netloc not in {urlsplit(self.base_url).netloc, *self.others}:
            self.problems.append(f"{page.url}: asks another host: {request.url}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()
