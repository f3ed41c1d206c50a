"""An image without Docker: the commands of the Dockerfile, run in a scratch folder; then its process, as nobody on a file system that is read-only.

What differs from an image is said here: the Python is this machine's, /srv/bodega is a scratch folder, and the libraries are those of this working tree,
which come from the same lock files, unless DEPLOY_TEST=full has pip install them anew as the Dockerfile says.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import PROGRAMS, ROOT

HOME = "/srv/bodega"
IS_FULL = os.environ.get("DEPLOY_TEST") == "full"
INSTRUCTION = re.compile(r"^([A-Z]+)\s+((?:.*\\\n)*.*)$", re.MULTILINE)


@dataclass
class Stage:
    """One FROM and what follows, as (instruction, words)."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """The words of the last such instruction; empty without one."""
        return next((words for name, words in reversed(self.steps) if name == instruction), "")

    def environ(self) -> dict[str, str]:
        return dict(word.split("=", 1) for name, words in self.steps if name == "ENV" for word in shlex.split(words))


def read_dockerfile(text: str) -> list[Stage]:
    stages: list[Stage] = []
    for name, words in INSTRUCTION.findall(text):
        joined = re.sub(r"\s*\\\n\s*", " ", words)
        if name == "FROM":
            stages.append(Stage(joined))
        else:
            stages[-1].steps.append((name, joined))
    return stages


def build(stage: Stage, folder: Path) -> None:
    """Do the steps of a stage in ``folder`` instead of /srv/bodega.

    Raises:
        RuntimeError: a command failed; holds its words.
    """
    for name, words in stage.steps:
        if name == "COPY":
            *sources, target = words.split()
            for source in sources:
                _copy(ROOT / source, folder / target / (source if len(sources) > 1 else ""))
        elif name == "RUN" and " install " in words and not IS_FULL:
            _lend_libraries(folder / ".venv")
        elif name == "RUN":
            _run(["bash", "-ec", re.sub("^python ", f"{sys.base_prefix}/bin/python3 ", words).replace(HOME, str(folder))], folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "*.env"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _lend_libraries(venv: Path) -> None:
    """In pip's place: the libraries of this working tree, and the programs of theirs that the Dockerfile names."""
    [own] = venv.glob("lib/python*/site-packages")
    [lent] = PROGRAMS.parent.glob("lib/python*/site-packages")
    (own / "lent.pth").write_text(f"{lent}\n")
    for program in ("gunicorn", "flask", "pybabel"):
        text = (PROGRAMS / program).read_text()
        (venv / "bin" / program).write_text(f"#!{venv}/bin/python\n" + text.partition("\n")[2])
        (venv / "bin" / program).chmod(0o755)


def _run(command: list[str], folder: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[-1]}\n{done.stdout}{done.stderr}")


# Running it


def words_of(json_words: str) -> list[str]:
    """The program of ``CMD ["…"]``."""
    words: list[str] = json.loads(json_words)
    return words


def confined(folder: Path, volume: Path, command: list[str], environ: dict[str, str]) -> list[str]:
    """A command that runs ``command`` in ``folder`` as a container would: everything read-only but ``volume`` and an own /tmp, as user 10001, who may
    not become anybody else.
    """
    needed = [Path(sys.base_prefix).resolve(), PROGRAMS.parent, folder, volume]
    stage = folder.parent / "stage"
    lines = ["mount --make-rprivate /"]
    for number, path in enumerate(needed):
        (stage / str(number)).mkdir(parents=True, exist_ok=True)
        lines += [f"mount --bind {path} {stage}/{number}"]
    for closed in {closed for path in needed if (closed := _closed_above(path))}:
        lines += [f"mount -t tmpfs -o mode=755 tmpfs {closed}"]
        lines += [f"mkdir -p {path}; mount --bind {stage}/{needed.index(path)} {path}" for path in needed if _closed_above(path) == closed]
    lines += [f"mount --bind {volume} {volume}", "mount -t tmpfs -o mode=1777 tmpfs /tmp", "mount -o remount,bind,ro /"]
    lines += [f"mount -o remount,bind,ro {path}" for path in needed if _closed_above(path) and path != volume]
    inner = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
    become = "setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
    lines += [f"cd {folder}; exec {become} env -i {inner} {shlex.join(command)}"]
    return ["unshare", "--mount", "bash", "-ec", "\n".join(lines)]


def _closed_above(path: Path) -> Path | None:
    """The uppermost folder above ``path`` that others may not enter."""
    return next((parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001), None)
