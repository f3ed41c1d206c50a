"""What other features must answer at once when somebody logs in: the cart merges itself. Everything else hears of it by the outbox."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

user_logged_in = _signals.signal("user-logged-in")
"""Sent by the application after a log-in or registration, in the request: ``user_logged_in.send(app, user_id=7, at=now())``."""
