"""A desk in the back office for tests: pages as staff sees them, buttons pressed as staff presses them."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import log_in, make_user

FORM = re.compile(r"<form\b(?P<head>[^>]*)>(?P<body>.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<(?:input|textarea|select)\b[^>]*>", re.DOTALL)
ATTRIBUTE = re.compile(r'([a-z_-]+)="([^"]*)"')


class Desk:
    """Somebody of the staff with a browser without JavaScript."""

    def __init__(self, client: FlaskClient, email: str = "nuria@example.com", role: str = "staff") -> None:
        self.client, self.email = client, email
        make_user(email, name=email.partition("@")[0].title(), role=role)
        log_in(client, email)

    def see(self, path: str) -> str:
        """The text of a page, which must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def press(self, page: str, action: str, **typed: object) -> TestResponse:
        """Send the form of ``page`` that goes to ``action``, with its fields as they stand there, some of them typed anew."""
        return self.client.post(
            action, data={**fields_of(page, action), **{name.replace("__", "-"): value for name, value in typed.items()}}
        )


def fields_of(page: str, action: str) -> dict[str, str]:
    """The fields of the form with that action, by name."""
    for match in FORM.finditer(page):
        if html.unescape(dict(ATTRIBUTE.findall(match["head"])).get("action", "")) == action:
            found = [dict(ATTRIBUTE.findall(field)) for field in FIELD.findall(match["body"])]
            return {html.unescape(field["name"]): html.unescape(field.get("value", "")) for field in found if "name" in field}
    raise AssertionError(f"no form for {action} on the page")


def offers(page: str, action: str) -> bool:
    """Is there a form, or a link, to that action?"""
    return f'action="{action}"' in page or f'href="{action}"' in page


def words(page: str) -> str:
    """What a person reads on the page."""
    main = page.partition("<main")[2] or page
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())
