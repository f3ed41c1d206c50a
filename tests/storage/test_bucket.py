"""A shop whose files lie in a bucket, over the wire: what is put where with which headers, and what still works while nobody answers."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from config_amazon import Account
from shop.amazon import new_session
from shop.audit.files import files_of_pictures, pictures_of_files
from shop.clock import now
from shop.db import row
from shop.errors import FilesAway
from shop.media.adopt import adopt_image
from shop.media.models import Image
from shop.media.services import store_image, store_images
from shop.media.urls import media_url
from shop.order.links import order_key
from shop.storage import Shelves
from tests.factories import NOON, make_product
from tests.media.pictures import picture
from tests.order.test_documents import paid_order, papers, pdf_text
from tests.storage.conftest import BUCKET, bucket_settings, use

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def s3(bucket: Shelves):
    return new_session(Account()).client("s3")


def name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def test_a_picture_goes_into_the_bucket_in_every_format_with_its_type_and_for_ever(s3) -> None:
    content = picture(170, 100)

    store_image(content, name="a.jpg", at=NOON)

    name = name_of(content)
    found = {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert found == {f"shops/shop/media/{name[:2]}/{name}-{width}.{kind}" for width in (160, 170) for kind in ("avif", "webp", "jpeg")}
    for key in found:
        kept = s3.head_object(Bucket=BUCKET, Key=key)
        assert kept["ContentType"] == f"image/{key.rpartition('.')[2]}"
        assert kept["CacheControl"] == "public, max-age=31536000, immutable"


def test_the_shop_sends_it_itself_to_everybody_for_ever(bucket: Shelves, client: FlaskClient) -> None:
    content = picture(30, 30)
    store_image(content, name="", at=NOON)
    url = media_url(name_of(content), 30, "webp")

    answer = client.get(url)

    assert url.startswith("/media/")
    assert (answer.status_code, answer.content_type, answer.data[8:12]) == (200, "image/webp", b"WEBP")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Set-Cookie" not in answer.headers
    assert client.get(url.replace("-30.", "-31.")).status_code == 404


def test_who_has_a_picture_is_told_so_without_asking_the_bucket(gone: Shelves, client: FlaskClient) -> None:
    name = "ab" * 16

    answer = client.get(f"/media/ab/{name}-30.webp", headers={"If-None-Match": f'"{name}-30.webp"'})

    assert answer.status_code == 304


def test_the_same_picture_is_stored_once_and_lost_files_come_back(bucket: Shelves, s3) -> None:
    content = picture(30, 30)
    first = store_image(content, name="", at=NOON)
    bucket.media.delete(f"{name_of(content)[:2]}/{name_of(content)}-30.webp")

    assert store_image(content, name="", at=NOON) == first
    assert bucket.media.exists(f"{name_of(content)[:2]}/{name_of(content)}-30.webp")


def test_many_pictures_and_those_of_another_shop_go_there_as_well(bucket: Shelves, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(20, 20))
    [stored] = store_images([tmp_path / "a.jpg"], at=NOON)
    facts = row(select(Image.hash, Image.width, Image.height, Image.widths, Image.bytes).where(Image.id == stored.image_id))._asdict()
    folder = tmp_path / "media"
    for kept in list(bucket.media.list()):
        (folder / kept.key).parent.mkdir(parents=True, exist_ok=True)
        (folder / kept.key).write_bytes(bucket.media.get(kept.key))
        bucket.media.delete(kept.key)

    assert adopt_image({**facts, "name": "a.jpg"}, None, at=NOON) == stored.image_id
    assert store_image(picture(20, 20), name="", at=NOON) == stored.image_id
    assert len(list(bucket.media.list())) == 3


def test_the_audit_asks_the_bucket(bucket: Shelves) -> None:
    content = picture(20, 20)
    store_image(content, name="", at=NOON)
    lost = f"{name_of(content)[:2]}/{name_of(content)}-20.avif"
    bucket.media.put("ab/stray-20.webp", b"x")
    assert list(files_of_pictures(NOON)) == []

    bucket.media.delete(lost)

    assert [finding.facts for finding in files_of_pictures(NOON)] == [{"missing": lost, "files": 1}]
    assert list(pictures_of_files(now())) == []
    assert [finding.ref for finding in pictures_of_files(now().replace(year=now().year + 1))] == ["stray-20.webp"]


def test_pictures_may_be_had_from_elsewhere_and_pages_may_show_them(
    bucket: Shelves, shop: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    usual = client.get("/").headers["Content-Security-Policy"]
    use(shop, bucket_settings(tmp_path, public_url="https://cdn.example/shops/shop/media"))

    policy = client.get("/").headers["Content-Security-Policy"]

    assert "img-src 'self' data:;" in usual
    assert policy == usual.replace("img-src 'self' data:", "img-src 'self' data: https://cdn.example")
    assert media_url("ab" * 16, 640, "avif") == f"https://cdn.example/shops/shop/media/ab/{'ab' * 16}-640.avif"
    assert shop.jinja_env.from_string("{{ absolute_url(media_url('ab', 1, 'webp')) }}").render().startswith("https://cdn.example/shops/")


# Papers


def test_a_paper_is_kept_once_and_had_by_a_link_of_the_bucket_that_ends(bucket: Shelves, s3, client: FlaskClient) -> None:
    order = paid_order([(make_product(stock=9), 1)])
    (invoice,) = papers(order)
    path = f"/orders/{order.number}/documents/{invoice.number}.pdf"

    answers = [client.get(f"{path}?key={order_key(order.number)}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    link = answers[0].headers["Location"]
    asked = parse_qs(urlsplit(link).query)
    assert asked["X-Amz-Expires"] == ["300"]
    assert "X-Amz-Signature" in asked
    assert order.number not in link
    with urlopen(link) as found:
        assert found.headers["Content-Type"] == "application/pdf"
        assert found.headers["Content-Disposition"] == f'inline; filename="{invoice.number}.pdf"'
        assert invoice.number in pdf_text(found.read())
    [kept] = bucket.private.list()
    assert kept.key == f"papers/{invoice.hash}.pdf"
    assert s3.head_object(Bucket=BUCKET, Key=f"shops/shop/private/{kept.key}")["CacheControl"] == "private, no-store"
    assert client.get(path).status_code == 404


def test_a_paper_is_set_anew_while_the_bucket_is_away(gone: Shelves, client: FlaskClient) -> None:
    order = paid_order([(make_product(stock=9), 1)])
    (invoice,) = papers(order)

    answer = client.get(f"/orders/{order.number}/documents/{invoice.number}.pdf?key={order_key(order.number)}")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert invoice.number in pdf_text(answer.data)


# Nobody answers


def test_pages_are_shown_and_pictures_say_when_to_ask_again(gone: Shelves, client: FlaskClient) -> None:
    made = make_product(stock=9)

    answer = client.get(f"/media/ab/{'ab' * 16}-640.avif")
    page = client.get(f"/p/{made.slug}")

    assert page.status_code == 200
    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "10", "no-store")
    assert answer.data == b""


def test_only_the_first_waits_for_who_never_answers(silent: Shelves, client: FlaskClient) -> None:
    client.get(f"/media/ab/{'ab' * 16}-640.avif")
    began = time.perf_counter()

    answers = [client.get(f"/media/ab/{'ab' * 16}-{width}.avif").status_code for width in range(1, 11)]

    assert answers == [503] * 10
    assert time.perf_counter() - began < 0.3, "each waited for itself"


def test_a_program_is_told_to_come_back(gone: Shelves) -> None:
    with pytest.raises(FilesAway) as problem:
        store_image(picture(), name="", at=NOON)

    assert (problem.value.status, problem.value.extras) == (503, {"retry_after_s": 10})


def test_what_the_bucket_refuses_stands_in_the_log_with_its_word(bucket: Shelves, shop: Flask, tmp_path: Path, caplog) -> None:
    other = use(shop, bucket_settings(tmp_path, bucket="no-such-bucket"))

    with pytest.raises(FilesAway):
        other.media.put("ab/a.webp", b"x")

    assert "NoSuchBucket" in caplog.text
