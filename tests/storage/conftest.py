"""Shelves for tests: of folders, and of a bucket at the local Amazon."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from config_amazon import Account, StorageSettings
from shop import amazon as amazon_module
from shop.amazon import new_session
from shop.media.urls import MediaUrls
from shop.storage import Shelves, make_shelves
from shop.web.headers import Policy
from tests.servers import Server

BUCKET = "bodega-files"


def bucket_settings(folder: Path, **changes: object) -> StorageSettings:
    """What ``s3://bodega-files/shops?region=eu-west-1`` says, at an endpoint of its own."""
    values = {"bucket": BUCKET, "private_bucket": BUCKET, "prefix": "shops/shop/", "region": "eu-west-1", "is_path_style": True, **changes}
    return StorageSettings(folder, **values)  # type: ignore[arg-type]


def use(app: Flask, settings: StorageSettings) -> Shelves:
    """Let the shop under test keep its files there."""
    app.extensions["config"] = replace(app.extensions["config"], storage=settings)
    app.extensions["storage"] = make_shelves(app)
    app.extensions["csp"] = Policy(settings.public_url)
    urls = app.extensions["media_urls"] = MediaUrls(settings.public_url or "/media")
    app.jinja_env.globals.update(media_url=urls.url, media_srcset=urls.srcset)
    shelves: Shelves = app.extensions["storage"]
    return shelves


@pytest.fixture
def shop(app: Flask) -> Iterator[Flask]:
    """A shop whose files may be led elsewhere; its own places come back afterwards."""
    before = app.extensions["config"].storage
    yield app
    use(app, before)


@pytest.fixture
def bucket(shop: Flask, amazon: Server, tmp_path: Path) -> Shelves:
    """The shelves of a shop whose files lie in an empty bucket."""
    new_session(Account()).client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return use(shop, bucket_settings(tmp_path))


@pytest.fixture(params=["folder", "bucket"])
def shelves(request: pytest.FixtureRequest, shop: Flask, tmp_path: Path) -> Shelves:
    """Both kinds, one after the other: what holds for one must hold for the other."""
    if request.param == "bucket":
        found: Shelves = request.getfixturevalue("bucket")
        return found
    return use(shop, StorageSettings(tmp_path / "files"))


@pytest.fixture
def gone(shop: Flask, amazon, tmp_path: Path) -> Shelves:
    """The shelves of a shop whose bucket nobody answers for."""
    return use(shop, bucket_settings(tmp_path, endpoint="http://127.0.0.1:9"))


@pytest.fixture
def silent(shop: Flask, amazon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelves]:
    """The same where somebody takes every connection and says nothing."""
    monkeypatch.setattr(amazon_module, "READ_S", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield use(shop, bucket_settings(tmp_path, endpoint=f"http://127.0.0.1:{server.getsockname()[1]}"))


from tests.people import the_shop  # noqa: F401
