"""The first page of the back office."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from shop.admin import bp


@bp.get("", strict_slashes=False)
def dashboard() -> ResponseReturnValue:
    """Where staff begin their day."""
    return render_template("admin/dashboard.html")
