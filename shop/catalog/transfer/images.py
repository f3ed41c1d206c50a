"""Pictures that an import names: found in a folder by their file names, never fetched from the net."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from shop.catalog.transfer.product import ImportedImage
from shop.media.adopt import adopt_image
from shop.media.services import store_images


class Pictures:
    """The files beside the import, or in the folder that was named, and what became of them."""

    def __init__(self, beside: Path, folder: Path | None, *, at: datetime, is_dry: bool) -> None:
        self.folder = folder
        self.at = at
        self.is_dry = is_dry
        self._files = {path.name: path for path in self._walk(beside)}
        self._ids: dict[str, int] = {}
        self._problems: dict[str, str] = {}

    def _walk(self, beside: Path) -> Iterator[Path]:
        if self.folder is not None:
            for parent, _, names in os.walk(self.folder):
                yield from (Path(parent, name) for name in names)
            return
        for folder in (beside, beside / "images"):
            if folder.is_dir():
                yield from (path for path in folder.iterdir() if path.is_file())

    def find(self, source: str) -> Path | None:
        """The file whose name ends the address."""
        return self._files.get(PurePosixPath(unquote(urlsplit(source).path)).name) or self._files.get(PurePosixPath(source).name)

    def stamp(self, images: Iterable[ImportedImage]) -> str:
        """What is there now: another file, or one that was missing before, makes the import look again."""
        stamps = []
        for image in images:
            path = self.find(image.source)
            if path is not None:
                facts = path.stat()
                stamps.append(f"{path.name}:{facts.st_size}:{facts.st_mtime_ns}")
        return "|".join(stamps)

    def prepare(self, images: Iterable[ImportedImage]) -> None:
        """Check and store those that are not known yet. Outside of transactions: it takes long."""
        wanted: dict[Path, None] = {}
        for image in images:
            key = self._key(image)
            if key in self._ids or key in self._problems:
                continue
            if image.facts is not None and not self.is_dry:
                found = adopt_image(image.facts, self.folder, at=self.at)
                if found is not None:
                    self._ids[key] = found
                    continue
            path = self.find(image.source)
            if path is None:
                self._problems[key] = "the picture is not there"
            elif self.is_dry:
                self._ids[key] = -len(self._ids) - 1
            elif str(path) not in self._ids:
                wanted[path] = None
        for stored in store_images(wanted, at=self.at) if wanted else ():
            if stored.image_id is not None:
                self._ids[str(stored.source)] = stored.image_id
            else:
                self._problems[str(stored.source)] = stored.problem.detail if stored.problem else "it cannot be used"

    def id_of(self, image: ImportedImage) -> tuple[int | None, str]:
        """Its id, or why there is none."""
        key = self._key(image)
        path = self.find(image.source)
        for name in (key, str(path)):
            if name in self._ids:
                return self._ids[name], ""
        return None, self._problems.get(key) or self._problems.get(str(path), "the picture is not there")

    def _key(self, image: ImportedImage) -> str:
        return str(image.facts["hash"]) if image.facts is not None else image.source
