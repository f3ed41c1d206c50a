"""What a retailer has of its own, what the process gives to all, and what no two may have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment import ConfigError
from shop.retailer.folder import OF_THE_PROCESS, database_identity, plain_host, read_retailer, read_retailers

OWN = {"SHOP_URL": "https://{name}.example", "SECRET_KEY": "{name}-" + "k" * 40, "TEST_GATEWAY_SECRET": "{name}-bank"}


def make(root: Path, name: str, **settings: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    own = {word: value.format(name=name) for word, value in OWN.items()} | settings
    (folder / ".env").write_text("".join(f"{word}={value}\n" for word, value in own.items() if value))
    return folder


def why_not(root: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_retailers(root, environ)
    return str(caught.value)


def test_a_retailer_lives_in_its_folder_under_its_name(tmp_path):
    folder = make(tmp_path, "acme")

    found = read_retailer(folder, {})

    assert (found.name, found.host, found.config.name) == ("acme", "acme.example", "acme")
    assert found.config.instance == folder / "instance"
    assert found.config.database_url == f"sqlite:///{folder}/instance/shop.db"
    assert found.config.mail_url == f"file://{folder}/instance/mail"


def test_the_process_gives_its_ports_and_workers_and_nothing_that_opens_anything(tmp_path):
    folder = make(tmp_path, "acme")
    of_the_house = {
        "PORT": "9000",
        "WEB_CONCURRENCY": "3",
        "SHOP_PROXIES": "1",
        "SHOP_NAME": "house",
        "SHOP_INSTANCE": str(tmp_path / "house"),
        "DATABASE_URL": "postgresql://house@db/house",
        "SECRET_KEY": "h" * 40,
        "MAIL_URL": "smtp://house:word@mail.example",
        "MAIL_FROM": "house@example.com",
        "SHOP_CURRENCY": "USD",
        "SHOP_LOCALES": "es",
        "SHOP_BANK_ACCOUNT": "of the house",
        "SHOP_VAT_NUMBER": "ESB12345674",
        "STRIPE_SECRET_KEY": "sk_test_house",
        "STRIPE_WEBHOOK_SECRET": "whsec_house",
        "GOOGLE_CLIENT_ID": "house",
        "GOOGLE_CLIENT_SECRET": "house",
    }

    config = read_retailer(folder, of_the_house).config

    assert (config.port, config.workers, config.proxies) == (9000, 3, 1)
    assert "house" not in repr(vars(config)) + str(vars(config))
    assert (config.currency, config.locales, config.vat_number, config.oidc_providers) == ("EUR", ("en", "es"), "", ())


def test_a_value_is_taken_as_it_stands_and_fetches_nothing_from_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("HOUSE_WORD", "of the house")
    folder = make(tmp_path, "acme", SHOP_BANK_ACCOUNT="'${HOUSE_WORD}'")

    assert read_retailer(folder, {}).config.bank_account == "${HOUSE_WORD}"


@pytest.mark.parametrize("word", [*sorted(OF_THE_PROCESS), "LOG_FILE", "METRICS_BIND", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_what_one_process_has_once_stands_in_no_retailers_settings(tmp_path, word):
    make(tmp_path, "acme", **{word: "1"})

    assert f"{word}: is one for all retailers" in why_not(tmp_path)


def test_all_wrong_settings_of_all_retailers_are_named_together(tmp_path):
    make(tmp_path, "acme", SHOP_CURRENCY="EURO")
    make(tmp_path, "beta", SHOP_URL="", SHOP_NAME="acme")
    make(tmp_path, "Bad Name")

    said = why_not(tmp_path)

    assert "acme/.env:\n  - SHOP_CURRENCY: 'EURO'" in said
    assert "beta/.env:\n  - SHOP_URL: must name a host" in said
    assert "SHOP_NAME: is the name of the folder" in said
    assert "'Bad Name' is no name for a retailer" in said


SHARED = [
    ({"SHOP_URL": "https://SHOP.example.:8443"}, {"SHOP_URL": "http://shop.example"}, "the same host in SHOP_URL"),
    ({"SECRET_KEY": "s" * 40}, {"SECRET_KEY": "s" * 40}, "the same SECRET_KEY"),
    ({"SHOP_INSTANCE": "{root}/x"}, {"SHOP_INSTANCE": "{root}/y/../x"}, "the same SHOP_INSTANCE"),
    ({"SHOP_INSTANCE": "{root}/x"}, {"SHOP_INSTANCE": "{root}/x/media"}, "the SHOP_INSTANCE of beta lies in that of acme"),
    ({"DATABASE_URL": "sqlite:///{root}/x.db"}, {"DATABASE_URL": "sqlite:///{root}/./x.db"}, "the same DATABASE_URL"),
    ({"DATABASE_URL": "postgresql://a:b@localhost/shops"}, {"DATABASE_URL": "postgres://c@127.0.0.1:5432/shops"}, "the same DATABASE_URL"),
    (
        {"DATABASE_URL": "postgresql://a@db/shops?options=-csearch_path%3Dx"},
        {"DATABASE_URL": "postgresql://b@DB/shops?options=-c%20search_path%3Dx"},
        "the same DATABASE_URL",
    ),
    ({"MAIL_URL": "file://{root}/mail"}, {"MAIL_URL": "file://{root}/x/../mail"}, "the same MAIL_URL"),
    ({"SHOP_STORAGE_URL": "file://{root}/files"}, {"SHOP_STORAGE_URL": "file://{root}/./files"}, "the same SHOP_STORAGE_URL"),
    (
        {"STRIPE_WEBHOOK_SECRET": "whsec_old,whsec_new"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_new"},
        "the same STRIPE_WEBHOOK_SECRET",
    ),
    ({"STRIPE_SECRET_KEY": "sk_test_one"}, {"STRIPE_SECRET_KEY": "sk_test_one"}, "the same STRIPE_SECRET_KEY"),
    ({"ANALYTICS_URL": "file:///srv/figures"}, {"ANALYTICS_URL": "file:///srv/figures"}, "the same ANALYTICS_URL"),
    (
        {"SHOP_SQS_QUEUES": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"},
        {"SHOP_SQS_QUEUES": "order.*=https://sqs.eu-west-1.amazonaws.com/123456789012/orders"},
        "the same address in SHOP_SQS_QUEUES",
    ),
    ({"TEST_GATEWAY_SECRET": ""}, {"TEST_GATEWAY_SECRET": ""}, "the same TEST_GATEWAY_SECRET"),
]


@pytest.mark.parametrize(("acme", "beta", "said"), SHARED, ids=[said for *_, said in SHARED])
def test_two_retailers_with_something_in_common_do_not_open(tmp_path, acme, beta, said):
    for name, settings in (("acme", acme), ("beta", beta)):
        make(tmp_path, name, **{word: value.replace("{root}", str(tmp_path)) for word, value in settings.items()})

    problem = why_not(tmp_path)

    assert f"acme and beta: {said}" in problem
    assert not any(secret in problem for secret in ("sssss", "whsec_", "sk_test_"))


def test_a_linked_database_is_the_same_database(tmp_path):
    (tmp_path / "one.db").touch()
    (tmp_path / "two.db").hardlink_to(tmp_path / "one.db")

    assert database_identity(f"sqlite:///{tmp_path}/one.db") == database_identity(f"sqlite:///{tmp_path}/two.db")


def test_two_schemas_of_one_database_are_two(tmp_path):
    for name in ("acme", "beta"):
        make(tmp_path, name, DATABASE_URL=f"postgresql://shops@db/shops?options=-csearch_path%3D{name}")

    assert [retailer.name for retailer in read_retailers(tmp_path, {})] == ["acme", "beta"]


def test_a_folder_without_retailers_says_how_to_make_one(tmp_path):
    (tmp_path / "lost+found").mkdir()

    assert "flask retailer add" in why_not(tmp_path)


@pytest.mark.parametrize(
    ("netloc", "host"),
    [
        ("Shop.Example.:8000", "shop.example"),
        ("[::1]:80", "[::1]"),
        ("tüte.example", "xn--tte-hoa.example"),
        ("", ""),
        ("a" * 70 + "ü", ""),
    ],
)
def test_a_host_is_compared_in_one_form(netloc, host):
    assert plain_host(netloc) == host
