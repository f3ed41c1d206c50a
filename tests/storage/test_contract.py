"""What every storage promises, the folder and the bucket alike."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from shop.clock import now
from shop.storage import Missing, Shelves
from shop.storage.keys import check_key, disposition, type_of

pytestmark = pytest.mark.usefixtures("context")
NO_KEYS = [
    "", "/", "/etc/passwd", "../shop.db", "a/../b", "a/..", "a//b", "a/", ".hidden", "a/.hidden", "a\\b", "a b", "a\0b", "a\nb.pdf", "ä.pdf", "a?b", "a%2fb",
    "Upper.pdf", "a.pdf.exe.sh", "a" * 201, "-x", "a.PDF",
]  # fmt: skip


def test_a_file_that_was_put_is_there_as_it_was(shelves: Shelves) -> None:
    content = bytes(range(256)) * 300

    shelves.private.put("papers/a1.pdf", content)

    assert shelves.private.exists("papers/a1.pdf")
    assert shelves.private.get("papers/a1.pdf") == content


def test_a_second_one_takes_the_place_of_the_first(shelves: Shelves) -> None:
    shelves.private.put("exports/orders.csv", b"old")
    shelves.private.put("exports/orders.csv", b"new")

    assert shelves.private.get("exports/orders.csv") == b"new"


def test_a_file_made_at_the_bench_is_put_and_the_bench_is_cleared(shelves: Shelves) -> None:
    with shelves.media.workbench() as bench:
        (bench / "made.webp").write_bytes(b"picture")
        (bench / "left.webp").write_bytes(b"left over")
        shelves.media.put("ab/made.webp", bench / "made.webp")

    assert not bench.exists()
    assert shelves.media.get("ab/made.webp") == b"picture"
    assert [kept.key for kept in shelves.media.list()] == ["ab/made.webp"]


def test_what_is_not_there_is_missing(shelves: Shelves) -> None:
    assert not shelves.private.exists("papers/none.pdf")
    with pytest.raises(Missing):
        shelves.private.get("papers/none.pdf")
    with pytest.raises(Missing):
        shelves.private.send("papers/none.pdf")


def test_what_was_deleted_is_gone_and_deleting_again_is_no_fault(shelves: Shelves) -> None:
    shelves.private.put("papers/a1.pdf", b"x")

    for _ in range(2):
        shelves.private.delete("papers/a1.pdf")

    assert not shelves.private.exists("papers/a1.pdf")
    assert list(shelves.private.list()) == []


def test_a_listing_has_the_files_of_one_shelf_by_key(shelves: Shelves) -> None:
    before = now()
    for key in ("ab/x-2.webp", "ab/x-10.webp", "ab/y.webp", "cd/x.webp"):
        shelves.media.put(key, key.encode())
    shelves.private.put("ab/secret.pdf", b"x")

    assert [kept.key for kept in shelves.media.list()] == ["ab/x-10.webp", "ab/x-2.webp", "ab/y.webp", "cd/x.webp"]
    assert [(kept.key, kept.size) for kept in shelves.media.list("ab/x-")] == [("ab/x-10.webp", 12), ("ab/x-2.webp", 11)]
    assert list(shelves.media.list("zz/")) == []
    assert all(abs((kept.changed_at - before).total_seconds()) < 60 for kept in shelves.media.list())


@pytest.mark.parametrize("key", NO_KEYS)
def test_no_key_leads_elsewhere(key: str) -> None:
    with pytest.raises(ValueError, match="names no file"):
        check_key(key)


def test_every_verb_asks_for_a_key(shelves: Shelves) -> None:
    shelf = shelves.private
    verbs = [
        lambda key: shelf.put(key, b"x"), shelf.get, shelf.exists, shelf.delete, shelf.send, shelf.url,
        lambda key: shelf.signed_url(key, name="a.pdf", lasts_s=60, at=now()),
    ]  # fmt: skip

    for verb in verbs:
        with pytest.raises(ValueError, match="names no file"):
            verb("../shop.db")


@pytest.mark.parametrize(
    ("key", "kind", "how"),
    [
        ("papers/a.pdf", "application/pdf", "inline"),
        ("ab/a-640.avif", "image/avif", "inline"),
        ("exports/a.csv", "text/csv; charset=utf-8", "attachment"),
        ("exports/a.jsonl", "application/jsonl", "attachment"),
        ("a.html", "application/octet-stream", "attachment"),
        ("a", "application/octet-stream", "attachment"),
    ],
)
def test_a_key_says_its_type_and_nothing_that_runs_is_shown(key: str, kind: str, how: str) -> None:
    assert type_of(key) == kind
    assert disposition(key, "a.b") == f'{how}; filename="a.b"'


@pytest.mark.parametrize("name", ['a"; filename=b.exe', "a\r\nSet-Cookie: x", "", "../a", "ä.pdf"])
def test_a_name_cannot_say_more_than_a_name(shelves: Shelves, name: str) -> None:
    shelves.private.put("papers/a.pdf", b"x")

    with pytest.raises(ValueError, match="no name"):
        shelves.private.signed_url("papers/a.pdf", name=name, lasts_s=60, at=now())


def test_a_signed_link_gives_the_file_with_its_type_and_name(shelves: Shelves, shop, client) -> None:
    shelves.private.put("papers/a1.pdf", b"%PDF-")

    url = shelves.private.signed_url("papers/a1.pdf", name="INV-1.pdf", lasts_s=60, at=now())

    status, headers, body = fetch(client, url)
    assert (status, body) == (200, b"%PDF-")
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == 'inline; filename="INV-1.pdf"'
    assert "no-store" in headers["Cache-Control"]


def test_a_link_is_for_its_file_only(shelves: Shelves, shop, client) -> None:
    shelves.private.put("papers/a1.pdf", b"mine")
    url = shelves.private.signed_url("papers/gone.pdf", name="a.pdf", lasts_s=60, at=now())

    assert fetch(client, url)[0] in {403, 404}


def fetch(client, url: str):
    """Status, headers and body, by the shop or over the wire, as a browser would that has nothing but the link."""
    if url.startswith("/"):
        answer = client.get(url, buffered=True)
        return answer.status_code, answer.headers, answer.data
    try:
        with urlopen(url) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as problem:
        with problem:
            return problem.code, problem.headers, problem.read()
