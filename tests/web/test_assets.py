"""The static tree: one hash, a merchant's overlay, immutable answers."""

import gzip
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shop.web import assets

SHEET = "css/site.css"


@pytest.fixture
def static(tmp_path, monkeypatch):
    """A small tree in place of the shop's own."""
    folder = tmp_path / "static"
    for name, content in {
        "css/tokens.css": '/* ours */\n@font-face { src: url("../fonts/a.woff2"); }\n',
        "css/components/form.css": '.select { background: url("../../icons/down.svg"); content: "/* kept */"; }',
        "css/components/zebra.css": ".zebra { color: red; }",
        "css/components/button.css": ".button { color: green; }",
        "js/theme.js": "export const one = 1",
        "icons/down.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "fonts/a.woff2": "wOF2",
    }.items():
        write(folder / name, content)
    monkeypatch.setattr(assets, "STATIC", folder)
    return folder


@pytest.fixture
def start(tmp_path, static):
    """Starts a shop on the small tree; each call is a new process, so to speak."""

    def start_shop() -> Flask:
        app = Flask("small", static_folder=None, instance_path=str(tmp_path / "instance"))
        assets.init_app(app)
        return app

    return start_shop


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def get(app: Flask, address: str, **options: Any) -> TestResponse:
    return app.test_client().get(address, buffered=True, **options)


def tree_of(app: Flask) -> assets.Assets:
    return app.extensions["assets"]


def test_the_hash_stays_while_no_file_changes_and_changes_with_any_file(start, static):
    first = tree_of(start()).treehash
    again = tree_of(start()).treehash

    write(static / "js/theme.js", "export const one = 2")
    changed = tree_of(start()).treehash

    assert first == again
    assert changed != first


def test_a_file_that_was_only_touched_keeps_the_hash(start, static):
    first = tree_of(start()).treehash

    os.utime(static / "js/theme.js", ns=(1, 1))

    assert tree_of(start()).treehash == first


def test_the_theme_of_a_merchant_lies_over_the_shop(start, static, tmp_path):
    before = tree_of(start())
    write(tmp_path / "instance/theme/static/css/tokens.css", ":root { --accent: teal; }")
    write(tmp_path / "instance/theme/static/css/theme.css", ".mine { order: 1; }")

    app = start()

    sheet = get(app, tree_of(app).url(SHEET)).text
    assert tree_of(app).treehash != before.treehash
    assert "--accent: teal" in sheet
    assert "@font-face" not in sheet
    assert sheet.rstrip().endswith(".mine { order: 1; }")


def test_a_sheet_has_its_layers_first_its_parts_in_order_and_addresses_that_lead_somewhere(start):
    app = start()

    sheet = tree_of(app).text(SHEET)

    assert sheet.startswith("@layer tokens, base, layout, components, utilities, theme;")
    assert sheet.index("@font-face") < sheet.index(".button") < sheet.index(".select") < sheet.index(".zebra")
    assert "ours" not in sheet
    assert '"/* kept */"' in sheet
    assert re.findall(r'url\("([^"]+)"\)', sheet) == ["../fonts/a.woff2", "../icons/down.svg"]


def test_every_address_in_the_real_sheets_leads_to_a_file(tmp_path):
    app = Flask("real", static_folder=None, instance_path=str(tmp_path))
    assets.init_app(app)

    for sheet in assets.SHEETS:
        for found in re.findall(r'url\("([^":]+)"\)', tree_of(app).text(sheet)):
            assert (tree_of(app).folder / "css" / found).is_file(), found


def test_files_are_immutable_for_a_year(start):
    app = start()

    response = get(app, tree_of(app).url("fonts/a.woff2"))

    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.content_type == "font/woff2"
    assert "Set-Cookie" not in response.headers


