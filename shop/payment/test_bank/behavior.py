"""How badly the test bank behaves: everything that a gateway does to a shop on a bad day, by dice, each with its own setting."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, fields
from typing import Any

HUNDRED = 100
LONGEST_MS = 600_000
MOST_COPIES = 20


@dataclass
class Behavior:
    """Percentages are whole numbers; times are milliseconds, drawn evenly between both ends.

    ``lost_percent``: an act is done, then nobody answers for ``silence_ms`` and the line is cut. ``message_copies``: how often each message is sent;
    0 never. ``message_*_ms``: how late; as each copy draws its own delay, a wide range shuffles them.
    """

    latency_min_ms: int = 0
    latency_max_ms: int = 0
    lost_percent: int = 0
    silence_ms: int = 30_000
    declined_percent: int = 0
    challenged_percent: int = 0
    message_copies: int = 1
    message_min_ms: int = 0
    message_max_ms: int = 0

    def change(self, wanted: dict[str, Any]) -> None:
        """Take over settings by name.

        Raises:
            ValueError: names the setting that does not exist or is out of range.
        """
        checked = {name: _whole(name, value) for name, value in wanted.items()}
        for name, value in checked.items():
            setattr(self, name, value)
        self.latency_max_ms = max(self.latency_max_ms, self.latency_min_ms)
        self.message_max_ms = max(self.message_max_ms, self.message_min_ms)

    def dump(self) -> dict[str, int]:
        return asdict(self)

    def wait(self) -> None:
        if self.latency_max_ms:
            time.sleep(random.uniform(self.latency_min_ms, self.latency_max_ms) / 1000)  # noqa: S311

    def loses(self) -> bool:
        return _throws(self.lost_percent)

    def declines(self) -> bool:
        return _throws(self.declined_percent)

    def challenges(self) -> bool:
        return _throws(self.challenged_percent)

    def message_delays_s(self) -> list[Any]:
        """When each copy of a message goes out."""
        return [random.uniform(self.message_min_ms, self.message_max_ms) / 1000 for _copy in range(self.message_copies)]  # noqa: S311


def _throws(percent: int) -> bool:
    return random.randrange(HUNDRED) < percent  # noqa: S311


def _whole(name: str, value: Any) -> int:
    if name not in {field.name for field in fields(Behavior)}:
        raise ValueError(f"{name} is no setting")
    most = HUNDRED if name.endswith("_percent") else MOST_COPIES if name == "message_copies" else LONGEST_MS
    written = str(value)
    if not (written.isascii() and written.isdigit()) or len(written) > len(str(LONGEST_MS)) or int(written) > most:
        raise ValueError(f"{name} wants a whole number from 0 to {most}")
    return int(written)
