"""The same verbs for programs of the staff."""

from shop.people.api import customers, groups, users  # noqa: F401
