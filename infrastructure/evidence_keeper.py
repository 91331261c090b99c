"""Signing checkpoints by itself (定时签发): every so many entries or minutes, in its own thread.

It never touches the writer's transaction: now and then it asks for the head, and where enough has
been filed it signs what is committed. One that fails is tried again; why it failed is kept in the
evidence's ``trouble`` and logged, for a checkpoint that cannot be signed may mean tampering.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import psycopg
import psycopg_pool
import structlog

from application.evidence import Contradiction, EvidenceProblem, Unknown
from infrastructure.evidence import StoredEvidence

EVERY_ENTRIES: Final = 1_000
EVERY_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 60.0
"""How long a failed attempt is left alone."""

_log = structlog.get_logger("taizhang.evidence")


class CheckpointKeeper:
    """Signs the journal's checkpoints while the office is open."""

    def __init__(
        self,
        evidence: StoredEvidence,
        *,
        every_entries: int = EVERY_ENTRIES,
        every_seconds: float = EVERY_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Sign after ``every_entries`` new entries, or ``every_seconds`` after the first of them.

        At most one is signed every ``look_seconds``, however fast the office files.
        """
        self._evidence = evidence
        self._every_entries = every_entries
        self._every_seconds = every_seconds
        self._look_seconds = look_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiting_since: float | None = None
        self._signed = 0

    def start(self) -> None:
        """Begin."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="taizhang-evidence", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sign what is new, then end."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        well = self._attempt(at_once=True)  # what a crash left unsigned, or somebody rolled back
        while not self._stop.wait(self._look_seconds if well else PATIENCE_SECONDS):
            well = self._attempt(at_once=False)
        self._attempt(at_once=True)

    def _attempt(self, *, at_once: bool) -> bool:
        """Sign if it is time, or ``at_once``; return whether all is well."""
        try:
            if at_once or self._is_time():
                size = self._evidence.checkpoint().checkpoint.size
                self._waiting_since = None
                if size != self._signed:
                    _log.info("checkpoint", size=size)
                self._signed = size
        except Unknown:
            return True  # nothing has been filed yet
        except (EvidenceProblem, psycopg.Error, psycopg_pool.PoolTimeout) as error:
            told = str(error) if isinstance(error, EvidenceProblem) else type(error).__name__
            self._evidence.trouble = told
            level = _log.critical if isinstance(error, Contradiction) else _log.error
            level("no checkpoint", reason=told)
            return False
        self._evidence.trouble = None
        return True

    def _is_time(self) -> bool:
        unsigned = self._evidence.unsigned()
        if not unsigned:
            self._waiting_since = None
            return False
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        waited = now - self._waiting_since
        return not 0 < unsigned < self._every_entries or waited >= self._every_seconds
