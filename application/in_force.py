"""Settings as they stand today, for those who ask outside of a decision.

A decision asks its `Past`. Whoever answers requests (does this kind of filing need a second person?
may this role see whole ID numbers?) asks here, and is not made to wait for the journal each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from domain.settings import Settings
from domain.vocabulary import Entry, live

SUBJECT: Final = "office:main"
PAGE: Final = 500

TRUSTED_SECONDS: Final = 2.0
"""How long a setting is believed: one changed by another process holds here after so long at the
latest, one changed here at once (`InForce.forget`)."""

Find = Callable[..., Sequence[Entry]]
"""Entries about a ``subject`` ``before`` a position, newest first, at most ``limit``."""


class InForce:
    """The office's settings, remembered for a moment."""

    def __init__(self, find: Find, today: Callable[[], date]) -> None:
        """Ask the journal by ``find``; ``today`` is the office's calendar day."""
        self._find = find
        self._today = today
        self._known: tuple[float, Settings] | None = None
        self.forgotten = 0

    def remembered(self, name: str) -> Any | None:
        """Return a setting's value if it was asked a moment ago; never waits."""
        known = self._known
        if known is None or time.monotonic() - known[0] > TRUSTED_SECONDS:
            return None
        return known[1].value(name, self._today())

    def value(self, name: str) -> Any:
        """Return a setting's value today."""
        asked_at, forgotten = time.monotonic(), self.forgotten
        settings = Settings()
        for entry in live(self._entries()):
            settings = settings.after(entry)
        if forgotten == self.forgotten:  # else somebody has filed while it was read
            self._known = (asked_at, settings)
        return settings.value(name, self._today())

    def forget(self) -> None:
        """Somebody has just filed something about the office: ask again (``forgotten`` counts)."""
        self.forgotten += 1
        self._known = None

    def _entries(self) -> list[Entry]:
        found: list[Entry] = []
        before: int | None = None
        while True:
            page = self._find(subject=SUBJECT, before=before, limit=PAGE)
            found += page
            if len(page) < PAGE:
                return found
            before = page[-1].position
