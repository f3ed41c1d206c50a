from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image as Pillow
from sqlalchemy import func, select

from shop.db import rows, scalar, transaction
from shop.errors import BadImage
from shop.media import services, workshop
from shop.media.models import Image
from shop.media.services import store_image, store_images
from tests.factories import NOON
from tests.media.pictures import archive, media_folder, noise, picture, png_header, real_bomb, turned

pytestmark = pytest.mark.usefixtures("context")


def stored(image_id: int) -> Image:
    return next(iter(rows(select(Image.__table__).where(Image.id == image_id))))


def renditions(image: Image) -> dict[str, Path]:
    folder = media_folder() / image.hash[:2]
    return {path.name.removeprefix(f"{image.hash}-"): path for path in sorted(folder.glob(f"{image.hash}-*"))}


def files() -> list[Path]:
    return [path for path in media_folder().rglob("*") if path.is_file()] if media_folder().exists() else []


def test_a_picture_is_kept_in_every_format_and_width_up_to_its_own() -> None:
    content = picture(700, 350)

    image = stored(store_image(content, name="table.jpg", at=NOON))

    assert (image.width, image.height, image.widths) == (700, 350, "160 320 640 700")
    assert image.hash == hashlib.sha256(content).hexdigest()[:32]
    assert (image.original_name, image.bytes, image.created_at) == ("table.jpg", len(content), NOON)
    assert set(renditions(image)) == {f"{width}.{kind}" for width in (160, 320, 640, 700) for kind in ("avif", "webp", "jpeg")}
    for name, path in renditions(image).items():
        with Pillow.open(path) as made:
            width = int(name.partition(".")[0])
            assert (made.size, made.mode) == ((width, round(width / 2)), "RGB")
            assert str(made.format).lower() == path.suffix[1:]


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (1, "1"),
        (160, "160"),
        (161, "160 161"),
        (1200, "160 320 640 960 1200"),
        (1280, "160 320 640 960 1280"),
        (2000, "160 320 640 960 1280"),
    ],
)
def test_nothing_is_enlarged(width: int, widths: str) -> None:
    assert stored(store_image(picture(width, 2), name="", at=NOON)).widths == widths


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_these_kinds_are_taken(kind: str) -> None:
    image = stored(store_image(picture(20, 30, kind=kind), name=f"any.{kind}", at=NOON))

    assert (image.width, image.height) == (20, 30)


def test_of_several_pictures_in_a_file_the_first_counts() -> None:
    out = io.BytesIO()
    Pillow.new("RGB", (20, 30), "red").save(out, "MPO", save_all=True, append_images=[Pillow.new("RGB", (10, 10), "blue")])
    phone = stored(store_image(out.getvalue(), name="phone.jpg", at=NOON))
    out = io.BytesIO()
    Pillow.new("RGB", (20, 30), "red").save(out, "WEBP", save_all=True, append_images=[Pillow.new("RGB", (20, 30), "blue")])
    moving = stored(store_image(out.getvalue(), name="moving.webp", at=NOON))

    for image in (phone, moving):
        with Pillow.open(renditions(image)["20.jpeg"]) as made:
            assert made.size == (20, 30)
            assert made.getpixel((5, 5))[0] > 240  # type: ignore[index]


