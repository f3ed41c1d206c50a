"""Who may what: permissions are named verbs, a role is a set of them.

The roles below come with the shop and grow with it; a shop's own roles stand in the table ``roles``. A role that nobody knows may do nothing.
Views say what they need by ``shop.web.staff.needs`` or in their description; the doors (``shop.auth.current``, ``shop.admin.guard``) make it true.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

CUSTOMER, STAFF, ADMIN = "customer", "staff", "admin"

OFFICE = "office.view"

PERMISSIONS: dict[str, Any] = {
    OFFICE: _l("Enter the back office"),
    "orders.view": _l("Look at orders and what waits"),
    "orders.fulfill": _l("Pack, ship and hand over"),
    "orders.edit": _l("Change orders, write notes"),
    "orders.cancel": _l("Cancel orders"),
    "orders.return": _l("Take back goods"),
    "orders.refund": _l("Give money back"),
    "payments.edit": _l("Record, capture and void payments"),
    "invoices.view": _l("Look at invoices and credit notes"),
    "books.view": _l("Look at the ledger and the audit of the books"),
    "products.view": _l("Look at goods, drafts included"),
    "products.edit": _l("Change goods and categories"),
    "stock.edit": _l("Count and receive stock"),
    "promotions.edit": _l("Make promotions and codes"),
    "pricing.edit": _l("Change tax rates and ways to deliver"),
    "customers.view": _l("Look at customers"),
    "customers.edit": _l("Change and erase customers"),
    "mails.view": _l("Read the mails that went out"),
    "mails.send": _l("Send mails and events again"),
    "users.edit": _l("Make and lock accounts of staff, end their log-ins"),
    "roles.edit": _l("Make roles and give them"),
    "keys.edit": _l("Make keys for programs"),
    "webhooks.manage": _l("Have other programs told of what happens"),
    "log.view": _l("Read who did what"),
    "settings.edit": _l("Change the shop's settings"),
}
FOR_WHO_RUNS_THE_SHOP = {
    "customers.edit",
    "users.edit",
    "roles.edit",
    "keys.edit",
    "webhooks.manage",
    "log.view",
    "settings.edit",
    "pricing.edit",
}
BUILT_IN: dict[str, frozenset[str]] = {
    CUSTOMER: frozenset(),
    "support": frozenset(
        {
            OFFICE,
            "orders.view",
            "orders.fulfill",
            "orders.edit",
            "orders.cancel",
            "orders.return",
            "products.view",
            "customers.view",
            "mails.view",
            "mails.send",
        }
    ),
    "catalog": frozenset({OFFICE, "products.view", "products.edit", "stock.edit", "promotions.edit"}),
    "accountant": frozenset({OFFICE, "orders.view", "orders.refund", "payments.edit", "invoices.view", "books.view", "customers.view"}),
    STAFF: frozenset(PERMISSIONS) - FOR_WHO_RUNS_THE_SHOP,
    ADMIN: frozenset(PERMISSIONS),
}
NAMES: dict[str, Any] = {
    CUSTOMER: _l("Customer"),
    "support": _l("Support"),
    "catalog": _l("Catalog"),
    "accountant": _l("Accountant"),
    STAFF: _l("Staff"),
    ADMIN: _l("Administrator"),
}


def permissions_of(role: str, own: Iterable[str] | None) -> frozenset[str]:
    """What a role may; ``own`` is what the table says of a role that the shop made itself. Unknown permissions count for nothing; who may
    do anything here may enter."""
    if role in BUILT_IN:
        return BUILT_IN[role]
    held = frozenset(own or ()) & PERMISSIONS.keys()
    return held | {OFFICE} if held else held
