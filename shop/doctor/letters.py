"""Do mails leave, and will they be believed? The server, then what the domain of the sender says of itself: SPF, DKIM, DMARC.

Source: RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from datetime import datetime
from typing import TYPE_CHECKING

from flask import current_app

from config import Config
from shop.doctor import Check, Finding, fail, ok, warn
from shop.mail.senders import make_sender

if TYPE_CHECKING:
    from dns.resolver import Resolver

PATIENCE_S = 3.0
MOST_LOOKUPS = 10
LOOKS_UP = re.compile(r"[-+~?]?(include:|a\b|mx\b|ptr\b|exists:)|redirect=", re.IGNORECASE)


class Silent(Exception):
    """No name server answered."""


def check_mail(_at: datetime) -> Finding:
    """The server takes us and encrypts; nothing is sent."""
    config = _config()
    if config.mail_url.startswith("file:"):
        state = "mails are written to files: customers get none"
        cure = "set MAIL_URL, such as smtp://user:password@host:587"
        return fail("mail", state, cure) if config.is_production else ok("mail", state)
    sender = make_sender(config.mail_url, config.mail_from, config.base_url)
    greet = getattr(sender, "greet", None)
    if greet is None:
        return ok("mail", f"mails leave by {config.mail_url.partition(':')[0]}; its page at /admin/outbox tells what failed")
    try:
        is_encrypted = greet()
    except (OSError, smtplib.SMTPException) as problem:
        return fail("mail", *_refusal(problem))
    if not is_encrypted:
        return warn("mail", "the mail server offers no encryption", "use smtps://…:465 or a server with STARTTLS, and add ?tls=required")
    return ok("mail", "the mail server takes us and encrypts")


def _refusal(problem: Exception) -> tuple[str, str]:
    """What the mail server means, and what cures it."""
    if isinstance(problem, ssl.SSLError):
        return f"the certificate of the mail server is not good: {problem}", "use the name that its certificate is for"
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return "the mail server refuses user and password", "correct them in MAIL_URL (special letters as %40 and the like)"
    return f"the mail server does not take us: {problem}", "correct MAIL_URL; many networks close port 25: use 587 or smtps://…:465"


def check_spf(_at: datetime) -> Finding:
    domain = _domain()
    cure = f'publish one TXT record at {domain} that names your mail server, such as "v=spf1 include:your-mail-provider.example -all"'
    if not domain:
        return ok("spf", "mails leave no house: nobody asks")
    try:
        found = [words for words in _texts(domain) if words.lower().split(" ")[0] == "v=spf1"]
    except Silent as silence:
        return _silent("spf", silence)
    if len(found) != 1:
        many = f"has {len(found)} SPF records: receivers take that as an error" if found else "does not say who may send for it (SPF)"
        return fail("spf", f"{domain} {many}", cure)
    return _judge_spf(domain, found[0], cure)


def _judge_spf(domain: str, record: str, cure: str) -> Finding:
    words = record.lower().split()
    if sum(bool(LOOKS_UP.match(word)) for word in words) > MOST_LOOKUPS:
        return fail("spf", f"the SPF record of {domain} asks for more than {MOST_LOOKUPS} look-ups: receivers give up", "shorten it")
    if {"+all", "all"} & set(words):
        return fail("spf", f"the SPF record of {domain} lets everybody send (+all)", cure)
    if not any(word.startswith("redirect=") for word in words) and not {"-all", "~all"} & set(words):
        return warn("spf", f"the SPF record of {domain} says nothing of others", "end it with -all")
    return ok("spf", f"{domain}: {record}")


def check_dkim(_at: datetime) -> Finding:
    """A key can be looked up only under its selector."""
    domain, selector = _domain(), _config().mail_dkim_selector
    if not domain:
        return ok("dkim", "mails leave no house: nobody asks")
    if not selector:
        return warn(
            "dkim",
            "which DKIM key signs the mails is not known here",
            "set MAIL_DKIM_SELECTOR to the selector that your mail provider names",
        )
    name = f"{selector}._domainkey.{domain}"
    try:
        found = [_tags(words) for words in _texts(name)]
    except Silent as silence:
        return _silent("dkim", silence)
    keys = [tags for tags in found if "p" in tags]
    if not keys:
        return fail("dkim", f"there is no key at {name}", "publish the TXT or CNAME record that your mail provider names")
    if not keys[0]["p"]:
        return fail("dkim", f"the key at {name} was withdrawn (p= is empty)", "publish the current one, or correct MAIL_DKIM_SELECTOR")
    return ok("dkim", f"there is a key at {name}")


def check_dmarc(_at: datetime) -> Finding:
    """At the domain, else at those above it, as receivers look for it."""
    domain = _domain()
    if not domain:
        return ok("dmarc", "mails leave no house: nobody asks")
    labels = domain.split(".")
    try:
        for place in (".".join(labels[cut:]) for cut in range(max(1, len(labels) - 1))):
            found = [tags for tags in map(_tags, _texts(f"_dmarc.{place}")) if tags.get("v") == "DMARC1"]
            if found:
                return _judge_dmarc(place, found)
    except Silent as silence:
        return _silent("dmarc", silence)
    return fail(
        "dmarc",
        f"{domain} has no DMARC policy: large mailboxes refuse or hide its mails",
        f'publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=quarantine"',
    )


def _judge_dmarc(place: str, found: list[dict[str, str]]) -> Finding:
    if len(found) > 1 or found[0].get("p", "").lower() not in {"none", "quarantine", "reject"}:
        return fail("dmarc", f"the DMARC policy of {place} is not readable", 'publish exactly one, such as "v=DMARC1; p=quarantine"')
    if found[0]["p"].lower() == "none":
        return warn(
            "dmarc", f"the DMARC policy of {place} is p=none: forged mails of the shop arrive", "when SPF and DKIM pass, say p=quarantine"
        )
    return ok("dmarc", f"{place}: p={found[0]['p']}")


def _config() -> Config:
    config: Config = current_app.extensions["config"]
    return config


def _domain() -> str:
    """Whose mails are sent, or "" where they stay on this machine."""
    config = _config()
    return "" if config.mail_url.startswith("file:") else config.mail_from.rpartition("@")[2].lower()


def _silent(check: str, silence: Silent) -> Finding:
    return warn(check, f"could not be looked up: {silence}", "ask again with a connection, or name a name server in SHOP_DNS_SERVER")


def _tags(words: str) -> dict[str, str]:
    """``v=DMARC1; p=none`` as a dictionary."""
    pairs = (part.partition("=") for part in words.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _texts(name: str) -> list[str]:
    """The TXT records at a name; none where there is no such name.

    Raises:
        Silent: nobody answered in time.
    """
    import dns.exception
    import dns.resolver

    try:
        answer = _resolver().resolve(name, "TXT", lifetime=PATIENCE_S, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as problem:
        raise Silent(str(problem).splitlines()[0][:200] or type(problem).__name__) from None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _resolver() -> Resolver:
    import dns.resolver

    wanted = _config().dns_server
    if not wanted:
        return dns.resolver.Resolver()
    host, _, port = wanted.partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port or 53)
    return resolver


CHECKS: dict[str, Check] = {"mail": check_mail, "spf": check_spf, "dkim": check_dkim, "dmarc": check_dmarc}
