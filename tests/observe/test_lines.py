"""A record is one line that nobody can forge, and that says nothing of people."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from shop.auth.models import User
from shop.db import transaction
from shop.observe import scrub as scrubbing
from shop.observe.lines import HumanLines, JsonLines
from shop.observe.scrub import keep_secret, scrub
from shop.observe.trace import following


def record(
    message: str, *args: object, name: str = "shop.web", facts: dict[str, Any] | None = None, error: bool = False
) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, sys.exc_info() if error else None)
    made.created = 1_795_000_000.5
    if facts:
        made.facts = facts
    return made


def test_a_line_for_programs_holds_the_moment_the_request_and_the_facts():
    with following("probe-1234", "wine"):
        line = json.loads(JsonLines().format(record("order.placed", name="shop.fact", facts={"subject": "order:7"})))

    assert line == {
        "time": "2026-11-18T11:06:40.500Z",
        "level": "warning",
        "logger": "shop.fact",
        "message": "order.placed",
        "shop": "wine",
        "request_id": "probe-1234",
        "subject": "order:7",
    }


def test_a_line_for_people_ends_with_the_number_of_the_request():
    with following("probe-1234", "wine"):
        line = HumanLines().format(record("paper %s is late", "INV-1"))

    assert line == "2026-11-18 11:06:40.500Z WARNING shop.web: paper INV-1 is late  [probe-1234]"


@pytest.mark.parametrize("lines", [HumanLines(), JsonLines()], ids=["human", "json"])
def test_what_somebody_typed_makes_no_second_line_and_moves_no_cursor(lines):
    line = lines.format(record("no page called %s", "x\n2026-11-18 ERROR forged\r\x1b[2J\u2028\x9b"))

    assert "\n" not in line
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)


def test_the_lines_of_a_traceback_cannot_pass_for_records():
    try:
        raise ValueError("x\n2026-11-18 11:06:40 ERROR forged")
    except ValueError:
        line = HumanLines().format(record("a bug", error=True))

    first, *others = line.split("\n")
    assert first.endswith("a bug")
    assert others
    assert all(other.startswith("    ") for other in others)


@pytest.mark.parametrize(
    "text",
    [
        "550 <lucia@example.com> is unknown",
        "Error handling request /orders/B-1?key=abcdefgh",
        "GET https://shop.example/links/x?token=abcdefgh HTTP/1.1",
        "DETAIL:  Key (name)=(Lucía) already exists.",
        "[SQL: INSERT INTO users VALUES ('Lucía')]",
        "[parameters: ('Lucía',)]",
        "Authorization: Bearer abc.def.ghi",
        "the key sk_live_abcdefgh",
        "card 4242 4242 4242 4242 was refused",
        "Invalid request from ip=203.0.113.9",
        "Invalid request from ip=2001:db8::9",
    ],
)
def test_what_others_write_of_people_is_taken_out(text):
    cleaned = scrub(text)

    assert "‹" in cleaned
    for private in ("lucia", "Lucía", "abcdefgh", "4242", "203.0", "2001:db8", "def.ghi"):
        assert private not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "could not connect to 127.0.0.1:5432",
        "at 2026-11-18 11:06:40.500Z",
        "paper INV-2026-000123",
        "shop/db.py, line 342, in _attempt",
        "version 10.2.3.4",
    ],
)
def test_what_helps_to_find_a_fault_stays(text):
    assert scrub(text) == text


def test_secrets_of_the_shop_are_in_no_line(monkeypatch):
    monkeypatch.setattr(scrubbing, "_secrets", ())
    keep_secret(("a secret of the shop", "another"))

    assert scrub("signed with a secret of the shop, or another") == "signed with ‹secret›, or ‹secret›"


def test_what_a_visitor_sent_is_in_no_line(app: Flask):
    headers = {"User-Agent": "canary-agent", "Referer": "https://elsewhere.example/canary-page", "Cookie": "session=canary-cookie"}
    sent = {"query_string": {"q": "canary query"}, "data": {"name": "Lucía canary"}, "headers": headers}
    with app.test_request_context("/orders/search", method="POST", **sent):
        from flask import request

        assert request.form["name"]
        cleaned = scrub("ValueError: canary query, 'Lucía canary', canary-agent, canary-page, canary-cookie at orders/search")

    assert "canary" not in cleaned
    assert cleaned.endswith("at orders/search")


def test_what_a_delivery_is_about_is_in_no_line():
    with following("", "shop", {"order_id": 7, "note": "Leave it with Lucía Bravo", "lines": ["engraved: Bravo"]}):
        cleaned = scrub("KeyError: 'Leave it with Lucía Bravo' in order 7, engraved: Bravo")

    assert "Lucía" not in cleaned
    assert "Bravo" not in cleaned
    assert "order 7" in cleaned


def test_an_error_of_the_database_does_not_tell_its_parameters(context: Flask):
    name = "canary-7f3a9b1c"
    with pytest.raises(IntegrityError) as caught, transaction() as session:
        for _ in range(2):
            session.add(User(email=f"{name}@example.com", name=name, password_hash=name, role="customer", locale="en"))
            session.flush()

    assert name not in scrub(str(caught.value))
