"""Mails through an SMTP server; loaded by the shops that have one."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from shop.mail.models import Mail
from shop.mail.senders import Letterhead, Refused, Unsure

TIMEOUT_S = 15


class _Careful(smtplib.SMTP):
    """Tells silence after the letter from silence before it."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        try:
            return super().data(msg)
        except (smtplib.SMTPServerDisconnected, OSError) as silence:
            raise Unsure(f"{type(silence).__name__}: {silence}") from silence


class _Line(_Careful):
    """A plain line, encrypted when the server offers it."""


class _EncryptedLine(_Careful, smtplib.SMTP_SSL):
    """A line that is encrypted from its first word on."""


class SmtpSender:
    """``smtp://user:password@host:587`` (encrypted when the server offers it, ``?tls=required`` insists) or ``smtps://host:465``."""

    def __init__(self, url: str, letterhead: Letterhead) -> None:
        self.url, self.letterhead = urlsplit(url), letterhead
        self.must_encrypt = parse_qs(self.url.query).get("tls") == ["required"]

    def send(self, mail: Mail) -> None:
        server = self._connect()
        try:
            server.send_message(self.letterhead.message(mail))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            if _is_final(error):
                raise Refused(str(error)) from error
            raise
        finally:
            _take_leave(server)

    def greet(self) -> bool:
        """Connect, sign in and leave without a mail; gives whether the line is encrypted."""
        server = self._connect()
        try:
            return isinstance(server.sock, ssl.SSLSocket)
        finally:
            _take_leave(server)

    def _connect(self) -> smtplib.SMTP:
        host, context = self.url.hostname or "localhost", ssl.create_default_context()
        if self.url.scheme == "smtps":
            server: smtplib.SMTP = _EncryptedLine(host, self.url.port or 465, timeout=TIMEOUT_S, context=context)
        else:
            server = _Line(host, self.url.port or 587, timeout=TIMEOUT_S)
        try:
            self._present(server, context)
        except BaseException:
            server.close()
            raise
        return server

    def _present(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Encrypt the line, then say who we are."""
        if self.url.scheme != "smtps":
            server.ehlo()
            if self.must_encrypt or server.has_extn("starttls"):
                server.starttls(context=context)
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))


def _take_leave(server: smtplib.SMTP) -> None:
    """By now the server has the mail or has refused it: what it answers to the farewell must not make us send it twice."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _is_final(error: smtplib.SMTPException) -> bool:
    """5xx is for good, 4xx for now. Source: RFC 5321, section 4.2.1."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500
