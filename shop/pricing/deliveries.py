"""The verbs on delivery zones and methods: write one as a whole, remove a zone, archive a method and bring it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update

from shop.customer.addresses import all_countries
from shop.db import transaction
from shop.errors import Conflict, Invalid, NotFound, StaleVersion
from shop.pricing.delivery import GOODS, Area, Measure, Step, Zone
from shop.pricing.models import (
    DeliveryArea,
    DeliveryZone,
    ShippingKind,
    ShippingMethod,
    ShippingMethodText,
    ShippingRate,
    ShippingStep,
)
from shop.pricing.places import plain_postcode
from shop.settings.services import touch_topic


@dataclass(frozen=True, slots=True)
class RateDraft:
    """What a method shall cost in a zone (None: anywhere, for pickup)."""

    zone: str | None
    price_minor: int
    free_from_minor: int | None = None
    measure: Measure = Measure.NONE
    most: int | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class MethodDraft:
    """A way to deliver as it shall be. ``texts``: language → (name, note)."""

    code: str
    kind: ShippingKind
    texts: Mapping[str, tuple[str, str]]
    rates: Sequence[RateDraft]
    tax_class: str = GOODS
    position: int = 0


def write_zone(zone: Zone, *, position: int = 0, expected_version: int | None = None) -> None:
    """Make a zone or replace it, areas and all.

    Raises:
        Invalid: an area is not one.
        StaleVersion: it is not as the writer saw it; 0 stands for one that did not exist.
    """
    wrong = [problem for area in zone.areas if (problem := _area_problem(area))]
    if wrong:
        raise Invalid({"/areas": wrong})
    with transaction() as session:
        known = session.execute(select(DeliveryZone.id, DeliveryZone.version).where(DeliveryZone.code == zone.code)).first()
        _check_version(known.version if known else 0, expected_version)
        if known is None:
            values = {"code": zone.code, "name": zone.name, "position": position}
            zone_id = session.scalars(insert(DeliveryZone).returning(DeliveryZone.id), [values]).one()
        else:
            zone_id = known.id
            changed = {"name": zone.name, "position": position, "version": DeliveryZone.version + 1}
            session.execute(update(DeliveryZone).where(DeliveryZone.id == zone_id).values(changed))
            session.execute(delete(DeliveryArea).where(DeliveryArea.zone_id == zone_id))
        areas = [
            {"country": a.country, "region": a.region, "postcode_from": a.postcode_from, "postcode_to": a.postcode_to or a.postcode_from}
            for a in dict.fromkeys(zone.areas)
        ]
        if areas:
            session.execute(insert(DeliveryArea), [{"zone_id": zone_id, **area} for area in areas])
        touch_topic("pricing")


def _area_problem(area: Area) -> str:
    """What is wrong with an area, in a sentence; "" when nothing is."""
    if area.country not in all_countries():
        return str(_("%(code)s is not a country's code.", code=area.country))
    first, last = plain_postcode(area.postcode_from), plain_postcode(area.postcode_to or area.postcode_from)
    if bool(area.postcode_from) != bool(first) or bool(area.postcode_to) != bool(last and area.postcode_to):
        return str(_("A postcode is made of letters and digits."))
    if last and not first:
        return str(_("Write the first postcode, too."))
    if first[: len(last)] > last[: len(first)]:
        return str(
            _("The postcodes from %(first)s to %(last)s are none: turn them around.", first=area.postcode_from, last=area.postcode_to)
        )
    return ""


def remove_zone(code: str) -> None:
    """Remove a zone in which nothing has a price.

    Raises:
        NotFound: there is no such zone.
        Conflict: methods have prices in it.
    """
    with transaction() as session:
        zone_id = session.scalar(select(DeliveryZone.id).where(DeliveryZone.code == code))
        if zone_id is None:
            raise NotFound(_("There is no such zone."))
        if session.scalar(select(func.count()).where(ShippingRate.zone_id == zone_id)):
            raise Conflict(_("Ways to deliver have prices in this zone. Take those away first."))
        session.execute(delete(DeliveryZone).where(DeliveryZone.id == zone_id))
        touch_topic("pricing")


def write_method(draft: MethodDraft, *, expected_version: int | None = None) -> None:
    """Make a way to deliver or replace it: texts, prices and steps as they stand in the draft. Orders keep what they were placed with.

    Raises:
        Invalid: a zone that is not there, a delivery without a zone, two prices for one zone, too much or nothing.
        StaleVersion: it is not as the writer saw it; 0 stands for one that did not exist.
    """
    with transaction() as session:
        zones: dict[str, int] = {code: zone_id for code, zone_id in session.execute(select(DeliveryZone.code, DeliveryZone.id))}  # noqa: C416
        _check_rates(draft, set(zones))
        known = session.execute(select(ShippingMethod.id, ShippingMethod.version).where(ShippingMethod.code == draft.code)).first()
        _check_version(known.version if known else 0, expected_version)
        values = {"kind": draft.kind, "tax_class": draft.tax_class, "position": draft.position}
        if known is None:
            method_id = session.scalars(insert(ShippingMethod).returning(ShippingMethod.id), [{"code": draft.code, **values}]).one()
        else:
            method_id = known.id
            session.execute(
                update(ShippingMethod).where(ShippingMethod.id == method_id).values(**values, version=ShippingMethod.version + 1)
            )
            session.execute(delete(ShippingMethodText).where(ShippingMethodText.method_id == method_id))
            session.execute(delete(ShippingRate).where(ShippingRate.method_id == method_id, ShippingRate.currency == _currency()))
        texts = [{"method_id": method_id, "locale": locale, "name": name, "note": note} for locale, (name, note) in draft.texts.items()]
        session.execute(insert(ShippingMethodText), texts)
        for rate in draft.rates:
            _insert_rate(method_id, zones.get(rate.zone or ""), rate)
        touch_topic("pricing")


def _check_rates(draft: MethodDraft, zones: set[str]) -> None:
    wrong = []
    if not draft.texts:
        wrong.append(_("Give it a name."))
    if len({rate.zone for rate in draft.rates}) < len(draft.rates):
        wrong.append(_("A zone stands here twice."))
    for rate in draft.rates:
        if rate.zone is None and draft.kind is not ShippingKind.PICKUP:
            wrong.append(_("A delivery has a price for a zone."))
        elif rate.zone is not None and rate.zone not in zones:
            wrong.append(_("There is no zone %(code)s.", code=rate.zone))
        if rate.measure is Measure.NONE and (rate.steps or rate.most is not None):
            wrong.append(_("Say by what the steps and the most are measured."))
        if len({step.from_value for step in rate.steps}) < len(rate.steps):
            wrong.append(_("A step stands here twice."))
    if wrong:
        raise Invalid({"/rates": [str(sentence) for sentence in wrong]})


def _insert_rate(method_id: int, zone_id: int | None, rate: RateDraft) -> None:
    with transaction() as session:
        values = {
            "method_id": method_id,
            "zone_id": zone_id,
            "currency": _currency(),
            "price_minor": rate.price_minor,
            "free_from_minor": rate.free_from_minor,
            "measure": rate.measure,
            "most": rate.most,
        }
        rate_id = session.scalars(insert(ShippingRate).returning(ShippingRate.id), [values]).one()
        if rate.steps:
            steps = [{"rate_id": rate_id, "from_value": step.from_value, "price_minor": step.price_minor} for step in rate.steps]
            session.execute(insert(ShippingStep), steps)


def archive_method(code: str, *, at: datetime) -> None:
    """Offer a way to deliver no longer. Repeating it changes nothing.

    Raises:
        NotFound: there is no such method.
    """
    _set_archived(code, at)


def restore_method(code: str) -> None:
    """Offer it again.

    Raises:
        NotFound: there is no such method.
    """
    _set_archived(code, None)


def _set_archived(code: str, at: datetime | None) -> None:
    with transaction() as session:
        statement = update(ShippingMethod).where(ShippingMethod.code == code)
        if not session.execute(statement.values(archived_at=at, version=ShippingMethod.version + 1)).rowcount:  # type: ignore[attr-defined]
            raise NotFound(_("There is no such way to deliver."))
        touch_topic("pricing")


def _check_version(now: int, expected: int | None) -> None:
    if expected is not None and expected != now:
        raise StaleVersion(_("Somebody else saved this meanwhile. Look at it as it is now, then write again."))


def _currency() -> str:
    return str(current_app.extensions["config"].currency)
