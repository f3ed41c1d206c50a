"""What time it is. Only views, commands and tasks ask; everything below receives ``at=``."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
