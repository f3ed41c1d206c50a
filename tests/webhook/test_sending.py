"""One try: within its deadline, no redirect, little read, to the address that was checked, whatever the other side does."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time

import pytest

from shop.webhook import sending
from shop.webhook.sending import KEPT_CHARS, send
from tests.webhook.conftest import PATIENCE_S
from tests.webhook.receiver import read_message, whole
from tests.webhook.test_addresses import PUBLIC, answering

HERE = frozenset({"127.0.0.1", "receiver.test"})
BODY = '{"kind":"order.placed","ñ":1}'.encode()


def try_it(receiver, path, **headers):
    return send(receiver.url + path, BODY, headers, named_hosts=HERE, timeout_s=PATIENCE_S)


def test_a_receiver_gets_the_body_as_it_was_signed(receiver):
    outcome = try_it(receiver, "/ok?x=1", **{"webhook-id": "abc"})

    message = receiver.messages[0]
    assert (outcome.status, outcome.answer, outcome.is_good) == (200, "thanks", True)
    assert (message.path, message.body, message.headers["webhook-id"]) == ("/ok?x=1", BODY, "abc")
    assert message.headers["host"] == receiver.url.removeprefix("http://")
    assert "accept-encoding" not in message.headers


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/500", 500, "answered 500"), ("/410", 410, "answered 410"), ("/moved", 302, "redirects are not followed"), ("/cut", None, "broke off"),
     ("/nonsense", None, "BadStatusLine")],
)  # fmt: skip
def test_what_is_not_200_to_299_is_a_failure_with_its_reason(receiver, path, status, said):
    outcome = try_it(receiver, path)

    assert (outcome.status, outcome.is_good) == (status, False)
    assert said in outcome.why
    assert [message.path for message in receiver.messages] == [path]


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_who_is_slow_has_one_deadline_for_all_of_it(receiver, path):
    began = time.monotonic()

    outcome = try_it(receiver, path)

    assert outcome.status is None
    assert "no answer within 0.4 s" in outcome.why
    assert time.monotonic() - began < 10 * PATIENCE_S


def test_of_an_answer_without_end_the_beginning_is_read(receiver):
    outcome = try_it(receiver, "/endless")

    assert outcome.is_good
    assert len(outcome.answer) <= KEPT_CHARS
    assert "\0" not in outcome.answer


def test_nobody_there_is_a_failure(app):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        outcome = send(f"http://127.0.0.1:{port}/", BODY, {}, named_hosts=HERE, timeout_s=PATIENCE_S)

    assert "ConnectionRefusedError" in outcome.why


def test_the_connection_goes_to_the_address_that_was_checked(context, monkeypatch):
    asked, connected = answering(monkeypatch, [PUBLIC], ["127.0.0.1"]), []

    def connect(_link, address):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(sending.socket.socket, "connect", connect)
    send("https://hooks.example.com/", BODY, {}, named_hosts=frozenset(), timeout_s=PATIENCE_S)

    assert connected == [(PUBLIC, 443)]
    assert asked == ["hooks.example.com"]


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://hooks.example.com/", "http://hooks.example.com/"])
def test_nothing_is_connected_to_where_nothing_may_be_sent(context, monkeypatch, url):
    answering(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(sending.socket.socket, "connect", lambda *_args: pytest.fail("connected"))

    assert send(url, BODY, {}, named_hosts=frozenset(), timeout_s=PATIENCE_S).status is None


def test_no_proxy_of_the_environment_is_asked(receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert try_it(receiver, "/ok").is_good


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A receiver behind TLS whose certificate names receiver.test; gives its port and the certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=receiver.test -addext subjectAltName=DNS:receiver.test"
    subprocess.run([*words.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    link, _address = listener.accept()
                except OSError:
                    return
                try:
                    with settings.wrap_socket(link, server_side=True) as safe, safe.makefile("rwb") as file:
                        read_message(file)
                        file.write(whole(204, b""))
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], certificate
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_certificate_must_be_trusted_and_name_the_host(app, tls, monkeypatch):
    port, certificate = tls
    answering(monkeypatch, ["127.0.0.1"])
    url = f"https://receiver.test:{port}/"

    unknown = send(url, BODY, {}, named_hosts=HERE, timeout_s=5)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusted = send(url, BODY, {}, named_hosts=HERE, timeout_s=5)
    misnamed = send(f"https://127.0.0.1:{port}/", BODY, {}, named_hosts=HERE, timeout_s=5)

    assert "CERTIFICATE_VERIFY_FAILED" in unknown.why
    assert trusted.status == 204
    assert "CERTIFICATE_VERIFY_FAILED" in misnamed.why
