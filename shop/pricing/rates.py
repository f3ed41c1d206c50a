"""Tax rates as tables: what staff takes over into the shop's own ``tax_rates``. Not advice: whoever sells asks their tax adviser.

European Union. State: 2026-01-15. Source: European Commission, Taxes in Europe Database (https://ec.europa.eu/taxation_customs/tedb) and "VAT rates
applied in the Member States"; standard rates until 2025-08-12 compared with github.com/ibericode/vat-rates (MIT). ``reduced`` is the rate that most
reduced goods have, ``food`` and ``books`` (on paper) the rates that most of them have. Single goods differ: basic food in Spain is taxed at 4 %,
drinks and sweets are often at the standard rate. "-" is no such rate: the standard one counts; as a day it is as far back as the table goes. A part
of a country stands behind a slash, by the beginnings of its postcodes. GB/BT is Northern Ireland, which Union law sees as within for goods.

United States. State: 2025-07-01. Source: Federation of Tax Administrators, "State Sales Tax Rates" (https://taxadmin.org), and the states' departments
of revenue. The states' general rates alone: cities and counties add theirs, most states tax food less, and a shop asks for the tax only of states in
which it has to. Compared with the Tax Foundation's "State and Local Sales Tax Rates, Midyear 2025" (Louisiana has 5 % since 2025-01-01).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from shop.pricing.places import EU_COUNTRIES as EU_COUNTRIES  # noqa: PLC0414 - named here for those who think of rates

BEGINNING = date(2000, 1, 1)
CLASSES = ("standard", "reduced", "food", "books")
# place                from        standard reduced food books
EU_TABLE = """
AT                     -           20    10    10    10
AT/6691,6991,6992,6993 -           19    10    10    10
BE                     -           21    6     6     6
BG                     -           20    9     -     9
CY                     -           19    5     5     5
CY                     2023-07-21  19    5     5     3
CZ                     -           21    15    15    10
CZ                     2024-01-01  21    12    12    0
DE                     -           19    7     7     7
DE                     2020-07-01  16    5     5     5
DE                     2021-01-01  19    7     7     7
DK                     -           25    -     -     -
EE                     -           20    9     -     9
EE                     2024-01-01  22    9     -     9
EE                     2025-07-01  24    13    -     9
ES                     -           21    10    10    4
FI                     -           24    14    14    10
FI                     2024-09-01  25.5  14    14    10
FI                     2025-01-01  25.5  14    14    14
FI                     2026-01-01  25.5  13.5  13.5  13.5
FR                     -           20    5.5   5.5   5.5
GB/BT                  -           20    5     0     0
GR                     -           24    13    13    6
HR                     -           25    13    -     5
HU                     -           27    5     -     5
IE                     -           23    13.5  0     0
IE                     2020-09-01  21    13.5  0     0
IE                     2021-03-01  23    13.5  0     0
IT                     -           22    10    10    4
LT                     -           21    9     -     9
LT                     2026-01-01  21    12    -     5
LU                     -           17    8     3     3
LU                     2023-01-01  16    7     3     3
LU                     2024-01-01  17    8     3     3
LV                     -           21    12    -     12
LV                     2022-01-01  21    12    -     5
MT                     -           18    5     0     5
NL                     -           21    6     6     6
NL                     2019-01-01  21    9     9     9
PL                     -           23    8     5     5
PT                     -           23    6     6     6
PT/90,91,92,93,94      -           22    5     5     5
PT/90,91,92,93,94      2024-10-01  22    4     4     4
PT/95,96,97,98,99      -           18    4     4     4
PT/95,96,97,98,99      2021-07-01  16    4     4     4
RO                     -           19    9     9     5
RO                     2025-08-01  21    11    11    11
SE                     -           25    12    12    6
SE                     2026-04-01  25    12    6     6
SE                     2028-01-01  25    12    12    6
SI                     -           22    9.5   9.5   5
SK                     -           20    10    -     10
SK                     2025-01-01  23    19    19    5
"""
US_TABLE = """
AL 4     AK 0     AZ 5.6   AR 6.5    CA 7.25  CO 2.9    CT 6.35  DC 6      DE 0      FL 6     GA 4     HI 4     ID 6
IL 6.25  IN 7     IA 6     KS 6.5    KY 6     LA 5      ME 5.5   MD 6      MA 6.25   MI 6     MN 6.875 MS 7     MO 4.225
MT 0     NE 5.5   NV 6.85  NH 0      NJ 6.625 NM 4.875  NY 4     NC 4.75   ND 5      OH 5.75  OK 4.5   OR 0     PA 6
PR 10.5  RI 7     SC 6     SD 4.2    TN 7     TX 6.25   UT 6.1   VT 6      VA 5.3    WA 6.5   WV 6     WI 5     WY 4
"""


class TableRate(NamedTuple):
    """A line of a table: a place, a class, its first day in that place's (and the shop's) calendar, and how much in parts per million: 68750 is 6.875 %."""

    country: str
    region: str
    postcode: str
    tax_class: str
    since: date
    rate_ppm: int


@lru_cache(maxsize=1)
def eu_rates() -> tuple[TableRate, ...]:
    """The whole table of the European Union, oldest first in each place."""
    return tuple(_read_eu())


def _read_eu() -> Iterator[TableRate]:
    for line in EU_TABLE.strip().splitlines():
        place, since, *percents = line.split()
        country, _slash, postcodes = place.partition("/")
        day = BEGINNING if since == "-" else date.fromisoformat(since)
        for postcode in postcodes.split(","):
            for tax_class, percent in zip(CLASSES, percents, strict=True):
                if percent != "-":
                    yield TableRate(country, "", postcode, tax_class, day, parts_per_million(percent))


@lru_cache(maxsize=1)
def us_rates() -> tuple[TableRate, ...]:
    """The general rates of all states."""
    words = US_TABLE.split()
    states = zip(words[::2], words[1::2], strict=True)
    return tuple(TableRate("US", state, "", "standard", BEGINNING, parts_per_million(percent)) for state, percent in states)


def parts_per_million(percent: str) -> int:
    """``6.875`` is 68750. A rate finer than four decimals of a percent is a mistake in the table: it raises ``ValueError``."""
    parts = Decimal(percent) * 10_000
    if parts != int(parts):
        raise ValueError(f"{percent} % is finer than parts per million")
    return int(parts)


def rates_of(country: str, region: str = "") -> tuple[TableRate, ...]:
    """What the tables know of a country, or of a state; its parts with rates of their own included."""
    return tuple(rate for rate in (*eu_rates(), *us_rates()) if rate.country == country and (not region or rate.region == region))


def first_rates(country: str) -> tuple[TableRate, ...]:
    """The rates that a new shop in ``country`` begins with: in the Union those of all its members, elsewhere one of zero, to be set by the shop."""
    if country in EU_COUNTRIES:
        return eu_rates()
    return (TableRate(country, "", "", "standard", BEGINNING, 0),)
