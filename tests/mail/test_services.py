"""A mail is written once per cause, leaves when a server takes it, and is never sent twice."""

from __future__ import annotations

import email
import socket
from email import policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select, update

from shop.clock import now
from shop.db import row, rows, transaction
from shop.errors import IllegalMove
from shop.mail.models import Mail, MailAttempt, MailState
from shop.mail.senders import make_sender
from shop.mail.services import queue_mail, resend_mail
from shop.outbox.courier import deliver_due

TEMPLATES = {
    "probe.subject.txt": "{{ _('Attempts') }}: {{ word }}",
    "probe.txt": "Hello {{ word }}",
    "probe.html": "<html lang='{{ locale }}'><head><style>p{color:red}</style></head><body><p>{{ word }}</p></body></html>",
}


@pytest.fixture
def shop(context: Flask, tmp_path: Path):
    """A shop that writes its mails to files, with a small message of its own."""
    from jinja2 import ChoiceLoader, DictLoader

    loader, sender = context.jinja_env.loader, context.extensions["mail"]
    context.jinja_env.loader = ChoiceLoader([DictLoader(TEMPLATES), loader])
    context.extensions["mail"] = make_sender(f"file://{tmp_path}", "hello@bodega.example", "http://127.0.0.1")
    yield context
    context.jinja_env.loader, context.extensions["mail"] = loader, sender


class Box:
    """A mail server's hands: keeps what it is given, answers as told."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.answer = "250 OK"
        self.farewell = "221 Bye"

    async def handle_QUIT(self, _server, _session, _envelope):  # noqa: N802
        return self.farewell

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        if self.answer == "silence":
            self.kept.append(envelope.content)
            server.transport.abort()
        if self.answer.startswith("250"):
            self.kept.append(envelope.content)
        return self.answer


@pytest.fixture
def smtp(shop: Flask):
    """A real SMTP server on loopback."""
    box = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    shop.extensions["mail"] = make_sender(f"smtp://127.0.0.1:{port}", "hello@bodega.example", "http://127.0.0.1")
    yield box
    server.stop()


def write(cause="1:probe", word="<Ana>"):
    return queue_mail(
        cause=cause, recipient="ana@example.com", locale="en", template="probe", about="order:1", at=now(), context={"word": word}
    )


def test_a_mail_has_text_and_html_and_leaves_as_a_file(shop, tmp_path):
    write()

    deliver_due(at=now())

    [path] = tmp_path.glob("*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["To"] == "ana@example.com"
    assert message["Subject"] == "Attempts: <Ana>"
    assert message.get_body(("plain",)).get_content().strip() == "Hello <Ana>"
    assert '<p style="color: red' in message.get_body(("html",)).get_content()
    assert "&lt;Ana&gt;" in message.get_body(("html",)).get_content()


def test_one_cause_writes_once(shop):
    assert write() is not None
    assert write() is None

    assert len(rows(select(Mail.id))) == 1


def test_a_server_that_is_busy_is_asked_again_and_the_mail_arrives_once(smtp):
    write()
    smtp.answer = "451 later"
    deliver_due(at=now())
    assert row(select(Mail.state)).state == MailState.WAITING

    smtp.answer = "250 OK"
    deliver_due(at=now().replace(year=now().year + 1))
    deliver_due(at=now().replace(year=now().year + 1))

    assert len(smtp.kept) == 1
    assert row(select(Mail.state)).state == MailState.SENT
    assert [bool(attempt.error) for attempt in rows(select(MailAttempt.error).order_by(MailAttempt.id))] == [True, False]


def test_a_refusal_for_good_is_not_repeated_but_staff_may_send_again(smtp):
    mail_id = write()
    smtp.answer = "550 no such person"
    deliver_due(at=now())
    assert row(select(Mail.state)).state == MailState.FAILED

    smtp.answer = "250 OK"
    resend_mail(mail_id, at=now())
    deliver_due(at=now())

    assert len(smtp.kept) == 1
    with pytest.raises(IllegalMove):
        resend_mail(mail_id, at=now())


def test_a_server_that_stumbles_over_the_farewell_has_the_mail_all_the_same(smtp):
    write()
    smtp.farewell = "421 too many connections"

    deliver_due(at=now())
    deliver_due(at=now().replace(year=now().year + 1))

    assert len(smtp.kept) == 1
    assert row(select(Mail.state)).state == MailState.SENT


def test_a_server_that_falls_silent_with_the_mail_in_hand_is_not_given_a_second_one(smtp):
    write()
    smtp.answer = "silence"
    deliver_due(at=now())

    smtp.answer = "250 OK"
    deliver_due(at=now().replace(year=now().year + 1))

    assert len(smtp.kept) == 1
    assert row(select(Mail.state)).state == MailState.MAYBE_SENT


def test_a_mail_whose_courier_died_is_not_sent_again_by_itself(smtp):
    write()
    with transaction() as session:
        session.execute(update(Mail).values(state=MailState.SENDING))

    deliver_due(at=now())

    assert smtp.kept == []
    assert row(select(Mail.state)).state == MailState.MAYBE_SENT


def test_line_breaks_in_a_subject_add_no_header(shop, tmp_path):
    write(word="Ana\r\nBcc: eve@example.com")

    deliver_due(at=now())

    [path] = tmp_path.glob("*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Attempts: Ana Bcc: eve@example.com"


def test_the_post_box_shows_the_mail(shop, client):
    mail_id = write()

    assert "Attempts: &lt;Ana&gt;" in client.get("/dev/mail").text
    assert "Hello &lt;Ana&gt;" in client.get(f"/dev/mail/{mail_id}").text
    page = client.get(f"/dev/mail/{mail_id}.html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.get("/dev/mail/99999999999999999999").status_code == 404
