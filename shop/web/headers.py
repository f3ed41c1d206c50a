"""What every answer carries: a request id, and the browser's orders to trust nothing but us."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from shop.observe.trace import new_id, request_id

CSP = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
PERMANENT_REDIRECT = 308
ONE_YEAR_S = 31_536_000


def _say_policy(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


class Policy:
    """The usual policy of one shop. Its pictures may lie elsewhere: then, and only then, pages may show some from there."""

    def __init__(self, media_url: str) -> None:
        parts = urlsplit(media_url)
        pictures = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
        self.rules = {**CSP, "img-src": CSP["img-src"] + pictures}
        self.usual = _say_policy(self.rules)


def policy() -> Policy:
    found: Policy = current_app.extensions["csp"]
    return found


def allow(directive: str, source: str) -> None:
    """Widen the policy of this one page, such as the one that sends a customer to a gateway."""
    rules = policy().rules
    g.setdefault("csp", {})[directive] = f"{rules.get(directive, rules['default-src'])} {source}"


def init_app(app: Flask) -> None:
    app.extensions["csp"] = Policy(app.extensions["config"].storage.public_url)
    app.before_request(_name_request)
    app.after_request(_set_headers)


def _name_request() -> None:
    g.request_id = request_id() or new_id()  # the log's number, for the pages


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = g.get("request_id") or request_id()
    headers.setdefault("Content-Security-Policy", _say_policy({**policy().rules, **g.csp}) if "csp" in g else policy().usual)
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), browsing-topics=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if response.status_code == PERMANENT_REDIRECT and response.location:  # Werkzeug's own, to a path without doubled slashes
        response.location = response.location.removeprefix(request.host_url.rstrip("/"))  # the host is what the visitor sent as such
    if request.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR_S}; includeSubDomains"
    return response
