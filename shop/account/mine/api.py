"""My data for programs."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.account import bp
from shop.account.mine.texts import FIGURES_TEXT, MARKETING_TEXT
from shop.auth.current import current_user, leave, network
from shop.auth.services import prove_again
from shop.clock import now
from shop.errors import Invalid, TooManyTries
from shop.privacy.holdings import find_person
from shop.privacy.queries import dump_person
from shop.privacy.schemas import ErasureBodySchema, FiguresSchema, MarketingSchema, MyDataSchema, ReceiptSchema, dump_receipt
from shop.privacy.services import FIGURES, MARKETING, OrderStillOpen, WorksHere, erase_person, set_consent
from shop.web.api import describe
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

mine, marketing, body, receipt, figures = MyDataSchema(), MarketingSchema(), ErasureBodySchema(), ReceiptSchema(), FiguresSchema()


@bp.get("/api/v1/me/data")
@describe("Everything that the shop knows of me", answer=mine, role="customer")
def show_my_data_json() -> ResponseReturnValue:
    return json_response(dump_person(user_id=current_user.id))


@bp.put("/api/v1/me/marketing")
@describe("Say whether the shop may write about new things", body=marketing, answer=marketing, role="customer", errors=[Invalid])
def set_marketing_json() -> ResponseReturnValue:
    sent = load_body(marketing)
    set_consent(current_user.id, MARKETING, **sent, text=str(MARKETING_TEXT), locale=current_locale(), at=now())
    return json_response(sent)


@bp.put("/api/v1/me/figures")
@describe(
    "Say whether name and e-mail may stand beside the shop's figures", body=figures, answer=figures, role="customer", errors=[Invalid]
)
def set_figures_json() -> ResponseReturnValue:
    sent = load_body(figures)
    set_consent(current_user.id, FIGURES, **sent, text=str(FIGURES_TEXT), locale=current_locale(), at=now())
    return json_response(sent)


@bp.post("/api/v1/me/erasure")
@describe(
    "Erase my account; gives the receipt",
    body=body,
    answer=receipt,
    role="customer",
    errors=[Invalid, OrderStillOpen, WorksHere, TooManyTries],
)
def erase_me_json() -> ResponseReturnValue:
    sent = load_body(body)
    prove_again(current_user.login_session_id, email=current_user.email, password=sent["password"], network=network(), at=now())
    reference = erase_person(find_person(user_id=current_user.id), by="customer", at=now())
    leave()
    return json_response(dump_receipt(reference))
