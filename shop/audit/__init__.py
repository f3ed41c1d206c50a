"""The audit of the books: invariants that must hold in the data, whatever happened to the shop; each names what breaks it.

It reads everything and mends nothing. ``rules`` says what an invariant is; ``money``, ``orders``, ``stock``, ``papers``, ``traces`` and ``files``
hold them; ``flask shop audit``, a page for staff, the API and a task of every night ask them.
"""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("audit", __name__)


def init_app(app: Flask) -> None:
    """Register routes and the task of every night."""
    from shop.audit import tasks

    app.register_blueprint(bp)
    tasks.init_app(app)


from shop.audit import api  # noqa: F401
