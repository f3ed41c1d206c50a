"""The API document is valid, complete, and says what the views do."""

from __future__ import annotations

from openapi_spec_validator import validate

from shop.web.openapi import describe_api


def test_the_document_is_valid_openapi(context):
    validate(describe_api(context))


def test_every_json_route_is_described(app):
    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        and rule.endpoint not in {"web.show_openapi"}
        and not hasattr(app.view_functions[rule.endpoint], "description")
        and rule.endpoint not in {"probe", "read_probe", "broken", "gone", "slow"}
    ]

    assert silent == []


def test_programs_and_people_can_read_it(client):
    document = client.get("/api/v1/openapi.json").json

    assert document["openapi"] == "3.1.0"
    assert client.get("/api/docs").status_code == 200
