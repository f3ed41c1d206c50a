"""The line of sales, drawn by the server: points and words, no script. The figures stand in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from shop.admin.queries import DayOfSales
from shop.admin.times import day_name
from shop.money import Money, format_money
from shop.web.locale import current_locale

WIDTH, HEIGHT, STEPS = 300, 100, 4


@dataclass(frozen=True, slots=True)
class Hit:
    """A day under the pointer."""

    x: str
    width: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template writes into the drawing."""

    now: str
    before: str
    area: str
    hits: tuple[Hit, ...]
    scale: tuple[str, ...]
    days: tuple[str, ...]


def draw(sales: Sequence[DayOfSales], before: Sequence[DayOfSales]) -> Chart:
    """The last days and, dashed, as many days before them."""
    top = nice_top(max((day.total.minor for day in (*sales, *before)), default=0))
    gap = WIDTH / max(len(sales) - 1, 1)
    now, was = _points(sales, top, gap), _points(before, top, gap)
    hits = tuple(Hit(f"{place * gap - gap / 2:.1f}", f"{gap:.1f}", _title(day)) for place, day in enumerate(sales))
    scale = tuple(_short(Money(top * step // STEPS, sales[0].total.currency)) for step in range(STEPS, -1, -1))
    marks = [day_name(sales[place].day) for place in range(0, len(sales) - 1, max(len(sales) // 4, 1))]
    return Chart(now, was, f"0,{HEIGHT} {now} {WIDTH},{HEIGHT}", hits, scale, (*marks[:4], str(_("today"))))


def nice_top(highest: int) -> int:
    """The next amount above that splits into four steps of round figures."""
    size = 100
    while True:
        for steps in (4, 8, 12, 20, 40):
            if highest <= size * steps:
                return size * steps
        size *= 10


def _points(sales: Sequence[DayOfSales], top: int, gap: float) -> str:
    return " ".join(f"{place * gap:.1f},{HEIGHT - HEIGHT * day.total.minor / top:.1f}" for place, day in enumerate(sales))


def _title(day: DayOfSales) -> str:
    total = format_money(day.total, current_locale())
    return str(
        ngettext("%(day)s: %(total)s, %(num)s order", "%(day)s: %(total)s, %(num)s orders", day.orders, day=day_name(day.day), total=total)
    )


def _short(amount: Money) -> str:
    return format_money(amount, current_locale()).replace(".00", "").replace(",00", "")


def change(now: int, before: int) -> str:
    """ "↑ 27 %": how much more or less than before; nothing where nothing was before."""
    if not before:
        return ""
    per_cent = round((now - before) * 100 / before)
    return f"{'↑' if per_cent >= 0 else '↓'} {abs(per_cent)} %"


def title_of_days(first: date, last: date) -> str:
    """ "Oct 23 – Nov 21"."""
    return f"{day_name(first)} – {day_name(last)}"
