"""Money: what was asked, what came in and went back, and the ledger that says the same."""

from __future__ import annotations

from shop.audit.rules import sql
from shop.errors import N_

sql(
    "I06",
    N_("What a paid order received, less what went back, is its total; what is too much is on its way back."),
    """
    SELECT o.number, o.payment_state AS state, o.total_minor AS total, coalesce(p.kept, 0) AS kept
    FROM orders o
    LEFT JOIN (SELECT p.order_id, sum(p.captured_minor - coalesce(r.back, 0)) AS kept, sum(p.captured_minor - p.refunded_minor) AS promised,
                      max(p.settled_at) AS settled_at
               FROM payments p
               LEFT JOIN (SELECT payment_id, sum(amount_minor) AS back FROM refunds WHERE state = 'captured' GROUP BY payment_id) r
                 ON r.payment_id = p.id
               WHERE p.captured_minor > 0 GROUP BY p.order_id) p ON p.order_id = o.id
    WHERE o.payment_state = 'paid' AND o.state <> 'canceled' AND o.revision = 0
      AND (coalesce(p.kept, 0) < o.total_minor OR (p.promised > o.total_minor AND p.settled_at < :ago_1h))
    """,
)
sql(
    "I06b",
    N_("An order says refunded when all came back, partly refunded when a part did."),
    """
    SELECT o.number, o.payment_state AS state, p.captured AS captured, p.back AS back
    FROM orders o
    JOIN (SELECT p.order_id, sum(p.captured_minor) AS captured, sum(coalesce(r.back, 0)) AS back
          FROM payments p
          LEFT JOIN (SELECT payment_id, sum(amount_minor) AS back FROM refunds WHERE state = 'captured' GROUP BY payment_id) r
            ON r.payment_id = p.id
          GROUP BY p.order_id) p ON p.order_id = o.id
    WHERE (o.payment_state = 'refunded' AND p.captured <> p.back)
       OR (o.payment_state = 'partly_refunded' AND (p.back = 0 OR p.back >= p.captured))
    """,
)
sql(
    "I07",
    N_("Of each payment 0 ≤ refunded ≤ captured ≤ asked for."),
    """
    SELECT id, amount_minor AS amount, captured_minor AS captured, refunded_minor AS refunded FROM payments
    WHERE refunded_minor < 0 OR refunded_minor > captured_minor OR captured_minor > amount_minor
    """,
)
sql(
    "I07b",
    N_("What is set aside for refunds of a payment is the sum of its refunds."),
    """
    SELECT p.id, p.refunded_minor AS refunded, coalesce(r.total, 0) AS refunds
    FROM payments p
    LEFT JOIN (SELECT payment_id, sum(amount_minor) AS total FROM refunds WHERE state <> 'failed' GROUP BY payment_id) r
      ON r.payment_id = p.id
    WHERE p.refunded_minor <> coalesce(r.total, 0)
    """,
)
sql(
    "R01",
    N_("No piece is paid back twice: lines say what their refunds and returns gave back, and no more than is agreed."),
    """
    SELECT o.number, l.position, l.quantity - l.canceled_quantity AS agreed, l.refunded_quantity AS counted, l.refunded_minor AS counted_minor,
           coalesce(f.pieces, 0) + coalesce(r.pieces, 0) AS paid_back, coalesce(f.minor, 0) + coalesce(r.minor, 0) AS paid_back_minor
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS pieces, sum(x.amount_minor) AS minor FROM refund_lines x
               JOIN refunds g ON g.id = x.refund_id WHERE g.state <> 'failed' GROUP BY x.order_line_id) f ON f.order_line_id = l.id
    LEFT JOIN (SELECT order_line_id, sum(settled_quantity) AS pieces, sum(settled_minor) AS minor FROM return_lines GROUP BY order_line_id) r
      ON r.order_line_id = l.id
    WHERE l.refunded_quantity <> coalesce(f.pieces, 0) + coalesce(r.pieces, 0) OR l.refunded_minor <> coalesce(f.minor, 0) + coalesce(r.minor, 0)
       OR l.refunded_quantity > l.quantity - l.canceled_quantity
    """,
)
sql(
    "R02",
    N_("What a refund gives back holds what its pieces cost."),
    """
    SELECT g.id, g.amount_minor AS amount, f.minor AS of_pieces FROM refunds g
    JOIN (SELECT refund_id, sum(amount_minor) AS minor FROM refund_lines GROUP BY refund_id) f ON f.refund_id = g.id
    WHERE f.minor > g.amount_minor
    """,
)
sql(
    "I08",
    N_("A gateway's reference names one payment, and each key one attempt."),
    """
    SELECT gateway || ' ' || reference AS reference, count(*) AS payments FROM payments WHERE reference IS NOT NULL
    GROUP BY gateway, reference HAVING count(*) > 1
    UNION ALL SELECT key, count(*) FROM payments GROUP BY key HAVING count(*) > 1
    """,
)
sql(
    "I08b",
    N_("No order was captured twice unless its history says so."),
    """
    SELECT o.number, p.captures AS captures
    FROM (SELECT order_id, count(*) AS captures FROM payments WHERE captured_minor > 0 GROUP BY order_id HAVING count(*) > 1) p
    JOIN orders o ON o.id = p.order_id
    WHERE o.revision = 0
      AND NOT EXISTS (SELECT 1 FROM order_entries e WHERE e.order_id = o.id AND e.kind IN ('paid_twice', 'paid_too_late'))
    """,
)
sql(
    "I09",
    N_("No payment is with its gateway, or unclear, for more than a quarter of an hour without anybody looking."),
    """
    SELECT id, state, order_id FROM payments
    WHERE state IN ('attempting', 'unknown') AND settled_at IS NULL AND created_at < :ago_1h
      AND coalesce(looked_at, attempted_at, created_at) < :ago_1h
    """,
)
sql(
    "I09b",
    N_("Each attempt was written down, with its key, before the gateway was asked."),
    "SELECT id, gateway FROM payments WHERE key = '' OR attempted_at < created_at",
)
sql(
    "I10",
    N_("No order is paid without a captured payment or a total of nothing."),
    """
    SELECT o.number, o.payment_state AS state, o.total_minor AS total FROM orders o
    WHERE o.payment_state IN ('paid', 'partly_refunded', 'refunded') AND o.total_minor > 0
      AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.captured_minor > 0)
    """,
)
sql(
    "I11",
    N_("No payment is captured for an order that calls itself unpaid."),
    """
    SELECT p.id, o.number AS number, o.payment_state AS state, p.captured_minor AS captured FROM payments p
    LEFT JOIN orders o ON o.id = p.order_id
    WHERE p.captured_minor > 0 AND (o.id IS NULL OR (o.payment_state IN ('unpaid', 'checking') AND p.captured_minor = p.amount_minor
      AND p.captured_minor >= o.total_minor))
    """,
)
sql(
    "L01",
    N_("The entries of each posting sum to zero."),
    """
    SELECT p.key, coalesce(e.total, 0) AS total, coalesce(e.entries, 0) AS entries FROM postings p
    LEFT JOIN (SELECT posting_id, sum(minor) AS total, count(*) AS entries FROM entries GROUP BY posting_id) e ON e.posting_id = p.id
    WHERE e.entries IS NULL OR e.total <> 0
    """,
)
sql(
    "L02",
    N_("The cash that the ledger holds for an order is what its payments captured, less what went back."),
    """
    SELECT o.number, coalesce(l.cash, 0) AS ledger, coalesce(p.cash, 0) AS payments FROM orders o
    LEFT JOIN (SELECT g.order_id, sum(e.minor) AS cash FROM postings g JOIN entries e ON e.posting_id = g.id
               WHERE e.account = 'cash' AND g.cause IN ('capture', 'refund') GROUP BY g.order_id) l ON l.order_id = o.id
    LEFT JOIN (SELECT p.order_id, sum(p.captured_minor - coalesce(r.back, 0)) AS cash FROM payments p
               LEFT JOIN (SELECT payment_id, sum(amount_minor) AS back FROM refunds WHERE state = 'captured' GROUP BY payment_id) r
                 ON r.payment_id = p.id
               WHERE p.captured_minor > 0 GROUP BY p.order_id) p ON p.order_id = o.id
    WHERE coalesce(l.cash, 0) <> coalesce(p.cash, 0)
    """,
)
sql(
    "L03",
    N_("The books hold an order's total and tax once it was paid, and nothing once it is canceled."),
    """
    SELECT o.number, o.state, o.total_minor AS total, coalesce(l.receivable, 0) AS receivable, o.tax_minor AS tax, coalesce(l.tax, 0) AS posted_tax
    FROM orders o
    LEFT JOIN (SELECT g.order_id, sum(CASE WHEN e.account = 'receivable' AND g.cause <> 'cancellation' THEN e.minor ELSE 0 END) AS receivable,
                      -sum(CASE WHEN e.account = 'tax' THEN e.minor ELSE 0 END) AS tax
               FROM postings g JOIN entries e ON e.posting_id = g.id
               WHERE g.cause IN ('sale', 'revision', 'cancellation') GROUP BY g.order_id) l ON l.order_id = o.id
    WHERE CASE WHEN o.state = 'canceled' THEN coalesce(l.tax, 0) <> 0
               WHEN o.payment_state IN ('paid', 'partly_refunded', 'refunded')
               THEN coalesce(l.receivable, 0) <> o.total_minor OR coalesce(l.tax, 0) <> o.tax_minor
               ELSE l.order_id IS NOT NULL AND (l.receivable <> o.total_minor OR l.tax <> o.tax_minor) END
    """,
)
sql(
    "L04",
    N_("Postings and payments of an order are in its currency."),
    """
    SELECT o.number, o.currency, p.currency AS of_payment FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.currency <> o.currency
    UNION ALL
    SELECT o.number, o.currency, g.currency FROM postings g JOIN orders o ON o.id = g.order_id WHERE g.currency <> o.currency
    """,
)
