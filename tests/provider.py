"""A real OpenID Connect provider on loopback, made with Authlib's server side: code flow, PKCE, signed ID tokens. It lies on request.

``provider.lies["claims"] = lambda claims: …`` changes what its ID tokens say; the other lies stand at ``DEVIATIONS`` of the tests.
"""

from __future__ import annotations

# ruff: noqa: ARG002, C901 - the arguments are those that Authlib hands over; the addresses of one server stand together
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "shop-client", "a secret between the two"


class Client(ClientMixin):
    """The shop, as the provider knows it."""

    client_id = CLIENT_ID

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/return")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Provider:
    """Who is signed in there, and what it lies about."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.other_key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.issuer = ""
        self.start_afresh()

    def start_afresh(self) -> None:
        self.person: dict[str, Any] = {"sub": "p-1", "email": "ana@example.com", "email_verified": True, "name": "Ana"}
        self.lies: dict[str, Any] = {}
        self.codes: dict[str, SimpleNamespace] = {}
        self.asked: list[str] = []

    def claims(self, nonce: str | None, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        person = {name: value for name, value in self.person.items() if not (name.startswith("email") and "userinfo" in self.lies)}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            **({"nonce": nonce} if nonce else {}),
            **person,
            **more,
        }
        return dict(self.lies.get("claims", lambda same: same)(claims))

    def sign(self, claims: dict[str, Any]) -> str:
        if "sign" in self.lies:
            return str(self.lies["sign"](self, claims))
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key, algorithms=["RS256"])


def make_app(provider: Provider) -> Flask:
    """Its addresses."""
    app = Flask("provider")
    app.secret_key = "provider"

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            asked = request.payload.data
            kept = SimpleNamespace(
                code=code,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                nonce=asked.get("nonce"),
                code_challenge=asked.get("code_challenge"),
                code_challenge_method=asked.get("code_challenge_method"),
            )
            kept.get_redirect_uri = lambda: kept.redirect_uri
            kept.get_scope = lambda: kept.scope
            provider.codes[code] = kept

        def query_authorization_code(self, code: str, client: Any) -> Any:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Any) -> None:
            provider.codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code: Any) -> dict[str, Any]:
            return provider.person

    class Tokens(OpenIDCode):
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
            half = create_half_hash(token["access_token"], "RS256").decode()
            return provider.sign(provider.claims(request.authorization_code.nonce, at_hash=half))

    class Challenge(CodeChallenge):
        def validate_code_verifier(self, grant: Any, result: Any) -> None:
            if "no_pkce" not in provider.lies:
                super().validate_code_verifier(grant, result)

    server = AuthorizationServer(
        app, query_client=lambda client_id: Client() if client_id == CLIENT_ID else None, save_token=lambda *_: None
    )
    server.register_grant(CodeGrant, [Tokens(), Challenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Any:
        at = provider.issuer
        said = {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys",
            "userinfo_endpoint": f"{at}/userinfo",
            "code_challenge_methods_supported": ["S256"],
        }
        return jsonify({**said, **provider.lies.get("metadata", {})})

    @app.get("/keys")
    def keys() -> Any:
        return jsonify({"keys": [provider.key.as_dict(private=False)]})

    @app.get("/authorize")
    def authorize() -> Any:
        provider.asked.append(request.url)
        if "page" in provider.lies:
            return f'<!doctype html><title>Acme</title><a href="/yes?{request.query_string.decode()}">Yes</a>'.replace("&", "&amp;")
        return yes()

    @app.get("/yes")
    def yes() -> Any:
        if "error" in provider.lies:
            return redirect(f"{request.args['redirect_uri']}?error=access_denied&state={request.args['state']}")
        grant = server.get_consent_grant(end_user=provider.person)
        return server.create_authorization_response(grant=grant, grant_user=provider.person)

    @app.post("/token")
    def token() -> Any:
        if "token" in provider.lies:
            return provider.lies["token"]()
        return server.create_token_response()

    @app.get("/userinfo")
    def userinfo() -> Any:
        return jsonify({**provider.person, **provider.lies.get("userinfo", {})})

    return app


@contextmanager
def serve_provider(port: int = 0) -> Iterator[Provider]:
    """One that answers, until the block ends."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # its own server side wants TLS; the client does not ask
    provider = Provider()
    server = make_server("127.0.0.1", port, make_app(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
