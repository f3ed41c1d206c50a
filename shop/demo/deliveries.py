"""Where the demo shop delivers: at home, on the islands by weight, within the European Union, and over its counter."""

from __future__ import annotations

from shop.demo.place import Place
from shop.pricing.deliveries import MethodDraft, RateDraft, write_method, write_zone
from shop.pricing.delivery import Area, Measure, Step, Zone
from shop.pricing.models import ShippingKind

ISLANDS = {"en": "Canary Islands, Ceuta and Melilla", "es": "Canarias, Ceuta y Melilla"}
AREAS = (Area("ES", "", "35", "35"), Area("ES", "", "38", "38"), Area("ES", "", "51", "52"))
TEXTS = {
    "en": ("Parcel by sea", "Eight to twelve days on the way; sent without tax, the islands may ask for theirs."),
    "es": ("Paquete por mar", "De ocho a doce días en camino; se envía sin IVA, las islas pueden pedir el suyo."),
}


def write_deliveries(place: Place) -> None:
    """Beside what every new shop begins with: a zone within the country, whose price has steps by weight."""
    if place.country != "ES":
        return
    write_zone(Zone("islands", ISLANDS.get(place.locales[0], ISLANDS["en"]), AREAS), position=2)
    steps = (Step(2_000, place.minor(1590)), Step(10_000, place.minor(2990)))
    by_weight = RateDraft("islands", place.minor(990), measure=Measure.WEIGHT, most=30_000, steps=steps)
    texts = {locale: TEXTS.get(locale, TEXTS["en"]) for locale in place.locales}
    write_method(MethodDraft("islands", ShippingKind.DELIVERY, texts, [by_weight], position=3))
