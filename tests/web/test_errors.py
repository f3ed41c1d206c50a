"""Answers to what cannot be answered."""

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


def test_a_redirect_never_names_the_host_that_a_visitor_sent(client):
    answer = client.get("/media//etc/passwd", base_url="http://evil.example")

    assert (answer.status_code, answer.headers["Location"]) == (308, "/media/etc/passwd")


@pytest.mark.parametrize("lost", [OperationalError("SELECT 1", {}, Exception("gone")), PoolTimeout()])
def test_while_the_database_is_gone_people_and_programs_are_asked_to_come_back(client, monkeypatch, lost):
    def fail(*_args, **_kwargs):
        raise lost

    for view in ("catalog.show_product", "catalog.list_products_json"):
        monkeypatch.setitem(client.application.view_functions, view, fail)

    page, json = client.get("/p/mug"), client.get("/api/v1/products")

    assert (page.status_code, page.headers["Retry-After"], page.headers["Cache-Control"]) == (503, "5", "private, no-store")
    assert "<h1>Back in a moment</h1>" in page.text
    assert (json.status_code, json.headers["Retry-After"], json.json["type"]) == (503, "5", "/problems/not-now")
    assert "gone" not in page.text + json.text
