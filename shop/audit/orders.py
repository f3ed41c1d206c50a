"""Orders: what was agreed adds up, nothing that was frozen is missing, and their history leads to where they stand."""

from __future__ import annotations

from shop.audit.rules import sql
from shop.errors import N_

sql(
    "I04",
    N_("The total of an order is the sum of its lines and of what stands beside them."),
    """
    SELECT o.number, o.total_minor AS total, coalesce(l.gross, 0) + coalesce(a.gross, 0) AS sum
    FROM orders o
    LEFT JOIN (SELECT order_id, sum(gross_minor) AS gross FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(gross_minor) AS gross FROM adjustments GROUP BY order_id) a ON a.order_id = o.id
    WHERE o.total_minor <> coalesce(l.gross, 0) + coalesce(a.gross, 0)
    """,
)
sql(
    "I04b",
    N_("Total = goods - discounts + delivery - untaxed, and + tax where prices are net."),
    """
    SELECT number, total_minor AS total, subtotal_minor AS goods, discount_minor AS discount, shipping_minor AS shipping, tax_minor AS tax
    FROM orders WHERE revision = 0
      AND total_minor <> subtotal_minor - discount_minor + shipping_minor - untaxed_minor + CASE WHEN prices_include_tax THEN 0 ELSE tax_minor END
    """,
)
sql(
    "I05",
    N_("A line costs its pieces at their price, less its discount."),
    """
    SELECT o.number, l.position, l.quantity, l.unit_price_minor AS unit, l.discount_minor AS discount, l.net_minor AS net, l.gross_minor AS gross
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE o.untaxed_minor = 0
      AND l.quantity * l.unit_price_minor - l.discount_minor <> CASE WHEN o.prices_include_tax THEN l.gross_minor ELSE l.net_minor END
    """,
)
sql(
    "I05b",
    N_("An order's tax is the sum of the tax of its lines and of what stands beside them."),
    """
    SELECT o.number, o.tax_minor AS tax, coalesce(l.tax, 0) + coalesce(a.tax, 0) AS sum
    FROM orders o
    LEFT JOIN (SELECT order_id, sum(tax_minor) AS tax FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(tax_minor) AS tax FROM adjustments GROUP BY order_id) a ON a.order_id = o.id
    WHERE o.tax_minor <> coalesce(l.tax, 0) + coalesce(a.tax, 0)
    """,
)
sql(
    "I05c",
    N_("The tax of a line is its rate of its net, up to the rounding."),
    """
    SELECT o.number, l.position, l.net_minor AS net, l.tax_minor AS tax, l.tax_rate_ppm AS rate FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE abs((l.tax_minor - l.net_minor / 1000000 * l.tax_rate_ppm) * 1000000 - l.net_minor % 1000000 * l.tax_rate_ppm)
          > 2 * (1000000 + l.tax_rate_ppm)
    """,
)
sql(
    "D01",
    N_("The shares that lines and delivery have of discounts sum to the order's discount, and so do its promotions."),
    """
    SELECT o.number, o.discount_minor AS discount, coalesce(l.off, 0) + coalesce(a.off, 0) AS shares, coalesce(d.off, 0) AS promotions
    FROM orders o
    LEFT JOIN (SELECT order_id, sum(discount_minor) AS off FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(discount_minor) AS off FROM adjustments GROUP BY order_id) a ON a.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(amount_minor) AS off FROM order_discounts GROUP BY order_id) d ON d.order_id = o.id
    WHERE o.revision = 0 AND (o.discount_minor <> coalesce(l.off, 0) + coalesce(a.off, 0) OR o.discount_minor <> coalesce(d.off, 0))
    """,
)
sql(
    "I16",
    N_("Each order number is given once."),
    "SELECT number, count(*) AS orders FROM orders GROUP BY number HAVING count(*) > 1",
)
sql(
    "I17",
    N_("The history of an order does not run backwards, and begins after its placing."),
    """
    SELECT o.number, e.id AS entry, e.kind AS kind FROM
      (SELECT id, order_id, kind, at, lag(at) OVER (PARTITION BY order_id ORDER BY id) AS before FROM order_entries) e
    JOIN orders o ON o.id = e.order_id
    WHERE e.at < o.placed_at OR e.at < e.before
    """,
)
sql(
    "I17b",
    N_("What an order says of itself stands in its history: canceled, paid, packed, shipped, delivered."),
    """
    SELECT o.number, o.state, o.payment_state AS payment, o.fulfillment_state AS goods
    FROM orders o
    LEFT JOIN (SELECT order_id,
                 max(CASE WHEN kind IN ('canceled', 'expired') THEN id END) AS ended, max(CASE WHEN kind = 'reopened' THEN id END) AS reopened,
                 max(CASE WHEN kind = 'paid' THEN id END) AS paid, max(CASE WHEN kind = 'packed' THEN id END) AS packed,
                 max(CASE WHEN kind = 'shipped' THEN id END) AS shipped, max(CASE WHEN kind = 'delivered' THEN id END) AS delivered,
                 max(CASE WHEN kind = 'refunded' THEN id END) AS refunded
               FROM order_entries GROUP BY order_id) e ON e.order_id = o.id
    WHERE (o.state = 'canceled') <> (e.ended IS NOT NULL AND coalesce(e.reopened, 0) < e.ended)
       OR (o.payment_state IN ('paid', 'partly_refunded', 'refunded')) <> (e.paid IS NOT NULL)
       OR (o.payment_state = 'refunded' AND e.refunded IS NULL)
       OR (o.fulfillment_state = 'packed' AND e.packed IS NULL)
       OR (o.fulfillment_state IN ('shipped', 'partly_shipped') AND e.shipped IS NULL)
       OR (o.fulfillment_state = 'delivered' AND e.delivered IS NULL)
       OR (o.state = 'completed' AND o.fulfillment_state NOT IN ('delivered', 'returned'))
    """,
)
sql(
    "I18",
    N_("A member has one open cart; a variant stands in a cart once; a cart that was ordered is closed."),
    """
    SELECT 'user ' || CAST(user_id AS TEXT) AS ref, 'open carts' AS what, count(*) AS number FROM carts
    WHERE state = 'open' AND user_id IS NOT NULL GROUP BY user_id HAVING count(*) > 1
    UNION ALL
    SELECT 'cart ' || CAST(cart_id AS TEXT), 'lines of variant ' || CAST(variant_id AS TEXT), count(*) FROM cart_items
    GROUP BY cart_id, variant_id HAVING count(*) > 1
    UNION ALL
    SELECT o.number, 'its cart is open', 1 FROM orders o JOIN carts c ON c.id = o.cart_id WHERE c.state = 'open'
    """,
)
sql(
    "I18b",
    N_("No line of a cart is of a variant that does not exist."),
    "SELECT i.id, i.cart_id, i.variant_id FROM cart_items i LEFT JOIN variants v ON v.id = i.variant_id WHERE v.id IS NULL",
)
sql(
    "I19",
    N_("Each line keeps the name and price under which it was bought."),
    """
    SELECT o.number, l.position, l.name, l.quantity FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE trim(l.name) = '' OR l.quantity < 1 OR l.unit_price_minor < 0
    """,
)
sql(
    "I19b",
    N_("An order that goes somewhere knows where."),
    """
    SELECT o.number FROM orders o
    WHERE NOT o.is_pickup AND o.shipping_method <> ''
      AND NOT EXISTS (SELECT 1 FROM order_addresses a WHERE a.order_id = o.id AND a.kind = 'shipping')
    """,
)
sql(
    "I19c",
    N_("An order has lines."),
    "SELECT o.number FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id)",
)
sql("O01", N_("An order has somebody to write to."), "SELECT number FROM orders WHERE trim(email) = ''")
