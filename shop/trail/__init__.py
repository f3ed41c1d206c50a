"""The trail of the staff: who did what to what, from where, in a chain of hashes that nobody can mend unseen.

The doors announce an act of staff; the transaction in which it is done writes it down at its end, by itself. Where it matters (roles, locks, refunds,
prices, settings) the service says before and after by ``note_change``. Rows never change: the database refuses, and ``flask shop audit`` checks the chain.
"""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.db import before_commit

bp = Blueprint("trail", __name__)


def init_app(app: Flask) -> None:
    """Register routes, and have every transaction write down the act of staff that it carries."""
    from shop.trail.services import write_acts

    before_commit(app, write_acts)
    app.register_blueprint(bp)


from shop.trail import api  # noqa: F401
