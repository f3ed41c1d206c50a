"""The sample of docs/webhooks.md, as a receiver would copy it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.servers import ROOT

SAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def read_verify() -> Callable[..., Any]:
    found = SAMPLE.search((ROOT / "docs" / "webhooks.md").read_text())
    assert found, "docs/webhooks.md shows no sample"
    names: dict[str, Any] = {}
    exec(found[1], names)
    return names["verify"]


verify = read_verify()
