"""Settings are checked together at start; what is wrong is named in one message with what to do."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from config import Config, RedisPlace
from environment import ConfigError
from shop import create_app

GOOD_PRODUCTION = {
    "SHOP_ENV": "production",
    "SECRET_KEY": "k" * 64,
    "MAIL_URL": "smtp://user:word@mail.example:587",
    "SHOP_URL": "https://shop.example",
    "SHOP_BANK_ACCOUNT": "ES91 2100 0418 4502 0005 1332",
}


def read(tmp_path: Path, **environ: str) -> Config:
    return Config.from_env({"SHOP_INSTANCE": str(tmp_path), **environ})


def test_a_laptop_needs_no_settings(tmp_path):
    config = read(tmp_path)

    assert config.database_url == f"sqlite:///{tmp_path / 'shop.db'}"
    assert config.locales == ("en", "es")
    assert (config.env, config.port, config.currency, config.country) == ("development", 8000, "EUR", "ES")
    assert "test_card" in config.payment_methods


def test_the_development_secret_is_made_once_and_kept_private(tmp_path):
    first = read(tmp_path).secret_key

    assert read(tmp_path).secret_key == first
    assert len(first) >= 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_all_wrong_settings_are_named_in_one_message(tmp_path):
    wrong = {
        "PORT": "eighty",
        "DATABASE_URL": "mysql://x/y",
        "WEB_CONCURRENCY": "0",
        "MAIL_URL": "carrier-pigeon://x",
        "SHOP_CURRENCY": "EURO",
        "SHOP_COUNTRY": "Spain",
        "SHOP_LOCALES": "en,tlh",
        "SHOP_TIMEZONE": "Mars/Olympus",
        "SHOP_PAYMENT_METHODS": "iou",
    }

    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **wrong)

    for name in wrong:
        assert f"  - {name}: " in str(caught.value)


@pytest.mark.parametrize("port", ["٨٠٠٠", "8_000", "-1", "0", "65536", "1e3", "8000.0"])
def test_a_port_is_a_plain_number(tmp_path, port):
    with pytest.raises(ConfigError, match="PORT"):
        read(tmp_path, PORT=port)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgres", "http://x"])
def test_a_database_that_would_lose_orders_is_refused(tmp_path, url):
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        read(tmp_path, DATABASE_URL=url)


def test_postgres_urls_of_all_spellings_lead_to_the_same_driver(tmp_path):
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert read(tmp_path, DATABASE_URL=f"{scheme}://shop@db/shop").database_url == "postgresql+psycopg://shop@db/shop"


def test_production_starts_with_safe_settings(tmp_path):
    config = read(tmp_path, **GOOD_PRODUCTION)

    assert config.is_production
    assert config.payment_methods == ("bank_transfer",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLASK_DEBUG", "1"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "changeme"),
        ("SECRET_KEY", "short"),
        ("SHOP_PAYMENT_METHODS", "bank_transfer,test_card"),
        ("MAIL_URL", ""),
        ("SHOP_URL", ""),
        ("SHOP_URL", "http://shop.example"),
        ("SHOP_BANK_ACCOUNT", ""),
    ],
)
def test_production_refuses_what_is_unsafe_and_says_why(tmp_path, name, value):
    with pytest.raises(ConfigError, match=f"  - {name}: "):
        read(tmp_path, **{**GOOD_PRODUCTION, name: value})


STRIPE = {"SHOP_PAYMENT_METHODS": "stripe", "STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}


def test_stripe_wants_its_keys_and_two_webhook_secrets_at_most(tmp_path):
    config = read(tmp_path, **{**STRIPE, "STRIPE_WEBHOOK_SECRET": "whsec_1, whsec_2"})

    assert (config.stripe_webhook_secrets, config.stripe_capture, config.stripe_page) == (("whsec_1", "whsec_2"), "automatic", "hosted")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1,secret"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1,whsec_2,whsec_3"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_1"),
        ("STRIPE_PUBLISHABLE_KEY", "sk_test_1"),
        ("STRIPE_CAPTURE", "sometimes"),
        ("STRIPE_PAGE", "popup"),
        ("STRIPE_API_BASE", "ftp://127.0.0.1"),
        ("SHOP_PAYMENT_TIMEOUT", "0"),
        ("TEST_GATEWAY_URL", "localhost:7000"),
        ("TEST_GATEWAY_CAPTURE", "never"),
        ("TEST_GATEWAY_SECRET", "a,b,c"),
        ("SHOP_PAYMENT_METHODS", "stripe,stripe"),
    ],
)
def test_wrong_keys_of_gateways_are_named_and_not_repeated(tmp_path, name, value):
    with pytest.raises(ConfigError, match=f"  - {name}: ") as problem:
        read(tmp_path, **{**STRIPE, name: value})
    assert "whsec_" not in str(problem.value).replace("whsec_…", "")


def test_the_element_wants_a_publishable_key(tmp_path):
    with pytest.raises(ConfigError, match="STRIPE_PUBLISHABLE_KEY"):
        read(tmp_path, **STRIPE, STRIPE_PAGE="element")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("STRIPE_SECRET_KEY", {}),
        ("STRIPE_API_BASE", {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_API_BASE": "http://127.0.0.1:1"}),
        ("TEST_GATEWAY_URL", {"TEST_GATEWAY_URL": "http://127.0.0.1:1"}),
    ],
)
def test_production_takes_real_money_only(tmp_path, name, more):
    with pytest.raises(ConfigError, match=f"  - {name}: "):
        read(tmp_path, **{**GOOD_PRODUCTION, **STRIPE, **more})


ACME = {
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://id.acme.example/",
    "OIDC_ACME_CLIENT_ID": "shop",
    "OIDC_ACME_CLIENT_SECRET": "hush",
}


def test_providers_are_read_each_with_its_settings(tmp_path):
    config = read(tmp_path, **ACME, OIDC_ACME_LABEL="Acme Works", GOOGLE_CLIENT_ID="g", GOOGLE_CLIENT_SECRET="hush too")

    google, acme = config.oidc_providers
    assert (google.name, google.label, google.issuer) == ("google", "Google", "https://accounts.google.com")
    assert (acme.label, acme.issuer, acme.client_id) == ("Acme Works", "https://id.acme.example/", "shop")
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"OIDC_ACME_ISSUER": "http://id.acme.example"}, "OIDC_ACME_ISSUER"),
        ({"OIDC_ACME_ISSUER": ""}, "OIDC_ACME_ISSUER"),
        ({"OIDC_ACME_ISSUER": "https://id.acme.example/?x=1"}, "OIDC_ACME_ISSUER"),
        ({"OIDC_ACME_CLIENT_ID": ""}, "OIDC_ACME_CLIENT_ID"),
        ({"OIDC_ACME_CLIENT_SECRET": ""}, "OIDC_ACME_CLIENT_SECRET"),
        ({"OIDC_PROVIDERS": "acme,acme"}, "OIDC_PROVIDERS"),
        ({"OIDC_PROVIDERS": "acme,../x"}, "OIDC_PROVIDERS"),
        ({"OIDC_PROVIDERS": "google"}, "GOOGLE_CLIENT_ID"),
        ({"GOOGLE_CLIENT_ID": "g"}, "GOOGLE_CLIENT_SECRET"),
    ],
)
def test_a_provider_that_lacks_something_is_named(tmp_path, changes, named):
    with pytest.raises(ConfigError, match=named) as caught:
        read(tmp_path, **{**ACME, **changes})

    assert "hush" not in str(caught.value)


def test_an_issuer_on_this_machine_is_for_development_alone(tmp_path):
    here = {**ACME, "OIDC_ACME_ISSUER": "http://127.0.0.1:7700"}

    assert read(tmp_path, **here).oidc_providers[0].issuer == "http://127.0.0.1:7700"
    with pytest.raises(ConfigError, match="OIDC_ACME_ISSUER"):
        read(tmp_path, **{**GOOD_PRODUCTION, **here})


@pytest.mark.parametrize("url", ["redis://:word@cache.example:6379/3", "rediss://cache.example", "unix:///run/redis.sock?db=2"])
def test_a_redis_is_an_address_or_a_socket(tmp_path, url):
    assert read(tmp_path).redis.url == ""

    assert read(tmp_path, REDIS_URL=url, REDIS_TIMEOUT_MS="20").redis == RedisPlace(url, 20)


@pytest.mark.parametrize("url", ["localhost:6379", "redis://", "http://cache.example", "redis://:pass-word@cache.example/zero", "unix://"])
def test_what_is_no_redis_is_named_without_its_password(tmp_path, url):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, REDIS_URL=url, REDIS_TIMEOUT_MS="0")

    assert "  - REDIS_URL: wants redis://" in str(caught.value)
    assert "  - REDIS_TIMEOUT_MS: " in str(caught.value)
    assert "pass-word" not in str(caught.value)
    assert "pass-word" not in repr(read(tmp_path, REDIS_URL="redis://:pass-word@cache.example"))


def test_a_redis_without_its_library_is_refused_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "shop.cache.redis_backend", raising=False)

    with pytest.raises(ConfigError, match=r"REDIS_URL: .* pip install --require-hashes -r requirements-server\.txt"):
        create_app(read(tmp_path, REDIS_URL="redis://cache.example"))
