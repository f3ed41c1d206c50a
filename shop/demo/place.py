"""The shop that is being filled: its languages and currency, and the moment that counts as now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask import current_app

from shop.demo.days import day_begins
from shop.money import decimals


@dataclass(frozen=True, slots=True)
class Place:
    """What every part of the demo world asks for."""

    now: datetime
    locales: tuple[str, ...]
    currency: str
    country: str
    payment_methods: tuple[str, ...]

    def minor(self, cents: int) -> int:
        """€8.90 in minor units of the shop's currency: the same figure where it has no cents (¥890)."""
        return cents * 10 ** max(decimals(self.currency) - 2, 0)


def this_place(today: date) -> Place:
    """The shop of this application, on that day."""
    config = current_app.extensions["config"]
    return Place(day_begins(today), config.locales, config.currency, config.country, config.payment_methods)
