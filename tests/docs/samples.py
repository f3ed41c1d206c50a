"""The blocks of the documentation: finds them, says what is wrong with them, runs a document as its reader would.

| kind | what becomes of it |
|---|---|
| any, with a path (```` ```python shop/gift/models.py ````) | written there in a scratch copy of the tree |
| `sh` | run in order in that copy, one `bash -euo pipefail` per document |
| `sh server` | needs root, DNS, Docker or systemd: its grammar alone is checked; so it is for `console server` |
| `diff` | applied to the copy by `git apply` |
| `console` | what the block before it prints: each line must appear; `…` stands for anything |
| `json` `toml` `ini` `yaml` `csv` `python` `nginx` `dotenv` `tree` | read; names in it must exist |
"""

from __future__ import annotations

import ast
import configparser
import csv
import importlib
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from config import ROOT, Config
from tests.servers import free_port

PATIENCE_S = 420
FENCE = re.compile(r"^(?P<marks> *`{3,})(?P<kind>[a-z]*)(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=marks) *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
MARK = "=== block"
SERVER = "server"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. ``words`` follow its kind; ``path`` is where it is written to, relative to the tree, or empty."""

    line: int
    kind: str
    words: tuple[str, ...]
    text: str

    @property
    def path(self) -> str:
        return next((word for word in self.words if word != SERVER), "")

    @property
    def is_for_a_server(self) -> bool:
        return SERVER in self.words


def find_blocks(document: str) -> list[Block]:
    """Every fenced block of a document, in order."""
    return [
        Block(document.count("\n", 0, found.start()) + 1, found["kind"], tuple(found["info"].split()), found["text"])
        for found in FENCE.finditer(document)
    ]


# What is wrong with a block, without running it


def faults(document: str) -> list[str]:
    """What is wrong with the blocks of a document, each with its line."""
    found, blocks = [], find_blocks(document)
    if len(re.findall(r"^ *`{3,}", document, re.MULTILINE)) != 2 * len(blocks):
        found.append("a block does not end, or ends twice")
    for place, block in enumerate(blocks):
        try:
            _check(block, blocks[:place])
        except (ValueError, SyntaxError, ImportError, configparser.Error, csv.Error) as problem:
            found.append(f"line {block.line}: {problem}")
    return found


def _check(block: Block, before: list[Block]) -> None:
    if len(block.words) - block.is_for_a_server > 1:
        raise ValueError(f"{block.words} is more than one path")
    if block.path and (block.path.startswith("/") or ".." in block.path):
        raise ValueError(f"{block.path} lies outside the tree")
    if block.kind not in KINDS and not block.path:
        raise ValueError(f"a block of the kind {block.kind!r} is neither run nor checked")
    if block.kind == "console" and not any(one.kind == "sh" for one in before):
        raise ValueError("nothing was run whose output this could be")
    if block.kind in KINDS:
        KINDS[block.kind](block.text)


def _parse_shell(text: str) -> None:
    said = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    if said.returncode:
        raise ValueError(said.stderr.strip())


def _parse_python(text: str) -> None:
    """It compiles, and what it takes from the shop is there."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shop.") and (ROOT / "shop").is_dir():
            try:
                module = importlib.import_module(str(node.module))
            except ModuleNotFoundError:
                continue  # a module that the same document writes; running it proves it
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            if missing:
                raise ValueError(f"{node.module} has no {', '.join(missing)}")


def _parse_ini(text: str) -> None:
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None, strict=False)
    parser.read_string(text if text.lstrip().startswith(("[", "#", ";")) else f"[-]\n{text}")


def _parse_csv(text: str) -> None:
    widths = {len(row) for row in csv.reader(io.StringIO(text), strict=True) if row}
    if len(widths) != 1:
        raise ValueError(f"rows of {sorted(widths)} columns")


def _parse_yaml(text: str) -> None:
    import yaml

    try:
        yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise ValueError(str(problem)) from None


def _parse_nginx(text: str) -> None:
    """Braces are in pairs, and every line opens, closes or ends a directive."""
    depth = 0
    for line in text.splitlines():
        words = line.partition("#")[0].strip()
        depth += words.count("{") - words.count("}")
        if depth < 0 or (words and words[-1] not in "{};"):
            raise ValueError(f"{line!r} is no directive of nginx")
    if depth:
        raise ValueError("a brace is open")


def _parse_dotenv(text: str) -> None:
    """Lines of a `.env`: the shop asks for each of these settings."""
    known = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    for line in filter(None, map(str.strip, text.splitlines())):
        name, mark, _ = line.partition("=")
        if not line.startswith("#") and (not mark or name not in known):
            raise ValueError(f"no setting is called {name}")


def _parse_tree(text: str) -> None:
    """A drawing of the tree: every word with a slash or an ending is there."""
    words = (word for line in text.splitlines() for word in re.findall(r"(?<!\S)[\w./-]+(?:/|\.py|\.md|\.toml)(?=[\s,]|$)", line))
    lost = [word for word in words if not any((ROOT / place / word).exists() for place in ("", "shop"))]
    if lost:
        raise ValueError(f"not in the tree: {', '.join(lost)}")


KINDS: dict[str, Callable[[str], object]] = {
    "sh": _parse_shell,
    "console": str,
    "diff": str,
    "json": json.loads,
    "toml": tomllib.loads,
    "ini": _parse_ini,
    "yaml": _parse_yaml,
    "csv": _parse_csv,
    "python": _parse_python,
    "nginx": _parse_nginx,
    "dotenv": _parse_dotenv,
    "tree": _parse_tree,
}

