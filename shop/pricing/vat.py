"""VAT numbers of businesses: their form, what the register of the Union says of them, and whether the buyer owes the tax itself.

Policy: a number that has the form of its country counts, unless a register is set (VAT_CHECK_URL). Then it must say yes; where it says no, the number is
refused; where no answer comes, tax is charged and can be given back later by a credit note: an unpaid tax would be the shop's own debt.

Source: Directive 2006/112/EC, article 138 (1), (1a); Implementing Regulation (EU) 282/2011, article 18 (a), the proof by a consultation number.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import bindparam, insert, select

from shop.db import in_transaction, row, transaction
from shop.errors import Invalid
from shop.pricing.models import VatCheck
from shop.pricing.places import Destination
from shop.pricing.queries import home
from shop.pricing.tax import may_reverse_charge

LONGEST = 20
PATIENCE_S = 6
MOST_BYTES = 64 * 1024
KEPT_FOR = timedelta(hours=24)
TRIED_AGAIN_AFTER = timedelta(minutes=1)
CHECK = (
    select(VatCheck.__table__).where(VatCheck.number == bindparam("number")).order_by(VatCheck.asked_at.desc(), VatCheck.id.desc()).limit(1)
)

PROOF = select(VatCheck.__table__).where(VatCheck.id == bindparam("check_id"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register answered. ``is_valid`` is None where it did not; ``problem`` says why."""

    is_valid: bool | None
    request_id: str = ""
    answered_on: str = ""
    name: str = ""
    address: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class VatJudgment:
    """What a VAT number does to an order. ``sentence`` says so to the customer; "" where there is nothing to say."""

    number: str = ""
    is_reverse_charged: bool = False
    check_id: int | None = None
    sentence: str = ""


NOTHING = VatJudgment()


def clean_vat_number(text: str) -> str:
    """A VAT number of a member state (or XI) in its plain form, ``DE136695976``; "" stays "".

    Raises:
        ValueError: it has not the form that its country gives them.
    """
    typed = "".join(char for char in text.upper() if (char.isascii() and char.isalnum()) or char in "+*")
    if not typed:
        if text.strip():
            raise ValueError(_("Write a VAT number with its country, such as DE136695976."))
        return ""
    from stdnum.eu import vat
    from stdnum.exceptions import ValidationError

    try:
        number = str(vat.validate("EL" + typed[2:] if typed.startswith("GR") else typed)) if len(typed) <= LONGEST else ""
    except (ValidationError, ValueError, IndexError, KeyError):
        number = ""
    if not number or number[:2] in {"EU", "IM"}:
        raise ValueError(_("This is no VAT number of a member state. Write it with its country, such as DE136695976, or leave it out."))
    return number


def judge_vat_number(number: str, place: Destination, *, at: datetime) -> VatJudgment:
    """What a clean number does to a sale to that place. Asks the register where one is set; never inside a transaction.

    Raises:
        Invalid: the register does not know the number.
    """
    if not number:
        return NOTHING
    may = may_reverse_charge(place, home(), number[:2])
    if not may:
        return VatJudgment(number)
    if not current_app.extensions["config"].vat_check_url:
        return VatJudgment(number, is_reverse_charged=True)
    check = find_check(number, at=at) or _ask_and_keep(number, at)
    if check.is_valid is False:
        raise Invalid({"/vat_number": [_("The register does not know this VAT number. Correct it, or leave it out and pay the tax.")]})
    if check.is_valid is None:
        words = _(
            "The register of VAT numbers does not answer now, so the tax is charged. Order all the same and write to us: we give it back."
        )
        return VatJudgment(number, check_id=check.id, sentence=str(words))
    return VatJudgment(number, is_reverse_charged=True, check_id=check.id)


def find_check(number: str, *, at: datetime) -> Any | None:
    """The newest answer if it is fresh: a day for an answer, a minute for none."""
    found = row(CHECK, number=number)
    if found is None:
        return None
    fresh_for = TRIED_AGAIN_AFTER if found.is_valid is None else KEPT_FOR
    return found if at - found.asked_at < fresh_for else None


def find_proof(check_id: int | None) -> Any | None:
    """What the register said, for whoever must prove it later."""
    return None if check_id is None else row(PROOF, check_id=check_id)


def _ask_and_keep(number: str, at: datetime) -> Any:
    if in_transaction():
        raise RuntimeError("no register is asked inside a transaction")
    config = current_app.extensions["config"]
    answer = ask_register(config.vat_check_url, number, requester=config.vat_number)
    with transaction() as session:
        values = {name: getattr(answer, name) for name in Answer.__slots__}
        return session.execute(insert(VatCheck).values(number=number, asked_at=at, **values).returning(VatCheck.__table__)).one()


def ask_register(url: str, number: str, *, requester: str = "") -> Answer:
    """Ask the register (VIES speaks this JSON) for one number. Never raises: who does not answer has said nothing.

    Source: https://ec.europa.eu/taxation_customs/vies/rest-api/check-vat-number. With the shop's own number it gives a number of the consultation.
    """
    sent = {"countryCode": number[:2], "vatNumber": number[2:]}
    if requester:
        sent |= {"requesterMemberStateCode": requester[:2], "requesterNumber": requester[2:]}
    try:
        told = _post(url, json.dumps(sent).encode())
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        return Answer(None, problem=f"{type(error).__name__}: {error}"[:200])
    return _read(told)


def _post(url: str, body: bytes) -> Any:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        path = parts.path or "/"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        link.request("POST", f"{path}?{parts.query}" if parts.query else path, body, headers)
        response = link.getresponse()
        read = response.read(MOST_BYTES + 1)
        if response.status != 200 or len(read) > MOST_BYTES:
            raise ValueError(f"status {response.status}, {len(read)} bytes")
        return json.loads(read)
    finally:
        link.close()


def _read(told: Any) -> Answer:
    """Only a plain yes or no is an answer."""
    if not isinstance(told, dict) or type(told.get("valid")) is not bool:
        wrong = told.get("errorWrappers") if isinstance(told, dict) else told
        return Answer(None, problem=json.dumps(wrong)[:200])

    def text(name: str, most: int) -> str:
        value = told.get(name)
        plain = "".join(char for char in value if char.isprintable() or char == "\n") if isinstance(value, str) else ""
        return "" if plain == "---" else plain.strip()[:most]

    return Answer(told["valid"], text("requestIdentifier", 80), text("requestDate", 40), text("name", 200), text("address", 400))
