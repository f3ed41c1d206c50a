"""The log, the book of figures and the spans of this process: opened once by whatever begins it, a server, a worker or a command."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shop.observe.lines import HumanLines, JsonLines
from shop.observe.scrub import keep_secret
from shop.observe.sinks import RotatedFile, Sinks, Stream

if TYPE_CHECKING:
    from config import Config
    from config_observe import Observe
    from shop.observe.book import Book
    from shop.observe.spans import Spans

STDOUT, STDERR = 1, 2


@dataclass(slots=True)
class Eyes:
    """What is open in this process."""

    settings: Observe | None = None
    sinks: Sinks | None = None
    book: Book | None = None
    spans: Spans | None = None


_eyes = Eyes()


def eyes() -> Eyes:
    """What is open in this process; nothing, before ``open_eyes``."""
    return _eyes


def open_eyes(config: Config) -> None:
    """Write lines as the settings say, and send spans if they name a collector. Doing it again changes nothing.

    Where several shops live in one process, those of the process win: whoever starts it calls this first.
    """
    keep_secret(config.observe.secrets)
    if _eyes.settings is not None:
        return
    _eyes.settings = config.observe
    _write_lines(config.observe)
    if config.observe.traces:
        from shop.observe.spans import Spans

        _eyes.spans = Spans(config.observe.traces)


def begin_to_count(config: Config) -> None:
    """Count for Prometheus from now on, if the settings say so. For servers and workers, which live long; before they fork."""
    if config.observe.figures and _eyes.book is None:
        from shop.observe.book import Book

        _eyes.book = Book(config.observe.figures_folder)
        _eyes.book.places.begin_anew()


def close_eyes() -> None:
    """Tell nothing any more; for tests."""
    if _eyes.sinks is not None:
        logging.getLogger().removeHandler(_eyes.sinks)
        _eyes.sinks.close()
    if _eyes.spans is not None:
        _eyes.spans.close()
    _eyes.settings = _eyes.sinks = _eyes.book = _eyes.spans = None


def _write_lines(settings: Observe) -> None:
    """Our own lines from the level of the settings on, those of libraries from warnings on: they would tell addresses and bodies."""
    out = STDERR if os.environ.get("FLASK_RUN_FROM_CLI") else STDOUT  # what a command prints is its answer
    sinks = [Stream(out)]
    kept = [RotatedFile(settings.log_file, most_mb=settings.log_file_mb, keep=settings.log_file_keep)] if settings.log_file else []
    _eyes.sinks = Sinks(*sinks, *kept)
    _eyes.sinks.setFormatter(JsonLines() if settings.log_format == "json" else HumanLines())
    root = logging.getLogger()
    root.addHandler(_eyes.sinks)
    root.setLevel(logging.WARNING)
    logging.getLogger("shop").setLevel(settings.log_level.upper())
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its lines hold whole addresses
    logging.captureWarnings(True)  # noqa: FBT003
    logging.logThreads = logging.logMultiprocessing = False  # nobody reads them, and they cost a tenth of a line
