"""gunicorn's own lines go where ours go, in the same form; they would name addresses of pages and of people."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger


class ShopLogger(Logger):
    """Without handlers of its own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = []
        self.error_log.propagate = True
