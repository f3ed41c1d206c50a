"""The settings of what the shop tells of itself: logs, figures, traces. Read with the others by ``config.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from environment import Environment

LEVELS = {"debug", "info", "warning", "error"}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
INSTALL = "pip install --require-hashes -r requirements-server.txt"
IS_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|(^|_)KEY$|_KEY_|_URL$|CREDENTIALS")
SHORTEST_SECRET = 8
EXPORTER, TRACES_TO = "OTEL_TRACES_EXPORTER", ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """What the shop tells of itself, and to whom.

    ``log_file`` is rotated at ``log_file_mb`` (0: somebody else rotates it), ``log_file_keep`` old ones stay. ``figures`` counts for Prometheus, which
    asks at ``figures_host`` and ``figures_port``. ``traces`` holds the variables OTEL_… for OpenTelemetry; empty: no traces are sent.
    ``secrets`` are values that no line may ever hold.
    """

    log_format: str = "human"
    log_level: str = "info"
    log_requests: bool = True
    log_networks: bool = False
    log_file: Path | None = None
    log_file_mb: int = 50
    log_file_keep: int = 5
    figures: bool = False
    figures_host: str = "127.0.0.1"
    figures_port: int = 9464
    figures_folder: Path = Path()
    figures_token: str = field(default="", repr=False)
    traces: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def read_observe(reader: Environment, instance: Path, env: str) -> Observe:
    """Everything about logs (``LOG_…``), figures (``METRICS…``) and traces (``OTEL_…``)."""
    file = reader.text("LOG_FILE", "")
    host, port = _door(reader)
    return Observe(
        log_format=reader.choice("LOG_FORMAT", "json" if env == "production" else "human", {"human", "json"}),
        log_level=reader.choice("LOG_LEVEL", "info", LEVELS),
        log_requests=reader.flag("LOG_REQUESTS", default=True),
        log_networks=reader.flag("LOG_NETWORKS", default=False),
        log_file=instance / file if file else None,
        log_file_mb=reader.integer("LOG_FILE_MB", 50, low=0, high=10_000),
        log_file_keep=reader.integer("LOG_FILE_KEEP", 5, low=1, high=1000),
        figures=_wants_figures(reader),
        figures_host=host,
        figures_port=port,
        figures_folder=instance / "metrics",
        figures_token=reader.text("METRICS_TOKEN", ""),
        traces=_traces(reader),
        secrets=tuple(
            sorted({secret for name, value in reader.environ.items() for secret in _secrets_in(name, value)}, key=len, reverse=True)
        ),
    )


def _wants_figures(reader: Environment) -> bool:
    wanted = reader.flag("METRICS", default=False)
    if wanted and find_spec("prometheus_client") is None:
        reader.wrong("METRICS", f"needs the package prometheus-client: {INSTALL}")
    return wanted


def _door(reader: Environment) -> tuple[str, int]:
    """Where Prometheus asks. Figures are nobody's business: a door that others can reach wants a token."""
    value = reader.text("METRICS_BIND", "127.0.0.1:9464")
    host, _, port = value.rpartition(":")
    host = host.strip("[]")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        reader.wrong("METRICS_BIND", f"{value!r} is not an address and a port such as 127.0.0.1:9464")
        return "127.0.0.1", 9464
    if host not in LOOPBACK and len(reader.text("METRICS_TOKEN", "")) < 16:
        reader.wrong("METRICS_TOKEN", f"is required, with 16 characters or more, where others can reach the door ({value})")
    return host, int(port)


def _traces(reader: Environment) -> dict[str, str]:
    """The variables of OpenTelemetry, when they ask for traces. Source: OpenTelemetry, Environment Variable Specification."""
    given = {name: value.strip() for name, value in reader.environ.items() if name.startswith("OTEL_") and value.strip()}
    exporter = given.get(EXPORTER, "otlp" if any(name in given for name in TRACES_TO) else "none").lower()
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return {}
    protocol = given.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", given.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"))
    if exporter != "otlp":
        reader.wrong(EXPORTER, f"{exporter!r} is neither otlp nor none")
    elif protocol != "http/protobuf":
        reader.wrong("OTEL_EXPORTER_OTLP_PROTOCOL", f"{protocol!r} is not http/protobuf")
    elif not _has_telemetry():
        reader.wrong(EXPORTER, f"needs the package opentelemetry-exporter-otlp-proto-http: {INSTALL}")
    for name in TRACES_TO:
        if name in given and not re.match(r"https?://[^/\s]+", given[name]):
            reader.wrong(name, "is no address such as http://127.0.0.1:4318")
    return {"OTEL_SERVICE_NAME": "bodega", **given}


def _has_telemetry() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None and find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        return False


def _secrets_in(name: str, value: str) -> list[str]:
    """The secret that a setting is, or the password in its URL."""
    if not IS_SECRET.search(name.upper()):
        return []
    if name.upper().endswith("_URL"):
        return re.findall(r"://[^/@\s:]*:([^/@\s]+)@", value)
    return [part for part in (value, *value.split(",")) if len(part) >= SHORTEST_SECRET]
