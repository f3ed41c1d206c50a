from tests.frame import _whole_frame  # noqa: F401
from tests.people import the_shop  # noqa: F401
