"""What the shop wrote to somebody, with the links as they left.

In this process ``letters_to(app, "ana@example.com")``; of a shop that runs as a server ``wait_for_link(server.folder, "ana@example.com")``.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from config import Config
from shop import create_app
from shop.auth.models import Ticket
from shop.auth.tickets import token_of
from shop.clock import now
from shop.db import rows, scalar
from shop.mail.models import Mail
from shop.mail.sealed import open_seals
from shop.outbox.courier import deliver_due
from tests.servers import settings

LINK = re.compile(r"https?://\S*(/links/[\w-]+)")


@dataclass(frozen=True)
class Letter:
    """A mail as its reader has it."""

    subject: str
    text: str

    @property
    def path(self) -> str:
        """Where its link leads, without the host."""
        found = LINK.search(self.text)
        assert found, self.text
        return found[1]

    @property
    def token(self) -> str:
        return self.path.rpartition("/")[2]


def letters_to(app: Flask, recipient: str) -> list[Letter]:
    """The mails to somebody, oldest first, after everything that waits was carried."""
    with app.app_context():
        while deliver_due(at=now()).delivered:
            pass
        found = rows(select(Mail.subject, Mail.text).where(Mail.recipient == recipient).order_by(Mail.id))
        return [Letter(mail.subject, open_seals(mail.text, recipient)) for mail in found]


def letters_in(folder: Path, recipient: str) -> list[Letter]:
    """The same from the files that a running shop wrote."""
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    return [Letter(str(one["Subject"]), one.get_body(("plain",)).get_content()) for one in found if one["To"] == recipient]  # type: ignore[union-attr]


def wait_for_link(instance: Path, recipient: str, subject: str = "", *, patience_s: float = 20) -> str:
    """The path of the link in the newest mail to somebody, once the courier of a running shop has written it."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        letters = [one for one in letters_in(instance / "mail", recipient) if subject in one.subject and LINK.search(one.text)]
        if letters:
            return letters[-1].path
        time.sleep(0.2)
    raise AssertionError(f"no mail {subject!r} with a link to {recipient} within {patience_s:g} s")


def link_token(instance: Path, recipient: str) -> str:
    """The token of the newest link to somebody, by who holds the shop's secret: where no courier runs."""
    app = create_app(Config.from_env(settings(instance, SHOP_COURIER="0")))
    with app.app_context():
        salt = scalar(select(Ticket.salt).where(Ticket.email == recipient).order_by(Ticket.id.desc()).limit(1))
        return token_of(salt)
