"""Catalogs come and go as files: readers turn each format into one neutral product, the importer compares it with the shop, writers do the reverse.

What does not live here: the verbs that staff use (``shop.catalog.services``) and anything about pictures' pixels (``shop.media``).
"""
