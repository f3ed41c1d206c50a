"""Updates while people buy: reloads, a restart, a change of the tables in the steps of docs/deploy.md. Not one request may fail."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.deploy.crowd import Crowd
from tests.deploy.installation import Installation
from tests.servers import ROOT, Server

GUIDE = ROOT / "docs" / "deploy.md"
SAMPLE = re.compile(r"```python[^\n]*\n# (migrations/versions/\S+\.py)\n(.*?)```", re.DOTALL)
RELOADS = 5


def samples() -> dict[str, str]:
    """The migrations that the guide shows, by their path."""
    return dict(SAMPLE.findall(GUIDE.read_text()))


def change(file: Path, old: str, new: str) -> None:
    before = file.read_text()
    assert before.count(old) == 1, f"{file.name} holds {old!r} {before.count(old)} times"
    file.write_text(before.replace(old, new))


def says(release: Path, word: str) -> None:
    """Let this release tell who it is, so that one sees which answers."""
    change(release / "shop" / "health.py", '"alive"', f'"alive, {word}"')


def scalar(rows: Engine, statement: str) -> object:
    with rows.connect() as connection:
        return connection.execute(text(statement)).scalar()


@pytest.fixture(scope="module")
def wider(installed: Installation) -> Path:
    """The next release: its orders have one column more, and the migrations of the guide make it."""
    release = installed.add_release("b")
    for path, code in samples().items():
        (release / path).write_text(code)
    column = '    occasion: Mapped[str | None] = mapped_column(default="none")\n'
    note = '    note: Mapped[str] = mapped_column(default="")\n'
    models = release / "shop" / "order" / "models.py"
    body = models.read_text()
    start = body.index("class Order(Base):")
    models.write_text(body[:start] + body[start:].replace(note, note + column, 1))
    says(release, "b")
    return release


@pytest.fixture(scope="module")
def crowd(nginx: Server) -> Iterator[Crowd]:
    """The same visitors stay during the whole file."""
    with Crowd(nginx.url) as crowd, crowd.goes_on(3):
        pass
    assert crowd.failed == []
    with Crowd(nginx.url) as crowd:
        yield crowd


def test_the_release_of_the_link_is_opened_again_and_again_and_no_request_fails(
    installed: Installation, crowd: Crowd, nginx: Server
) -> None:
    others = [installed.current.resolve(), installed.add_release("a2")]
    says(others[1], "a2")
    leaders = {installed.leader()}

    for turn in range(RELOADS):
        installed.point_to(others[(turn + 1) % 2])
        with crowd.goes_on(2):
            done = installed.reload()
        assert done.returncode == 0, done.stderr + installed.log.read_text()[-2000:]
        assert ("a2" in nginx.get("/healthz").text) == (turn % 2 == 0)
        assert f"MAINPID={installed.leader()}" in installed.heard()
        leaders.add(installed.leader())

    assert len(leaders) == RELOADS + 1
    assert crowd.failed == []
    print(f"\n{RELOADS} reloads: {crowd.asked} requests, {crowd.orders} orders, {len(crowd.failed)} failed")


def test_code_that_does_not_open_changes_nothing(installed: Installation, crowd: Crowd, nginx: Server) -> None:
    before, leader = installed.current.resolve(), installed.leader()
    broken = installed.add_release("broken")
    (broken / "wsgi.py").write_text("import nothing_of_this_name\n")
    installed.point_to(broken)

    with crowd.goes_on(2):
        done = installed.reload("60")

    assert done.returncode == 1
    assert "the old one goes on" in done.stderr
    assert installed.leader() == leader
    assert nginx.get("/healthz").status == 200
    assert crowd.failed == []
    installed.point_to(before)


def test_a_restart_lets_visitors_wait_and_refuses_none(installed: Installation, crowd: Crowd) -> None:
    with crowd.goes_on(3):
        installed.stop()
        assert installed.leader() == 0
        installed.start()

    assert crowd.failed == []


def test_tables_are_widened_filled_and_narrowed_while_people_order(
    installed: Installation, crowd: Crowd, nginx: Server, wider: Path, rows: Engine
) -> None:
    with crowd.goes_on(3):
        installed.flask(wider, "db", "upgrade", "0002")
    assert nginx.get("/readyz").status == 200, "the old code may be sent visitors while the tables are newer"
    assert scalar(rows, "SELECT count(*) FROM orders WHERE occasion IS NULL") == scalar(rows, "SELECT count(*) FROM orders") != 0

    installed.point_to(wider)
    with crowd.goes_on(3):
        assert installed.reload().returncode == 0
    assert "alive, b" in nginx.get("/healthz").text
    assert scalar(rows, "SELECT count(*) FROM orders WHERE occasion = 'none'") != 0

    with crowd.goes_on(3):
        installed.flask(wider, "db", "upgrade", "0003")
    assert scalar(rows, "SELECT count(*) FROM orders WHERE occasion IS NULL") == 0

    with crowd.goes_on(3):
        installed.flask(wider, "db", "upgrade", "0004")
    nullable = "SELECT is_nullable FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'occasion'"
    assert scalar(rows, nullable) == "NO"

    assert crowd.failed == []
    assert scalar(rows, "SELECT count(*) FROM orders") >= crowd.orders  # type: ignore[operator]
    print(f"\nand one change of tables: {crowd.asked} requests, {crowd.orders} orders, {len(crowd.failed)} failed")


def test_the_crowd_notices_a_column_that_is_taken_from_code_that_reads_it(
    installed: Installation, crowd: Crowd, nginx: Server, rows: Engine
) -> None:
    with Crowd(nginx.url, 1) as witness, witness.goes_on(2), rows.connect() as connection:
        connection.execute(text("ALTER TABLE orders DROP COLUMN occasion"))
    crowd.over.set()

    assert any(" 500" in line for line in witness.failed)


def test_the_crowd_notices_workers_that_are_killed_instead_of_asked(installed: Installation, crowd: Crowd, nginx: Server) -> None:
    crowd.over.set()
    leader = installed.leader()
    with Crowd(nginx.url, 4) as witness:
        for _ in range(400):
            for worker in Path(f"/proc/{leader}/task/{leader}/children").read_text().split():
                signal.pidfd_send_signal(_open(int(worker)), signal.SIGKILL)
            if witness.failed:
                break
            witness.over.wait(0.05)

    assert witness.failed


def _open(pid: int) -> int:
    import os

    return os.pidfd_open(pid)
