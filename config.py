"""The settings of the machine: read once from the environment and `.env`, checked together, named in one message when wrong.

Settings that staff edit (the shop's name, its sentences) live in the database: see ``shop.settings``.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config_amazon import Account, Listener, StorageSettings, check_ses, read_account, read_listeners, read_storage
from config_observe import Observe, read_observe
from config_outside import Analytics, Webhooks, read_analytics, read_webhooks
from environment import Environment, process_environment

ROOT = Path(__file__).resolve().parent
MINIMAL_SECRET = 32
NAME = r"[a-z][a-z0-9-]{0,29}"
DEFAULT_SECRETS = {"secret", "changeme", "change-me", "dev", "development", "password", "bodega"}
DATABASES = {"sqlite", "postgresql", "postgresql+psycopg"}
MAIL_SCHEMES = {"file", "smtp", "smtps", "ses"}
BROKERS = {"amqp", "amqps", "redis", "rediss"}


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """Somebody else who may say who a customer is (OpenID Connect). ``issuer`` is the provider's name as it writes it itself, an address."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """The Redis that the processes of a shop share, and how long a request waits for it at most; without a ``url`` each process keeps and counts alone."""

    url: str = field(default="", repr=False)
    timeout_ms: int = 50


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of the machine, typed and checked.

    ``name`` is the shop's own among all shops that share something: a cache, a queue, a store of files, figures.
    ``instance`` is a folder; ``database_url`` and ``mail_url`` are URLs; ``currency`` is ISO 4217, ``country`` ISO 3166-1 alpha-2, ``locales`` are
    languages such as ``en``, the first being the default (its pages have no prefix).
    """

    env: str
    name: str
    instance: Path
    database_url: str = field(repr=False)
    database_pool: int
    secret_key: str = field(repr=False)
    mail_url: str = field(repr=False)
    mail_from: str
    base_url: str
    currency: str
    country: str
    locales: tuple[str, ...]
    timezone: str
    port: int
    workers: int
    proxies: int
    courier: bool
    broker_url: str = field(repr=False)
    payment_methods: tuple[str, ...]
    bank_account: str
    transfer_days: int
    card_minutes: int
    payment_timeout_s: int
    test_gateway_url: str
    test_gateway_secrets: tuple[str, ...] = field(repr=False)
    test_gateway_capture: str
    stripe_secret_key: str = field(repr=False)
    stripe_publishable_key: str
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_capture: str
    stripe_page: str
    stripe_api_base: str
    vat_check_url: str = ""
    vat_number: str = ""
    observe: Observe = field(default_factory=Observe)
    staff_second_factor: bool = False
    oidc_providers: tuple[OidcProvider, ...] = ()
    storage: StorageSettings = field(default_factory=StorageSettings)
    mail_dkim_selector: str = ""
    dns_server: str = ""
    amazon: Account = field(default_factory=Account)
    listeners: tuple[Listener, ...] = ()
    webhooks: Webhooks = field(default_factory=Webhooks)
    analytics: Analytics | None = None
    redis: RedisPlace = RedisPlace()
    search_limit: int = 300
    api_limit: int = 3000
    debug: bool = False
    testing: bool = False
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> Config:
        """Read ``environ`` (default: the process environment over ``.env``); ``overrides`` win, for tests.

        Raises:
            ConfigError: one or more settings are wrong; names each of them.
        """
        reader = _Reader(process_environment(ROOT / ".env") if environ is None else environ)
        env = reader.choice("SHOP_ENV", "development", {"development", "production"})
        instance = Path(reader.text("SHOP_INSTANCE", str(ROOT / "instance"))).expanduser().resolve()
        port = reader.integer("PORT", 8000, low=1, high=65535)
        name = reader.matching("SHOP_NAME", "shop", NAME, "a short name of small letters, digits and - such as shop")
        values: dict[str, object] = {
            "env": env,
            "name": name,
            "instance": instance,
            "database_url": reader.database_url(instance),
            "database_pool": reader.integer("DATABASE_POOL", 5, low=1, high=50),
            "secret_key": reader.secret_key(instance, env),
            "mail_url": reader.mail_url(instance),
            "mail_from": reader.matching(
                "MAIL_FROM", "hello@bodega.example", r"[^@\s<>]+@[^@\s<>]+", "an address such as hello@example.com"
            ),
            "base_url": reader.url("SHOP_URL", f"http://127.0.0.1:{port}", {"http", "https"}).rstrip("/"),
            "currency": reader.currency("SHOP_CURRENCY", "EUR"),
            "country": reader.country("SHOP_COUNTRY", "ES"),
            "locales": reader.locales("SHOP_LOCALES", "en,es"),
            "timezone": reader.timezone("SHOP_TIMEZONE", "Europe/Madrid"),
            "vat_check_url": reader.url("VAT_CHECK_URL", "", {"http", "https"}) if reader.text("VAT_CHECK_URL", "") else "",
            "vat_number": reader.matching(
                "SHOP_VAT_NUMBER", "", r"([A-Z]{2}[0-9A-Z+*]{2,14})?", "a number with its country such as ESB12345674"
            ),
            "port": port,
            "workers": reader.integer("WEB_CONCURRENCY", 2, low=1, high=64),
            "proxies": reader.integer("SHOP_PROXIES", 0, low=0, high=5),
            "courier": reader.flag("SHOP_COURIER", default=True),
            "broker_url": reader.url("SHOP_BROKER_URL", "", BROKERS) if reader.text("SHOP_BROKER_URL", "") else "",
            "payment_methods": reader.payment_methods(env),
            "bank_account": reader.text("SHOP_BANK_ACCOUNT", "Bodega · ES91 2100 0418 4502 0005 1332"),
            "transfer_days": reader.integer("SHOP_TRANSFER_DAYS", 14, low=1, high=365),
            "card_minutes": reader.integer("SHOP_CARD_MINUTES", 60, low=30, high=43_200),
            **reader.payment_gateways(env),
            "staff_second_factor": reader.flag("SHOP_STAFF_SECOND_FACTOR", default=False),
            "oidc_providers": reader.oidc_providers(env),
            "storage": read_storage(reader, env, name),
            "mail_dkim_selector": reader.matching(
                "MAIL_DKIM_SELECTOR", "", r"([a-zA-Z0-9][a-zA-Z0-9._-]{0,62})?", "a selector such as mail2026"
            ),
            "dns_server": reader.matching(
                "SHOP_DNS_SERVER", "", r"([0-9.]{7,15}(:[0-9]{1,5})?)?", "an address such as 9.9.9.9 or 127.0.0.1:5353"
            ),
            "amazon": read_account(reader),
            "listeners": read_listeners(reader),
            "observe": read_observe(reader, instance, env),
            "webhooks": read_webhooks(reader, env),
            "analytics": read_analytics(reader, env),
            "redis": RedisPlace(reader.redis_url(), reader.integer("REDIS_TIMEOUT_MS", 50, low=5, high=1000)),
            "search_limit": reader.integer("SHOP_SEARCH_LIMIT", 300, low=0, high=1_000_000),
            "api_limit": reader.integer("SHOP_API_LIMIT", 3000, low=0, high=1_000_000),
            "debug": reader.flag("FLASK_DEBUG", default=False),
        }
        if env == "production":
            reader.refuse_unsafe(values)
        reader.raise_problems()
        return cls(**{**values, **overrides})  # type: ignore[arg-type]


class _Reader(Environment):
    """Reads the shop's own settings, each with its rules."""

    def database_url(self, instance: Path) -> str:
        value = self.text("DATABASE_URL", f"sqlite:///{instance / 'shop.db'}").replace("postgres://", "postgresql://", 1)
        scheme = value.partition(":")[0]
        if scheme not in DATABASES or "//" not in value:
            self.wrong("DATABASE_URL", "wants sqlite:////absolute/path.db or postgresql://user@host/name")
        elif ":memory:" in value or value in {"sqlite://", "sqlite:///"}:
            self.wrong("DATABASE_URL", "a database in memory would lose every order; name a file")
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    def secret_key(self, instance: Path, env: str) -> str:
        value = self.environ.get("SECRET_KEY", "").strip()
        if value:
            if env == "production" and (value.lower() in DEFAULT_SECRETS or len(value) < MINIMAL_SECRET):
                self.wrong("SECRET_KEY", f"is a default or too short; use {MINIMAL_SECRET} random characters or more")
            return value
        if env == "production":
            self.wrong("SECRET_KEY", "is required in production; make one with: python -c 'import secrets; print(secrets.token_hex(32))'")
            return ""
        return _kept_secret(instance)

    def mail_url(self, instance: Path) -> str:
        value = self.url("MAIL_URL", f"file://{instance / 'mail'}", MAIL_SCHEMES)
        if value.startswith("ses:"):
            check_ses(self, "MAIL_URL", value)
        return value

    def redis_url(self) -> str:
        """An address or a socket; its password is never repeated in a message."""
        value = self.text("REDIS_URL", "")
        parts = urlsplit(value)
        is_place = (parts.scheme in {"redis", "rediss"} and parts.hostname) or (parts.scheme == "unix" and parts.path)
        if value and (not is_place or not re.fullmatch(r"|/[0-9]{1,4}", parts.path if parts.scheme != "unix" else "")):
            self.wrong("REDIS_URL", "wants redis://:password@host:6379/0, rediss://… with TLS, or unix:///path/to/redis.sock?db=0")
        return value

    def payment_methods(self, env: str) -> tuple[str, ...]:
        default = "bank_transfer" if env == "production" else "bank_transfer,test_card"
        values = tuple(value.strip() for value in self.text("SHOP_PAYMENT_METHODS", default).split(","))
        for value in values:
            if value not in {"bank_transfer", "test_card", "stripe"}:
                self.wrong("SHOP_PAYMENT_METHODS", f"{value!r} is none of bank_transfer, test_card, stripe")
        if len(set(values)) != len(values):
            self.wrong("SHOP_PAYMENT_METHODS", "names a way to pay twice")
        return values

    def payment_gateways(self, env: str) -> dict[str, object]:
        """What each gateway wants to know; what a gateway that is not offered would want is not asked for."""
        offered = self.payment_methods_named(env)
        test_url = self.environ.get("TEST_GATEWAY_URL", "").strip()
        captures = {"automatic", "manual"}
        return {
            "payment_timeout_s": self.integer("SHOP_PAYMENT_TIMEOUT", 10, low=1, high=60),
            "test_gateway_url": self.url("TEST_GATEWAY_URL", "", {"http", "https"}).rstrip("/") if test_url else "",
            "test_gateway_secrets": self.secrets("TEST_GATEWAY_SECRET", "the test gateway signs with this"),
            "test_gateway_capture": self.choice("TEST_GATEWAY_CAPTURE", "automatic", captures),
            **self.stripe(is_offered="stripe" in offered, env=env),
            "stripe_capture": self.choice("STRIPE_CAPTURE", "automatic", captures),
            "stripe_page": self.choice("STRIPE_PAGE", "hosted", {"hosted", "element"}),
        }

    def payment_methods_named(self, env: str) -> set[str]:
        default = "bank_transfer" if env == "production" else "bank_transfer,test_card"
        return {value.strip() for value in self.environ.get("SHOP_PAYMENT_METHODS", default).split(",")}

    def stripe(self, *, is_offered: bool, env: str) -> dict[str, object]:
        """Keys of one mode, all there; a test key takes no real money, so production refuses it. No value is ever repeated in a message."""
        key, public, base = (
            self.environ.get(name, "").strip() for name in ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_API_BASE")
        )
        webhook = self.secrets("STRIPE_WEBHOOK_SECRET", "")
        modes = [
            match[1] for value, kinds in ((key, "sk|rk"), (public, "pk")) if (match := re.match(rf"(?:{kinds})_(test|live)_\w+$", value))
        ]
        wants_public = self.environ.get("STRIPE_PAGE", "").strip().lower() == "element"
        checks = [
            (is_offered and not re.match(r"(sk|rk)_(test|live)_\w+$", key), "STRIPE_SECRET_KEY", "is required for stripe: sk_… or rk_…"),
            (
                (bool(public) or (is_offered and wants_public)) and not re.match(r"pk_(test|live)_\w+$", public),
                "STRIPE_PUBLISHABLE_KEY",
                "is no pk_… key",
            ),
            (len(set(modes)) > 1, "STRIPE_PUBLISHABLE_KEY", "is of another mode than STRIPE_SECRET_KEY: one is for tests, one is live"),
            (
                is_offered and (not webhook or not all(re.match(r"whsec_\w+$", value) for value in webhook)),
                "STRIPE_WEBHOOK_SECRET",
                "is required for stripe: whsec_…, or two of them with a comma while they are changed",
            ),
            (bool(base) and urlsplit(base).scheme not in {"http", "https"}, "STRIPE_API_BASE", "is not a URL"),
            (env == "production" and bool(base), "STRIPE_API_BASE", "is for tests; leave it out in production"),
            (env == "production" and is_offered and "test" in modes, "STRIPE_SECRET_KEY", "is a test key and takes no real money"),
        ]
        for is_wrong, name, remedy in checks:
            if is_wrong:
                self.wrong(name, remedy)
        return {
            "stripe_secret_key": key,
            "stripe_publishable_key": public,
            "stripe_webhook_secrets": webhook,
            "stripe_api_base": base.rstrip("/"),
        }

    def oidc_providers(self, env: str) -> tuple[OidcProvider, ...]:
        """``OIDC_PROVIDERS`` names them; each has settings of its own. Google needs no more than its two, ``GOOGLE_CLIENT_ID`` and ``…_SECRET``."""
        names = [value.strip().lower() for value in self.environ.get("OIDC_PROVIDERS", "").split(",") if value.strip()]
        if self.environ.get("GOOGLE_CLIENT_ID", "").strip() and "google" not in names:
            names.insert(0, "google")
        if len(set(names)) != len(names):
            self.wrong("OIDC_PROVIDERS", "names a provider twice")
        for name in names:
            if not re.fullmatch(r"[a-z][a-z0-9]{0,29}", name):
                self.wrong("OIDC_PROVIDERS", f"{name!r} is not a short name of letters and digits such as google")
        return tuple(self.oidc_provider(name, env) for name in dict.fromkeys(names))

    def oidc_provider(self, name: str, env: str) -> OidcProvider:
        """One provider, all of it there. No secret is ever repeated in a message."""
        prefix, is_google = f"OIDC_{name.upper()}_", name == "google"
        issuer = self.text(f"{prefix}ISSUER", "https://accounts.google.com" if is_google else "")
        parts = urlsplit(issuer)
        is_here = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"} and env != "production"
        if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or is_here):
            self.wrong(f"{prefix}ISSUER", f"{issuer!r} is not an https:// address without ? and #")
        values = {}
        for word in ("CLIENT_ID", "CLIENT_SECRET"):
            values[word] = self.text(f"{prefix}{word}", self.environ.get(f"GOOGLE_{word}", "").strip() if is_google else "")
            if not values[word]:
                self.wrong(f"GOOGLE_{word}" if is_google else f"{prefix}{word}", f"is required for sign-in with {name}")
        label = self.text(f"{prefix}LABEL", name.capitalize())
        return OidcProvider(name, label, issuer, values["CLIENT_ID"], values["CLIENT_SECRET"])

    def refuse_unsafe(self, values: Mapping[str, Any]) -> None:
        """In production: no debugging, no test money, no plain-text links."""
        checks: list[tuple[bool, str, str]] = [
            (bool(values["debug"]), "FLASK_DEBUG", "must be off in production: the debugger runs code for anybody"),
            (bool(values["test_gateway_url"]), "TEST_GATEWAY_URL", "points at a bank that takes no real money; leave it out in production"),
            ("test_card" in values["payment_methods"], "SHOP_PAYMENT_METHODS", "test_card takes no real money; leave it out in production"),
            (str(values["mail_url"]).startswith("file:"), "MAIL_URL", "is required in production, such as smtp://user:password@host:587"),
            (
                not self.environ.get("SHOP_URL"),
                "SHOP_URL",
                "is required in production: the address in links and mails, such as https://shop.example",
            ),
            (
                urlsplit(str(values["base_url"])).scheme == "http"
                and urlsplit(str(values["base_url"])).hostname not in {"localhost", "127.0.0.1"},
                "SHOP_URL",
                "must begin with https:// in production: over http anybody on the way reads cookies and passwords",
            ),
            (
                not self.environ.get("SHOP_BANK_ACCOUNT") and "bank_transfer" in values["payment_methods"],
                "SHOP_BANK_ACCOUNT",
                "is required for bank transfers: the account that customers pay to",
            ),
        ]
        for is_unsafe, name, remedy in checks:
            if is_unsafe:
                self.wrong(name, remedy)


def _kept_secret(instance: Path) -> str:
    """The development secret: made once, kept in the instance folder, readable by its owner alone."""
    path = instance / "secret_key"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        made: Callable[[str, int], int] = lambda name, flags: os.open(name, flags, 0o600)  # noqa: E731
        try:
            with open(path, "x", opener=made) as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
    return path.read_text().strip()
