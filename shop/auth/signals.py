"""What other features must answer at once when somebody logs in: the cart merges itself. Everything else hears of it by the outbox."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

user_logged_in = _signals.signal("user-logged-in")
"""Sent by the application after a log-in or registration, in the request: ``user_logged_in.send(app, user_id=7, at=now())``."""

user_registered = _signals.signal("user-registered")
"""Sent inside the transaction that makes an account, so that what belongs to it is made with it or not at all:
``user_registered.send(app, user_id=7, email="ana@example.com", name="Ana", locale="en", at=at)``."""
