"""The pages of the back office that belong to no feature: the day, and the search field."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from shop.admin import bp


@bp.get("", strict_slashes=False)
def dashboard() -> ResponseReturnValue:
    """Where staff begin their day."""
    return render_template("admin/dashboard.html")


@bp.get("/find")
def find() -> ResponseReturnValue:
    """What the search field on every page leads to."""
    return render_template("admin/find.html")
