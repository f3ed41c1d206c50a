"""Settings of what the shop has at Amazon: what is wrong is named at start, and a shop that has nothing there loads nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from config import Config
from config_amazon import Listener
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


def test_a_library_that_is_missing_is_named_with_how_to_install_it(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "boto3" else real(name, *more))

    said = wrong(tmp_path, MAIL_URL="ses://eu-west-1", SHOP_SQS_QUEUES=QUEUE)

    for name in ("MAIL_URL", "SHOP_SQS_QUEUES"):
        assert f"  - {name}: needs boto3, which is not installed: pip install --require-hashes -r requirements-server.txt" in said


@pytest.mark.parametrize("environ", [{}, {"SHOP_SNS_TOPICS": TOPIC, "SHOP_SQS_QUEUES": QUEUE}])
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
