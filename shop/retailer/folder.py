"""The folder of retailers: ``<name>/.env`` says what is theirs, ``<name>/instance/`` holds it.

Nothing of the process's environment reaches a retailer but what is named here: a key, a database or a mail server is never inherited. What two
retailers must not have in common is compared before any of them opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from sqlalchemy.engine import make_url

from config import NAME, Config
from environment import ConfigError
from shop.db import schema_of

# One process has one of these: they stand in its environment, and in no retailer's .env.
OF_THE_PROCESS = frozenset(
    {"SHOP_ENV", "SHOP_RETAILERS", "PORT", "WEB_CONCURRENCY", "SHOP_PROXIES", "SHOP_COURIER", "SHOP_BROKER_URL", "FLASK_DEBUG"}
)
OF_THE_LOG = ("LOG_", "METRICS", "OTEL_")  # a process has one log, one book of figures and one collector; each line names its shop
# The same for everybody unless a retailer says otherwise; nothing here identifies anything. In Redis each shop has names and seals of its own.
PASSED_ON = frozenset({"VAT_CHECK_URL", "SHOP_PAYMENT_TIMEOUT", "DATABASE_POOL", "REDIS_URL", "REDIS_TIMEOUT_MS"})
HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]"
POOL = "2"  # connections that each worker keeps for each retailer: there are many retailers


@dataclass(frozen=True)
class Retailer:
    """One of them: ``host`` is the name in its addresses, without port, lower-case."""

    name: str
    folder: Path
    config: Config

    @property
    def host(self) -> str:
        return plain_host(urlsplit(self.config.base_url).netloc)


def plain_host(netloc: str) -> str:
    """``Shop.Example.:8000`` is ``shop.example``: cookies do not tell ports apart, so neither do we. Names in other scripts become ASCII."""
    host = re.sub(r":[0-9]*$", "", netloc.rpartition("@")[2].strip()).lower().removesuffix(".")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def list_names(root: Path) -> list[str]:
    """The names of the folders that hold a ``.env``."""
    return sorted(path.parent.name for path in root.glob("*/.env") if not path.parent.name.startswith("."))


def read_retailer(folder: Path, environ: Mapping[str, str]) -> Retailer:
    """One retailer; ``environ`` is the process's environment, of which little is passed on.

    Raises:
        ConfigError: settings are wrong; names each of them.
    """
    own = {name: value for name, value in dotenv_values(folder / ".env", interpolate=False).items() if value is not None}
    problems = list(_misplaced(folder.name, own))
    shared = {name: value for name, value in environ.items() if is_of_the_process(name) or name in PASSED_ON}
    settings = {
        "DATABASE_POOL": POOL,
        **shared,
        "SHOP_INSTANCE": str(folder / "instance"),
        **own,
        "SHOP_NAME": folder.name,
    }
    try:
        config = Config.from_env(settings)
    except ConfigError as problem:
        problems += [line.removeprefix("  - ") for line in str(problem).splitlines()[1:]]
    if problems:
        raise ConfigError(f"{folder.name}/.env:" + "".join(f"\n  - {problem}" for problem in problems))
    return Retailer(folder.name, folder, config)


def is_of_the_process(setting: str) -> bool:
    """Is it a setting that all retailers of a process have in common?"""
    return setting in OF_THE_PROCESS or setting.startswith(OF_THE_LOG)


def _misplaced(name: str, own: Mapping[str, str]) -> Iterator[str]:
    if not re.fullmatch(NAME, name):
        yield f"{name!r} is no name for a retailer: small letters, digits and -, beginning with a letter, 30 at most"
    if not re.fullmatch(HOST, plain_host(urlsplit(own.get("SHOP_URL", "").strip()).netloc)):
        yield "SHOP_URL: must name a host, such as https://acme.example: it tells this retailer from the others"
    if own.get("SHOP_NAME", name) != name:
        yield "SHOP_NAME: is the name of the folder; leave it out"
    for word in sorted(filter(is_of_the_process, own)):
        yield f"{word}: is one for all retailers; set it in the environment of the process"


def read_retailers(root: Path, environ: Mapping[str, str]) -> tuple[Retailer, ...]:
    """All of them, each with settings that hold, no two with anything in common.

    Raises:
        ConfigError: names every retailer's wrong settings, and what two of them share.
    """
    found, problems = try_retailers(root, environ)
    if not found and not problems:
        problems = {"": f"SHOP_RETAILERS: {root} holds no retailer yet; make one with: flask retailer add"}
    said = [*problems.values(), *shared_things(found)]
    if said:
        raise ConfigError("The retailers cannot open:\n" + "\n".join(said))
    return tuple(found)


def try_retailers(root: Path, environ: Mapping[str, str]) -> tuple[list[Retailer], dict[str, str]]:
    """Those whose settings hold, and by name what is wrong with the others."""
    found, problems = [], {}
    for name in list_names(root):
        try:
            found.append(read_retailer(root / name, environ))
        except ConfigError as problem:
            problems[name] = str(problem)
    return found, problems


def shared_things(retailers: Sequence[Retailer]) -> list[str]:
    """What two retailers have in common and must not; no value is ever repeated in a sentence."""
    return [
        f"{one.name} and {other.name}: {problem}; give each its own"
        for one, other in combinations(retailers, 2)
        for problem in _in_common(one, other)
    ]


def _in_common(one: Retailer, other: Retailer) -> Iterator[str]:
    theirs = set(_own_things(other))
    yield from dict.fromkeys(f"the same {setting}" for setting, value in _own_things(one) if (setting, value) in theirs)
    for inner, outer in ((one, other), (other, one)):
        if inner.config.instance != outer.config.instance and inner.config.instance.is_relative_to(outer.config.instance):
            yield f"the SHOP_INSTANCE of {inner.name} lies in that of {outer.name}"


def _own_things(retailer: Retailer) -> Iterator[tuple[str, str]]:
    """What only one retailer may have, by the setting that says it."""
    config = retailer.config
    yield "host in SHOP_URL", retailer.host
    yield "DATABASE_URL (database and schema)", database_identity(config.database_url)
    yield "SHOP_INSTANCE", str(config.instance)
    if config.mail_url.startswith("file:"):
        yield "MAIL_URL", str(Path(urlsplit(config.mail_url).path).resolve())
    if config.storage.folder:
        yield "SHOP_STORAGE_URL", str(config.storage.folder.resolve())
    yield "SECRET_KEY", config.secret_key
    yield from _if_any("STRIPE_SECRET_KEY", [config.stripe_secret_key])
    yield from _if_any("STRIPE_WEBHOOK_SECRET", config.stripe_webhook_secrets)
    if config.analytics:
        yield "ANALYTICS_URL", str(config.analytics.target)
    for listener in config.listeners:
        yield f"address in SHOP_{listener.service.upper()}_{'TOPICS' if listener.service == 'sns' else 'QUEUES'}", listener.address
    if "test_card" in config.payment_methods:
        yield from _if_any("TEST_GATEWAY_SECRET", config.test_gateway_secrets)


def _if_any(setting: str, values: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((setting, value) for value in values if value)


def database_identity(url: str) -> str:
    """The same for two addresses of one database and schema: a file without links, or server, port, database and schema without the user."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        path = Path(parts.database or "").resolve()
        return f"{path.stat().st_dev}:{path.stat().st_ino}" if path.exists() else str(path)
    host = (parts.host or str(parts.query.get("host", "")) or "localhost").lower()
    here = "localhost" if host in {"127.0.0.1", "::1"} or host.startswith("/") else host
    return f"{here}:{parts.port or 5432}/{parts.database or parts.username}/{schema_of(url) or 'public'}"
