"""Signing checkpoints by itself (定时签发): every so many entries or minutes, in its own thread.

It never touches the writer's transaction: now and then it asks for the head, and where enough has
been filed it signs what is committed. One that fails is tried again; why it failed is kept in the
evidence's ``trouble`` and logged, for a checkpoint that cannot be signed may mean tampering.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

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
        self._log_trouble: str | None = None

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
        """Sign if it is time, or ``at_once``; return whether all is well.

        Nothing ends the thread: whatever went wrong is kept as trouble, logged and tried again.
        """
        trouble, event = None, None
        try:
            event = self._sign() if at_once or self._is_time() else None
        except Unknown:
            event = None  # nothing has been filed yet
        except EvidenceProblem as error:
            trouble = str(error)
            level = _log.critical if isinstance(error, Contradiction) else _log.error
            event = partial(level, "no checkpoint", reason=trouble)
        except Exception as error:  # noqa: BLE001  (a database that is away, or a fault of ours)
            trouble = f"未能签发检查点（{type(error).__name__}），稍后再试。"
            event = partial(_log.error, "no checkpoint", reason=type(error).__name__)
        if event is not None:
            self._tell(event)
        self._evidence.trouble = trouble or self._log_trouble
        return trouble is None

    def _sign(self) -> Callable[[], object] | None:
        """Sign; return what is to be logged of it, None where nothing was new."""
        size = self._evidence.checkpoint().checkpoint.size
        self._waiting_since = None
        before, self._signed = self._signed, size
        return partial(_log.info, "checkpoint", size=size) if size != before else None

    def _tell(self, event: Callable[[], object]) -> None:
        """Log; a log that cannot be written is trouble to be shown, but no reason not to sign."""
        try:
            event()
        except Exception as error:  # noqa: BLE001  (a full disk, a closed terminal: see above)
            self._log_trouble = f"运行日志无法写入（{type(error).__name__}），检查点照常签发。"
        else:
            self._log_trouble = None

    def _is_time(self) -> bool:
        unsigned = self._evidence.unsigned()
        if not unsigned:
            self._waiting_since = None
            return False
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        waited = now - self._waiting_since
        return not 0 < unsigned < self._every_entries or waited >= self._every_seconds
