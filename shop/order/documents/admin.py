"""Packing slips for staff: what lies in a parcel, or what is still to be packed; to print, or as PDF."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.errors import NotFound
from shop.order.admin import staff
from shop.order.documents.paper import Paper, packing_slip
from shop.order.documents.pdf import make_pdf, pdf_response
from shop.order.policy import seller
from shop.order.queries import OrderView, get_order
from shop.settings.queries import shop_texts
from shop.web.locale import speaking
from shop.web.staff import needs


@staff.get("/<number>/packing-slip")
@needs("orders.view")
def show_packing_slip(number: str) -> ResponseReturnValue:
    """The slip that goes into the box, in the customer's language."""
    order, parcel = get_order(number), request.args.get("parcel", "")
    back = url_for("admin.order_staff.show_order", number=order.number)
    pdf = url_for("admin.order_staff.download_packing_slip", number=order.number, parcel=parcel or None)
    return render_template("order/admin/show_packing_slip.html", paper=_slip(order, parcel), back=back, pdf=pdf)


@staff.get("/<number>/packing-slip.pdf")
@needs("orders.view")
def download_packing_slip(number: str) -> ResponseReturnValue:
    """The same as a file."""
    order = get_order(number)
    paper = _slip(order, request.args.get("parcel", ""))
    return pdf_response(make_pdf(paper, at=order.placed_at), f"{order.number}.pdf")


def _slip(order: OrderView, wanted: str) -> Paper:
    parcel = next((one for one in order.parcels if str(one.id) == wanted), None)
    if wanted and parcel is None:
        raise NotFound(_("There is no such parcel."))
    texts = shop_texts(order.locale)
    contact = " · ".join(part for part in (texts.email, texts.phone) if part)
    with speaking(order.locale):
        return packing_slip(order, parcel, seller=seller(name=texts.name, address=texts.address), contact=contact, at=now())
