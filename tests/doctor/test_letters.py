"""Will mails be believed? Asked of a real name server on loopback, and of a real mail server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from shop.clock import now
from shop.doctor import letters
from tests.doctor.test_front import certificate
from tests.servers import free_port

RECORDS: dict[str, list[str]] = {}


def answer(sock: socket.socket) -> None:
    """A small name server: TXT records of RECORDS, and no such name."""
    while True:
        wire, who = sock.recvfrom(4096)
        if not wire:
            return
        asked = dns.message.from_wire(wire)
        [question] = asked.question
        reply = dns.message.make_response(asked)
        texts = RECORDS.get(question.name.to_text(omit_final_dot=True).lower())
        if texts is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif texts and question.rdtype == dns.rdatatype.TXT:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *(f'"{text}"' for text in texts)))
        sock.sendto(reply.to_wire(), who)


@pytest.fixture(scope="module")
def name_server() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=answer, args=(sock,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{sock.getsockname()[1]}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", sock.getsockname())
        thread.join()


@pytest.fixture
def set_config(context, monkeypatch, name_server):
    def change(**values: object) -> None:
        known = {"dns_server": name_server, "mail_from": "hello@mail.shop.example", "mail_url": "smtp://127.0.0.1:1"}
        monkeypatch.setitem(context.extensions, "config", replace(context.extensions["config"], **{**known, **values}))

    RECORDS.clear()
    change()
    return change


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        (["v=spf1 include:mail.example -all", "google-site-verification=x"], "ok", "-all"),
        (["v=spf1 redirect=mail.example"], "ok", ""),
        (["v=spf1 mx ?all"], "warn", "others"),
        (["v=spf1 +all"], "fail", "everybody"),
        (["v=spf1 a -all", "v=spf1 mx -all"], "fail", "2 SPF records"),
        ([f"v=spf1 {' '.join(f'include:a{n}.example' for n in range(11))} -all"], "fail", "look-ups"),
        (["some other text"], "fail", "does not say"),
        (None, "fail", "does not say"),
    ],
)
def test_who_may_send_for_the_domain(set_config, records, state, words):
    if records is not None:
        RECORDS["mail.shop.example"] = records

    finding = letters.check_spf(now())

    assert (finding.state.value, words in finding.found, bool(finding.cure)) == (state, True, state != "ok"), finding


@pytest.mark.parametrize(
    ("selector", "records", "state"),
    [
        ("s1", ["v=DKIM1; k=rsa; p=MIGfMA0"], "ok"),
        ("s1", ["v=DKIM1; p="], "fail"),
        ("s1", None, "fail"),
        ("", None, "warn"),
    ],
)
def test_the_key_that_signs(set_config, selector, records, state):
    set_config(mail_dkim_selector=selector)
    if records:
        RECORDS["s1._domainkey.mail.shop.example"] = records

    finding = letters.check_dkim(now())

    assert (finding.state.value, bool(finding.cure)) == (state, state != "ok"), finding


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ({"_dmarc.mail.shop.example": ["v=DMARC1; p=reject"]}, "ok"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=quarantine; rua=mailto:a@shop.example"]}, "ok"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=none"]}, "warn"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=maybe"]}, "fail"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "fail"),
        ({}, "fail"),
    ],
)
def test_what_becomes_of_forged_mails(set_config, records, state):
    RECORDS.update(records)

    finding = letters.check_dmarc(now())

    assert (finding.state.value, bool(finding.cure)) == (state, state != "ok"), finding


def test_without_a_connection_nothing_fails_and_nobody_waits_long(set_config, monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        set_config(dns_server=f"127.0.0.1:{silent.getsockname()[1]}", mail_dkim_selector="s1")
        monkeypatch.setattr(letters, "PATIENCE_S", 0.2)

        findings = [check(now()) for check in (letters.check_spf, letters.check_dkim, letters.check_dmarc)]

    assert [finding.state.value for finding in findings] == ["warn"] * 3
    assert "SHOP_DNS_SERVER" in findings[0].cure


def test_mails_that_stay_in_the_house_are_asked_nothing(set_config):
    set_config(mail_url="file:///tmp/mail")

    assert [check(now()).state.value for check in letters.CHECKS.values()] == ["ok"] * 4
    set_config(mail_url="file:///tmp/mail", env="production")
    assert letters.check_mail(now()).state.value == "fail"


# The mail server


@contextmanager
def mail_server(**how: Any) -> Iterator[str]:
    server = Controller(object(), hostname="127.0.0.1", port=free_port(), **how)
    server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop()


def encrypted(tmp_path: Any) -> dict[str, Any]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(tmp_path, 90))
    return {"tls_context": context}


def test_a_mail_server_that_encrypts_and_one_that_does_not(set_config, tmp_path, monkeypatch):
    with mail_server(**encrypted(tmp_path)) as there:
        set_config(mail_url=f"smtp://{there}")
        assert "certificate" in letters.check_mail(now()).found
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert letters.check_mail(now()).state.value == "ok"
    with mail_server() as there:
        set_config(mail_url=f"smtp://{there}")
        assert letters.check_mail(now()).state.value == "warn"
    assert letters.check_mail(now()).state.value == "fail"


def test_a_password_that_the_mail_server_refuses_is_told_and_never_shown(set_config):
    def refuse(*_args: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with mail_server(authenticator=refuse, auth_require_tls=False) as there:
        set_config(mail_url=f"smtp://ana:very-secret@{there}")
        finding = letters.check_mail(now())

    assert (finding.state.value, "MAIL_URL" in finding.cure) == ("fail", True)
    assert "very-secret" not in str(finding)
