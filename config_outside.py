"""The settings of webhooks, and of where figures are exported to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from environment import Environment

HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[?[0-9a-f:]{2,39}\]?")
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")
PACKAGES = "requirements-server.txt"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """``timeout_s`` is for one whole try; after ``days`` of failing an address is switched off; ``named_hosts`` may be private and need no https."""

    timeout_s: int = 5
    days: int = 5
    named_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A dataset of BigQuery. ``endpoint`` leads elsewhere, for tests; then nobody is asked for a key."""

    project: str
    dataset: str
    location: str = "EU"
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Analytics:
    """Where figures go by themselves, every ``minutes``: a folder or a warehouse."""

    target: Path | Warehouse
    minutes: int = 60


def read_webhooks(reader: Environment, env: str) -> Webhooks:
    """``SHOP_WEBHOOK_TIMEOUT``, ``SHOP_WEBHOOK_DAYS`` and, in development, ``SHOP_WEBHOOK_HOSTS``."""
    hosts = [part.strip().lower() for part in reader.text("SHOP_WEBHOOK_HOSTS", "").split(",") if part.strip()]
    for host in hosts:
        if not HOST.fullmatch(host):
            reader.wrong("SHOP_WEBHOOK_HOSTS", f"{host!r} is not a host such as 127.0.0.1 or receiver.test, without a port")
    if hosts and env == "production":
        reader.wrong("SHOP_WEBHOOK_HOSTS", "opens the way into the own network; leave it out in production")
    return Webhooks(
        reader.integer("SHOP_WEBHOOK_TIMEOUT", 5, low=1, high=30),
        reader.integer("SHOP_WEBHOOK_DAYS", 5, low=1, high=60),
        frozenset(host.strip("[]") for host in hosts),
    )


def read_analytics(reader: Environment, env: str) -> Analytics | None:
    """``ANALYTICS_URL``, such as ``file:///srv/figures`` or ``bigquery://project/dataset?location=EU``, and ``ANALYTICS_MINUTES``."""
    minutes = reader.integer("ANALYTICS_MINUTES", 60, low=1, high=1440)
    url = reader.text("ANALYTICS_URL", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return Analytics(Path(parts.path), minutes)
    if parts.scheme == "bigquery":
        return Analytics(_read_warehouse(reader, url, env), minutes)
    reader.wrong("ANALYTICS_URL", "wants file:///a/folder or bigquery://project/dataset?location=EU")
    return None


def _read_warehouse(reader: Environment, url: str, env: str) -> Warehouse:
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    location, endpoint = options.pop("location", "EU"), options.pop("endpoint", "").rstrip("/")
    is_right = PROJECT.fullmatch(parts.netloc) and DATASET.fullmatch(parts.path.strip("/")) and LOCATION.fullmatch(location)
    if not is_right or options or parts.fragment:
        reader.wrong("ANALYTICS_URL", "wants bigquery://project/dataset?location=EU, with no key in it: Google's client finds that itself")
    if endpoint and (env == "production" or urlsplit(endpoint).scheme not in {"http", "https"}):
        reader.wrong("ANALYTICS_URL", "names an endpoint, which is for tests; leave it out")
    reader.package("ANALYTICS_URL", "google.cloud.bigquery", PACKAGES)
    return Warehouse(parts.netloc, parts.path.strip("/"), location, endpoint)
