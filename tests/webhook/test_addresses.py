"""The shop sends to public addresses by https, to the very address that was checked, and nowhere else."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

import pytest

from shop.webhook.addresses import AddressRefused, NoAddress, Target, check_url, find_target, is_public

NONE = frozenset()
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"


def answering(monkeypatch, *rounds):
    """A name server that gives one list of addresses after the other."""
    asked = []

    def answer(host, port, **_more):
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/in",
        "ftp://hooks.example.com/in",
        "https://user@hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:6379/",
        "https://hooks.example.com:99999/",
        "https://localhost/",
        "https://db/",
        "https://shop.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1%25eth0]/",
        "https://hooks.éxample.com/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/a\r\nX-Header: 1",
        "https:///nothing",
        "https://[x]/",
        "",
    ],
)
def test_what_is_no_public_address_by_its_look_is_refused(context, url):
    with pytest.raises(AddressRefused):
        check_url(url)


def test_a_path_in_other_letters_is_refused_with_a_code_to_write_instead(context):
    with pytest.raises(AddressRefused, match=r"such as %C3%A9\.$"):
        check_url("https://hooks.example.com/café")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://hooks.example.com/in?x=1", ("hooks.example.com", 443, "/in?x=1", True)),
        ("https://Hooks.Example.com.:8443", ("hooks.example.com", 8443, "/", True)),
        (f"https://{PUBLIC}/", (PUBLIC, 443, "/", True)),
        ("https://[2606:2800:220:1::1]/", ("2606:2800:220:1::1", 443, "/", True)),
    ],
)
def test_a_public_address_by_https_is_taken(url, wanted):
    assert check_url(url) == wanted


def test_a_host_that_the_settings_name_needs_no_https_and_may_be_private(context):
    named = frozenset({"receiver.test"})

    assert check_url("http://receiver.test:7000/in", named) == ("receiver.test", 7000, "/in", False)
    with pytest.raises(AddressRefused):
        check_url("http://other.test:7000/in", named)


@pytest.mark.parametrize(
    "address",
    ["0.1.2.3", "100.64.0.1", "127.8.9.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.2.1", "192.168.1.1", "192.88.99.1",
     "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
     "::", "::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "100::1", "2001::1", "2001:db8::1", "2002:5db8:d822::1", "fc00::1", "fe80::1",
     "fec0::1", "ff02::1"],
)  # fmt: skip
def test_no_address_that_is_private_or_carries_another_is_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", PUBLIC, "2606:4700:4700::1111", "2a00:1450:4003::200e"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "found", [[PRIVATE], [PUBLIC, PRIVATE], ["::1"], [PUBLIC, "::ffff:10.0.0.7"], ["169.254.169.254"], ["fe80::1%eth0"]]
)
def test_a_name_that_stands_for_any_private_address_is_refused(context, monkeypatch, found):
    answering(monkeypatch, found)

    with pytest.raises(AddressRefused):
        find_target("https://hooks.example.com/", named_hosts=NONE, timeout_s=1)


def test_a_name_server_that_changes_its_mind_gains_nothing(context, monkeypatch):
    asked = answering(monkeypatch, [PUBLIC], ["127.0.0.1"])

    target = find_target("https://hooks.example.com/in", named_hosts=NONE, timeout_s=1)

    assert target == Target("hooks.example.com", 443, PUBLIC, "/in", True)
    assert asked == ["hooks.example.com"]


def test_a_name_server_that_is_silent_is_left_behind(context, monkeypatch):
    leaving = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: leaving.wait(5) and [])

    with pytest.raises(NoAddress):
        find_target("https://hooks.example.com/", named_hosts=NONE, timeout_s=0.05)
    leaving.set()
