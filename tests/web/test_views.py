"""What a problem of the API means can be read where its type points."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/orders/none", 404),
        ("DELETE", "/api/v1/products", 405),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v1/orders", 415),
    ],
)
def test_the_type_of_a_problem_is_a_page(client, method, path, status):
    problem = client.open(path, method=method)

    assert problem.status_code == status
    page = client.get(problem.json["type"])
    assert page.status_code == 200
    assert str(status) in page.text


def test_a_bug_has_a_page_too_and_an_unknown_word_has_none(client):
    assert client.get("/problems/internal-server-error").status_code == 200
    assert "Nothing was half done" in client.get("/problems/not-now").text
    assert client.get("/problems/ok").status_code == 404
