"""An address as a value: what forms and JSON give, what orders freeze."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class AddressValues:
    """A checked address. ``country`` is ISO 3166-1 alpha-2, ``region`` the code that the country's post uses."""

    name: str
    country: str
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    phone: str = ""

    def dump(self) -> dict[str, str]:
        return asdict(self)
