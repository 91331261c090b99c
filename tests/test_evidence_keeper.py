"""Checkpoints are signed by themselves, whatever becomes of the database and of the log."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from infrastructure import evidence_keeper
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_keeper import CheckpointKeeper
from tests.evidence_journal import Witnessed, tampering


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that a thread brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def newest_size(journal: Witnessed) -> int:
    """The newest checkpoint's size, 0 where there is none."""
    newest = journal.evidence.newest()
    return newest.checkpoint.size if newest else 0


def test_the_keeper_signs_after_so_many_entries(journal: Witnessed) -> None:
    """Not before, and without anybody asking."""
    journal.file(1, sign=False)
    keeper = CheckpointKeeper(journal.evidence, every_entries=10, look_seconds=0.01)
    keeper.start()
    try:
        until(lambda: newest_size(journal) == 1)  # its first look; from now on it counts
        journal.file(9, sign=False)
        journal.file(1, sign=False)
        until(lambda: newest_size(journal) == 11)
    finally:
        keeper.stop()
    assert [one.checkpoint.size for one in journal.evidence.page(None, 9)] == [11, 1]


def test_the_keeper_signs_after_so_long(journal: Witnessed) -> None:
    """A quiet office's entries do not wait for ever."""
    keeper = CheckpointKeeper(journal.evidence, every_seconds=0.05, look_seconds=0.01)
    keeper.start()
    try:
        journal.file(2, sign=False)
        until(lambda: newest_size(journal) == 2)
    finally:
        keeper.stop()


def test_the_keeper_signs_at_the_end_and_what_a_crash_left_at_the_beginning(
    journal: Witnessed,
) -> None:
    """Between two days nothing stays unsigned."""
    journal.file(4, sign=False)
    keeper = CheckpointKeeper(journal.evidence)
    keeper.start()
    until(lambda: newest_size(journal) == 4)
    journal.file(3, sign=False)
    keeper.stop()
    assert newest_size(journal) == 7


class BrokenLog:
    """A log whose file is gone, which every line learns of by an exception."""

    def __getattr__(self, level: str) -> Callable[..., None]:
        def write(*_: object, **__: object) -> None:
            raise ValueError(f"cannot log {level}: I/O operation on closed file")

        return write


def test_a_log_that_cannot_be_written_does_not_end_signing(
    journal: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when a checkpoint is told of nor when a failure is; and it is seen from outside."""
    monkeypatch.setattr(evidence_keeper, "_log", BrokenLog())
    keeper = CheckpointKeeper(journal.evidence, every_entries=1, look_seconds=0.01)
    keeper.start()
    try:
        for size in (1, 2, 3):
            journal.file(1, sign=False)
            until(lambda size=size: newest_size(journal) == size)  # type: ignore[misc]
        until(lambda: "运行日志无法写入" in (journal.evidence.state().trouble or ""))
    finally:
        keeper.stop()


def test_an_unexpected_failure_does_not_end_signing(
    journal: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trouble for as long as it lasts."""
    keeper = CheckpointKeeper(journal.evidence, every_entries=1)
    journal.file(1, sign=False)
    with monkeypatch.context() as broken:
        broken.delattr(StoredEvidence, "checkpoint")
        assert not keeper._attempt(at_once=True)
        assert "AttributeError" in (journal.evidence.trouble or "")
    assert keeper._attempt(at_once=False)
    assert (newest_size(journal), journal.evidence.trouble) == (1, None)


def test_the_keeper_says_why_it_cannot_sign(journal: Witnessed) -> None:
    """A rollback is not only refused: it is on record as trouble, until it is gone."""
    journal.file(10)
    journal.file(5)
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 12")
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
    keeper = CheckpointKeeper(journal.evidence, look_seconds=0.01)
    keeper.start()
    until(lambda: journal.evidence.trouble is not None)
    keeper.stop()
    assert "自第 13 条起缺失" in (journal.evidence.state().trouble or "")
