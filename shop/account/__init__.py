"""What is mine: my orders, my addresses, my profile, the devices on which I am logged in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Flask

from shop.auth.signals import user_registered
from shop.customer.services import remember_customer

bp = Blueprint("account", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes; whoever registers is a customer from then on."""
    app.register_blueprint(bp)
    user_registered.connect(_remember, app)


def _remember(_app: Flask, *, user_id: int, email: str, name: str, locale: str, at: datetime) -> None:
    """In the transaction that makes the account. What a guest ordered with the same address stays apart until the address is confirmed."""
    remember_customer(user_id=user_id, email=email, name=name, locale=locale, at=at)


from shop.account import views  # noqa: F401
from shop.account.mine import api as mine_api  # noqa: F401
from shop.account.mine import views as mine_views  # noqa: F401
from shop.account.passkeys import api as passkeys_api  # noqa: F401
from shop.account.passkeys import views as passkeys_views  # noqa: F401
from shop.account.security import api as security_api  # noqa: F401
from shop.account.security import views as security_views  # noqa: F401
from shop.account.sign_ins import views as sign_in_views  # noqa: F401
