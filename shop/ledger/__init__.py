"""The shop's money in double entry: every movement is a posting whose entries sum to zero, and none ever changes.

What an order is worth (``shop.order.books``) and what came in and went back (``shop.payment.ledger``) is posted in the transaction that made it
true. Paid, refunded and owed are sums over these rows.
"""

from __future__ import annotations
