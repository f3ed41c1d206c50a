"""Goods that come back: asked by the customer, decided and received by staff, paid back through ``shop.payment`` once."""
