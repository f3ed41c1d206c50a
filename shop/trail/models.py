"""What staff did, and where the chain ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class StaffAct(Base):
    """One act of staff. ``actor`` is an e-mail, or the command that was run on the machine; ``what`` the endpoint; ``subject`` such as ``order:B-7QX2``.

    ``before`` and ``after`` are small and hold neither secrets nor what customers told. ``hash`` covers all of it and the hash before it.
    """

    __tablename__ = "staff_acts"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    permission: Mapped[str]
    what: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    network: Mapped[str]
    request_id: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        CheckConstraint("length(actor) BETWEEN 1 AND 254", name="actor_length"),
        CheckConstraint("length(hash) = 64", name="hash_length"),
        {"info": {"append_only": True}},
    )


class TrailEnd(Base):
    """The last act and its hash: one row, which whoever writes an act holds until the commit."""

    __tablename__ = "trail_ends"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_position: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[str] = mapped_column(default="")

    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)
