"""The shop as docs/deploy.md installs it, in a scratch folder: releases, a link to the one in use, and a socket that somebody else holds.

What systemd does for the shop is done here by hand: it hands over a socket that listens (LISTEN_FDS) and is told who leads (NOTIFY_SOCKET).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.servers import PATIENCE_S, PROGRAMS, ROOT, settings

CODE = (
    "shop",
    "migrations",
    "deploy",
    "config.py",
    "config_amazon.py",
    "config_observe.py",
    "config_outside.py",
    "environment.py",
    "wsgi.py",
)
HANDED_OVER = 'exec 3<&"$DOOR"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'  # the first socket of systemd is number 3


class Installation:
    """A shop on a server; ``environ`` are its settings."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.folder, self.current, self.instance = folder, folder / "current", folder / "instance"
        self.instance.mkdir(parents=True)
        self.environ = settings(self.instance, SHOP_COURIER="0", SHOP_PROXIES="1", MALLOC_ARENA_MAX="2", **changes)
        self.pidfile, self.log = folder / "gunicorn.pid", folder / "gunicorn.log"
        self.door_path = folder / "shop.sock"
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(self.door_path))
        self.door.listen(2048)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify.sock"))
        self.notices.setblocking(False)
        self.started: list[subprocess.Popen[bytes]] = []

    def add_release(self, name: str) -> Path:
        """The code of this working tree, in a folder of its own."""
        release = self.folder / "releases" / name
        for part in CODE:
            source, target = ROOT / part, release / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)  # with what Python compiled, which is told by its time
            else:
                shutil.copy2(source, target)
        return release

    def point_to(self, release: Path) -> None:
        """Move the link in one step."""
        beside = self.folder / "current.new"
        beside.symlink_to(release)
        beside.rename(self.current)

    def flask(self, release: Path, *words: str) -> str:
        done = subprocess.run([PROGRAMS / "flask", *words], cwd=release, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"flask {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    # As bodega.service does

    def start(self) -> None:
        """ExecStart of the unit, with the socket that is held here."""
        gunicorn = [str(PROGRAMS / "gunicorn"), "--config", "deploy/gunicorn.conf.py", "--pid", str(self.pidfile), "wsgi:app"]
        environ = {
            **self.environ,
            "PWD": str(self.current),
            "NOTIFY_SOCKET": str(self.folder / "notify.sock"),
            "DOOR": str(self.door.fileno()),
        }
        with self.log.open("ab") as log:
            master = subprocess.Popen(
                ["bash", "-c", HANDED_OVER, "bash", *gunicorn],
                cwd=self.current,
                env=environ,
                pass_fds=[self.door.fileno()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.started.append(master)
        self.wait_until(lambda: "READY=1" in self.heard())

    def reload(self, *words: str) -> subprocess.CompletedProcess[str]:
        """ExecReload of the unit."""
        script = str(self.current / "deploy" / "reload.sh")
        return subprocess.run([script, str(self.pidfile), *words], capture_output=True, text=True, check=False, timeout=120)

    def stop(self) -> None:
        """As systemd stops it: TERM to the master, and nothing is killed that ends within its time."""
        if leader := self.leader():
            os.kill(leader, signal.SIGTERM)
            self.wait_until(lambda: not is_alive(leader))

    def close(self) -> None:
        self.stop()
        for master in self.started:
            master.wait(PATIENCE_S)
        self.door.close()
        self.notices.close()

    def leader(self) -> int:
        """The process number of the master; 0 when there is none."""
        try:
            number = int(self.pidfile.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return number if is_alive(number) else 0

    def heard(self) -> str:
        """What was told to systemd since the last time."""
        words = []
        while True:
            try:
                words.append(self.notices.recv(4096).decode())
            except BlockingIOError:
                return "\n".join(words)

    def wait_until(self, is_so: object) -> None:
        until = time.monotonic() + PATIENCE_S
        while not is_so():  # type: ignore[operator]
            if time.monotonic() > until:
                raise AssertionError(self.log.read_text()[-4000:])
            time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A process that ended and waits to be counted by its parent is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
