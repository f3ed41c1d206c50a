"""The shop with a fault planted in it (``FIRE_PLANT`` names it): what the judges must find before their silence counts."""

from __future__ import annotations

import os

from wsgi import app

__all__ = ["app"]

PLANT = os.environ["FIRE_PLANT"]

if PLANT == "unguarded_stock":
    import shop.checkout.services as checkout

    checkout.take_stock = lambda *_args, **_kwargs: []

if PLANT == "database_away_is_a_bug":
    from shop.web import errors

    class NeverRaised(Exception):
        """What no driver raises: the database that went away looks like any bug."""

    errors.OperationalError = errors.PoolTimeout = NeverRaised  # type: ignore[misc, assignment]
