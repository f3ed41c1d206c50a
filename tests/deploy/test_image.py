"""The Dockerfile without Docker: each RUN succeeds outside, and its CMD serves as nobody on a read-only file system, as its HEALTHCHECK says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.image import HOME, Stage, build, confined, read_dockerfile, words_of
from tests.servers import PATIENCE_S, ROOT, free_port

PRODUCTION = {
    "SECRET_KEY": "a secret for tests only, long enough to be taken",
    "SHOP_URL": "https://shop.example",
    "SHOP_PAYMENT_METHODS": "bank_transfer",
    "SHOP_BANK_ACCOUNT": "ES91 2100 0418 4502 0005 1332",
    "MAIL_URL": "smtp://127.0.0.1:9",
    "WEB_CONCURRENCY": "1",
}


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read_dockerfile((ROOT / "Dockerfile").read_text())


class Image:
    """What the Dockerfile makes, and a volume that belongs to its user."""

    def __init__(self, folder: Path, stages: list[Stage]) -> None:
        self.folder, self.volume, self.last = folder / "bodega", folder / "volume", stages[-1]
        for path in (self.folder, self.volume):
            path.mkdir(mode=0o755)
        os.chown(self.volume, 10001, 10001)
        build(stages[0], self.folder)
        said = {name: value.replace(HOME, str(self.folder)) for name, value in self.last.environ().items()}
        said["PATH"] = said["PATH"].replace("$PATH", os.environ["PATH"])
        self.environ = {**said, "SHOP_INSTANCE": str(self.volume), **PRODUCTION}

    def run(self, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        words = confined(self.folder, self.volume, list(command), {**self.environ, **changes})
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    @contextmanager
    def serving(self, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        words = confined(self.folder, self.volume, command, self.environ)
        with (self.folder.parent / "serving.log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def image(stages: list[Stage]) -> Iterator[Image]:
    assert os.geteuid() == 0, "the container's read-only file system and user are made by root: run `make deploy-check` as root"
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="bodega-image-"))
    folder.chmod(0o755)
    yield Image(folder, stages)
    shutil.rmtree(folder)


def test_its_commands_make_the_shop_with_its_languages_and_compiled_code(image: Image) -> None:
    assert list(image.folder.glob("shop/translations/es/LC_MESSAGES/*.mo"))
    assert list(image.folder.glob("shop/__pycache__/__init__*.pyc"))
    assert list(image.folder.glob("__pycache__/wsgi*.pyc"))


def test_its_command_serves_as_nobody_where_nothing_can_be_written(image: Image) -> None:
    made = image.run("flask", "shop", "init")
    assert made.returncode == 0, made.stdout + made.stderr
    port = free_port()
    command = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in words_of(image.last.last("CMD"))]
    check = words_of(image.last.last("HEALTHCHECK").partition(" CMD ")[2])
    check = [word.replace(":8000", f":{port}") for word in check]
    assert image.run(*check).returncode != 0, "nobody serves yet"

    with image.serving(command) as process:
        healthy = wait_for(lambda: image.run(*check), process)
        user = Path(f"/proc/{process.pid}/status").read_text()
        stopped_at = time.monotonic()

    assert '"ready"' in healthy.stdout
    assert "Uid:\t10001\t10001" in user
    assert process.returncode == 0, "SIGTERM ends it in peace"
    assert time.monotonic() - stopped_at < 30


def wait_for(ask, process: subprocess.Popen[bytes]) -> subprocess.CompletedProcess[str]:  # type: ignore[no-untyped-def]
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        if (done := ask()).returncode == 0:
            return done  # type: ignore[no-any-return]
        time.sleep(0.2)
    raise AssertionError(done.stdout + done.stderr)


def test_the_confinement_holds(image: Image) -> None:
    """Else the test above would prove nothing."""
    for place in (image.folder, image.folder / "shop", "/etc", "/var/tmp"):
        refused = image.run("touch", f"{place}/planted")
        assert refused.returncode != 0, place
    assert "Read-only file system" in image.run("touch", "/var/tmp/planted").stderr
    assert image.run("touch", "/tmp/planted", f"{image.volume}/planted").returncode == 0
    assert image.run("id", "-u").stdout.strip() == "10001"


def test_a_volume_of_somebody_else_is_refused_in_words(image: Image) -> None:
    os.chown(image.volume, 0, 0)
    try:
        refused = image.run("flask", "shop", "init", DATABASE_URL=f"sqlite:///{image.volume}/other.db")
    finally:
        os.chown(image.volume, 10001, 10001)

    assert refused.returncode != 0


def test_the_backup_of_each_night_is_looked_through_and_only_then_old_ones_go(image: Image) -> None:
    folder = image.volume / "backups"
    folder.mkdir()
    for name, days in (("shop-old.backup", 40), ("shop-new.backup", 5), ("other.txt", 40)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - days * 86_400,) * 2)
    for path in (folder, *folder.iterdir()):
        os.chown(path, 10001, 10001)
    assert image.run("flask", "shop", "init").returncode == 0

    done = image.run("bash", "deploy/backup.sh", str(folder), "28")

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir() if "-20" not in path.name) == ["other.txt", "shop-new.backup"]
    assert [path.stat().st_size > 10_000 for path in folder.glob("shop-20*.backup")] == [True]
