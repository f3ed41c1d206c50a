"""Mails leave through Amazon SES as they were written, once; what SES refuses is told from what it cannot do now."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select

from config_amazon import Account
from shop.amazon import new_session
from shop.clock import now
from shop.db import row, rows
from shop.mail.models import Mail, MailAttempt, MailState
from shop.mail.senders import make_sender
from shop.outbox.courier import deliver_due
from tests.mail.test_services import TEMPLATES, write
from tests.servers import Server

SENDER = "hello@bodega.example"


@pytest.fixture
def shop(context: Flask, amazon: Server) -> Iterator[Flask]:
    """A shop that sends by SES, with a small message of its own."""
    from jinja2 import ChoiceLoader, DictLoader

    loader, sender = context.jinja_env.loader, context.extensions["mail"]
    context.jinja_env.loader = ChoiceLoader([DictLoader(TEMPLATES), loader])
    context.extensions["mail"] = make_sender("ses://eu-west-1", SENDER, "http://127.0.0.1")
    yield context
    context.jinja_env.loader, context.extensions["mail"] = loader, sender


def verify(address: str) -> None:
    new_session(Account()).client("sesv2", "eu-west-1").create_email_identity(EmailIdentity=address)


def letters(server: Server) -> list[str]:
    """What the local SES took in, as it was written."""
    kept = json.loads(server.get("/moto-api/data.json").text)
    return [message["raw_data"] for message in kept["ses"]["RawMessage"]]


class Answering(BaseHTTPRequestHandler):
    """Somebody in the place of SES who answers as told, or falls silent with the letter in hand."""

    answer: tuple[int, str, str] | None = None
    heard: list[dict[str, object]] = []

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, code, message = self.answer
        body = json.dumps({"message": message} if code else {"MessageId": "1"}).encode()
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def ses_that(
    answer: tuple[int, str, str] | None, shop: Flask, monkeypatch: pytest.MonkeyPatch, query: str = ""
) -> Iterator[type[Answering]]:
    """Put somebody in the place of SES; gives them, with what they heard."""
    handler = type("Told", (Answering,), {"answer": answer, "heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    shop.extensions["mail"] = make_sender(f"ses://eu-west-1{query}", SENDER, "http://127.0.0.1")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def state() -> MailState:
    return row(select(Mail.state)).state


def last_error() -> str:
    return rows(select(MailAttempt.error).order_by(MailAttempt.id))[-1].error


def test_a_mail_leaves_as_it_was_written_and_once(shop, amazon):
    verify(SENDER)
    write()

    deliver_due(at=now())
    deliver_due(at=now() + timedelta(days=1))

    assert state() is MailState.SENT
    [letter] = letters(amazon)
    message = email.message_from_string(letter, policy=policy.default)
    assert (message["To"], message["From"], message["Subject"]) == ("ana@example.com", SENDER, "Attempts: <Ana>")
    assert message.get_body(("plain",)).get_content().strip() == "Hello <Ana>"


def test_a_sender_that_ses_does_not_know_is_said_clearly_and_the_mail_waits(shop):
    write()

    deliver_due(at=now())

    assert state() is MailState.WAITING
    assert "verify hello@bodega.example or its domain at SES in eu-west-1" in last_error()

    verify(SENDER)
    deliver_due(at=now() + timedelta(days=1))

    assert state() is MailState.SENT


LATER, REFUSED = MailState.WAITING, MailState.FAILED
SANDBOX = "Email address is not verified. The following identities failed the check in region EU-WEST-1: ana@example.com"
ANSWERS = [
    ((429, "TooManyRequestsException", "Maximum sending rate exceeded."), LATER, "TooManyRequests"),
    ((400, "LimitExceededException", "Daily message quota exceeded."), LATER, "LimitExceeded"),
    ((500, "InternalServiceErrorException", "sorry"), LATER, "InternalService"),
    ((400, "MessageRejected", SANDBOX), LATER, "sandbox"),
    ((400, "AccountSuspendedException", "no"), LATER, "suspended"),
    ((403, "AccessDeniedException", "no"), LATER, "ses:SendRawEmail"),
    ((404, "NotFoundException", "Configuration set <shop> does not exist."), LATER, "MAIL_URL"),
    ((400, "MessageRejected", "Message contains a virus"), REFUSED, "virus"),
    ((400, "BadRequestException", "Illegal address"), REFUSED, "Illegal address"),
]


def test_what_is_refused_for_good_is_told_from_what_works_later(shop, monkeypatch):
    with ses_that(None, shop, monkeypatch) as ses:
        for number, (answer, wanted, words) in enumerate(ANSWERS):
            ses.answer = answer
            mail_id = write(cause=f"{number}:probe")
            deliver_due(at=now())

            assert row(select(Mail.state).where(Mail.id == mail_id)).state is wanted, answer
            assert words in last_error()
            assert len(ses.heard) == number + 1, "boto3 must not repeat by itself"


def test_silence_after_the_letter_is_never_answered_by_a_second_one(shop, monkeypatch):
    with ses_that(None, shop, monkeypatch) as ses:
        write()
        deliver_due(at=now())
        deliver_due(at=now() + timedelta(days=1))

    assert len(ses.heard) == 1
    assert state() is MailState.MAYBE_SENT


def test_nobody_there_means_later(shop, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    shop.extensions["mail"] = make_sender("ses://eu-west-1", SENDER, "http://127.0.0.1")
    write()

    deliver_due(at=now())

    assert state() is MailState.WAITING
    assert "EndpointConnectionError" in last_error()


def test_no_keys_mean_later_and_are_named(shop, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    write()

    deliver_due(at=now())

    assert state() is MailState.WAITING
    assert "NoCredentialsError" in last_error()


def test_the_configuration_set_goes_along(shop, monkeypatch):
    with ses_that((200, "", ""), shop, monkeypatch, "?configuration_set=shop-mails") as ses:
        write()
        deliver_due(at=now())

    assert state() is MailState.SENT
    assert ses.heard[0]["ConfigurationSetName"] == "shop-mails"
    assert ses.heard[0]["Destination"] == {"ToAddresses": ["ana@example.com"]}
