"""Carriers whose parcels can be followed at a known address: a name and a number make a link. Others get a link only if staff give one."""

from __future__ import annotations

from urllib.parse import quote

# The public pages of the carriers, as they answer to a number.
TRACKING = {
    "correos": "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={number}",
    "seur": "https://www.seur.com/livetracking/?segOnlineIdentificador={number}",
    "gls": "https://gls-group.eu/track/{number}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
    "dpd": "https://tracking.dpd.de/status/en_US/parcel/{number}",
    "ups": "https://www.ups.com/track?tracknum={number}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
    "colissimo": "https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
    "royal mail": "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
}
NAMES = ("Correos", "SEUR", "GLS", "DHL", "DPD", "UPS", "FedEx", "USPS", "Colissimo", "Royal Mail")


def tracking_address(carrier: str, number: str) -> str:
    """Where this parcel can be followed; "" where nobody knows."""
    known = TRACKING.get(carrier.strip().casefold(), "")
    return known.format(number=quote(number.strip(), safe="")) if known and number.strip() else ""
