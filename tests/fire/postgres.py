"""A PostgreSQL of the test's own, which may be torn down in the middle of everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port


@dataclass
class Postgres:
    """``url`` names its server; ``crash_and_come_back`` is a crash of the server and its recovery."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://shop@127.0.0.1:{self.port}/postgres"

    def crash_and_come_back(self) -> None:
        self._control("restart", "--mode", "immediate", "--wait", "--silent", "--log", str(self.folder / "server.log"))

    def start(self) -> None:
        self._run(
            "initdb", "--pgdata", str(self.folder / "data"), "--username", "shop", "--auth", "trust", "--encoding", "UTF8", "--no-sync"
        )
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c max_connections=200"
        self._control("start", "--wait", "--silent", "--log", str(self.folder / "server.log"), "--options", options)

    def stop(self) -> None:
        self._control("stop", "--mode", "immediate", "--silent")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), *words)

    def _run(self, program: str, *words: str) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root
        command = [*as_owner, str(self.programs / program), *words]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """In a folder that its owner may enter, with fsync on: what it has committed must be there after a crash."""
    folder = Path(tempfile.mkdtemp(prefix="bodega-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Postgres(find_programs(), folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert places, "PostgreSQL is missing; `make machine` installs it or says how"
    return places[-1].parent
