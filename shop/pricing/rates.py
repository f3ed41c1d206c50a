"""The tax rates that a new shop in the European Union starts with. Data, not advice: a shop's own rates stand in its table ``tax_rates``.

Written down on 2026-01-15. Source: European Commission, Taxes in Europe Database (https://ec.europa.eu/taxation_customs/tedb), standard rates of all
member states, and for the nine countries where most of our shops are the rates that most food and printed books have. Single goods differ: basic food
in Spain is taxed at 4 %, drinks and sweets are often at the standard rate. Whoever sells them adds a tax class.
"""

from __future__ import annotations

STANDARD_BP = {
    "AT": 2000, "BE": 2100, "BG": 2000, "CY": 1900, "CZ": 2100, "DE": 1900, "DK": 2500, "EE": 2400, "ES": 2100,
    "FI": 2550, "FR": 2000, "GR": 2400, "HR": 2500, "HU": 2700, "IE": 2300, "IT": 2200, "LT": 2100, "LU": 1700,
    "LV": 2100, "MT": 1800, "NL": 2100, "PL": 2300, "PT": 2300, "RO": 2100, "SE": 2500, "SI": 2200, "SK": 2300,
}  # fmt: skip
REDUCED_BP = {
    "AT": {"food": 1000, "books": 1000},
    "BE": {"food": 600, "books": 600},
    "DE": {"food": 700, "books": 700},
    "ES": {"food": 1000, "books": 400},
    "FR": {"food": 550, "books": 550},
    "IE": {"food": 0, "books": 0},
    "IT": {"food": 1000, "books": 400},
    "NL": {"food": 900, "books": 900},
    "PT": {"food": 600, "books": 600},
}
EU_COUNTRIES = tuple(sorted(STANDARD_BP))


def default_rates(country: str) -> dict[str, int]:
    """Tax class → basis points for a shop in ``country``; outside the European Union one standard rate of zero, to be set by the shop."""
    if country not in STANDARD_BP:
        return {"standard": 0}
    return {"standard": STANDARD_BP[country], **REDUCED_BP.get(country, {})}
