"""A shop with one mug under gunicorn with every eye open, and a collector of spans that it sends to."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask_migrate import upgrade
from prometheus_client.parser import text_string_to_metric_families

from config import Config
from shop import create_app, enable_migrations
from tests.bench.load import children
from tests.factories import make_product
from tests.servers import Answer, Server, _answers, _wait, free_port, serve_shop, settings

WORKERS = 3
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Collector:
    """What a collector of OpenTelemetry got, by HTTP."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Any]:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        asked = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [span for one in asked for resource in one.resource_spans for scope in resource.scope_spans for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    found = Collector()

    class Taken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taken) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def make_shop(instance: Path, stock: int = 1000) -> int:
    """A shop that sells one mug; gives the number of its variant."""
    app = create_app(Config.from_env(settings(instance), testing=True))
    enable_migrations(app)
    with app.app_context():
        upgrade()
        app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)
        made = make_product("Mug", slug="mug", stock=stock)
        app.extensions["sqlalchemy"].engine.dispose()
    return made.variant_id


@dataclass
class Watched:
    """A running shop, its door for figures and its lines."""

    server: Server
    door: Server
    mug: int

    def figures(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What Prometheus would read now: name and labels without the shop's own, and the number."""
        page = self.door.get("/metrics")
        assert page.status == 200, page.text
        return {
            (sample.name, frozenset(sample.labels.items()) - {("shop", "wine")}): sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float:
        """The sum of all figures of that name with these labels."""
        wanted = set(labels.items())
        return sum(value for (found, own), value in self.figures().items() if found == name and wanted <= own)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.server.folder / "logs" / "app.log").read_text().splitlines()]

    def workers(self) -> list[int]:
        return children(self.server.process.pid)

    def browse(self) -> Visitor:
        return Visitor(self.server)


@dataclass
class Visitor:
    """Keeps cookies; ``headers`` go with every request."""

    server: Server
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, form: Mapping[str, str] | None = None, said: Any = None, **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded" if form is not None else "application/json"} if form or said else {}
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        body = urlencode(form) if form is not None else json.dumps(said) if said is not None else None
        answer = self.server.ask(method, path, headers={**SAME_ORIGIN, **sent, **kind, **self.headers, **headers}, body=body)
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def order(self, variant_id: int, *, pieces: int = 1, **changes: Any) -> Any:
        """Put the mug in and order it as a program; gives what the shop says."""
        put = self.ask("POST", "/api/v1/cart/items", said={"variant_id": variant_id, "quantity": pieces})
        assert put.status < 300, put.text
        address = {"name": "Lucía", "line1": "Calle Feria 18", "city": "Sevilla", "postcode": "41003", "country": "ES"}
        body = {"email": "lucia@example.com", "shipping_address": address, "shipping_method": "standard", "payment_method": "test_card"}
        answer = self.ask("POST", "/api/v1/orders", said={**body, "accepts_terms": True, **changes})
        assert answer.status == 201, answer.text
        return json.loads(answer.text)


@contextmanager
def watching(instance: Path, **changes: str) -> Iterator[Watched]:
    """The shop ``wine`` with all eyes open, behind a proxy of ours."""
    port = free_port()
    eyes = {"METRICS": "1", "METRICS_BIND": f"127.0.0.1:{port}", "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "LOG_FILE": "logs/app.log"}
    mug = make_shop(instance)
    own = {"SHOP_NAME": "wine", "SHOP_PROXIES": "1", "WEB_CONCURRENCY": str(WORKERS), "LOG_NETWORKS": "1", **eyes, **changes}
    with serve_shop(instance, application="tests.observe.broken:app", **own) as server:
        _wait(server, lambda: _answers(("127.0.0.1", port)))
        yield Watched(server, Server(f"http://127.0.0.1:{port}", instance, server.process, server.log), mug)
