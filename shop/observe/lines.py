"""How a line looks: for people or for programs, one record in one line that nobody can forge.

``extra={"facts": {…}}`` of a record becomes fields of its own. What others wrote is scrubbed; our own facts are ids and words of the code.
"""

from __future__ import annotations

import logging
import time
from json import JSONEncoder

from shop.observe.scrub import scrub
from shop.observe.trace import current

OURS = {"shop.request", "shop.fact"}  # their words are written in shop.observe alone
_encode = JSONEncoder(separators=(",", ":")).encode  # ASCII: no character can act on a terminal
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    10: "\\n",
    13: "\\r",
    9: "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class Lines(logging.Formatter):
    """What both formats share: the moment, the message, the error."""

    moment = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "")

    def when(self, record: logging.LogRecord) -> str:
        """In UTC, to the millisecond."""
        second = int(record.created)
        if self._second[0] != second:
            self._second = (second, time.strftime(self.moment, time.gmtime(second)))
        return f"{self._second[1]}.{int((record.created - second) * 1000):03d}Z"

    def said(self, record: logging.LogRecord) -> str:
        """The message, scrubbed unless it is ours."""
        return record.msg if record.name in OURS else scrub(record.getMessage())

    def broke(self, record: logging.LogRecord) -> str:
        """The traceback, scrubbed; "" without one."""
        if not record.exc_info or record.exc_info[0] is None:
            return ""
        return scrub(self.formatException(record.exc_info))


class JsonLines(Lines):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        trace = current.get()
        line = {
            "time": self.when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.said(record),
            "shop": trace.shop if trace is not None else "",
            "request_id": trace.request_id if trace is not None else "",
            **record.__dict__.get("facts", {}),
        }
        if broke := self.broke(record):
            line |= {"error": record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "", "traceback": broke}
        return _encode(line)


class HumanLines(Lines):
    """Columns for the eye. The lines of a traceback are set in, so that none can pass for a record."""

    moment = "%Y-%m-%d %H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        trace = current.get()
        facts = " ".join(f"{name}={value}" for name, value in record.__dict__.get("facts", {}).items())
        number = f"  [{trace.request_id}]" if trace is not None else ""
        name = "" if record.name in OURS else f"{record.name}: "
        line = f"{self.when(record)} {record.levelname:<7} {name}{self.said(record)} {facts}".rstrip().translate(_CONTROL) + number
        broke = self.broke(record)
        return line + "".join(f"\n    {part.translate(_CONTROL)}" for part in broke.split("\n")) if broke else line
