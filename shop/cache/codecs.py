"""How plain things are written for other processes."""

from __future__ import annotations

import json
from typing import Any


class _Json:
    """Numbers, texts, lists and dictionaries of them; a tuple comes back as a list."""

    def dump(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def load(self, content: bytes) -> Any:
        return json.loads(content)


JSON = _Json()
