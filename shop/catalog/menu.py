"""The menu of every page: the shelves, and what is new."""

from __future__ import annotations

from flask_babel import gettext as _

from shop.catalog.tree import Shelf, category_tree
from shop.settings.queries import kept
from shop.web.locale import current_locale, path_in


def menu() -> list[Shelf]:
    """The top shelves in the language of this page, each with its ``children``, and at last what is new."""
    locale = current_locale()
    return kept("catalog", ("menu", locale), lambda: [*category_tree(locale).roots, _new(locale)])


def _new(locale: str) -> Shelf:
    return Shelf(0, _("New"), "", path_in(locale, "/products?sort=new"), "", 0, None)
