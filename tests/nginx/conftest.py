from tests.real import *  # noqa: F403