def test_text_goes_out_packed_to_whoever_takes_it(start):
    app = start()
    address = tree_of(app).url("js/theme.js")

    plain = get(app, address)
    packed = get(app, address, headers={"Accept-Encoding": "gzip, br"})

    assert plain.text == "export const one = 1"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.content_type == plain.content_type == "text/javascript; charset=utf-8"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_every_text_file_has_a_packed_twin_that_is_the_same_on_every_machine(start, tmp_path):
    first = tree_of(start()).folder
    twins = {path.name: path.read_bytes() for path in first.rglob("*.gz")}
    shutil.rmtree(tmp_path / "instance")

    second = tree_of(start()).folder

    assert {"site.css.gz", "admin.css.gz", "tokens.css.gz", "theme.js.gz", "down.svg.gz"} <= set(twins)
    assert "a.woff2.gz" not in twins
    assert {path.name: path.read_bytes() for path in second.rglob("*.gz")} == twins
    assert all(gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes() for path in second.rglob("*.gz"))


def test_an_address_from_before_leads_to_the_file_of_today(start):
    app = start()

    response = get(app, "/static/000000000000/js/theme.js")

    assert response.status_code == 302
    assert response.location == tree_of(app).url("js/theme.js")
    assert "immutable" not in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "nothing.css",
        "../../../config.py",
        "..%2f..%2fconfig.py",
        "css/../../../secret_key",
        "css",
        "js/theme.js.gz/x",
        ".env",
        "%00",
        "js\\theme.js",
    ],
)
@pytest.mark.parametrize("is_current", [True, False])
def test_nothing_but_files_of_the_tree_is_served(start, tmp_path, path, is_current):
    app = start()
    write(tmp_path / "instance/secret_key", "secret")

    response = get(app, f"/static/{tree_of(app).treehash if is_current else 'old'}/{path}")

    assert response.status_code == 404


def test_hidden_files_stay_out(start, static):
    write(static / ".git/config", "x")
    write(static / "js/.swp", "x")

    assert not [name for name in tree_of(start()).names if "." in {part[0] for part in name.split("/")}]


def test_an_address_never_carries_a_language(start):
    app = start()

    with app.test_request_context("/cart", environ_overrides={"SCRIPT_NAME": "/es"}):
        address = app.jinja_env.from_string("{{ asset('js/theme.js') }}").render()

    assert address.startswith("/static/")


def test_a_misspelled_file_fails_loudly(start):
    with pytest.raises(LookupError, match="no static file 'css/sight"):
        tree_of(start()).url("css/sight.css")


def test_three_trees_are_kept_for_pages_that_are_still_open_somewhere(start, static, tmp_path):
    hashes = []
    for number in range(5):
        write(static / "js/theme.js", f"export const one = {number}")
        hashes.append(tree_of(start()).treehash)
        os.utime(tmp_path / "instance/assets" / hashes[-1], ns=(number, number))

    kept = {path.name for path in (tmp_path / "instance/assets").iterdir() if path.is_dir()}
    assert kept == set(hashes[-3:])
    assert len(list((tmp_path / "instance/assets").glob("*.seen"))) == 3


def test_several_processes_starting_at_once_make_one_whole_tree(start, static, tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(tree_of(start()))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({tree.treehash for tree in found}) == 1
    assert len(found) == 8
    assert [path.name for path in (tmp_path / "instance/assets").iterdir() if path.is_dir()] == [found[0].treehash]
    assert all((found[0].folder / name).is_file() for name in found[0].names)


def test_a_second_start_reads_no_file_again(start, monkeypatch):
    start()
    monkeypatch.setattr(assets, "_tree_hash", lambda *_: pytest.fail("hashed again"))
    monkeypatch.setattr(assets, "_write_tree", lambda *_: pytest.fail("written again"))

    assert tree_of(start()).names


def test_in_development_a_change_shows_without_a_restart(tmp_path, static):
    app = Flask("small", static_folder=None, instance_path=str(tmp_path / "instance"))
    app.debug = True
    assets.init_app(app)
    before = tree_of(app).treehash

    write(static / "js/theme.js", "export const one = 3")
    get(app, "/nothing")

    assert tree_of(app).treehash != before
