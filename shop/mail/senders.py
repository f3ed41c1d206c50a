"""How a mail leaves: as a file in a folder, through an SMTP server or through Amazon SES. ``MAIL_URL`` says which."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from config_amazon import Account
from shop.mail.models import Mail
from shop.mail.sealed import open_seals
from shop.observe.trace import request_id

if TYPE_CHECKING:
    from email.message import EmailMessage


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
        from email.headerregistry import Address  # only who sends needs the library of mails
        from email.message import EmailMessage
        from email.policy import SMTP
        from email.utils import format_datetime

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
        if number := request_id():
            message["X-Request-ID"] = number
        message.set_content(open_seals(mail.text, mail.recipient))
        message.add_alternative(open_seals(mail.html, mail.recipient), subtype="html")
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


def make_sender(mail_url: str, mail_from: str, base_url: str, amazon: Account | None = None) -> Sender:
    """The sender that ``MAIL_URL`` names; ``amazon`` is what SES is asked with."""
    letterhead = Letterhead(mail_from, urlsplit(base_url).hostname or "localhost")
    if mail_url.startswith("file:"):
        return FileSender(Path(unquote(urlsplit(mail_url).path)), letterhead)
    if mail_url.startswith("ses:"):
        from shop.mail.ses import SesSender

        return SesSender(mail_url, letterhead, amazon or Account())
    from shop.mail.smtp import SmtpSender

    return SmtpSender(mail_url, letterhead)
