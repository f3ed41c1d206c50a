"""Unsafe requests come from our own pages."""

import pytest


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[x]"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_foreign_page_may_not_post(client, headers):
    assert client.post("/theme", data={"theme": "dark"}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}, {}])
def test_our_own_page_may_post(client, headers):
    answer = client.post("/theme", data={"theme": "dark", "next": "/cart"}, headers=headers)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")


def test_a_foreign_page_may_link_to_us(client):
    assert client.get("/healthz", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_the_theme_never_leads_away(client):
    assert client.post("/theme", data={"theme": "dark", "next": "//evil.example"}).headers["Location"] == "/"


def test_a_referrer_that_is_no_address_does_no_harm(client):
    answer = client.post("/account/profile", headers={"Referer": "http://[x]/account"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
