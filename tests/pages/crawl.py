"""Walk through the shop as a visitor would and keep one page of each kind, so that no page escapes the judges.

A kind is an endpoint in a language; forms sent empty give the pages with errors. What no link leads to is named in ``test_pages.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import APIRequestContext, APIResponse

ENOUGH = 400  # pages asked for by one visitor: a world of this size has fewer kinds by far


@dataclass(frozen=True)
class Seen:
    """A page as it was answered."""

    kind: str
    path: str
    status: int
    html: str


@dataclass
class Form:
    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)
    wants_something: bool = False


class Page(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given and "download" not in given:
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in {"input", "select", "textarea"} and self.forms and "name" in given:
            self.note_field(self.forms[-1], given)

    def note_field(self, form: Form, given: dict[str, str]) -> None:
        if given.get("type") == "hidden":
            form.hidden[given["name"]] = given.get("value", "")
        elif given.get("type") not in {"checkbox", "radio", "submit", "button", "file"}:
            form.empty[given["name"]] = ""
            form.wants_something = form.wants_something or "required" in given


def walk(
    visitor: APIRequestContext, starts: Iterable[str], kind_of: Callable[[str], str | None], *, goes_on: bool = True
) -> dict[str, Seen]:
    """One page of each kind that links lead to from ``starts``, or of the starts alone. ``kind_of`` a path is None where no page is to be had."""
    found: dict[str, Seen] = {}
    waiting = deque(starts)
    met = set(waiting)
    asked = 0
    while waiting and asked < ENOUGH:
        path = waiting.popleft()
        kind = kind_of(path)
        if kind is None or kind in found:
            continue
        asked += 1
        answer = visitor.get(path)
        if not is_page(answer):
            continue
        path = path_of(answer.url)
        seen = Seen(kind_of(path) or kind, path, answer.status, answer.text())
        found.setdefault(seen.kind, seen)
        for link in Page(seen.html).links if goes_on else ():
            target = path_of(urljoin(answer.url, link))
            if urlsplit(urljoin(answer.url, link)).netloc == urlsplit(answer.url).netloc and target not in met:
                met.add(target)
                waiting.append(target)
    return found


def send_forms_empty(visitor: APIRequestContext, pages: Iterable[Seen], kind_of: Callable[[str], str | None]) -> dict[str, Seen]:
    """The pages that say what is missing, for each form that wants something."""
    found: dict[str, Seen] = {}
    for seen in pages:
        for form in Page(seen.html).forms:
            action = urljoin(seen.path, form.action)
            if form.method != "post" or not form.wants_something or f"{kind_of(seen.path)} sent empty" in found:
                continue
            answer = visitor.post(action, form={**form.hidden, **form.empty}, max_redirects=0)
            if is_page(answer) and answer.status == 422:
                kind = f"{kind_of(seen.path)} sent empty"
                found[kind] = Seen(kind, seen.path, answer.status, answer.text())
    return found


def is_page(answer: APIResponse) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html")


def path_of(url: str) -> str:
    parts = urlsplit(urldefrag(url).url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
