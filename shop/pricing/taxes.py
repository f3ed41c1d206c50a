"""The verbs on tax rates: append one from a day on, take a table over, withdraw one that has not begun, and say how sales are taxed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, insert, select

from shop.db import transaction
from shop.errors import Conflict, Invalid, NotFound
from shop.pricing import queries
from shop.pricing.models import TaxRate
from shop.pricing.queries import EU_SALES, PRICES_INCLUDE_TAX
from shop.pricing.rates import TableRate, rates_of
from shop.pricing.tax import EuSales
from shop.settings.services import save_settings, touch_topic
from shop.trail.services import note_change


def append_rate(rate: TableRate, *, by: str, at: datetime) -> int:
    """Let a rate count from the midnight that begins its day in the shop's time zone. Nothing is overwritten: earlier days keep theirs.

    Raises:
        Conflict: just this rate counts from that day already.
    """
    with transaction() as session:
        row = rate_row(rate, at, by)
        same = select(TaxRate.rate_ppm).where(
            *(getattr(TaxRate, name) == row[name] for name in ("country", "region", "postcode", "tax_class", "valid_from"))
        )
        if session.scalar(same.order_by(TaxRate.id.desc()).limit(1)) == rate.rate_ppm:
            raise Conflict(_("This rate counts from that day already."))
        rate_id = session.scalars(insert(TaxRate).returning(TaxRate.id), [row]).one()
        touch_topic("pricing")
    return rate_id


def adopt_rates(country: str, region: str, *, by: str, at: datetime) -> int:
    """Take over what the tables know of a country or state and the shop does not have yet, with all their days; gives the number of new rows.

    Raises:
        Invalid: the tables know nothing of this place.
    """
    table = rates_of(country, region)
    if not table:
        raise Invalid({"/country": [_("The tables hold no rates of this place. Write them yourself.")]})
    with transaction() as session:
        columns = (TaxRate.country, TaxRate.region, TaxRate.postcode, TaxRate.tax_class, TaxRate.valid_from)
        known = {tuple(found) for found in session.execute(select(*columns).where(TaxRate.country == country))}
        wanted = [rate_row(rate, at, by) for rate in table]
        missing = [row for row in wanted if tuple(row[column.key] for column in columns) not in known]
        if missing:
            session.execute(insert(TaxRate), missing)
            touch_topic("pricing")
    return len(missing)


def withdraw_rate(rate_id: int, *, at: datetime) -> None:
    """Take a rate back that has not begun.

    Raises:
        NotFound: there is no such rate.
        Conflict: it counts, or counted, already; a new one from today on puts it right.
    """
    with transaction() as session:
        found = session.scalar(select(TaxRate.valid_from).where(TaxRate.id == rate_id))
        if found is None:
            raise NotFound(_("There is no such tax rate."))
        gone = session.execute(delete(TaxRate).where(TaxRate.id == rate_id, TaxRate.valid_from > at))
        if not gone.rowcount:  # type: ignore[attr-defined]
            raise Conflict(_("This rate has begun: orders were taxed by it. Append one that counts from another day on."))
        touch_topic("pricing")


def set_tax_rules(*, prices_include_tax: bool, eu_sales: EuSales, at: datetime) -> None:
    """Say whether prices contain the tax, and where sales to other member states are taxed. Orders keep what they were placed with."""
    with transaction():
        before = {"prices_include_tax": queries.prices_include_tax(), "eu_sales": queries.eu_sales().value}
        note_change("settings:taxes", before, {"prices_include_tax": prices_include_tax, "eu_sales": eu_sales.value}, at=at)
        save_settings({(PRICES_INCLUDE_TAX, ""): "1" if prices_include_tax else "0", (EU_SALES, ""): eu_sales.value})
        touch_topic("pricing")


def rate_row(rate: TableRate, at: datetime, by: str) -> dict[str, Any]:
    """A rate as its table holds it."""
    return {
        "country": rate.country,
        "region": rate.region,
        "postcode": rate.postcode,
        "tax_class": rate.tax_class,
        "valid_from": midnight(rate.since),
        "rate_ppm": rate.rate_ppm,
        "written_at": at,
        "written_by": by,
    }


def midnight(day: date) -> datetime:
    """The moment at which a day begins where the shop is."""
    return datetime.combine(day, time(), ZoneInfo(current_app.extensions["config"].timezone)).astimezone(UTC)


def places_of(rates: Iterable[TableRate]) -> list[tuple[str, str]]:
    """(country, region) of what a table knows, each once."""
    return list(dict.fromkeys((rate.country, rate.region) for rate in rates))
