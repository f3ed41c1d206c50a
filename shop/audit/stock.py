"""Stock: the pieces on the shelf, the ledger that says why, the orders that hold them, and the parcels that carried them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from shop.audit.rules import MOST, Finding, by_python, sql
from shop.db import row, rows
from shop.errors import N_
from shop.order.models import Order
from shop.payment.expiry import METHODS, list_overdue

sql(
    "I01",
    N_("The pieces of each variant are the sum of its movements."),
    """
    SELECT CAST(coalesce(s.variant_id, m.variant_id) AS TEXT) AS variant, v.sku AS sku, s.on_hand AS on_hand, coalesce(m.total, 0) AS movements
    FROM stock_items s
    LEFT JOIN (SELECT variant_id, sum(delta) AS total FROM stock_movements GROUP BY variant_id) m ON m.variant_id = s.variant_id
    LEFT JOIN variants v ON v.id = s.variant_id
    WHERE s.on_hand <> coalesce(m.total, 0)
    """,
)
sql(
    "I01b",
    N_("No variant has less than nothing, or less than its backorders allow."),
    "SELECT CAST(variant_id AS TEXT) AS variant, on_hand, backorder_to FROM stock_items WHERE on_hand < -backorder_to",
)
sql(
    "I02",
    N_("Each order took from the stock what it holds, and a canceled one holds nothing."),
    """
    SELECT h.number, h.variant_id AS variant, h.state, h.held AS held, coalesce(m.net, 0) AS moved
    FROM (SELECT o.number, l.variant_id, o.state, o.placed_at,
                 sum(CASE WHEN o.state = 'canceled' THEN 0
                          ELSE l.quantity - l.canceled_quantity - coalesce(r.restocked, 0) - coalesce(b.restocked, 0) END) AS held
          FROM orders o JOIN order_lines l ON l.order_id = o.id
          LEFT JOIN (SELECT order_line_id, sum(restocked_quantity) AS restocked FROM return_lines GROUP BY order_line_id) r
            ON r.order_line_id = l.id
          LEFT JOIN (SELECT f.order_line_id, sum(f.quantity) AS restocked FROM refund_lines f JOIN refunds g ON g.id = f.refund_id
                     WHERE g.is_restocked AND g.state = 'captured' GROUP BY f.order_line_id) b
            ON b.order_line_id = l.id
          WHERE l.variant_id IS NOT NULL GROUP BY o.number, l.variant_id, o.state, o.placed_at) h
    LEFT JOIN (SELECT reference, variant_id, sum(delta) AS net FROM stock_movements
               WHERE reason IN ('sale', 'cancellation', 'return') AND reference <> '' GROUP BY reference, variant_id) m
      ON m.reference = h.number AND m.variant_id = h.variant_id
    LEFT JOIN stock_items s ON s.variant_id = h.variant_id
    WHERE (m.net IS NOT NULL AND m.net <> -h.held) OR (m.net IS NULL AND h.held > 0 AND s.is_tracked AND s.tracked_since <= h.placed_at)
    """,
)
sql(
    "I02b",
    N_("Nothing moved in the name of an order that there is not, or that has no such line."),
    """
    SELECT m.reference, m.variant_id AS variant, m.delta FROM stock_movements m
    WHERE m.reason = 'sale'
      AND NOT EXISTS (SELECT 1 FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.number = m.reference AND l.variant_id = m.variant_id)
    """,
)


@by_python("I03", N_("No unpaid order holds stock an hour after its time is over."))
def unpaid_too_long(at: datetime) -> Iterator[Finding]:
    for unpaid in rows(METHODS):  # also by ways to pay that are no longer offered
        for overdue in list_overdue(unpaid.payment_method, at=at - timedelta(hours=1), most=MOST):
            found = row(select(Order.number, Order.payment_method).where(Order.id == overdue.id))
            if found is not None:
                yield Finding(found.number, {"method": found.payment_method})


sql(
    "S01",
    N_("No piece leaves twice: parcels carry what their lines say was shipped, and no more than was ordered."),
    """
    SELECT o.number, l.position, l.quantity, l.shipped_quantity AS shipped, coalesce(p.pieces, 0) AS in_parcels
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    LEFT JOIN (SELECT order_line_id, sum(quantity) AS pieces FROM shipment_lines GROUP BY order_line_id) p ON p.order_line_id = l.id
    WHERE l.shipped_quantity <> coalesce(p.pieces, 0) OR l.shipped_quantity > l.quantity - l.canceled_quantity
    """,
)
sql(
    "S02",
    N_("No piece comes back twice: lines say what their returns received and their refunds bring, and no more than was ordered."),
    """
    SELECT o.number, l.position, l.quantity, l.returned_quantity AS returned, coalesce(r.pieces, 0) AS received, coalesce(b.pieces, 0) AS refunded
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    LEFT JOIN (SELECT order_line_id, sum(received_quantity) AS pieces FROM return_lines GROUP BY order_line_id) r ON r.order_line_id = l.id
    LEFT JOIN (SELECT f.order_line_id, sum(f.quantity) AS pieces FROM refund_lines f JOIN refunds g ON g.id = f.refund_id
               WHERE g.is_restocked AND g.state <> 'failed' GROUP BY f.order_line_id) b ON b.order_line_id = l.id
    WHERE l.returned_quantity <> coalesce(r.pieces, 0) + coalesce(b.pieces, 0) OR l.returned_quantity > l.quantity - l.canceled_quantity
    """,
)
sql(
    "S03",
    N_("Each count, delivery and correction has a person."),
    "SELECT id, variant_id, reason FROM stock_movements WHERE reason IN ('count', 'delivery', 'correction') AND trim(actor) = ''",
)
