"""Every command and sample of the documentation is run, or checked as far as it can be without a server; ``samples`` says what becomes of which."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from config import ROOT
from shop import create_app, enable_migrations
from tests.docs.samples import copy_tree, faults, find_blocks, lost_links, plain_config, run_blocks, runs, wrong_commands, wrong_makes

DOCUMENTS = {
    path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "deploy" / "README.md") if path.is_file()
}
ALL = [*DOCUMENTS.values(), *sorted((ROOT / "docs" / "adr").glob("*.md")), *sorted((ROOT / "docs" / "reference").glob("*.md"))]


def text_of(name: str) -> str:
    return DOCUMENTS[name].read_text(encoding="utf-8")


RUNNING = [name for name in DOCUMENTS if runs(find_blocks(text_of(name)))]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    app = create_app(plain_config(tmp_path_factory.mktemp("commands")))
    enable_migrations(app)
    return app.cli


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A scratch copy of the tree with a shop that is set up and sells nothing yet."""
    tree = copy_tree(tmp_path_factory.mktemp("docs") / "tree")
    said = subprocess.run(
        [tree / ".venv" / "bin" / "flask", "shop", "init"],
        cwd=tree,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return tree


@pytest.fixture
def scratch(tree, tmp_path) -> Path:
    """A copy of that for one document."""
    shutil.copytree(tree, tmp_path / "shop", symlinks=True)
    return tmp_path / "shop"


@pytest.mark.parametrize("name", RUNNING)
def test_a_document_does_what_it_says(name, scratch):
    blocks = find_blocks(text_of(name))
    if any("flask shop init" in block.text and not block.is_for_a_server for block in blocks):  # it begins with nothing
        shutil.rmtree(scratch / "instance")

    assert run_blocks(blocks, scratch) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_block_is_left_out(name):
    assert faults(text_of(name)) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name, commands):
    assert wrong_commands(text_of(name), commands) == []
    assert wrong_makes(text_of(name)) == []


def test_every_link_leads_somewhere():
    assert {str(path.relative_to(ROOT)): lost for path in ALL if (lost := lost_links(path))} == {}


def test_every_document_stands_in_the_index():
    index = text_of("README.md") if not (ROOT / "docs" / "README.md").is_file() else (ROOT / "docs" / "README.md").read_text("utf-8")

    assert [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md" and f"({path.name})" not in index] == []


# Planted faults


def fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```\n"


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (fenced("fortran", "STOP"), "neither run nor checked"),
        (fenced("", "words"), "neither run nor checked"),
        (fenced("sh server", "if then"), "syntax error"),
        (fenced("sh", "echo 'open"), "unexpected EOF"),
        (fenced("json", "{'a': 1}"), "line 1"),
        (fenced("toml", "a = "), "line 1"),
        (fenced("ini", "[a\nb = 1"), "line 1"),
        (fenced("yaml", "a: [1"), "line 1"),
        (fenced("csv", "a,b\n1"), "rows of [1, 2] columns"),
        (fenced("nginx", "map $host $x {\n a b\n}"), "no directive"),
        (fenced("nginx", "server {"), "a brace is open"),
        (fenced("dotenv", "SHOP_NMAE=acme"), "no setting is called SHOP_NMAE"),
        (fenced("tree", "shop/nowhere/  what is not there"), "shop/nowhere/"),
        (fenced("python", "def f(:"), "line 1"),
        (fenced("python", "from shop.money import Coin"), "shop.money has no Coin"),
        (fenced("python ../evil.py", "1"), "outside the tree"),
        (fenced("console", "done"), "nothing was run"),
        ("```sh\ntrue\n", "does not end"),
    ],
)
def test_a_wrong_block_is_found(document, fault):
    found = faults(document)

    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    "words", ["flask shop bakup x.tar", "flask shop backup --fast x.tar", "flask nothing", "flask retailer run acme -- shop adit"]
)
def test_a_command_that_does_not_exist_is_found(words, commands):
    assert len(wrong_commands(f"Say `{words}`.", commands)) == 1
    assert len(wrong_commands(fenced("sh", f"PORT=1 .venv/bin/{words}"), commands)) == 1


def test_a_command_that_exists_is_right(commands):
    said = "`flask shop backup FILE`, `flask shop audit --json`, `flask retailer run acme -- catalog import x.csv --dry-run`, `flask …`"

    assert wrong_commands(said, commands) == []


def test_a_word_of_make_that_does_not_exist_is_found():
    assert wrong_makes("Say `make run`, `make lint types`, `make cofee`.\n" + fenced("sh", "make tea && make reference")) == [
        "cofee",
        "tea",
    ]


def test_a_lost_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](page.md) [b](#one-two) [c](gone.md) [d](page.md#three) [e](https://example.com)\n")

    assert lost_links(page) == ["gone.md", "page.md#three"]


def run(tmp_path: Path, *parts: str) -> list[str]:
    (tmp_path / "tree").mkdir()
    return run_blocks(find_blocks("".join(parts)), tmp_path / "tree")


def test_what_was_promised_and_not_said_is_found(tmp_path):
    (fault,) = run(tmp_path, fenced("sh", "echo 3 orders since noon"), fenced("console", "3 orders … noon\n4 orders"))

    assert "'4 orders' was not said" in fault


def test_a_command_that_fails_in_a_pipe_ends_the_document(tmp_path):
    (fault,) = run(tmp_path, fenced("sh", "false | cat\necho too far"))

    assert "it ended with 1" in fault
    assert "too far" not in fault


def test_files_are_written_and_changed_in_order_and_servers_blocks_are_not_run(tmp_path):
    change = "--- a/x/y.txt\n+++ b/x/y.txt\n@@ -1,1 +1,1 @@\n-one\n+two"

    parts = (fenced("sh server", "exit 7"), fenced("text x/y.txt", "one"), fenced("diff", change), fenced("sh", "cat x/y.txt"))

    assert run(tmp_path, *parts, fenced("console", "two")) == []
