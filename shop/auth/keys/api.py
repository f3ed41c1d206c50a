"""Keys for programs as JSON, for staff with ``keys.edit``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.auth import bp
from shop.auth.current import ProofNeeded, current_user, require_proof
from shop.auth.keys.queries import list_keys
from shop.auth.keys.schemas import KeyListSchema, MadeKeySchema, NewKeySchema
from shop.auth.keys.services import create_key, revoke_key
from shop.clock import now
from shop.errors import NotFound
from shop.web.api import describe
from shop.web.json import json_response, load_body

NEW, MADE, LIST = NewKeySchema(), MadeKeySchema(), KeyListSchema()
MAY = "keys.edit"


@bp.get("/api/v1/keys")
@describe("Keys for programs", answer=LIST, permission=MAY)
def list_keys_json() -> ResponseReturnValue:
    return json_response(LIST.dump({"items": list_keys()}))


@bp.post("/api/v1/keys")
@describe(
    "Make a key; the answer is the only place where it can be read", body=NEW, answer=MADE, status=201, errors=[ProofNeeded], permission=MAY
)
def create_key_json() -> ResponseReturnValue:
    require_proof()
    made = create_key(**load_body(NEW), by=current_user.id, may=current_user.permissions, at=now())
    return json_response(MADE.dump(made), 201, {"Location": "/api/v1/keys"})


@bp.delete("/api/v1/keys/<int(min=1, max=9223372036854775807):key_id>")
@describe("Take a key back: nobody takes it any more", status=204, errors=[NotFound], permission=MAY)
def revoke_key_json(key_id: int) -> ResponseReturnValue:
    revoke_key(key_id, at=now())
    return "", 204
