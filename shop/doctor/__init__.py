"""``flask shop doctor``: is everything around the shop as it wants it? Each finding says what was found and what cures it.

It looks and asks; it changes nothing and sends no mail. A service that does not answer is a finding, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """As it should be; works, but not for long or not well; does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``cure`` is empty when nothing ails."""

    check: str
    state: State
    found: str
    cure: str = ""

    def dump(self) -> dict[str, str]:
        """As JSON."""
        return {**asdict(self), "state": self.state.value}


Check = Callable[[datetime], Finding]


def ok(check: str, found: str) -> Finding:
    return Finding(check, State.OK, found)


def warn(check: str, found: str, cure: str) -> Finding:
    return Finding(check, State.WARN, found, cure)


def fail(check: str, found: str, cure: str) -> Finding:
    return Finding(check, State.FAIL, found, cure)


def examine(*, at: datetime) -> Iterator[Finding]:
    """All checks, one after the other; one that breaks itself is a finding too."""
    from shop.doctor import front, house, letters

    checks: dict[str, Check] = {**house.CHECKS, **letters.CHECKS, **front.CHECKS}
    for name, check in checks.items():
        try:
            yield check(at)
        except Exception as problem:  # noqa: BLE001 - told to whoever asked
            yield fail(name, f"could not be asked: {type(problem).__name__}: {problem}"[:300], "look at the findings before this one first")
