"""A grade for the headers of an answer, as the known checkers on the net give it, offline: 100 is A+, each fault takes some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

YEAR_S = 31_536_000
GRADES = ((100, "A+"), (90, "A"), (75, "B"), (60, "C"), (0, "F"))
STRICT_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


def faults(headers: Mapping[str, str], cookies: list[str]) -> Iterator[tuple[int, str]]:
    """What is wrong, with what it costs."""
    age = re.match(r"max-age=(\d+)", headers.get("Strict-Transport-Security", ""))
    if not age or int(age[1]) < YEAR_S or "includeSubDomains" not in headers["Strict-Transport-Security"]:
        yield 20, "HSTS for a year with subdomains"
    yield from _policy_faults(headers.get("Content-Security-Policy", ""))
    if headers.get("X-Content-Type-Options") != "nosniff":
        yield 10, "nosniff"
    if headers.get("Referrer-Policy") not in STRICT_REFERRERS:
        yield 10, "a strict referrer policy"
    if not all(f"{name}=()" in headers.get("Permissions-Policy", "") for name in ("camera", "microphone", "geolocation")):
        yield 10, "a permissions policy"
    if headers.get("Cross-Origin-Opener-Policy") != "same-origin":
        yield 10, "an opener policy"
    if headers.get("Access-Control-Allow-Origin"):
        yield 25, "no door for other origins"
    for cookie in cookies:
        words = cookie.lower()
        if "session" in words and not (
            "; secure" in words and "; httponly" in words and "; samesite=" in words and words.startswith("__host-")
        ):
            yield 25, "a session cookie that is __Host-, Secure, HttpOnly and SameSite"


def _policy_faults(policy: str) -> Iterator[tuple[int, str]]:
    said = {name: sources for name, _blank, sources in (part.strip().partition(" ") for part in policy.split(";"))}
    scripts = said.get("script-src", said.get("default-src", "*"))
    if "unsafe" in policy or "*" in scripts.split() or "http:" in policy:
        yield 30, "no inline code and no foreign code"
    for name, wanted in (("object-src", "'none'"), ("base-uri", "'none'"), ("frame-ancestors", "'none'"), ("form-action", "'self'")):
        if said.get(name, "").split()[:1] != [wanted]:
            yield 10, f"{name} {wanted}"


def grade(headers: Mapping[str, str], cookies: list[str]) -> str:
    points = 100 - sum(cost for cost, _what in faults(headers, cookies))
    return next((letter for least, letter in GRADES if points >= least), "F")
