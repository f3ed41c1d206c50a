"""What visitors meet first, with real servers: the shop itself behind TLS, and before it whatever stands there."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

from shop.clock import now
from shop.doctor import Finding, front, word

Wsgi = Callable[[dict[str, Any], Any], Any]


@contextmanager
def served(wsgi: Wsgi, certificate: tuple[str, str] | None = None) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, wsgi, threaded=True, ssl_context=certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def set_config(context, monkeypatch):
    def change(**values: object) -> None:
        monkeypatch.setitem(context.extensions, "config", replace(context.extensions["config"], **values))

    return change


def behind(app: Any, proxies: int = 0, **headers: str) -> Wsgi:
    """The shop as it is with so many proxies set, behind one that sends these headers."""
    inner = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies) if proxies else app.wsgi_app

    def ask(environ: dict[str, Any], start: Any) -> Any:
        for name, value in headers.items():
            environ[f"HTTP_{name}"] = value.replace("…", environ.get(f"HTTP_{name}", ""))
        return inner(environ, start)

    return ask


BY_NGINX = {"X_FORWARDED_FOR": "203.0.113.9", "X_FORWARDED_PROTO": "http"}
APPENDED = {"X_FORWARDED_FOR": "…, 203.0.113.9", "X_FORWARDED_PROTO": "http"}
CASES: list[tuple[str, int, dict[str, str], str, str]] = [
    ("nobody before it", 0, {}, "ok", ""),
    ("nginx, counted", 1, BY_NGINX, "ok", ""),
    ("another proxy, counted", 1, APPENDED, "ok", ""),
    ("a proxy that is not there", 1, {}, "fail", "make up their address"),
    ("one proxy too many", 2, APPENDED, "fail", "make up their address"),
    ("a proxy that is not counted", 0, APPENDED, "fail", "takes all visitors for one"),
    ("another scheme", 1, {**BY_NGINX, "X_FORWARDED_PROTO": "https"}, "fail", "takes requests for https"),
    ("another host", 1, {**BY_NGINX, "X_FORWARDED_HOST": "other.example"}, "fail", "other.example"),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_who_stands_before_the_shop(context, set_config, case):
    _name, proxies, headers, state, words = case
    with served(behind(context, proxies, **headers)) as port:
        set_config(base_url=f"http://127.0.0.1:{port}", proxies=proxies)
        finding = front.check_proxy(now())

    assert (finding.state.value, words in finding.found, bool(finding.cure)) == (state, True, state != "ok"), finding


def test_nobody_and_somebody_else_at_the_address(context, set_config):
    def other(_environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/html")])
        return [b"hello"]

    with served(other) as port:
        set_config(base_url=f"http://127.0.0.1:{port}")
        assert "somebody else" in front.check_proxy(now()).found
    assert "nobody answers" in front.check_proxy(now()).found
    assert front.check_time(now()).state.value == "warn"


def test_the_clock_of_the_server(context, set_config):
    with served(context.wsgi_app) as port:
        set_config(base_url=f"http://127.0.0.1:{port}")
        assert front.check_time(now()).state.value == "ok"


def test_only_the_doctor_is_told_what_the_shop_sees(client):
    asked = [client.get("/healthz", headers={word.HEADER: said}).json for said in ("", "seen", word.make_word("another secret"))]

    assert asked == [{"status": "alive"}] * 3


# The certificate


def certificate(folder: Path, days: int, name: str = "IP:127.0.0.1") -> tuple[str, str]:
    key, file = str(folder / "key.pem"), str(folder / "cert.pem")
    words = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days {days} -subj /CN=shop -addext subjectAltName={name}"
    )
    subprocess.run([*words.split(), "-keyout", key, "-out", file], check=True, capture_output=True)
    return file, key


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """Makes a certificate that this machine trusts."""

    def make(days: int, name: str = "IP:127.0.0.1") -> tuple[str, str]:
        made = certificate(tmp_path, days, name)
        monkeypatch.setenv("SSL_CERT_FILE", made[0])
        return made

    return make


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (15, "warn"), (3, "fail")])
def test_a_certificate_that_lasts_and_one_that_ends(context, set_config, trusted, days, state):
    finding = look(context, set_config, trusted(days))

    assert finding.state.value == state, finding


def test_a_certificate_that_nobody_signed_and_one_of_another_name(context, set_config, tmp_path, trusted):
    assert "refuse the certificate" in look(context, set_config, certificate(tmp_path, 90)).found
    assert "refuse the certificate" in look(context, set_config, trusted(90, "DNS:other.example")).found


def look(context: Any, set_config: Any, made: tuple[str, str]) -> Finding:
    with served(context.wsgi_app, made) as port:
        set_config(base_url=f"https://127.0.0.1:{port}")
        return front.check_tls(now())


def test_nobody_at_the_door_and_a_shop_without_tls(context, set_config):
    set_config(base_url="https://127.0.0.1:1")
    assert front.check_tls(now()).state.value == "fail"
    set_config(base_url="http://shop.example")
    assert front.check_tls(now()).state.value == "fail"
    set_config(base_url="http://127.0.0.1:8000")
    assert front.check_tls(now()).state.value == "ok"
