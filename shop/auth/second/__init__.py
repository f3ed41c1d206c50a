"""The second factor: an app that shows six digits, passkeys, and codes for the day on which both are lost.

Whoever has one is asked for it after the password, on a page of its own. Staff may be made to have one (``SHOP_STAFF_SECOND_FACTOR``).
"""
