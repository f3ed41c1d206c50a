"""One parcel of several arrives; the last one of an order that has left whole delivers the order."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from shop.db import rows, transaction
from shop.errors import IllegalMove, NotFound
from shop.order.models import FulfillmentState, Shipment
from shop.order.services import claim_open_order, mark_delivered, tell


def mark_parcel_delivered(order_id: int, shipment_id: int, *, by: str, at: datetime) -> None:
    """This parcel is there. If nothing else is on its way or to be sent, the order is delivered.

    Raises:
        NotFound: the order has no such parcel.
        IllegalMove: it has arrived already, or the order has ended.
    """
    with transaction() as session:
        order = claim_open_order(order_id)
        parcels = rows(
            select(Shipment.id, Shipment.carrier, Shipment.tracking_number, Shipment.delivered_at).where(Shipment.order_id == order_id)
        )
        parcel = next((one for one in parcels if one.id == shipment_id), None)
        if parcel is None:
            raise NotFound(_("There is no such parcel."))
        if parcel.delivered_at is not None:
            raise IllegalMove(_("This parcel has arrived already."), state="delivered", legal=[])
        session.execute(
            update(Shipment).where(Shipment.id == shipment_id).values(delivered_at=at), execution_options={"synchronize_session": False}
        )
        note = " ".join(part for part in (parcel.carrier, parcel.tracking_number) if part)
        tell(order, "parcel_delivered", by=by, note=note, at=at, shipment_id=shipment_id)
        others = [one for one in parcels if one.id != shipment_id and one.delivered_at is None]
        if not others and order.fulfillment_state is FulfillmentState.SHIPPED:
            mark_delivered(order_id, by=by, at=at)
