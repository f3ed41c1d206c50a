"""Everything is off until it is asked for, and a wrong setting is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import config_observe
from config import Config
from environment import ConfigError
from tests.test_config import GOOD_PRODUCTION


def read(tmp_path: Path, **environ: str) -> config_observe.Observe:
    return Config.from_env({"SHOP_INSTANCE": str(tmp_path), **environ}).observe


def wrong(tmp_path: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **environ)
    return str(caught.value)


def test_a_laptop_writes_lines_for_people_and_nothing_else(tmp_path):
    found = read(tmp_path)

    assert (found.log_format, found.log_level, found.log_requests, found.log_networks) == ("human", "info", True, False)
    assert (found.log_file, found.figures, found.traces) == (None, False, {})


def test_production_writes_lines_for_programs(tmp_path):
    assert read(tmp_path, **GOOD_PRODUCTION).log_format == "json"


def test_a_file_lies_in_the_instance_folder_or_where_it_is_said(tmp_path):
    assert read(tmp_path, LOG_FILE="logs/app.log").log_file == tmp_path / "logs" / "app.log"
    assert read(tmp_path, LOG_FILE="/var/log/bodega.log").log_file == Path("/var/log/bodega.log")


def test_wrong_settings_are_named(tmp_path):
    message = wrong(tmp_path, LOG_FORMAT="xml", LOG_LEVEL="loud", LOG_FILE_MB="much", METRICS="maybe", METRICS_BIND="9464")

    for name in ("LOG_FORMAT", "LOG_LEVEL", "LOG_FILE_MB", "METRICS", "METRICS_BIND"):
        assert f"  - {name}: " in message


def test_a_door_that_others_can_reach_wants_a_token(tmp_path):
    assert "METRICS_TOKEN" in wrong(tmp_path, METRICS="1", METRICS_BIND="0.0.0.0:9464")
    assert "METRICS_TOKEN" in wrong(tmp_path, METRICS="1", METRICS_BIND="[::]:9464", METRICS_TOKEN="short")

    found = read(tmp_path, METRICS="1", METRICS_BIND="10.0.0.5:9000", METRICS_TOKEN="t" * 16)
    assert (found.figures_host, found.figures_port) == ("10.0.0.5", 9000)
    assert read(tmp_path, METRICS_BIND="[::1]:9000").figures_host == "::1"


@pytest.mark.parametrize(
    ("name", "environ"),
    [("prometheus-client", {"METRICS": "1"}), ("opentelemetry", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})],
)
def test_a_package_that_is_missing_is_named_with_its_cure(tmp_path, monkeypatch, name, environ):
    monkeypatch.setattr(config_observe, "find_spec", lambda _name: None)

    message = wrong(tmp_path, **environ)

    assert name in message
    assert "pip install --require-hashes -r requirements-server.txt" in message


def test_traces_are_sent_when_the_standard_variables_say_where(tmp_path):
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}

    assert read(tmp_path, **where).traces == {"OTEL_SERVICE_NAME": "bodega", **where}
    assert read(tmp_path, **where, OTEL_SDK_DISABLED="true").traces == {}
    assert read(tmp_path, **where, OTEL_TRACES_EXPORTER="none").traces == {}
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in wrong(tmp_path, **where, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert "OTEL_TRACES_EXPORTER" in wrong(tmp_path, OTEL_TRACES_EXPORTER="jaeger")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in wrong(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318")


def test_secrets_are_known_by_the_names_of_their_settings(tmp_path):
    environ = {
        "SECRET_KEY": "k" * 40,
        "STRIPE_WEBHOOK_SECRET": "whsec_newnewnew,whsec_oldoldold",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a" * 30,
        "DATABASE_URL": "postgresql://shop:databaseword@127.0.0.1/shop",
        "MAIL_URL": "smtp://shop:mailword@mail.example:587",
        "SHOP_NAME": "shop",
    }

    assert {"k" * 40, "whsec_newnewnew", "whsec_oldoldold", "a" * 30, "databaseword", "mailword"} <= set(read(tmp_path, **environ).secrets)
    assert "shop" not in read(tmp_path, **environ).secrets
