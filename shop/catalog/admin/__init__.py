"""The catalog for staff: products with all that belongs to them, categories, stock. Each page says what it had seen; see ``acting``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from shop.catalog.staff_queries import ProductState
from shop.web.staff import StaffEntry

staff = Blueprint("catalog_staff", __name__)
ENTRIES = [
    StaffEntry("admin.catalog_staff.list_products", _l("Products"), 20, icon="tag"),
    StaffEntry("admin.catalog_staff.list_categories", _l("Categories"), 21, is_sub=True),
    StaffEntry("admin.catalog_staff.list_stock", _l("Stock"), 22, icon="stock"),
]
SIGNS: dict[str, tuple[str, Any]] = {
    ProductState.DRAFT: ("ring", _l("Draft")),
    ProductState.PLANNED: ("half", _l("Planned")),
    ProductState.ON_SALE: ("full", _l("On sale")),
    ProductState.INCOMPLETE: ("wedge", _l("Without a price")),
    ProductState.ARCHIVED: ("square", _l("Archived")),
}


def product_sign(state: str) -> tuple[str, Any]:
    """The shape and the words of a product's state."""
    return SIGNS[state]


staff.add_app_template_global(product_sign, "product_sign")

from shop.catalog.admin import categories, parts, pictures, products, stock, variants  # noqa: F401
