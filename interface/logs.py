"""Logs for whoever runs the program: structured, and without personal data.

Nothing that was filed, asked for or answered is ever handed to a logger: only routes, accounts,
positions, durations and places in the code.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class _Lines:
    """Writes each event as a line to standard error as it is then, not as it was at the start."""

    def write(self, line: str) -> None:
        """Write a line, whole: another thread's does not come between."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = exception = write


def configure(level: str, form: str) -> None:
    """Log from ``level`` on to standard error, as ``console`` lines or as ``json``."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        shared.append(structlog.processors.JSONRenderer(_dumps))
    else:
        shared.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()
