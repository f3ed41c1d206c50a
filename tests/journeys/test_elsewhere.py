"""Signing in with an account elsewhere, at a real provider: there, back, out, and in again; with scripts and without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.chromium import Visitor
from tests.provider import CLIENT_ID, CLIENT_SECRET, Provider, serve_provider
from tests.servers import ROOT, Server, serve_shop, settings


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serve_provider() as served:
        served.issuer = served.issuer.replace("127.0.0.1", "localhost")  # another site than the shop, as in life
        served.lies["page"] = True  # one that asks before it sends people back
        yield served


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop without goods: nobody buys here."""
    folder = tmp_path_factory.mktemp("instance")
    for words in (("db", "upgrade"), ("shop", "init")):
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        subprocess.run(command, cwd=ROOT, env=settings(folder), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def shop(instance: Path, provider: Provider) -> Iterator[Server]:
    acme = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "LABEL": "Acme"}
    with serve_shop(instance, OIDC_PROVIDERS="acme", **{f"OIDC_ACME_{name}": value for name, value in acme.items()}) as server:
        yield server


@pytest.mark.parametrize("js", [True, False])
def test_in_with_a_button_out_and_in_again(visitor: Visitor, provider: Provider, js: bool) -> None:
    provider.person.update(sub=f"p-{js}", email=f"ana-{js}@example.com".lower(), name="Ana Elsewhere")
    visitor.others.add(urlsplit(provider.issuer).netloc)
    page = visitor.open("/login?next=/account/addresses", js=js)

    page.get_by_role("button", name="Sign in with Acme").click()
    page.wait_for_url(f"{provider.issuer}/**")
    page.get_by_role("link", name="Yes").click()
    page.wait_for_url("**/account/addresses")

    page.goto("/account/profile")
    expect(page.get_by_label("Name")).to_have_value("Ana Elsewhere")
    page.goto("/account/security/sign-ins")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    page.locator("main ul.rows").get_by_role("button").click()
    expect(page.get_by_text("Choose a password first")).to_be_visible()
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.goto("/login")
    page.get_by_role("button", name="Sign in with Acme").click()
    page.get_by_role("link", name="Yes").click()
    page.wait_for_url("**/account")
    assert len(provider.asked) >= 2