@pytest.mark.parametrize(
    ("mode", "kind", "color"),
    [("CMYK", "JPEG", 0), ("L", "JPEG", 90), ("1", "PNG", 1), ("P", "PNG", 3), ("LA", "PNG", (90, 255)), ("I;16", "PNG", 40_000)],
)
def test_all_ways_to_write_colors_become_rgb(mode: str, kind: str, color: object) -> None:
    image = stored(store_image(picture(20, 20, kind=kind, mode=mode, color=color), name="odd", at=NOON))

    with Pillow.open(renditions(image)["20.jpeg"]) as made:
        assert made.mode == "RGB"
    if mode == "I;16":
        with Pillow.open(renditions(image)["20.webp"]) as made:
            assert abs(made.convert("RGB").getpixel((5, 5))[0] - 40_000 // 256) < 4  # type: ignore[index]


def test_transparency_is_kept_where_the_format_knows_it_and_lies_on_white_in_jpeg() -> None:
    image = stored(store_image(picture(40, 40, kind="PNG", mode="RGBA", color=(255, 0, 0, 0)), name="leaf.png", at=NOON))

    made = renditions(image)
    for kind in ("avif", "webp"):
        with Pillow.open(made[f"40.{kind}"]) as picture_:
            assert picture_.convert("RGBA").getpixel((20, 20))[3] == 0  # type: ignore[index]
    with Pillow.open(made["40.jpeg"]) as picture_:
        assert picture_.getpixel((20, 20)) == (255, 255, 255)


def test_a_picture_stands_as_the_camera_was_held_and_tells_nothing_about_its_owner() -> None:
    content = turned()

    image = stored(store_image(content, name="phone.jpg", at=NOON))

    assert (image.width, image.height) == (200, 300)
    for path in renditions(image).values():
        assert b"private person" not in path.read_bytes()
        with Pillow.open(path) as made:
            assert not made.getexif()
            assert "icc_profile" not in made.info


@pytest.mark.parametrize("color", [(246, 240, 228), (169, 191, 157), (207, 111, 83), (20, 20, 20)])
def test_colors_stay_what_they_are_in_every_format(color: tuple[int, int, int]) -> None:
    image = stored(store_image(picture(64, 64, kind="PNG", color=color), name="", at=NOON))

    for path in renditions(image).values():
        with Pillow.open(path) as made:
            shown = made.convert("RGB").getpixel((30, 30))
            assert all(abs(got - wanted) <= 3 for got, wanted in zip(shown, color, strict=True)), (path.suffix, shown)  # type: ignore[arg-type]


def test_a_profile_that_says_nothing_sensible_is_left_out() -> None:
    image = stored(store_image(picture(30, 30, icc_profile=b"no profile at all"), name="", at=NOON))

    assert image.widths == "30"


HOSTILE = {
    "empty": (b"", "empty"),
    "text": (b"I am a picture", "unknown"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "svg"),
    "svg behind a declaration": (b'<?xml version="1.0"?>\n<svg width="1"></svg>', "svg"),
    "xml": (b'<?xml version="1.0"?><rss/>', "foreign"),
    "pdf": (b"%PDF-1.7 " + picture(), "foreign"),
    "tiff": (picture(kind="TIFF"), "unknown"),
    "bmp": (picture(kind="BMP"), "unknown"),
    "jpeg with a page": (picture() + b"<html><script>alert(1)</script>", "foreign"),
    "jpeg with a page in its comment": (picture(comment=b"<script src=//evil.example></script>"), "foreign"),
    "jpeg with php": (picture(comment=b"<?PHP system($_GET[0]);"), "foreign"),
    "gif with a page": (picture(kind="GIF", comment=b"<!DOCTYPE html>"), "foreign"),
    "jpeg with an archive": (picture() + archive(), "foreign"),
    "png with an archive": (picture(kind="PNG") + archive(), "foreign"),
    "claims 900 megapixels": (png_header(30_000, 30_000), "pixels"),
    "claims 41 megapixels": (png_header(41_000, 1000), "pixels"),
    "claims more than any": (png_header(2**31 - 1, 2**31 - 1), "pixels"),
    "bomb": (real_bomb(), "pixels"),
    "claims no pixels": (png_header(0, 10), "unknown"),
    "cut jpeg": (noise()[:-2000], "damaged"),
    "cut png": (noise(kind="PNG")[:-2000], "damaged"),
    "cut webp": (noise(kind="WEBP")[:-2000], "damaged"),
    "cut avif": (noise(kind="AVIF")[:-2000], "unknown"),
    "cut gif": (noise(kind="GIF")[:-2000], "damaged"),
    "only a head": (picture()[:20], "unknown"),
    "too many bytes": (b"\0" * (20 * 1024 * 1024 + 1), "bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_honest_picture_is_refused_with_a_reason_and_leaves_nothing(name: str) -> None:
    content, reason = HOSTILE[name]
    before = files()

    with pytest.raises(BadImage) as problem:
        store_image(content, name=name, at=NOON)

    assert problem.value.extras["reason"] == reason
    assert problem.value.status == 422
    assert problem.value.detail == services.REASONS[reason]
    assert scalar(select(func.count()).select_from(Image)) == 0
    assert files() == before


def test_forty_megapixels_are_taken() -> None:
    image = stored(store_image(picture(40_000, 1000, kind="PNG", mode="1", color=0), name="", at=NOON))

    assert image.width == 40_000


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no such file"):
        store_image(tmp_path / "nowhere.jpg", name="", at=NOON)


def test_the_same_bytes_are_the_same_picture() -> None:
    first = store_image(picture(50, 50), name="one.jpg", at=NOON)
    second = store_image(picture(50, 50), name="two.jpg", at=NOON)

    assert first == second
    assert stored(first).original_name == "one.jpg"


def test_lost_files_come_back_with_the_original() -> None:
    image_id = store_image(picture(50, 50), name="", at=NOON)
    lost = next(iter(renditions(stored(image_id)).values()))
    lost.unlink()

    again = store_image(picture(50, 50), name="", at=NOON)

    assert again == image_id
    assert lost.exists()


def test_two_at_once_with_the_same_bytes_get_the_same_picture(app: Flask) -> None:
    content, found, together = picture(60, 60, color="teal"), [], threading.Barrier(2)

    def store() -> None:
        with app.app_context():
            together.wait()
            found.append(store_image(content, name="", at=NOON))

    threads = [threading.Thread(target=store) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    assert scalar(select(func.count()).select_from(Image)) == 1


def test_a_row_written_by_another_between_looking_and_writing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    content = picture(60, 60)
    real = services._claim

    def late(made: list[dict[str, object]]) -> dict[str, int]:
        with transaction() as session:
            session.add(Image(**{**made[0], "original_name": "the other"}))
        return real(made)

    monkeypatch.setattr(services, "_claim", late)
    image = stored(store_image(content, name="mine", at=NOON))

    assert image.original_name == "the other"


def test_pictures_are_never_made_inside_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="outside of transactions"), transaction():
        store_image(picture(), name="", at=NOON)


def test_many_pictures_keep_their_order_and_a_bad_one_says_its_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 3)
    paths = [tmp_path / f"{number}.jpg" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(b"junk" if number == 2 else picture(20, 20, color=(number // 2 * 50, 0, 0)))

    results = list(store_images([*paths, tmp_path / "none.jpg"], at=NOON))

    assert [result.source for result in results] == [*paths, tmp_path / "none.jpg"]
    assert [result.problem and result.problem.extras["reason"] for result in results] == [None, None, "unknown", *[None] * 4, "missing"]
    ids = [result.image_id for result in results]
    assert ids[0] == ids[1]
    assert len({*ids} - {None}) == 4


def test_a_process_that_dies_with_a_picture_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    source = workshop.PROGRAM.read_text()
    program.write_text(
        source.replace(
            "    content = source.read_bytes()\n", "    content = source.read_bytes()\n    os._exit(9) if content == b'die' else None\n"
        )
    )
    monkeypatch.setattr(workshop, "PROGRAM", program)
    for name, content in (("a", picture(20, 20)), ("b", b"die"), ("c", picture(21, 21))):
        (tmp_path / name).write_bytes(content)

    results = list(store_images([tmp_path / name for name in "abc"], at=NOON))

    assert [result.problem and result.problem.extras["reason"] for result in results] == [None, "exhausting", None]


def test_an_interrupted_writing_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shop.media import renditions as program

    def power_cut(_: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(program.os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        program.write(tmp_path / "x.webp", b"content")

    assert not (tmp_path / "x.webp").exists()


def test_the_shop_itself_never_loads_pillow(app: Flask) -> None:
    import subprocess
    import sys

    script = "import sys; from shop import create_app; create_app(); print('PIL' in sys.modules)"
    environ = {"SHOP_INSTANCE": str(app.extensions["config"].instance), "PATH": "/usr/bin"}
    shown = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "False"
