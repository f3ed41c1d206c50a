"""The back office: the door, the navigation, the dashboard. The staff pages themselves live with their features.

A feature's ``admin`` module exports ``staff``, a blueprint, and ``ENTRIES``; it is named in ``FEATURES`` and thereby nested below ``/admin``.
"""

from __future__ import annotations

from types import ModuleType

from flask import Blueprint, Flask
from flask_babel import lazy_gettext as _l

from shop.admin.guard import guard
from shop.audit import admin as audit
from shop.auth.keys import admin as keys
from shop.catalog import admin as catalog
from shop.content.settings import admin as settings
from shop.mail import admin as mail
from shop.order import admin as order
from shop.order.returns import admin as returns
from shop.order.withdrawal import admin as withdrawal
from shop.outbox import admin as outbox
from shop.payment import admin as payment
from shop.payment.heard import admin as heard
from shop.payment.transfers import admin as transfers
from shop.people.admin import customers, groups, roles, users
from shop.pricing import admin as pricing
from shop.promotion import admin as promotion
from shop.trail import admin as trail
from shop.web.context import add_context
from shop.web.staff import StaffEntry
from shop.webhook import admin as webhook

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_app_request(guard)

FEATURES: tuple[ModuleType, ...] = (
    order,
    returns,
    withdrawal,
    payment,
    transfers,
    heard,
    catalog,
    promotion,
    pricing,
    mail,
    outbox,
    webhook,
    audit,
    trail,
    settings,
    customers,
    groups,
    users,
    roles,
    keys,
)

ENTRIES: list[StaffEntry] = [
    StaffEntry("admin.dashboard", _l("Today"), 0, icon="home"),
    *(entry for feature in FEATURES for entry in feature.ENTRIES),
]

for feature in FEATURES:
    bp.register_blueprint(feature.staff)


def init_app(app: Flask) -> None:
    """Register this feature's routes and give templates ``staff_menu()``."""
    add_context(app, staff_menu=lambda: menu_for(ENTRIES), staff_time=staff_time)
    app.register_blueprint(bp)


from shop.admin import views  # noqa: F401
from shop.admin.menu import menu_for
from shop.admin.times import staff_time
