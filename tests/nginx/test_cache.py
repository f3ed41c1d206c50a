"""What nginx keeps, seen with a shop that does everything wrong: strangers' public pages and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Answer, Server, serve_nginx, serve_wsgi

pytestmark = pytest.mark.nginx


@contextmanager
def nginx_before_upstream(folder: Path, **changes: str) -> Iterator[Server]:
    sockets = folder / "upstream.sock"
    with serve_wsgi("tests.nginx.upstream:app", folder, sockets), serve_nginx(folder, folder, sockets, **changes) as server:
        yield server


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with nginx_before_upstream(tmp_path_factory.mktemp("nginx")) as server:
        yield server


def number(answer: Answer) -> int:
    assert answer.status == 200, answer.text
    found: int = json.loads(answer.text)["number"]
    return found


LEAKY = ["/public", "/silent", "/private", "/sets-cookie", "/varies", "/account/x.css"]


def leaks(nginx: Server) -> list[str]:
    """Pages on which a stranger reads what was made for Ann, or Ann reads what was made for a stranger."""
    found = []
    for path in LEAKY:
        for mark, headers in enumerate(({"Cookie": "session=ann"}, {"Cookie": "0"}, {"Authorization": "Bearer ann"}), 1):
            address = f"{path}?mark={mark}"
            personal = number(nginx.ask("GET", address, headers=headers))
            strange = [number(nginx.get(address)) for _ in range(2)]
            again = number(nginx.ask("GET", address, headers=headers))
            if personal in strange or again in {personal, *strange}:
                found.append(f"{address} {headers}")
    return found


def test_nothing_made_for_one_visitor_is_ever_shown_to_another(nginx: Server) -> None:
    assert leaks(nginx) == []


def test_the_usual_recipe_from_the_web_would_leak_and_we_would_notice(tmp_path: Path) -> None:
    recipe = "bodega; proxy_ignore_headers Cache-Control Set-Cookie Vary Expires; proxy_cache_valid any 1m"

    with nginx_before_upstream(tmp_path, proxy_cache=recipe, proxy_no_cache="0", proxy_cache_bypass="0") as nginx:
        found = leaks(nginx)

    assert len(found) == 3 * len(LEAKY)


def test_a_strangers_public_page_is_made_once(nginx: Server) -> None:
    first, second = nginx.get("/public"), nginx.get("/public")

    assert number(first) == number(second)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")


@pytest.mark.parametrize("path", ["/silent", "/private", "/sets-cookie", "/account/x.css"])
def test_a_page_that_is_not_said_to_be_public_is_made_each_time(nginx: Server, path: str) -> None:
    assert number(nginx.get(path)) != number(nginx.get(path))


def test_a_page_is_kept_for_its_exact_address_only(nginx: Server) -> None:
    numbers = {number(nginx.get(path)) for path in ("/public?a=1", "/public?a=2", "/public?A=1", "/public?a=1&b=2")}

    assert len(numbers) == 4


@pytest.mark.parametrize("host", ["evil.test", "shop.example.evil.test", "127.0.0.1.evil.test"])
def test_a_foreign_host_is_not_answered_and_never_kept(nginx: Server, host: str) -> None:
    with pytest.raises((ConnectionError, OSError)):
        nginx.ask("GET", "/public?host=1", headers={"Host": host})

    assert "evil" not in nginx.get("/public?host=1").text


def test_our_own_names_do_not_share_pages(nginx: Server) -> None:
    ours = nginx.ask("GET", "/public?name=1", headers={"Host": "shop.example"})
    other = nginx.ask("GET", "/public?name=1", headers={"Host": "localhost"})

    assert number(ours) != number(other)


def test_forwarding_headers_of_a_visitor_are_lies_and_do_not_arrive(nginx: Server) -> None:
    names = (
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Real-IP",
        "Forwarded",
        "X-Request-ID",
    )

    seen = json.loads(nginx.ask("GET", "/silent", headers=dict.fromkeys(names, "lie.test")).text)["seen"]

    assert "lie.test" not in json.dumps(seen)
    assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
    assert len(seen["HTTP_X_REQUEST_ID"]) == 32


def test_headers_with_underscores_do_not_pass_for_ours(nginx: Server) -> None:
    seen = json.loads(nginx.ask("GET", "/silent", headers={"X_Forwarded_For": "lie.test"}).text)["seen"]

    assert "lie.test" not in json.dumps(seen)


def crowd(nginx: Server, path: str) -> tuple[list[int], float]:
    """What twelve visitors at once get, and how long the last of them waited."""
    begun = time.monotonic()
    with ThreadPoolExecutor(12) as visitors:
        numbers = list(visitors.map(lambda _: number(nginx.get(path)), range(12)))
    return numbers, time.monotonic() - begun


def test_a_crowd_at_a_cold_page_makes_it_once(nginx: Server) -> None:
    numbers, _ = crowd(nginx, "/slow?cold=1")

    assert len(set(numbers)) == 1


def test_strangers_at_a_private_page_hardly_wait_for_each_other(nginx: Server) -> None:
    numbers, waited_s = crowd(nginx, "/slow-private")

    assert len(set(numbers)) == 12
    assert waited_s < 1, "nginx let them in one by one, half a second each"


def test_a_page_grown_old_is_still_shown_while_the_shop_is_down(tmp_path: Path) -> None:
    sockets = tmp_path / "upstream.sock"
    with serve_nginx(tmp_path, tmp_path, sockets) as nginx:
        with serve_wsgi("tests.nginx.upstream:app", tmp_path, sockets):
            made = number(nginx.get("/brief"))
        time.sleep(1.5)

        assert number(nginx.get("/brief")) == made
        assert nginx.get("/public?never-seen").status == 502
        assert nginx.ask("GET", "/brief", headers={"Cookie": "session=ann"}).status == 502


def test_pages_are_compressed_on_their_way(nginx: Server) -> None:
    plain, packed = nginx.get("/public?z=1"), nginx.get("/public?z=1", Accept_Encoding="gzip")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.body) < len(plain.body) / 4
    assert plain.headers["Content-Encoding"] is None