# What is wrong around the blocks


def lost_links(path: Path) -> list[str]:
    """Links of a document to files or headings that are not there."""
    lost = []
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        name, _, heading = target.partition("#")
        there = path.parent / name if name else path
        if not there.exists() or (heading and heading not in _headings(there)):
            lost.append(target)
    return lost


def _headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def wrong_commands(document: str, root: click.Group) -> list[str]:
    """Commands ``flask …`` that the document names and the shop has not, or not with these options."""
    texts = [block.text.replace("\\\n", " ") for block in find_blocks(document) if block.kind in {"sh", "console"}]
    texts += SPAN.findall(FENCE.sub("", document))
    named = [words for text in texts for words in re.findall(r"(?:^|[\s(/])flask +([a-z][^\n|;&>)]*)", text, re.MULTILINE)]
    return [f"flask {words}: {fault}" for words in named for fault in _wrong(words.split(), root)]


def wrong_makes(document: str) -> list[str]:
    """Words of `make` that the document names and the Makefile has not."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    texts = [*(block.text for block in find_blocks(document) if block.kind == "sh"), *SPAN.findall(FENCE.sub("", document))]
    said = [words for text in texts for words in re.findall(r"(?:^|[\s;&])make +([a-z][a-z -]*[a-z])", text, re.MULTILINE)]
    return sorted({word for words in said for word in words.split() if word not in known})


def _wrong(words: list[str], root: click.Group) -> Iterator[str]:
    command: click.Command = root
    for place, word in enumerate(words):
        if word == "--":
            yield from _wrong(words[place + 1 :], root)
            return
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word in {"…", "..."}:
                return
            found = command.commands.get(word)
            if found is None:
                yield f"{command.name} has no {word}"
                return
            command = found
        elif word.startswith("--") and word.partition("=")[0] not in {name for param in command.params for name in param.opts}:
            yield f"{command.name} has no option {word}"


# Running a document


def copy_tree(target: Path) -> Path:
    """What git knows of the tree, compiled modules beside it, and the same installed programs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tracked = [Path(name) for name in listed.split("\0") if name and not name.startswith("instance/")]
    made = [path.relative_to(ROOT) for folder in ("shop", "migrations") for path in (ROOT / folder).rglob("*.pyc")]
    made += [path.relative_to(ROOT) for path in (ROOT / "shop" / "translations").rglob("*.mo")]
    for name in (*tracked, *made):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    (target / "instance").mkdir(exist_ok=True)
    return target


def runs(blocks: list[Block]) -> bool:
    return any(block.kind == "sh" and not block.is_for_a_server for block in blocks)


def run_blocks(blocks: list[Block], tree: Path) -> list[str]:
    """Run a document in ``tree``: what went wrong, or did not appear."""
    stage = tree.parent / f"{tree.name}-blocks"
    stage.mkdir()
    script = ["trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for place, block in enumerate(blocks):
        if block.is_for_a_server:
            continue
        (stage / str(place)).write_text(block.text, encoding="utf-8")
        script.append(f"printf '\\n{MARK} %s\\n' {place}")
        if block.path:
            path = shlex.quote(block.path)
            script.append(f"mkdir -p $(dirname {path}) && cp {stage / str(place)} {path}")
        elif block.kind == "diff":
            script.append(f"git apply --recount {stage / str(place)}")
        elif block.kind == "sh":
            script.append(block.text)
    (stage / "run.sh").write_text("\n".join(script), encoding="utf-8")
    status, output = _bash(stage / "run.sh", tree)
    if status:
        return [f"it ended with {status}:\n{output[-4000:]}"]
    said = {int(number): text for number, text in re.findall(rf"{MARK} (\d+)\n(.*?)(?=\n{MARK} |\Z)", output, re.DOTALL)}
    return [fault for place, block in enumerate(blocks) if block.kind == "console" for fault in _unsaid(blocks, place, said)]


def _bash(script: Path, tree: Path) -> tuple[int, str]:
    with (script.parent / "output").open("w+") as output:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", str(script)],
            cwd=tree,
            env=_environment(tree),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(PATIENCE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        return status, output.read()


def _environment(tree: Path) -> dict[str, str]:
    """Nothing of the developer's own settings gets in; ``PORT`` is free; programs are those of the tree."""
    kept = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
    home = tree.parent / f"{tree.name}-home"
    home.mkdir()
    return {
        **kept,
        "PATH": f"{tree / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PORT": str(free_port()),
        "WEB_CONCURRENCY": "1",
        "PYTHONUNBUFFERED": "1",
        "GIT_CEILING_DIRECTORIES": str(tree.parent),
    }


def _unsaid(blocks: list[Block], place: int, said: dict[int, str]) -> Iterator[str]:
    """Lines that a block promises and the command before it did not print."""
    source = max(number for number in range(place) if blocks[number].kind == "sh")
    if blocks[source].is_for_a_server or blocks[place].is_for_a_server:
        return
    for line in filter(None, map(str.strip, blocks[place].text.splitlines())):
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        if not re.search(pattern, said.get(source, "")):
            yield f"line {blocks[place].line}: {line!r} was not said:\n{said.get(source, '')[-2000:]}"


def plain_config(folder: Path) -> Config:
    return Config.from_env({"SHOP_INSTANCE": str(folder), "SECRET_KEY": "k" * 40, "SHOP_COURIER": "0"}, testing=True)
