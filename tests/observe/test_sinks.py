"""Lines reach their file whole, whoever else writes into it and whoever rotates it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from shop.observe.sinks import RotatedFile, Sinks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "app.log"


def test_a_full_file_becomes_the_first_of_the_old_ones(path):
    file = RotatedFile(path, most_mb=100 / 1024 / 1024, keep=2)

    for number in range(8):
        file.write(b"%039d\n" % number)
    file.close()

    assert [int(line) for line in path.read_text().split()] == [6, 7]
    assert [int(line) for line in Path(f"{path}.1").read_text().split()] == [4, 5]
    assert [int(line) for line in Path(f"{path}.2").read_text().split()] == [2, 3]
    assert not Path(f"{path}.3").exists()


def test_a_file_that_somebody_else_rotated_is_begun_anew(path):
    file = RotatedFile(path, most_mb=0, keep=1)

    file.write(b"before\n")
    path.rename(f"{path}.old")
    file.write(b"after\n")
    file.close()

    assert path.read_text() == "after\n"
    assert Path(f"{path}.old").read_text() == "before\n"


def test_processes_that_share_and_rotate_a_file_lose_no_line_and_tear_none(path):
    writers, each, line = 4, 400, b"%d %04d " + b"x" * 90 + b"\n"
    children = []
    for writer in range(writers):
        child = os.fork()
        if child == 0:
            file = RotatedFile(path, most_mb=4 / 1024, keep=1000)
            for number in range(each):
                file.write(line % (writer, number))
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0

    files = [found for found in path.parent.glob("app.log*") if found.suffix != ".lock"]
    lines = [text.split(" ") for found in files for text in found.read_text().splitlines()]
    assert len(files) > 30
    assert all(found.stat().st_size <= 4096 + writers * 100 for found in files)  # each may be about to write when the limit is reached
    assert sorted((int(writer), int(number)) for writer, number, _ in lines) == [(w, n) for w in range(writers) for n in range(each)]


def test_a_line_that_cannot_be_written_stops_nobody():
    class Full:
        def write(self, _line: bytes) -> None:
            raise OSError("no space left on device")

        def close(self) -> None:
            pass

    Sinks(Full()).handle(logging.LogRecord("shop", logging.INFO, __file__, 1, "%d", ("not a number",), None))
