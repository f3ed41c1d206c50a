"""The same for programs, under ``/api/v1/me``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.account import bp
from shop.account.security.picture import app_letters, app_uri
from shop.account.security.schemas import AppSchema, CodesSchema, FirstCodeSchema, LocksSchema, ProofSchema
from shop.auth.current import ProofNeeded, adopt, current_user, doorstep, network, require_proof
from shop.auth.second.queries import find_begun_app, list_locks
from shop.auth.second.services import begin_app, confirm_app, remove_app, renew_codes
from shop.auth.services import prove_again
from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotLoggedIn, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body

PROOF, CODE, APP, CODES, LOCKS = ProofSchema(), FirstCodeSchema(), AppSchema(), CodesSchema(), LocksSchema()


@bp.get("/api/v1/me/security")
@describe("What guards my account", answer=LOCKS, errors=[NotLoggedIn], role="customer")
def show_security_json() -> ResponseReturnValue:
    return json_response(LOCKS.dump(list_locks(current_user.id)))


@bp.post("/api/v1/me/proof")
@describe(
    "Show once more who I am; counts for 15 minutes", body=PROOF, status=204, errors=[NotLoggedIn, Invalid, TooManyTries], role="customer"
)
def prove_json() -> ResponseReturnValue:
    password = load_body(PROOF)["password"]
    prove_again(current_user.login_session_id, email=current_user.email, password=password, network=network(), at=now())
    return "", 204


@bp.post("/api/v1/me/security/app")
@describe(
    "Make a key for an app; it counts after its first code",
    answer=APP,
    status=201,
    errors=[NotLoggedIn, ProofNeeded, IllegalMove],
    role="customer",
)
def set_up_app_json() -> ResponseReturnValue:
    require_proof()
    begin_app(current_user.id, at=now())
    salt = find_begun_app(current_user.id)
    return json_response({"uri": app_uri(salt, email=current_user.email), "letters": app_letters(salt)}, 201)


@bp.post("/api/v1/me/security/app/confirmation")
@describe("The app's first code", body=CODE, answer=CODES, errors=[NotLoggedIn, ProofNeeded, Invalid, TooManyTries], role="customer")
def switch_app_on_json() -> ResponseReturnValue:
    require_proof()
    step = doorstep(is_remembered=current_user.is_remembered)
    made, codes = confirm_app(current_user.id, code=load_body(CODE)["code"], step=step, at=now())
    adopt(made)
    return json_response({"codes": codes})


@bp.delete("/api/v1/me/security/app")
@describe("Without the app", status=204, errors=[NotLoggedIn, ProofNeeded, IllegalMove], role="customer")
def switch_app_off_json() -> ResponseReturnValue:
    require_proof()
    adopt(remove_app(current_user.id, step=doorstep(is_remembered=current_user.is_remembered), at=now()))
    return "", 204


@bp.post("/api/v1/me/security/codes")
@describe("Ten new recovery codes", answer=CODES, status=201, errors=[NotLoggedIn, ProofNeeded, IllegalMove], role="customer")
def make_codes_json() -> ResponseReturnValue:
    require_proof()
    return json_response({"codes": renew_codes(current_user.id)}, 201)
