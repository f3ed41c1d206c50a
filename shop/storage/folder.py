"""Files in a folder of this machine: what a shop on one server needs. Private ones leave by links that the shop itself signs and answers."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Response, send_file
from itsdangerous import BadData, URLSafeSerializer

from shop.storage import Kept, Missing
from shop.storage.keys import check_key, disposition, type_of

OWNER_ONLY = 0o700


class FolderStorage:
    """A shelf that is a folder. With a ``secret`` it is private: links to its files are signed, and nobody else may look into it."""

    def __init__(self, root: Path, *, public_url: str, secret: str) -> None:
        self.root, self.public_url, self.secret = root, public_url, secret

    def put(self, key: str, content: bytes | Path) -> None:
        target = self._make_room(key)
        if isinstance(content, Path):
            if content.stat().st_dev == target.parent.stat().st_dev:
                content.replace(target)
                return
            content = content.read_bytes()
        beside = target.with_name(f".{target.name}.{os.getpid()}.{id(content)}")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)

    def get(self, key: str) -> bytes:
        return self._found(key).read_bytes()

    def exists(self, key: str) -> bool:
        try:
            self._found(key)
        except Missing:
            return False
        return True

    def delete(self, key: str) -> None:
        (self.root / check_key(key)).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[Kept]:
        folder = self.root / prefix.rpartition("/")[0]
        found = ((path.relative_to(self.root).as_posix(), path) for path in folder.rglob("*"))
        for key, path in sorted(pair for pair in found if pair[0].startswith(prefix)):
            if "/." not in f"/{key}" and path.is_file() and not path.is_symlink():
                state = path.stat()
                yield Kept(key, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))

    def url(self, key: str) -> str:
        return f"{self.public_url}/{check_key(key)}"

    def signed_url(self, key: str, *, name: str, lasts_s: int, at: datetime) -> str:
        disposition(check_key(key), name)
        return f"/files/{self._signer().dumps([key, name, int(at.timestamp()) + lasts_s])}"

    def read_link(self, token: str) -> tuple[str, str, datetime]:
        """Key, name and end of a link of ``signed_url``.

        Raises:
            Missing: this shop never made it.
        """
        try:
            key, name, until = self._signer().loads(token)
        except BadData:
            raise Missing from None
        return key, name, datetime.fromtimestamp(until, UTC)

    def send(self, key: str) -> Response:
        return send_file(self._found(key), mimetype=type_of(key))

    @contextmanager
    def workbench(self) -> Iterator[Path]:
        self._make_folder(self.root)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".making-") as folder:
            yield Path(folder)

    def _found(self, key: str) -> Path:
        """The file itself. A link on the disk that leads out of the folder leads nowhere."""
        path = self.root / check_key(key)
        if not path.is_file() or not path.resolve().is_relative_to(self.root.resolve()):
            raise Missing(key)
        return path

    def _make_room(self, key: str) -> Path:
        target = self.root / check_key(key)
        self._make_folder(self.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY if self.secret else 0o777)

    def _signer(self) -> URLSafeSerializer:
        if not self.secret:
            raise ValueError("links are signed on the private shelf only")
        return URLSafeSerializer(self.secret, salt="file-link", signer_kwargs={"digest_method": hashlib.sha256})
