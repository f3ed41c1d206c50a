"""Pages that staff write, such as the terms of sale."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class Page(Base):
    """A page of text. ``kind`` is "legal" for what the law wants, else "page"; they stand in the foot in order of ``position``."""

    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="page")
    position: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class PageText(Base):
    """The page in one language; ``body_html`` is sanitized when it is written."""

    __tablename__ = "page_texts"

    page_id: Mapped[int] = mapped_column(ForeignKey("pages.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    body_html: Mapped[str] = mapped_column(default="")

    __table_args__ = (UniqueConstraint("locale", "slug"),)
