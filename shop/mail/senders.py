"""How a mail leaves: as a file in a folder, or through an SMTP server. ``MAIL_URL`` says which."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from shop.mail.models import Mail

TIMEOUT_S = 15


class Refused(Exception):
    """The server refuses this mail for good: asking again would not help."""


class Unsure(Exception):
    """The server fell silent after it got the mail: it may have it, and asking again may send it twice."""


class Sender(Protocol):
    """Takes one mail at a time; raises ``Refused`` for good, ``Unsure`` when nobody knows, anything else for now."""

    def send(self, mail: Mail) -> None:
        """Hand it over."""


class Letterhead:
    """Makes the message: from the shop, in text and HTML, with an id of its own that stays the same at every try."""

    def __init__(self, sender: str, host: str) -> None:
        self.sender, self.host = sender, host

    def message(self, mail: Mail) -> EmailMessage:
        name = "".join(char for char in mail.subject if char.isprintable())
        user, _, domain = self.sender.rpartition("@")
        message = EmailMessage(policy=SMTP)
        message["Subject"] = name
        message["From"] = Address(display_name="", username=user, domain=domain)
        message["To"] = mail.recipient
        message["Date"] = format_datetime(mail.created_at)
        message["Message-ID"] = f"<mail-{mail.id}@{self.host}>"
        message["Content-Language"] = mail.locale
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


class FileSender:
    """Writes ``<id>.eml``; the same mail twice is the same file."""

    def __init__(self, folder: Path, letterhead: Letterhead) -> None:
        self.folder, self.letterhead = folder, letterhead

    def send(self, mail: Mail) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".{mail.id}.part"
        beside.write_bytes(self.letterhead.message(mail).as_bytes())
        beside.replace(self.folder / f"{mail.id:06d}.eml")


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

    def _connect(self) -> smtplib.SMTP:
        host, context = self.url.hostname or "localhost", ssl.create_default_context()
        if self.url.scheme == "smtps":
            server: smtplib.SMTP = _EncryptedLine(host, self.url.port or 465, timeout=TIMEOUT_S, context=context)
        else:
            server = _Line(host, self.url.port or 587, timeout=TIMEOUT_S)
            server.ehlo()
            if self.must_encrypt or server.has_extn("starttls"):
                server.starttls(context=context)
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))
        return server


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


def make_sender(mail_url: str, mail_from: str, base_url: str) -> Sender:
    """The sender that ``MAIL_URL`` names."""
    letterhead = Letterhead(mail_from, urlsplit(base_url).hostname or "localhost")
    if mail_url.startswith("file:"):
        return FileSender(Path(unquote(urlsplit(mail_url).path)), letterhead)
    return SmtpSender(mail_url, letterhead)
