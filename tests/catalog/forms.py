"""Sending forms as a browser does: with everything that the page put into them."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart


class Form(HTMLParser):
    """The fields of the form with this action, and what they hold."""

    def __init__(self, html: str, action: str) -> None:
        super().__init__()
        self.action, self.inside, self.select, self.area = action, False, "", ""
        self.fields: dict[str, list[str]] = {}
        self.found = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("action") == self.action and given.get("method") == "post"
            self.found = self.found or self.inside
        if not self.inside:
            return
        if tag == "input" and "name" in given and given.get("type") != "file":
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.fields.setdefault(given["name"], []).append(given.get("value", ""))
        elif tag == "select":
            self.select = given["name"]
        elif tag == "option" and self.select and ("selected" in given or self.select not in self.fields):
            self.fields[self.select] = [given.get("value", "")]
        elif tag == "textarea":
            self.area = given["name"]
            self.fields[self.area] = [""]

    def handle_data(self, data: str) -> None:
        if self.inside and self.area:
            self.fields[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = ""
        elif tag == "textarea" and self.area:
            self.fields[self.area][0] = self.fields[self.area][0].removeprefix("\n").replace("\n", "\r\n")
            self.area = ""


def open_form(client: FlaskClient, page: str, action: str | None = None) -> dict[str, Any]:
    """The fields of the form on the page that posts to ``action`` (or to the page itself)."""
    answer = client.get(page)
    assert answer.status_code == 200, answer.text
    return read_form(answer, action or page)


def read_form(answer: TestResponse, action: str) -> dict[str, Any]:
    form = Form(answer.text, action)
    assert form.found, f"no form posts to {action}"
    return dict(form.fields)


def send(client: FlaskClient, page: str, action: str | None = None, **typed: Any) -> TestResponse:
    """Open the page, type something, send it."""
    fields = {**open_form(client, page, action), **typed}
    if not any(_is_file(value) for value in typed.values()):
        return client.post(action or page, data=fields)
    boundary, body = encode_multipart(MultiDict([(name, one) for name, value in fields.items() for one in _each(value)]))
    return client.post(action or page, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def _is_file(value: Any) -> bool:
    return isinstance(_each(value)[0], FileStorage)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def file(content: bytes, name: str) -> FileStorage:
    """A file that somebody chose."""
    return FileStorage(io.BytesIO(content), name)
