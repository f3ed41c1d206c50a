"""Taxes and deliveries for staff: rates are appended from a day on, zones and methods are written as a whole."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from shop.pricing.vat import find_proof
from shop.web.staff import StaffEntry

staff = Blueprint("pricing_staff", __name__)
ENTRIES = [
    StaffEntry("admin.pricing_staff.list_taxes", _l("Taxes"), 60, icon="percent"),
    StaffEntry("admin.pricing_staff.list_delivery", _l("Delivery"), 61, icon="truck"),
]

staff.add_app_template_global(find_proof, "vat_proof")

from shop.pricing.admin import deliveries, taxes  # noqa: F401
