"""Real servers for tests: the shop under gunicorn, nginx before it, each on a free loopback port, stopped when the test ends.

The demo world is built once per state of the code (in tests/.cache) and copied for whoever serves it.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "tests" / ".cache"
PROGRAMS = Path(sys.executable).parent
SECRET = "a secret for tests only, long enough to be taken"
PATIENCE_S = 60.0
# Parts of the shop that show the demo world and have no part in making it.
SHOWS = {"templates", "static", "translations", "__pycache__", "views.py", "api.py", "forms.py", "schemas.py"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def settings(instance: Path, **changes: str) -> dict[str, str]:
    """The environment of a shop in ``instance``: nothing of the developer's own settings or .env gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    own = {
        "SHOP_ENV": "development",
        "SHOP_INSTANCE": str(instance),
        "DATABASE_URL": f"sqlite:///{instance / 'shop.db'}",
        "MAIL_URL": f"file://{instance / 'mail'}",
        "SECRET_KEY": SECRET,
        "WEB_CONCURRENCY": "1",
        "SHOP_CURRENCY": "EUR",
        "SHOP_COUNTRY": "ES",
        "SHOP_LOCALES": "en,es",
        "SHOP_TIMEZONE": "Europe/Madrid",
        "SHOP_PROXIES": "0",
        "FLASK_DEBUG": "0",
        "PYTHONUNBUFFERED": "1",
    }
    return {**kept, **own, **changes}


def flask(instance: Path, *words: str, **changes: str) -> str:
    """Run a ``flask`` command on the shop in ``instance``; returns what it printed."""
    return run("flask", *words, instance=instance, **changes)


