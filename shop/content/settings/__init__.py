"""The settings for staff, as a page and as JSON. What there is to set is declared in ``shop.settings.known``."""
