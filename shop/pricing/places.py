"""Where things go, for taxes and deliveries: a country, a region by the code of its post, a postcode. And what the law calls such a place.

Source: Council Directive 2006/112/EC, articles 5 to 7 (which parts of member states lie outside the area of VAT, and who counts as part of one); for
Northern Ireland the Windsor Framework, article 8 (goods there are traded under Union law, numbers begin with XI). State: 2026-01-15.
"""

from __future__ import annotations

from dataclasses import dataclass

EU_COUNTRIES = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
    "RO", "SE", "SI", "SK",
)  # fmt: skip
TREATED_AS = {"MC": "FR", "IM": "GB"}
"""Article 7: Monaco counts as France, the Isle of Man as the United Kingdom. (Countries with codes of their own that are no members need no entry.)"""

OUTSIDE = {
    "DE": ("27498", "78266"),  # Heligoland, Büsingen
    "ES": ("35", "38", "51", "52"),  # Canary Islands, Ceuta, Melilla
    "FI": ("22",),  # Åland
    "FR": ("971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"),  # overseas departments and territories
    "GR": ("63086", "63087"),  # Mount Athos
    "IT": ("22061", "23041"),  # Campione d'Italia, Livigno
}
"""Article 6: parts of member states outside the area of VAT, by the beginning of their postcodes. Goods sent there are exported."""
NORTHERN_IRELAND = "BT"


@dataclass(frozen=True, slots=True)
class Destination:
    """A place that goods go to, as far as it is known: before the address is typed there is a country and nothing else."""

    country: str
    region: str = ""
    postcode: str = ""

    @classmethod
    def of(cls, place: str | Destination) -> Destination:
        """A country's code alone is a place too."""
        return cls(place) if isinstance(place, str) else place

    @property
    def plain_postcode(self) -> str:
        return plain_postcode(self.postcode)

    @property
    def tax_country(self) -> str:
        """The country whose tax it is."""
        return TREATED_AS.get(self.country, self.country)

    @property
    def is_special(self) -> bool:
        """A part of its country that the area of VAT treats unlike the rest."""
        code = self.plain_postcode
        if self.country == "GB":
            return code.startswith(NORTHERN_IRELAND)
        return any(code.startswith(begin) for begin in OUTSIDE.get(self.country, ()))

    @property
    def is_in_vat_area(self) -> bool:
        """Does Union law see goods that go there as staying in the Union?"""
        if self.country == "GB":
            return self.is_special
        return self.tax_country in EU_COUNTRIES and not self.is_special


def plain_postcode(text: str) -> str:
    """Letters and digits only, upper case: ``bt1 1aa`` is ``BT11AA``."""
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())
