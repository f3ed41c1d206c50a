from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.backstage import Backstage
from tests.real import *  # noqa: F403
from tests.servers import Server


@pytest.fixture(scope="module")
def backstage(instance: Path, shop: Server) -> Backstage:
    return Backstage(instance)
