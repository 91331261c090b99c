"""Checkpoints are signed by themselves, whatever becomes of the database and of the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.vocabulary import FACTS
from infrastructure import evidence_keeper
from infrastructure.database import Database
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_keeper import CheckpointKeeper
from infrastructure.keys import KeyRing
from tests.evidence_journal import MASTER, Witnessed, tampering, the_facts, witnessed


@pytest.fixture(autouse=True)
def _facts() -> Iterator[None]:
    known = dict(FACTS)
    the_facts()
    yield
    FACTS.clear()
    FACTS.update(known)


@pytest.fixture
def office(office_database: Database, tmp_path: Path) -> Witnessed:
    """An office whose journal is empty."""
    return witnessed(office_database, KeyRing(MASTER), None, tmp_path / "outside")


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that a thread brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def newest_size(office: Witnessed) -> int:
    """The newest checkpoint's size, 0 where there is none."""
    newest = office.evidence.newest()
    return newest.checkpoint.size if newest else 0


def test_the_keeper_signs_after_so_many_entries(office: Witnessed) -> None:
    """Not before, and without anybody asking."""
    office.file(1, sign=False)
    keeper = CheckpointKeeper(office.evidence, every_entries=10, look_seconds=0.01)
    keeper.start()
    try:
        until(lambda: newest_size(office) == 1)  # its first look; from now on it counts
        office.file(9, sign=False)
        office.file(1, sign=False)
        until(lambda: newest_size(office) == 11)
    finally:
        keeper.stop()
    assert [one.checkpoint.size for one in office.evidence.page(None, 9)] == [11, 1]


def test_the_keeper_signs_after_so_long(office: Witnessed) -> None:
    """A quiet office's entries do not wait for ever."""
    keeper = CheckpointKeeper(office.evidence, every_seconds=0.05, look_seconds=0.01)
    keeper.start()
    try:
        office.file(2, sign=False)
        until(lambda: newest_size(office) == 2)
    finally:
        keeper.stop()


def test_the_keeper_signs_at_the_end_and_what_a_crash_left_at_the_beginning(
    office: Witnessed,
) -> None:
    """Between two days nothing stays unsigned."""
    office.file(4, sign=False)
    keeper = CheckpointKeeper(office.evidence)
    keeper.start()
    until(lambda: newest_size(office) == 4)
    office.file(3, sign=False)
    keeper.stop()
    assert newest_size(office) == 7


class BrokenLog:
    """A log whose file is gone, which every line learns of by an exception."""

    def __getattr__(self, level: str) -> Callable[..., None]:
        def write(*_: object, **__: object) -> None:
            raise ValueError(f"cannot log {level}: I/O operation on closed file")

        return write


def test_a_log_that_cannot_be_written_does_not_end_signing(
    office: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when a checkpoint is told of nor when a failure is; and it is seen from outside."""
    monkeypatch.setattr(evidence_keeper, "_log", BrokenLog())
    keeper = CheckpointKeeper(office.evidence, every_entries=1, look_seconds=0.01)
    keeper.start()
    try:
        for size in (1, 2, 3):
            office.file(1, sign=False)
            until(lambda size=size: newest_size(office) == size)  # type: ignore[misc]
        until(lambda: "运行日志无法写入" in (office.evidence.state().trouble or ""))
    finally:
        keeper.stop()


def test_an_unexpected_failure_does_not_end_signing(
    office: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trouble for as long as it lasts."""
    keeper = CheckpointKeeper(office.evidence, every_entries=1)
    office.file(1, sign=False)
    with monkeypatch.context() as broken:
        broken.delattr(StoredEvidence, "checkpoint")
        assert not keeper._attempt(at_once=True)
        assert "AttributeError" in (office.evidence.trouble or "")
    assert keeper._attempt(at_once=False)
    assert (newest_size(office), office.evidence.trouble) == (1, None)


def test_the_keeper_says_why_it_cannot_sign(office: Witnessed) -> None:
    """A rollback is not only refused: it is on record as trouble, until it is gone."""
    office.file(10)
    office.file(5)
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 12")
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
    keeper = CheckpointKeeper(office.evidence, look_seconds=0.01)
    keeper.start()
    until(lambda: office.evidence.trouble is not None)
    keeper.stop()
    assert "自第 13 条起缺失" in (office.evidence.state().trouble or "")
