"""The audit for programs of the staff."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from marshmallow import fields

from shop.audit import bp
from shop.audit.queries import find_last_run
from shop.audit.services import request_audit
from shop.clock import now
from shop.errors import NotFound
from shop.web.api import describe
from shop.web.fields import ShopSchema, Text, WholeNumber
from shop.web.json import json_response


class InvariantSchema(ShopSchema):
    """An invariant and what broke it; ``findings`` have ``ref`` and the facts of the rule."""

    id = Text()
    sentence = Text()
    took_ms = WholeNumber()
    error = Text()
    more = fields.Boolean()
    findings = fields.List(fields.Dict())


class AuditReportSchema(ShopSchema):
    """An audit. ``clean`` is true when no invariant is broken."""

    at = Text()
    took_ms = WholeNumber()
    clean = fields.Boolean()
    findings = WholeNumber()
    rules = fields.List(fields.Nested(InvariantSchema))
    not_applicable = fields.Dict(keys=fields.String(), values=fields.String())


class AuditWantedSchema(ShopSchema):
    """The audit runs soon."""

    status = Text()


report, wanted = AuditReportSchema(), AuditWantedSchema()


@bp.get("/api/v1/audit")
@describe("What the last audit of the books found", answer=report, permission="books.view", errors=[NotFound])
def show_audit_json() -> ResponseReturnValue:
    run = find_last_run()
    if run is None:
        raise NotFound(_("No audit has run yet."))
    return json_response(run.report)


@bp.post("/api/v1/audit")
@describe("Have the books audited soon", answer=wanted, status=202, permission="books.view")
def ask_audit_json() -> ResponseReturnValue:
    request_audit(by=current_user.email, at=now())
    return json_response({"status": "wanted"}, 202)
