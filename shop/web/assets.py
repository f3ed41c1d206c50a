"""The static files of the shop as one immutable tree: ``/static/<hash>/css/site.css``.

One hash of all files stands in the path, so that relative imports in style sheets and ES modules keep working and every address may
be kept for a year. A merchant's ``instance/theme/static`` lies over ``shop/static`` file by file. The tree is written once to
``<instance>/assets/<hash>/``, with a ``.gz`` twin beside each text file, so that nginx can serve that folder alone.

Pictures of goods are not here: see ``shop.media``.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from flask import Flask, Response, abort, current_app, redirect, request, send_from_directory
from werkzeug.wrappers import Response as WerkzeugResponse

STATIC = Path(__file__).resolve().parent.parent / "static"
KEPT_TREES = 3
YEAR_S = 31_536_000

# Sheet → its layers in order, and its parts in order; a pattern takes what is not taken yet, in the order of names.
# css/theme.css is a merchant's own: rules that come after all others.
LAYERS = "tokens, base, layout, components, utilities, theme"
SHEETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "css/site.css": (
        LAYERS,
        (
            "css/tokens.css",
            "css/base.css",
            "css/layout.css",
            *(f"css/components/{name}.css" for name in ("frame", "button", "form", "card", "home", "listing", "product", "cart")),
            "css/components/*.css",
            "css/theme.css",
        ),
    ),
    "css/admin.css": (
        "tokens, base, layout, components, states, utilities, theme",
        (
            "admin-css/tokens.css",
            "admin-css/base.css",
            "admin-css/layout.css",
            "admin-css/components/*.css",
            "admin-css/*.css",
            "css/admin-theme.css",
        ),
    ),
}
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
TEXT = {".css", ".js", ".json", ".svg", ".txt", ".webmanifest"}


@dataclass(frozen=True)
class Assets:
    """A collected tree: its hash, its folder, the names of its files."""

    treehash: str
    folder: Path
    names: frozenset[str]

    def url(self, path: str) -> str:
        """The address of a file, without any locale: ``/static/<hash>/css/site.css``.

        Raises:
            LookupError: there is no such file.
        """
        if path not in self.names:
            raise LookupError(f"no static file {path!r}")
        return f"/static/{self.treehash}/{path}"

    def text(self, path: str) -> str:
        """The content of a text file: mails carry their style sheet within."""
        if path not in self.names:
            raise LookupError(f"no static file {path!r}")
        return (self.folder / path).read_text(encoding="utf-8")


def init_app(app: Flask) -> None:
    """Collect the tree, serve it below ``/static``, and give templates ``asset(path)`` and ``asset_text(path)``."""
    app.extensions["assets"] = collect_assets(app)
    app.add_url_rule("/static/<treehash>/<path:path>", "static", serve_asset)
    app.add_template_global(lambda path: _assets(app).url(path), "asset")
    app.add_template_global(lambda path: _assets(app).text(path), "asset_text")
    if app.debug:

        @app.before_request
        def see_changes() -> None:
            app.extensions["assets"] = collect_assets(app)


def collect_assets(app: Flask) -> Assets:
    """Write the tree to ``<instance>/assets/<hash>/`` unless it is there; the newest trees are kept for pages still open somewhere."""
    instance = Path(app.instance_path)
    home = instance / "assets"
    files = _overlay(STATIC, instance / "theme" / "static")
    signature = _signature(files)
    memory = home / f"{signature}.seen"
    try:
        treehash = memory.read_text(encoding="ascii")
    except FileNotFoundError:
        treehash = ""
    if not treehash or not (home / treehash).is_dir():
        treehash = _tree_hash(files)
        if not (home / treehash).is_dir():
            _write_tree(files, home / treehash)
        _write_atomically(memory, treehash)
        _forget_old(home, treehash)
    return Assets(treehash, home / treehash, frozenset({*files, *SHEETS}))


def serve_asset(treehash: str, path: str) -> WerkzeugResponse:
    """A file of the tree; an address from before a change leads to the file of today."""
    assets = _assets(current_app)
    if path not in assets.names:
        abort(404)
    if treehash != assets.treehash:
        moved = redirect(assets.url(path), 302)
        moved.headers["Cache-Control"] = "public, max-age=60"
        return moved
    return _send(assets.folder, path)


def _send(folder: Path, path: str) -> Response:
    suffix = PurePosixPath(path).suffix
    packed = suffix in TEXT and request.accept_encodings.quality("gzip") > 0
    response = send_from_directory(folder, f"{path}.gz" if packed else path, mimetype=TYPES.get(suffix), max_age=YEAR_S, etag=True)
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    if suffix in TEXT:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _assets(app: Flask) -> Assets:
    assets: Assets = app.extensions["assets"]
    return assets


def _overlay(*folders: Path) -> dict[str, Path]:
    """Every file by its path in the tree; later folders lie over earlier ones. Hidden files stay out."""
    files = {}
    for folder in folders:
        for path in _walk(folder):
            files[path.relative_to(folder).as_posix()] = path
    return dict(sorted(files.items()))


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield Path(base, name)


def _signature(files: Mapping[str, Path]) -> str:
    """Cheap: changes when a file may have changed."""
    digest = hashlib.sha256()
    for name, path in {**files, "": Path(__file__)}.items():
        seen = path.stat()
        digest.update(f"{name}\0{path}\0{seen.st_size}\0{seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _tree_hash(files: Mapping[str, Path]) -> str:
    """Exact: changes when a file, or the way sheets are made (this module), has changed."""
    digest = hashlib.sha256()
    for name, path in {**files, "": Path(__file__)}.items():
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _write_tree(files: Mapping[str, Path], target: Path) -> None:
    """Write beside, then rename: nobody sees half a tree, and of two writers the first wins."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".tree-", dir=target.parent))
    try:
        contents = {name: path.read_bytes() for name, path in files.items()}
        contents |= {sheet: _sheet(layers, parts, contents).encode() for sheet, (layers, parts) in SHEETS.items()}
        for name, content in contents.items():
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            if file.suffix in TEXT:
                Path(f"{file}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        beside.chmod(0o755)
        beside.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sheet(layers: str, parts: tuple[str, ...], contents: Mapping[str, bytes]) -> str:
    """The parts one after another in one file, without comments, their relative addresses still right."""
    taken: list[str] = []
    for part in parts:
        taken += [name for name in contents if fnmatchcase(name, part) and name not in taken]
    return f"@layer {layers};\n" + "\n".join(_squeeze(_rebase(contents[name].decode(), name)) for name in taken)


URL = re.compile(r"""url\(\s*(["']?)(?![a-z][a-z0-9+.-]*:|/|#)([^"')]+)\1\s*\)""", re.IGNORECASE)
COMMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|/\*.*?\*/""", re.DOTALL)


def _rebase(css: str, part: str) -> str:
    """Addresses relative to a part become relative to ``css/``, where the sheets lie."""
    folder = PurePosixPath(part).parent

    def moved(match: re.Match[str]) -> str:
        return f'url("{relpath(normpath(folder / match[2]), "css")}")'

    return URL.sub(moved, css)


def _squeeze(css: str) -> str:
    without_comments = COMMENT.sub(lambda match: match[1] or "", css)
    return "\n".join(line.strip() for line in without_comments.splitlines() if line.strip())


def _write_atomically(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".seen-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    Path(name).replace(path)


def _forget_old(home: Path, current: str) -> None:
    """Keep the newest trees, the current one among them, and the notes that lead to a tree."""
    trees = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")]
    newest = sorted((path for path in trees if path.name != current), key=_written_at, reverse=True)
    kept = {current, *(path.name for path in newest[: KEPT_TREES - 1])}
    for path in trees:
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
    for note in home.glob("*.seen"):
        with suppress(FileNotFoundError):
            if note.read_text(encoding="ascii") not in kept:
                note.unlink()


def _written_at(tree: Path) -> int:
    try:
        return tree.stat().st_mtime_ns
    except FileNotFoundError:  # another process was faster
        return 0
