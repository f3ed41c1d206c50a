"""Settings are checked together at start; what is wrong is named in one message with what to do."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config import Config, ConfigError

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
