"""Settings of what the shop has at Amazon: what is wrong is named at start, and a shop that has nothing there loads nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from config import Config
from config_amazon import Account, Listener, StorageSettings
from environment import ConfigError
from tests.servers import ROOT, settings

TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/money.fifo"


def read(tmp_path: Path, **environ: str) -> Config:
    return Config.from_env({"SHOP_INSTANCE": str(tmp_path), **environ})


def wrong(tmp_path: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **environ)
    return str(caught.value)


@pytest.mark.parametrize("url", ["ses://eu-west-1", "ses://us-gov-west-1/", "ses://eu-west-1?configuration_set=shop_1"])
def test_ses_is_named_by_its_region(tmp_path, url):
    assert read(tmp_path, MAIL_URL=url).mail_url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ses://AKIA123:secret@eu-west-1", "takes no keys"),
        ("ses://somewhere", "wants ses://eu-west-1"),
        ("ses://eu-west-1/inbox", "wants ses://eu-west-1"),
        ("ses://eu-west-1?key=1", "wants ses://eu-west-1"),
        ("ses://eu-west-1?configuration_set=", "configuration set"),
        ("ses://eu-west-1?configuration_set=a&configuration_set=b", "configuration set"),
    ],
)
def test_a_wrong_ses_is_named_and_no_key_repeated(tmp_path, url, words):
    said = wrong(tmp_path, MAIL_URL=url)

    assert f"MAIL_URL: {words}" in said or f"MAIL_URL: names no {words}" in said
    assert "AKIA" not in said


def test_topics_and_queues_hear_of_what_is_named_before_them(tmp_path):
    config = read(tmp_path, SHOP_SNS_TOPICS=f"order.*,payment.disputed={TOPIC}  {TOPIC}-all", SHOP_SQS_QUEUES=f"order.p*={QUEUE}")

    assert config.listeners == (
        Listener("sns", TOPIC, ("order.*", "payment.disputed"), "eu-west-1"),
        Listener("sns", f"{TOPIC}-all", ("*",), "eu-west-1"),
        Listener("sqs", QUEUE, ("order.p*",), "eu-central-1"),
    )
    assert [listener.is_fifo for listener in config.listeners] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_SNS_TOPICS", "orders"),
        ("SHOP_SNS_TOPICS", f"order={TOPIC}"),
        ("SHOP_SNS_TOPICS", f"={TOPIC.replace('sns', 'sqs')}"),
        ("SHOP_SNS_TOPICS", f"*.placed={TOPIC}"),
        ("SHOP_SNS_TOPICS", f"order.[ab]={TOPIC}"),
        ("SHOP_SNS_TOPICS", f"{TOPIC},{TOPIC}-2"),
        ("SHOP_SNS_TOPICS", f"order.*={TOPIC} payment.*={TOPIC}"),
        ("SHOP_SQS_QUEUES", TOPIC),
        ("SHOP_SQS_QUEUES", f"order.*={QUEUE}?key=secret"),
        ("SHOP_SQS_QUEUES", "order.*=https://key:secret@sqs.example/1/orders"),
    ],
)
def test_a_listener_that_is_not_understood_is_named(tmp_path, name, value):
    said = wrong(tmp_path, **{name: value})

    assert f"  - {name}: " in said
    assert "secret" not in said


def test_files_lie_in_the_instance_unless_a_setting_says_where(tmp_path):
    assert read(tmp_path).storage == StorageSettings()
    assert read(tmp_path, SHOP_STORAGE_URL="file:///srv/my%20files").storage == StorageSettings(Path("/srv/my files"))


def test_a_bucket_is_named_with_what_it_needs_and_each_shop_has_a_part_of_its_own(tmp_path):
    plain = read(tmp_path, SHOP_STORAGE_URL="s3://files", SHOP_MEDIA_URL="https://cdn.example/shop/media/").storage
    url = "s3://files/all/shops/?region=eu-west-1&private=papers&endpoint=https://minio.example:9000"
    full = read(tmp_path, SHOP_STORAGE_URL=url, SHOP_NAME="acme").storage

    assert plain == StorageSettings(None, "files", "files", "shop/", public_url="https://cdn.example/shop/media")
    assert full == StorageSettings(
        None, "files", "papers", "all/shops/acme/", "eu-west-1", "https://minio.example:9000", is_path_style=True
    )
    assert read(tmp_path, SHOP_STORAGE_URL="s3://files", AWS_ENDPOINT_URL="http://127.0.0.1:1").storage.is_path_style
    assert not read(tmp_path, SHOP_STORAGE_URL=f"{url}&style=virtual").storage.is_path_style


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://files", "wants file:///a/folder or s3://bucket/prefix"),
        ("file://folder", "wants file:///a/folder"),
        ("file:///", "wants file:///a/folder"),
        ("s3://AKIA:secret@files", "takes no keys"),
        ("s3://AB", "names no bucket"),
        ("s3://files?private=..", "names no bucket"),
        ("s3://files/../x", "has a prefix"),
        ("s3://files?secret=x", "knows region, endpoint, style and private"),
        ("s3://files?endpoint=minio", "has an endpoint"),
        ("s3://files?style=round", "has a style"),
        ("s3://files?region=EU!", "names no region"),
    ],
)
def test_a_wrong_storage_is_named_and_no_key_repeated(tmp_path, url, words):
    said = wrong(tmp_path, SHOP_STORAGE_URL=url)

    assert f"  - SHOP_STORAGE_URL: {words}" in said
    assert "secret" not in said.replace("SECRET", "")


@pytest.mark.parametrize(
    "url", ["cdn.example", "ftp://cdn.example", "https://user@cdn.example", "https://cdn.example/a;b", "https://cdn.example/?a=b"]
)
def test_a_wrong_address_of_pictures_is_named(tmp_path, url):
    assert "  - SHOP_MEDIA_URL: is not an address" in wrong(tmp_path, SHOP_MEDIA_URL=url)


def test_production_takes_files_and_pictures_by_https_only(tmp_path):
    said = wrong(
        tmp_path, SHOP_ENV="production", SHOP_STORAGE_URL="s3://files?endpoint=http://minio.example", SHOP_MEDIA_URL="http://cdn.example"
    )

    assert "SHOP_STORAGE_URL: must reach its endpoint by https://" in said
    assert "SHOP_MEDIA_URL: must begin with https://" in said


def test_keys_of_the_settings_reach_boto3_and_are_never_shown(tmp_path, monkeypatch):
    from shop.amazon import Amazon

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-process")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-process")
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIAOWN",
        "AWS_SECRET_ACCESS_KEY": "hush-hush",
        "AWS_REGION": "eu-south-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    config = read(tmp_path, **keys)

    client = Amazon("sns", config.amazon).client

    assert client._request_signer._credentials.access_key == "AKIAOWN"
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-south-2", "http://127.0.0.1:1")
    assert "hush-hush" not in repr(config)
    assert Amazon("sns", Account(), "eu-west-1").client._request_signer._credentials.access_key == "of-the-process"


def test_half_a_key_is_named(tmp_path):
    assert "  - AWS_SECRET_ACCESS_KEY: is missing" in wrong(tmp_path, AWS_ACCESS_KEY_ID="AKIA")


def test_a_library_that_is_missing_is_named_with_how_to_install_it(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "boto3" else real(name, *more))

    said = wrong(tmp_path, MAIL_URL="ses://eu-west-1", SHOP_SQS_QUEUES=QUEUE, SHOP_STORAGE_URL="s3://files")

    for name in ("MAIL_URL", "SHOP_SQS_QUEUES", "SHOP_STORAGE_URL"):
        assert f"  - {name}: needs boto3, which is not installed: pip install --require-hashes -r requirements-server.txt" in said


@pytest.mark.parametrize("environ", [{}, {"SHOP_SNS_TOPICS": TOPIC, "SHOP_SQS_QUEUES": QUEUE, "SHOP_STORAGE_URL": "s3://files"}])
def test_boto3_is_loaded_by_the_first_who_asks(tmp_path, environ):
    script = "import sys; from shop import create_app; create_app(); print([m for m in sys.modules if m.startswith('boto')])"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        env=settings(tmp_path, SHOP_COURIER="0", **environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.strip() == "[]"
