"""The recorder is the library's: its own test case, and each trap of the library kept shut."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg
import pytest
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.tests import DCBRecorderTestCase
from eventsourcing.persistence import IntegrityError

from infrastructure.database import Database
from infrastructure.journal import COPY_FROM, JournalRecorder


class LibraryCase(DCBRecorderTestCase):
    """The library's own test case, run against our recorder."""

    def runTest(self) -> None:  # noqa: N802  (unittest's name)
        """Stand in for the test method that unittest asks for; the tests below call the parts."""


@pytest.fixture
def recorder(office_database: Database) -> JournalRecorder:
    """A recorder on an empty journal."""
    return JournalRecorder(office_database)


@pytest.mark.servers
def test_passes_the_librarys_append_and_read_case(recorder: JournalRecorder) -> None:
    """What the library asks of any recorder holds for ours."""
    LibraryCase()._test_append_read(recorder)


@pytest.mark.servers
def test_passes_the_librarys_subscription_case(recorder: JournalRecorder) -> None:
    """Subscriptions of the library see what is appended."""
    LibraryCase()._test_append_subscribe(recorder)


def test_concurrent_appends_commit_in_order_and_leave_no_gap(recorder: JournalRecorder) -> None:
    """Traps 1 and 9: a live reader misses nothing although nobody gave a condition."""
    seen: list[int] = []
    writers = [
        threading.Thread(
            target=lambda: [recorder.append([DCBEvent("t", b"{}", ["a"])]) for _ in range(40)]
        )
        for _ in range(8)
    ]
    for writer in writers:
        writer.start()
    while len(seen) < 8 * 40:
        new = [one.position for one in recorder.read(after=seen[-1] if seen else 0)]
        assert new == list(range(len(seen) + 1, len(seen) + 1 + len(new)))
        seen += new
    for writer in writers:
        writer.join()
    assert seen == list(range(1, 321))


def test_a_refused_append_leaves_no_gap(recorder: JournalRecorder) -> None:
    """Trap 9: positions stay gapless after a lost race and after a failed transaction."""
    recorder.append([DCBEvent("t", b"{}", ["a"])])
    with pytest.raises(IntegrityError):
        recorder.append(
            [DCBEvent("t", b"{}")], DCBAppendCondition(DCBQuery([DCBQueryItem(tags=["a"])]))
        )
    with pytest.raises(RuntimeError), recorder.writing():
        raise RuntimeError
    assert recorder.append([DCBEvent("t", b"{}")]) == 2


def test_what_an_error_has_spoilt_is_not_taken_for_committed(recorder: JournalRecorder) -> None:
    """The server answers COMMIT with a silent rollback then; nobody may be told all is well."""
    with (
        pytest.raises(psycopg.InternalError),
        recorder.writing() as writing,
        suppress(psycopg.errors.DivisionByZero),
    ):
        writing.connection.execute("SELECT 1/0")
    assert recorder.append([DCBEvent("t", b"{}")]) == 1


def test_overlapping_items_count_an_event_once(recorder: JournalRecorder) -> None:
    """Trap 2: a page under overlapping items is as long as its limit."""
    recorder.append([DCBEvent("t", b"{}", ["a", "b"]) for _ in range(6)])
    query = DCBQuery(
        [DCBQueryItem(tags=["a"]), DCBQueryItem(tags=["b"]), DCBQueryItem(types=["t"])]
    )
    assert [one.position for one in recorder.read(query, limit=4)] == [1, 2, 3, 4]


def test_any_mixture_of_types_and_tags_can_be_asked(recorder: JournalRecorder) -> None:
    """Trap 3: several types, with and without tags, in one query."""
    recorder.append(
        [DCBEvent("x", b"{}", ["a"]), DCBEvent("y", b"{}", ["b"]), DCBEvent("z", b"{}")]
    )
    query = DCBQuery([DCBQueryItem(types=["x", "z"]), DCBQueryItem(types=["y"], tags=["b"])])
    assert [one.event.type for one in recorder.read(query)] == ["x", "y", "z"]