def run(program: str, *words: str, instance: Path, **changes: str) -> str:
    result = subprocess.run(
        [PROGRAMS / program, *words], cwd=ROOT, env=settings(instance, **changes), capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise RuntimeError(f"{program} {' '.join(words)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


# The demo world


def state_of_the_code() -> str:
    """A hash over everything that the demo world is made of."""
    digest = hashlib.sha256()
    folders = (ROOT / "shop", ROOT / "migrations")
    made_of = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and not SHOWS.intersection(path.parts))
    for path in [*made_of, ROOT / "config.py", ROOT / "requirements.txt"]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def demo_world() -> Path:
    """The instance folder of the demo world, not to be changed: copy it with ``copy_instance``."""
    CACHE.mkdir(exist_ok=True)
    kept = CACHE / f"demo-{state_of_the_code()}"
    with (CACHE / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first of several test processes builds, the others wait
        if not kept.exists():
            for old in CACHE.glob("demo-*"):
                shutil.rmtree(old)
            making = CACHE / "making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            run("python", "-c", "from deploy.start import prepare; prepare()", instance=making)  # as `make run` does
            making.rename(kept)
    return kept


def copy_instance(source: Path, target: Path) -> Path:
    """A copy that may be changed. Pictures and assets never change: they are linked, not copied."""

    def copy(old: str, new: str) -> object:
        is_fixed = {"media", "assets"} & set(Path(old).relative_to(source).parts[:1])
        return os.link(old, new) if is_fixed else shutil.copy2(old, new)

    shutil.copytree(source, target, copy_function=copy, dirs_exist_ok=True)
    return target


# Servers


@dataclass
class Server:
    """A program that listens: ``url`` without a slash at its end."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | str | None = None) -> Answer:
        """One request on a connection of its own, exactly as said: no redirects, no cookies, no headers added but Host."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        if parts.scheme == "https":
            connection.sock = self._greet()
        try:
            connection.request(method, path, body=body, headers={"Host": parts.netloc, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def _greet(self) -> ssl.SSLSocket:
        """A TLS connection to the name in the certificate, which is the test's own and so not checked."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return trusting.wrap_socket(plain, server_hostname="shop.example")


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@contextmanager
def serve_shop(
    instance: Path, *, sockets: Path | None = None, application: str = "wsgi:app", host: str = "127.0.0.1", **changes: str
) -> Iterator[Server]:
    """The shop in ``instance`` under gunicorn: on a free port, or on the unix socket ``sockets``.

    ``application``: with a fault planted in it; ``host``: how the shop calls itself.
    """
    port = free_port()
    bind = f"unix:{sockets}" if sockets else f"127.0.0.1:{port}"
    environ = settings(instance, **{"PORT": str(port), "SHOP_URL": f"http://{host}:{port}", **changes})
    command = [str(PROGRAMS / "gunicorn"), "--config", "deploy/gunicorn.conf.py", "--bind", bind, application]
    with _running(command, instance / "gunicorn.log", environ, url=f"http://{host}:{port}", folder=instance) as server:
        _wait(server, lambda: _answers(sockets or ("127.0.0.1", port)))
        yield server


@contextmanager
def serve_wsgi(app: str, folder: Path, sockets: Path) -> Iterator[Server]:
    """Any WSGI application, such as ``tests.nginx.upstream:app``, on a unix socket."""
    command = [str(PROGRAMS / "gunicorn"), "--no-control-socket", "--worker-class=gthread", "--threads=16", f"--bind=unix:{sockets}", app]
    with _running(command, folder / "upstream.log", dict(os.environ), url="", folder=folder) as server:
        _wait(server, lambda: _answers(sockets))
        yield server


@contextmanager
def serve_amazon(folder: Path) -> Iterator[Server]:
    """A local Amazon (moto): buckets, mails, topics and queues, all in its memory. ``amazon_environ`` leads boto3 there."""
    port = free_port()
    command = [str(PROGRAMS / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder / "amazon.log", settings(folder), url=f"http://127.0.0.1:{port}", folder=folder) as server:
        _wait(server, lambda: _answers(("127.0.0.1", port)))
        yield server


def amazon_environ(url: str) -> dict[str, str]:
    """What boto3 reads: the local Amazon's address, keys that open nothing, and no other way to any."""
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
    return {
        **keys,
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@contextmanager
def serve_nginx(folder: Path, instance: Path, shop: Path, *, tls: bool = False, **changes: str) -> Iterator[Server]:
    """deploy/nginx.conf by a real nginx whose files all lie in ``folder``, before the shop on the unix socket ``shop``.

    ``changes`` replace a directive's value: ``client_body_timeout="1s"``.
    """
    port, plain = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(nginx_config(folder, instance, shop, port=port, plain_port=plain, tls=tls, changes=changes))
    if tls:
        make_certificate(folder)
    command = [find_nginx(), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    scheme = "https" if tls else "http"
    with _running(command, folder / "nginx.log", dict(os.environ), url=f"{scheme}://127.0.0.1:{port}", folder=folder) as server:
        _wait(server, lambda: _answers(("127.0.0.1", port)))
        yield server


def nginx_config(folder: Path, instance: Path, shop: Path, *, port: int, plain_port: int, tls: bool, changes: Mapping[str, str]) -> str:
    """A whole nginx.conf around deploy/nginx.conf, its addresses and paths replaced by those of the test."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    kind = "ssl http2" if tls else ""
    replaced = {
        r"listen 443 ssl default_server;": f"listen 127.0.0.1:{port} {'ssl' if tls else ''} default_server;",
        r"listen 443 ssl http2;": f"listen 127.0.0.1:{port} {kind};",
        r"listen 80 default_server;": f"listen 127.0.0.1:{plain_port} default_server;",
        r"listen 80;": f"listen 127.0.0.1:{plain_port};",
        r"ssl_reject_handshake on;": "ssl_reject_handshake on;" if tls else "",
        r"server_name shop\.example;": "server_name shop.example 127.0.0.1 localhost;",
        r"/etc/letsencrypt/live/shop\.example": str(folder),
        r"(ssl_certificate\w* .*|ssl_session.*|ssl_protocols.*);": r"\1;" if tls else "",
        r"/run/bodega/gunicorn\.sock": str(shop),
        r"/srv/bodega/instance": str(instance),
        r"/var/cache/nginx/bodega": str(folder / "cache"),
        r"# brotli_static on;": "brotli_static on;" if brotli_module() else "#",
        **{rf"\b{name} [^;]+;": f"{name} {value};" for name, value in changes.items()},
    }
    for pattern, value in replaced.items():
        site, times = re.subn(pattern, value, site)
        if not times:
            raise AssertionError(f"deploy/nginx.conf holds no {pattern}")
    load = f"load_module {brotli_module()};" if brotli_module() else ""
    user = "user root;" if os.geteuid() == 0 else ""  # a test's folder is open to its owner only
    scratch = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""{load}
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log {folder}/access.log;
  sendfile on;
{scratch}
{site}
}}
"""


def find_nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert found, "nginx is missing; `make machine` installs it or says how"
    return found


def brotli_module() -> Path | None:
    path = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
    return path if path.exists() else None


def make_certificate(folder: Path) -> None:
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    kind = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=shop.example"
    words = f"openssl req {kind} -keyout {key} -out {certificate}"
    subprocess.run(words.split(), check=True, capture_output=True)


@contextmanager
def _running(command: list[str], log: Path, environ: dict[str, str], *, url: str, folder: Path) -> Iterator[Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield Server(url, folder, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, is_ready: object) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.process.args!r} ended at once:\n{server.log.read_text()}")
        if is_ready():  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise RuntimeError(f"{server.url} did not answer in {PATIENCE_S} s:\n{server.log.read_text()}")


def _answers(address: Path | tuple[str, int]) -> bool:
    """Does somebody accept connections there?"""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(address) if isinstance(address, Path) else address)
        except OSError:
            return False
    return True
