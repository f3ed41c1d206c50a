from tests.people import the_shop  # noqa: F401
