"""The door for gunicorn: ``gunicorn wsgi:app``."""

from shop.retailer.door import open_shops

app = open_shops()
