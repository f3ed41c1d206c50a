"""What visitors meet first, asked as they ask: certificate, proxy, and the clock that they are told, all by real requests to ``SHOP_URL``."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from config import Config
from shop.clock import now
from shop.doctor import Check, Finding, fail, ok, warn
from shop.doctor.house import judge_drift
from shop.doctor.word import HEADER, make_word

PATIENCE_S = 5
FEW_DAYS, ONE_MONTH = 7, 21
FORGED = "192.0.2.77"  # an address that nobody has. Source: RFC 5737


class NoAnswer(Exception):
    """Nobody, or somebody else, answers at SHOP_URL."""


def check_tls(_at: datetime) -> Finding:
    """The certificate is for this name, signed by somebody whom browsers trust, and good for a while."""
    parts = urlsplit(_config().base_url)
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https":
        is_here = host in {"localhost", "127.0.0.1"}
        return (
            ok("tls", "the shop is open to this machine only")
            if is_here
            else fail("tls", "SHOP_URL is not https://", "get a certificate (certbot)")
        )
    try:
        with (
            socket.create_connection((host, port), PATIENCE_S) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as talk,
        ):
            certificate: Any = talk.getpeercert()
    except ssl.SSLError as problem:
        return fail(
            "tls",
            f"browsers refuse the certificate of {host}: {getattr(problem, 'verify_message', '') or problem}",
            "renew it: `certbot renew`, then reload nginx",
        )
    except OSError as problem:
        return fail("tls", f"nobody answers at {host}:{port}: {problem}", "start nginx, or correct SHOP_URL")
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86_400)
    if days < ONE_MONTH:
        return (fail if days < FEW_DAYS else warn)(
            "tls", f"the certificate of {host} ends in {days} days", "look why it is not renewed: `certbot renew --dry-run`"
        )
    return ok("tls", f"the certificate of {host} is good for {days} days")


def check_proxy(_at: datetime) -> Finding:
    """The shop sees scheme, host and address as they are, and believes no visitor who makes one up."""
    config = _config()
    try:
        _date, seen = _ask()
    except NoAnswer as problem:
        return fail("proxy", str(problem), "start the shop there, or correct SHOP_URL")
    wanted = urlsplit(config.base_url)
    if seen["address"] == FORGED:
        return fail(
            "proxy",
            "visitors can make up their address: limits do not hold them",
            "set SHOP_PROXIES to how many proxies stand before the shop, no more",
        )
    if not config.proxies and seen["forwarded"] > 1:
        return fail("proxy", "a proxy stands before the shop, which takes all visitors for one", "set SHOP_PROXIES=1")
    if seen["scheme"] != wanted.scheme:
        return fail(
            "proxy", f"the shop takes requests for {seen['scheme']}://", "have the proxy send X-Forwarded-Proto, and set SHOP_PROXIES=1"
        )
    if seen["host"] != wanted.netloc:
        return fail(
            "proxy",
            f"the shop is asked as {seen['host']} instead of {wanted.netloc}",
            "have the proxy send the visitor's Host and X-Forwarded-Host",
        )
    return ok("proxy", f"the shop is asked as {wanted.scheme}://{wanted.netloc}, and made-up addresses are not believed")


def check_time(_at: datetime) -> Finding:
    """The clock of whoever answers at SHOP_URL."""
    try:
        date, _seen = _ask()
    except NoAnswer as problem:
        return warn("time", f"the clock at SHOP_URL is not known: {problem}", "see proxy")
    return judge_drift("time", (date - now()).total_seconds(), "the clock at SHOP_URL")


def _ask() -> tuple[datetime, dict[str, Any]]:
    """When it answered, and what the shop saw of a request with a made-up address. Only this very shop knows the word that makes it tell."""
    config = _config()
    parts = urlsplit(config.base_url)
    kind: Any = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(parts.hostname, parts.port, timeout=PATIENCE_S)
    try:
        line.request("GET", f"{parts.path}/healthz", headers={HEADER: make_word(config.secret_key), "X-Forwarded-For": FORGED})
        answer = line.getresponse()
        said = json.loads(answer.read(100_000))
        return parsedate_to_datetime(answer.headers["Date"]), dict(said["seen"])
    except (OSError, http.client.HTTPException) as problem:
        raise NoAnswer(f"nobody answers at {config.base_url}: {problem}") from None
    except (ValueError, KeyError, TypeError):
        raise NoAnswer(f"somebody else answers at {config.base_url}, or this shop with another SECRET_KEY") from None
    finally:
        line.close()


def _config() -> Config:
    config: Config = current_app.extensions["config"]
    return config


CHECKS: dict[str, Check] = {"tls": check_tls, "proxy": check_proxy, "time": check_time}
