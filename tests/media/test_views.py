from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.media.services import store_image
from shop.media.urls import ImageView, image_view, media_url
from tests.factories import NOON
from tests.media.pictures import media_folder, picture


@pytest.fixture
def url(context: Flask) -> str:
    content = picture(30, 30)
    store_image(content, name="", at=NOON)
    return media_url(hashlib.sha256(content).hexdigest()[:32], 30, "webp")


def test_a_picture_is_sent_for_ever_and_to_everybody(client: FlaskClient, url: str) -> None:
    answer = client.get(url, buffered=True)

    assert answer.status_code == 200
    assert answer.content_type == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("kind", ["avif", "webp", "jpeg"])
def test_the_type_is_told(client: FlaskClient, url: str, kind: str) -> None:
    assert client.get(url.replace("webp", kind), buffered=True).content_type == f"image/{kind}"


def test_a_picture_that_is_known_is_not_sent_again(client: FlaskClient, url: str) -> None:
    tag = client.get(url, buffered=True).headers["ETag"]

    assert client.get(url, headers={"If-None-Match": tag}, buffered=True).status_code == 304


def test_a_url_has_no_language(app: Flask) -> None:
    with app.test_request_context("/es/p/taza", environ_overrides={"SCRIPT_NAME": "/es"}):
        assert media_url("ab" * 16, 640, "avif") == f"/media/ab/{'ab' * 16}-640.avif"


def test_a_view_of_a_picture_goes_into_a_url(context: Flask) -> None:
    view = image_view("ab" * 16, 700, 350, "160 320 640 700", None)

    assert view == ImageView("ab" * 16, 700, 350, (160, 320, 640, 700), "")
    assert media_url(view, 640, "avif") == f"/media/ab/{'ab' * 16}-640.avif"
    assert image_view(None, None, None, None) is None


HASH = "ab" * 16


@pytest.mark.parametrize(
    "path",
    [
        f"ab/{HASH}-640.webp",  # well written, but there is none
        f"cd/{HASH}-640.webp",
        f"ab/{HASH}-640.svg",
        f"ab/{HASH}-0640.webp",
        f"ab/{HASH}-640.webp/",
        f"ab/{HASH}.webp",
        f"ab/{HASH.upper()}-640.webp",
        f"ab/{HASH}-٣.webp",
        f"ab/{HASH}-640.webp%00.jpg",
        f"ab/{HASH}-640.webp%0a",
        "../shop.db",
        "%2e%2e/shop.db",
        "%2e%2e%2fshop.db",
        "..%5cshop.db",
        "%252e%252e/shop.db",
        "/etc/passwd",
        "",
        "ab/",
    ],
)
def test_any_other_path_is_not_found(client: FlaskClient, url: str, path: str) -> None:
    assert client.get(f"/media/{path}", follow_redirects=True).status_code == 404


def test_a_link_in_the_folder_leads_nowhere_else(client: FlaskClient, context: Flask, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = media_folder() / "ab"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"{HASH}-1.webp.secret"
    link.symlink_to(tmp_path / "secret")

    assert client.get(f"/media/ab/{link.name}").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_pictures_are_only_read(client: FlaskClient, url: str, method: str) -> None:
    assert getattr(client, method)(url).status_code in {403, 405}
