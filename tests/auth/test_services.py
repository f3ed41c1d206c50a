"""The verbs about people, where two of them meet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from shop.auth import services
from shop.auth.models import LoginSession
from shop.auth.services import WrongPassword, change_password, log_in
from shop.auth.sessions import Doorstep
from shop.db import rows
from tests.factories import NOON
from tests.people import PASSWORD, make_user

ANA = {"email": "ana@example.com", "step": Doorstep("192.0.2.1")}


def test_a_log_in_that_is_overtaken_by_a_new_password_opens_nothing(the_shop, monkeypatch):
    verify = services.verify_password
    with the_shop.app_context():
        make_user(email="ana@example.com")

        def verify_slowly(password, password_hash):
            monkeypatch.setattr(services, "verify_password", verify)
            change_password(**ANA, current=PASSWORD, new="five loud summer pears", at=NOON)
            return verify(password, password_hash)

        monkeypatch.setattr(services, "verify_password", verify_slowly)
        with pytest.raises(WrongPassword):
            log_in(**ANA, password=PASSWORD, at=NOON + timedelta(seconds=1))

        assert len(rows(select(LoginSession.id).where(LoginSession.ended_at.is_(None)))) == 1
        assert log_in(**ANA, password="five loud summer pears", at=NOON + timedelta(seconds=2)).token
