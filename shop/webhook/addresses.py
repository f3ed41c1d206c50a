"""Where the shop may send to: public addresses by https, and in development the hosts that a setting names.

A name is resolved once; every address that it stands for is checked, and the connection goes to the very address that was checked: a name server that
answers otherwise the second time gains nothing.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from flask_babel import gettext as _

PORTS = {443, 8443}
# What `is_global` of an older Python lets through, and networks that carry an IPv4 address within an IPv6 one.
NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
        "ff00::/8",
    )
)


class AddressRefused(Exception):
    """Nothing is sent there; says why."""


class NoAddress(Exception):
    """The name cannot be resolved now."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was checked: connect to ``address`` and call it ``host``."""

    host: str
    port: int
    address: str
    path: str
    is_tls: bool

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def check_url(url: str, named_hosts: frozenset[str] = frozenset()) -> tuple[str, int, str, bool]:
    """Host, port, path with query, and whether by https, as far as they can be judged without asking a name server.

    Raises:
        AddressRefused: another scheme or port, a user or fragment in it, or a host that is no public one by its look.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise AddressRefused(_("It is no address.")) from None
    is_tls, is_named = parts.scheme == "https", host in named_hosts
    if not is_tls and not (is_named and parts.scheme == "http"):
        raise AddressRefused(_("It must begin with https://."))
    if not host or not host.isascii() or parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused(_("Write it with a host in plain letters and without a user, a password or a #."))
    port = port if port is not None else (443 if is_tls else 80)
    if not is_named:
        if port not in PORTS:
            raise AddressRefused(_("It must be on port 443 or 8443."))
        _refuse_by_look(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(not "!" <= char <= "~" for char in path):
        raise AddressRefused(_("Write its path in plain letters, others as codes such as %(code)s.", code="%C3%A9"))
    return host, port, path, is_tls


def _refuse_by_look(host: str) -> None:
    try:
        literal = ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        if "." not in host or last[:1].isdigit() or last in {"local", "localhost", "internal", "lan", "home", "arpa", "onion"}:
            raise AddressRefused(_("It must be a host that the whole internet knows.")) from None
        return
    if not is_public(literal):
        raise AddressRefused(_("%(host)s is not a public address.", host=host))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """May the whole internet reach it? An IPv4 address within an IPv6 one is judged as what it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return False
    if any(address in network for network in NOT_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def find_target(url: str, *, named_hosts: frozenset[str], timeout_s: float) -> Target:
    """Resolve the host and check every address that it stands for.

    Raises:
        AddressRefused: one of them is not public; then none is used.
        NoAddress: the name server does not know it, or does not answer in time.
    """
    host, port, path, is_tls = check_url(url, named_hosts)
    found = resolve(host, port, timeout_s)
    if host not in named_hosts:
        for address in found:
            if "%" in address or not is_public(ip_address(address)):
                raise AddressRefused(_("%(host)s stands for %(address)s, which is not a public address.", host=host, address=address))
    return Target(host, port, found[0], path, is_tls)


def resolve(host: str, port: int, timeout_s: float) -> list[str]:
    """All addresses of a host, in the order in which the system would try them. A name server that is slow is left behind."""
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(timeout_s)
    if not found:
        raise NoAddress(_("%(host)s cannot be found.", host=host))
    return list(found)