AWKWARD = [
    "a",
    "\\",
    "\\N",
    "\\t",
    "tab\there",
    "line\nbreak\r",
    '"quoted"',
    "{x,y}",
    "",
    "NULL",
    "张三",
]


@pytest.mark.parametrize("n", [3, COPY_FROM + 5])
def test_a_large_append_stores_the_same_as_a_small_one(recorder: JournalRecorder, n: int) -> None:
    """COPY and the single statement store the same, whatever signs the texts hold."""
    data = '{"a":"\\\\N\\t\\"张"}'.encode()
    assert recorder.append([DCBEvent("t\\\t", data, AWKWARD)] * n) == n
    for tag in AWKWARD:
        found = list(recorder.read(DCBQuery([DCBQueryItem(tags=[tag])])))
        assert len(found) == n
    assert {(one.event.type, one.event.data) for one in found} == {("t\\\t", data)}
    assert {tuple(one.event.tags) for one in found} == {tuple(AWKWARD)}


@pytest.mark.servers
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET actor = 'x'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "DELETE FROM journal_tags",
        "UPDATE journal_tags SET tag = 'x'",
    ],
)
def test_nobody_edits_or_deletes(
    recorder: JournalRecorder, office_database: Database, statement: str
) -> None:
    """Trap 7: the writer's role lacks the right, and even the owner meets the trigger."""
    recorder.append([DCBEvent("t", b"{}", ["a"])])
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        office_database.pool.connection() as c,
    ):
        c.execute(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), office_database.as_owner() as c:
        c.execute(statement)
    assert [one.event.type for one in recorder.read()] == ["t"]


@pytest.mark.servers
def test_a_position_cannot_be_skipped(recorder: JournalRecorder, office_database: Database) -> None:
    """Trap 5: whoever bypasses the recorder cannot leave a gap or write without a position."""
    recorder.append([DCBEvent("t", b"{}")])
    insert = (
        "INSERT INTO journal (position, id, fact, recorded_at, place, actor, tags, data, leaf)"
        " VALUES (%s, 'x', 't', now(), 3, '', '{}', '', '')"
    )
    with pytest.raises(psycopg.errors.IntegrityError), office_database.pool.connection() as c:
        c.execute(insert, (3,))
    with pytest.raises(psycopg.errors.NotNullViolation), office_database.pool.connection() as c:
        c.execute(insert, (None,))


@pytest.mark.servers
def test_the_lock_hands_out_a_later_moment_each_time(recorder: JournalRecorder) -> None:
    """The clock under the lock never stands still or runs back between appends."""
    moments = []
    for _ in range(3):
        with recorder.writing() as writing:
            moments.append(writing.moment)
        recorder.append([DCBEvent("t", b"{}")])
    assert moments == sorted(set(moments))


@pytest.mark.servers
def test_two_journals_in_one_database_do_not_mix(empty_database: str) -> None:
    """Traps 4 and 5: each in a schema of its own, by the connection's search path."""
    offices = [Database(empty_database, schema=name, pool_size=2) for name in ("one", "Other-2")]
    try:
        for office in offices:
            office.open()
        one, other = (JournalRecorder(office) for office in offices)
        assert one.append([DCBEvent("t", b"{}", ["a"]), DCBEvent("t", b"{}", ["a"])]) == 2
        assert other.append([DCBEvent("u", b"{}", ["a"])]) == 1
        query = DCBQuery([DCBQueryItem(tags=["a"])])
        assert [event.event.type for event in one.read(query)] == ["t", "t"]
        assert [event.event.type for event in other.read(query)] == ["u"]
        with offices[0].as_owner() as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
                " AND conrelid = 'journal_tags'::regclass"
            ).fetchone()
        assert row == (0,)
    finally:
        for office in offices:
            office.close()
