"""My passkeys for programs."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from marshmallow import fields

from shop.account import bp
from shop.account.security.schemas import CodesSchema
from shop.auth.current import ProofNeeded, adopt, current_user, doorstep, require_proof
from shop.auth.second.passkeys import TooManyPasskeys, add_passkey, begin_passkey, remove_passkey, rename_passkey
from shop.auth.sessions import Doorstep
from shop.auth.tickets import LinkDead
from shop.clock import now
from shop.errors import Invalid, NotFound, NotLoggedIn
from shop.web.api import describe
from shop.web.fields import ShopSchema, Text
from shop.web.json import json_response, load_body


class NewPasskeySchema(ShopSchema):
    """What ``PublicKeyCredential.toJSON()`` gave, and how to call it."""

    credential = fields.Dict(required=True)
    name = Text(maximum=60, load_default="")


class PasskeyNameSchema(ShopSchema):
    """What its owner calls it."""

    name = Text(minimum=1, maximum=60, required=True)


ANY_ID = "int(min=1, max=9223372036854775807)"
NEW, NAME, CODES = NewPasskeySchema(), PasskeyNameSchema(), CodesSchema()


@bp.post("/api/v1/me/passkeys/options")
@describe(
    "What a browser is asked to make: PublicKeyCredentialCreationOptionsJSON",
    errors=[NotLoggedIn, ProofNeeded, TooManyPasskeys],
    role="customer",
)
def new_passkey_options_json() -> ResponseReturnValue:
    require_proof()
    return json_response(begin_passkey(current_user.id, email=current_user.email, name=current_user.name, at=now()))


@bp.post("/api/v1/me/passkeys")
@describe(
    "A new passkey; the codes are shown this once",
    body=NEW,
    answer=CODES,
    status=201,
    errors=[NotLoggedIn, ProofNeeded, Invalid, LinkDead],
    role="customer",
)
def save_passkey_json() -> ResponseReturnValue:
    require_proof()
    wanted = load_body(NEW)
    made, codes = add_passkey(current_user.id, wanted["credential"], name=wanted["name"], step=_same_step(), at=now())
    adopt(made)
    return json_response({"codes": codes}, 201)


@bp.patch(f"/api/v1/me/passkeys/<{ANY_ID}:passkey_id>")
@describe("Call a passkey something else", body=NAME, status=204, errors=[NotLoggedIn, NotFound, Invalid], role="customer")
def rename_passkey_json(passkey_id: int) -> ResponseReturnValue:
    rename_passkey(passkey_id, user_id=current_user.id, **load_body(NAME))
    return "", 204


@bp.delete(f"/api/v1/me/passkeys/<{ANY_ID}:passkey_id>")
@describe("Without this passkey", status=204, errors=[NotLoggedIn, ProofNeeded, NotFound], role="customer")
def drop_passkey_json(passkey_id: int) -> ResponseReturnValue:
    require_proof()
    adopt(remove_passkey(passkey_id, user_id=current_user.id, step=_same_step(), at=now()))
    return "", 204


def _same_step() -> Doorstep:
    return doorstep(is_remembered=current_user.is_remembered)
