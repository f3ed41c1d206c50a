"""Files in a bucket of Amazon S3, or of what speaks like it (MinIO, R2, Garage …): what several machines share.

Nothing is public by an object's own setting: who may read ``media/`` directly is the bucket's policy, or a CDN before it; else the shop sends pictures
itself. Private files leave by links that S3 signs and ends.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response
from flask_babel import gettext as _

from config_amazon import Account, StorageSettings
from shop.amazon import Amazon, Away, code_of
from shop.errors import FilesAway
from shop.storage import Kept, Missing
from shop.storage.keys import check_key, disposition, type_of

log = logging.getLogger(__name__)
ABSENT = {"NoSuchKey", "404", "NotFound"}
RETRY_S = 10


class BucketStorage:
    """A shelf that is the part of a bucket below ``<prefix>/<shelf>/``."""

    def __init__(
        self, settings: StorageSettings, account: Account, bucket: str, shelf: str, *, public_url: str, cache_control: str
    ) -> None:
        self.bucket, self.root = bucket, f"{settings.prefix}{shelf}/"
        self.public_url, self.cache_control = public_url, cache_control
        self.s3 = Amazon(
            "s3",
            account,
            settings.region,
            endpoint=settings.endpoint,
            signature_version="s3v4",
            s3={"addressing_style": "path" if settings.is_path_style else "virtual"},
            request_checksum_calculation="when_required",  # what is newer than most that speak like S3
            response_checksum_validation="when_required",
        )

    def put(self, key: str, content: bytes | Path) -> None:
        body = content.read_bytes() if isinstance(content, Path) else content
        with self._asking(key) as (s3, where):
            s3.put_object(**where, Body=body, ContentType=type_of(key), CacheControl=self.cache_control)

    def get(self, key: str) -> bytes:
        with self._asking(key) as (s3, where):
            return bytes(s3.get_object(**where)["Body"].read())

    def exists(self, key: str) -> bool:
        try:
            with self._asking(key) as (s3, where):
                s3.head_object(**where)
        except Missing:
            return False
        return True

    def delete(self, key: str) -> None:
        with self._asking(key) as (s3, where):
            s3.delete_object(**where)

    def list(self, prefix: str = "") -> Iterator[Kept]:
        wanted: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self.root + prefix}
        while True:
            with self._asking() as (s3, _where):
                page = s3.list_objects_v2(**wanted)
            for found in page.get("Contents", []):
                yield Kept(found["Key"].removeprefix(self.root), found["Size"], found["LastModified"])
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def url(self, key: str) -> str:
        return f"{self.public_url}/{check_key(key)}"

    def signed_url(self, key: str, *, name: str, lasts_s: int, at: datetime) -> str:  # noqa: ARG002 - S3 has a clock of its own
        shown = {"ResponseContentDisposition": disposition(key, name), "ResponseContentType": type_of(key)}
        with self._asking(key) as (s3, where):
            return str(s3.generate_presigned_url("get_object", Params={**where, **shown}, ExpiresIn=lasts_s))

    def send(self, key: str) -> Response:
        return Response(self.get(key), mimetype=type_of(key))

    @contextmanager
    def workbench(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="making-") as folder:
            yield Path(folder)

    @contextmanager
    def _asking(self, key: str = "") -> Iterator[tuple[Any, dict[str, str]]]:
        """The client, and where the key stands. What S3 refuses goes to the log with its word; people are told what to do."""
        from botocore.exceptions import ClientError

        where = {"Bucket": self.bucket, "Key": self.root + check_key(key)} if key else {}
        try:
            with self.s3.asking() as client:
                yield client, where
        except ClientError as error:
            if key and code_of(error) in ABSENT:
                raise Missing(key) from None
            log.error("the bucket %s refuses: %s", self.bucket, error)  # noqa: TRY400 - its word is enough
            raise _away() from error
        except Away as silence:
            log.warning("the bucket %s is away: %s", self.bucket, silence)
            raise _away() from silence


def _away() -> FilesAway:
    return FilesAway(
        _("The place where files are kept does not answer. Nothing was changed. Try again in a few minutes, and choose the file again."),
        retry_after_s=RETRY_S,
    )
