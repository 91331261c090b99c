"""Rebuilding gives, row for row, what filing gave; verifying finds whatever was changed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest

from application.filing import Filing
from application.ledgers import LEDGERS as DECLARED
from application.ledgers import AnyLedger, Ledger
from domain.documents import RegisterDocument
from domain.journal import OpenJournal
from domain.vocabulary import ERASED
from infrastructure import copying, folding, rebuilding
from infrastructure.decoding import Decoder
from infrastructure.entries import decode, encode
from infrastructure.keys import KeyRing
from infrastructure.ledgers import LedgerTables
from infrastructure.office import Office
from infrastructure.rebuilding import RebuildRunning, TablesInUse, rebuild
from infrastructure.verifying import Difference, Verdict, check_journal, verify
from tests import toy_office as toys
from tests.toy_office import LEDGERS, MASTER, PERSON, Story, ToyOffice, dice_of

toy_facts, toy_office = toys.toy_facts, toys.toy_office

Lines = dict[str, list[tuple[Any, ...]]]


def everything(office: ToyOffice) -> Lines:
    """Every stored line of every ledger."""
    return {ledger.name: office.stored(ledger) for ledger in LEDGERS}


def ring_of(office: ToyOffice) -> KeyRing:
    """A ring of its own for a rebuild."""
    ring = KeyRing(MASTER)
    with office.database.as_owner() as owner:
        ring.open(owner)
    return ring


def rebuilt(office: ToyOffice, *more: Any, **named: Any) -> int:
    """Rebuild every ledger of the office."""
    return rebuild(office.database, ring_of(office), LEDGERS, *more, **named)


@contextmanager
def tampering(office: ToyOffice) -> Iterator[psycopg.Connection[Any]]:
    """The owner at work with the triggers off, as somebody would who wants to change history."""
    with office.database.as_owner() as owner:
        owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        owner.execute("ALTER TABLE journal_tags DISABLE TRIGGER USER")
        yield owner


# ── rebuilding ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
@pytest.mark.parametrize("seed", [11, 12])
def test_a_rebuild_writes_the_very_rows_that_filing_wrote(toy_office: ToyOffice, seed: int) -> None:
    """Late, future-dated, voiding, correcting entries and many in one append: no row differs."""
    toy_office.file_story(Story(seed).go_on(200), dice_of(seed))
    filed = everything(toy_office)
    assert rebuilt(toy_office) == toy_office.filed
    assert everything(toy_office) == filed
    assert all(len(lines) > 20 for lines in filed.values())


@pytest.mark.parametrize("in_byte_order", [True, False])
def test_streams_may_be_cut_anywhere(
    toy_office: ToyOffice, monkeypatch: pytest.MonkeyPatch, *, in_byte_order: bool
) -> None:
    """Tasks, chunks and pieces of COPY end in the middle of subjects and appends."""
    monkeypatch.setattr(folding, "CHUNK", 7)
    monkeypatch.setattr(folding, "SLICE", 23)
    monkeypatch.setattr(copying, "FLUSH", 200)
    monkeypatch.setattr(folding, "_in_byte_order", lambda _: in_byte_order)
    toy_office.file_story(Story(13).go_on(100), dice_of(13))
    filed = everything(toy_office)
    rebuilt(toy_office)
    assert everything(toy_office) == filed


def test_work_goes_on_during_a_rebuild(
    toy_office: ToyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries filed while it folds and while it catches up are in the rebuilt ledgers."""
    monkeypatch.setattr(rebuilding, "CATCH_UP", 10)
    story, dice = Story(14).go_on(60), dice_of(14)
    toy_office.file_story(story, dice)
    done: list[str] = []

    def go_on(what: str, _done: int, _total: int) -> None:
        if len(done) < 12:
            done.append(what)
            toy_office.file_story(story.go_on(8), dice)

    before = toy_office.filed
    reached = rebuilt(toy_office, go_on)
    assert reached == toy_office.filed > before + 50
    assert {"由流水生成台账", "建立索引", "追上新办理的业务"} <= set(done)
    now = everything(toy_office)
    toy_office.file_story(story.go_on(30), dice)  # what the keeper remembers still holds
    assert verify(toy_office.database, ring_of(toy_office), LEDGERS).sound
    rebuilt(toy_office)
    assert now != everything(toy_office)
    assert verify(toy_office.database, ring_of(toy_office), LEDGERS).sound


class Interruption(BaseException):
    """Stands for the operator's Ctrl-C."""


@pytest.mark.parametrize("when", ["由流水生成台账", "建立索引", "追上新办理的业务"])
def test_an_interrupted_rebuild_leaves_everything_as_it_was(
    toy_office: ToyOffice, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Whatever it was doing: the ledgers in use stand, the shadows are gone, the next one works."""
    monkeypatch.setattr(rebuilding, "CATCH_UP", 10)
    story, dice = Story(15).go_on(60), dice_of(15)
    toy_office.file_story(story, dice)

    def interrupt(what: str, _done: int, _total: int) -> None:
        if what == when:
            raise Interruption
        toy_office.file_story(story.go_on(10), dice)

    with pytest.raises(Interruption):
        rebuilt(toy_office, interrupt)
    filed = everything(toy_office)
    assert tables(toy_office, "shadow") == []
    assert rebuilt(toy_office) == toy_office.filed
    assert everything(toy_office) == filed


def tables(office: ToyOffice, prefix: str) -> list[str]:
    """The office's tables of that prefix."""
    with office.database.as_owner() as owner:
        rows = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'office'"
            " AND starts_with(tablename, %s)",
            (prefix + "_",),
        ).fetchall()
    return sorted(row[0] for row in rows)


def test_shadows_of_a_killed_rebuild_are_dropped_at_the_next_start(toy_office: ToyOffice) -> None:
    """A program that was killed could not clear up; the next one does."""
    with toy_office.database.as_owner() as owner:
        owner.execute("CREATE TABLE shadow_toy_people (name text)")
    with toy_office.database.as_owner() as owner:
        toy_office.tables.create_missing(owner)
    assert tables(toy_office, "shadow") == []
    assert len(tables(toy_office, "ledger")) == len(LEDGERS) + 1


def test_only_one_rebuild_runs_at_a_time(toy_office: ToyOffice) -> None:
    """A second one is told to come back, and does not touch the first one's shadows."""
    toy_office.file(Story(16).go_on(5).appends)
    refused: list[str] = []

    def another(_what: str, _done: int, _total: int) -> None:
        if not refused:
            with toy_office.database.as_owner() as owner:
                toy_office.tables.create_missing(owner)
            with pytest.raises(RebuildRunning, match="另一个程序") as caught:
                rebuilt(toy_office)
            refused.append(str(caught.value))

    rebuilt(toy_office, another)
    assert refused


def test_whoever_rebuilds_has_let_go_when_he_is_done(toy_office: ToyOffice) -> None:
    """At once, not when the server notices that he left: the next is not told to come back."""
    toy_office.file(Story(16).go_on(5).appends)
    for _ in range(3):
        rebuilt(toy_office)
        with toy_office.database.as_owner() as owner:
            held = owner.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            ).fetchone()
        assert held == (0,)


def test_a_rebuild_waits_for_readers_and_gives_up_unharmed(
    toy_office: ToyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long export is not cut off; whoever rebuilds is told to try again later."""
    monkeypatch.setattr(rebuilding, "PATIENCE", 1)
    toy_office.file(Story(17).go_on(10).appends)
    filed = everything(toy_office)
    with toy_office.database.reading() as reader:
        reader.execute("SELECT count(*) FROM ledger_toy_people")
        with pytest.raises(TablesInUse, match="未受影响"):
            rebuilt(toy_office)
    assert everything(toy_office) == filed
    assert tables(toy_office, "shadow") == []
    assert rebuilt(toy_office) == toy_office.filed


def test_a_changed_definition_is_rebuilt_and_kept_up_from_there(toy_office: ToyOffice) -> None:
    """A ledger that says something else now: stale at start, right after the rebuild."""
    story = Story(18).go_on(60)
    toy_office.file_story(story, dice_of(18))
    newer = replace(PERSON, version=2, shown=lambda _row: True)
    tables_now = LedgerTables([newer])
    with toy_office.database.as_owner() as owner:
        assert tables_now.stale(owner) == ["toy_people"]
    before = toy_office.stored(PERSON)
    rebuild(toy_office.database, ring_of(toy_office), [newer])
    with toy_office.database.as_owner() as owner:
        assert tables_now.stale(owner) == []
    assert toy_office.stored(newer) != before
    assert verify(toy_office.database, ring_of(toy_office), [newer]).sound
    verdict = verify(toy_office.database, ring_of(toy_office), [PERSON])
    assert (verdict.differences, verdict.unbuilt) == ((), (PERSON.title,))
    assert not verdict.sound


def test_who_has_been_erased_is_erased_in_a_rebuilt_ledger(toy_office: ToyOffice) -> None:
    """Once a person's key is destroyed, a rebuild reads 已销毁 and does not fail."""
    story = Story(19).go_on(80)
    toy_office.file_story(story, dice_of(19))
    somebody = next(
        e.subjects("person")[0] for e in story.entries if isinstance(e.fact, toys.Entered)
    )
    with toy_office.database.as_owner() as owner:
        owner.execute("DELETE FROM person_keys WHERE person = %s", (somebody,))
    rebuilt(toy_office)
    names = {(line[0], line[7]) for line in toy_office.stored(PERSON)}
    assert {name for who, name in names if who == somebody} == {ERASED}
    assert ERASED not in {name for who, name in names if who != somebody}
    assert len(names) > 5


def with_documents(office: Office, n: int) -> None:
    """Open the office's journal and file so many documents."""
    day = date(2020, 1, 1)
    opening = OpenJournal(effective_on=day, office="示范编办", purpose="demonstration")
    office.writer.do(Filing((opening,), "甲"))
    for number in range(n):
        command = RegisterDocument(
            document_title="关于机构编制的通知",
            issuer="示范编委",
            issuer_level="district",
            number=f"示编发〔2020〕{number}号",
            issued_on=day,
        )
        office.writer.do(Filing((command,), "甲"))


def test_two_processes_fold_what_one_does(office: Office) -> None:
    """The declared ledgers, folded by two workers, are those that the writer kept."""
    with_documents(office, 5)
    told: list[tuple[str, int, int]] = []
    ledgers: list[AnyLedger] = list(DECLARED.values())
    ring = KeyRing(office.ring._master)
    head = rebuild(office.database, ring, ledgers, lambda *what: told.append(what), processes=2)
    assert head == 6
    assert told[-1] == ("台账切换完成", 6, 6)
    assert verify(office.database, ring, ledgers).sound
    with office.database.reading() as connection:
        count = connection.execute("SELECT count(*) FROM ledger_documents").fetchone()
    assert count == (5,)


def test_a_worker_that_fails_fails_the_rebuild(office: Office) -> None:
    """What goes wrong in another process reaches whoever asked, and nothing is left behind."""
    with_documents(office, 2)
    ledgers: list[AnyLedger] = list(DECLARED.values())
    ring = KeyRing(office.ring._master)
    with office.database.as_owner() as owner:
        owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        kept = owner.execute("SELECT data FROM journal WHERE position = 2").fetchone()
        owner.execute("UPDATE journal SET data = 'x' WHERE position = 2")
    with pytest.raises(ValueError, match="unexpected character"):
        rebuild(office.database, ring, ledgers, processes=2)
    with office.database.as_owner() as owner:
        left = owner.execute("SELECT count(*) FROM pg_tables WHERE tablename ~ '^shadow_'")
        assert left.fetchone() == (0,)
        owner.execute("UPDATE journal SET data = %s WHERE position = 2", kept)
    assert rebuild(office.database, ring, ledgers, processes=2) == 3


# ── decoding ─────────────────────────────────────────────────────────────────────────────────


def test_fast_decoding_gives_the_same_entries(toy_facts: None, toy_office: ToyOffice) -> None:
    """Opened, closed or erased: the fast way reads what the slow way reads."""
    del toy_facts
    ring = KeyRing(MASTER)
    story = Story(20).go_on(150)
    pieces = [encode(entry, ring) for entry in story.entries]
    with toy_office.database.pool.connection() as connection:
        for keys in (ring, None):
            decoder = Decoder(keys)
            fast = decoder.many(connection, pieces)
            slow = [decode(piece, keys) for piece in pieces]
            assert fast == slow
            assert [type(e.fact) for e in fast] == [type(e.fact) for e in slow]
            assert [vars(e.fact) for e in fast] == [vars(e.fact) for e in slow]
            assert set(decoder._proofs.values()) <= {1, 2, 3}
    erased = [e.fact for e in fast if isinstance(e.fact, toys.Entered)]
    assert {fact.name for fact in erased} == {ERASED}
    assert {fact.born for fact in erased} == {None}


# ── verifying ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def verified(toy_office: ToyOffice) -> ToyOffice:
    """An office with a history."""
    toy_office.file_story(Story(21).go_on(120), dice_of(21))
    return toy_office


def verdict_on(office: ToyOffice) -> Verdict:
    """Verify everything."""
    return verify(office.database, ring_of(office), LEDGERS)


def test_sound_books_are_found_sound(verified: ToyOffice) -> None:
    """Nothing was touched, nothing is found; nothing is left behind."""
    told: list[str] = []
    verdict = verify(
        verified.database, ring_of(verified), LEDGERS, lambda what, _, __: told.append(what)
    )
    assert verdict.sound
    assert verdict.head == verified.filed
    assert {"核对流水", "由流水生成台账", "比对台账"} <= set(told)
    assert tables(verified, "shadow") == []


def test_verifying_looks_at_the_ledgers_as_they_stood(verified: ToyOffice) -> None:
    """Entries filed between folding and comparing are no differences."""
    story, dice = Story(21).go_on(120), dice_of(22)
    story.go_on(60)

    def go_on(what: str, done: int, total: int) -> None:
        if (what, done) == ("由流水生成台账", total):
            verified.file_story(story, dice)

    verdict = verify(verified.database, ring_of(verified), LEDGERS, go_on)
    assert verdict.sound
    assert verdict.head < verified.filed


_OUT_OF_NOTHING = (
    "INSERT INTO ledger_{0} (subject, vf, kf, ev, ek, ku, stem, name, posts)"
    " VALUES ('U9', '2020-05-01', 9, '2020-06-01', 12, 13, 9, '无中生有', 1)"
)
_SOMEWHERE = "(SELECT ctid FROM ledger_{} ORDER BY stem DESC, kf DESC LIMIT 1 OFFSET 5)"


@pytest.mark.parametrize(
    ("ledger", "statement", "field", "says"),
    [
        ("toy_people", "UPDATE ledger_{0} SET name = '换人' WHERE ctid = {1}", "name", "个人信息"),
        ("toy_people", "UPDATE ledger_{0} SET moves = 77 WHERE ctid = {1}", "moves", "“77”"),
        ("toy_movements", "UPDATE ledger_{0} SET remark = '改' WHERE ctid = {1}", "remark", "“改”"),
        ("toy_units", "UPDATE ledger_{0} SET ku = kf + 1 WHERE ctid = {1}", "ku", "撤回记录"),
        ("toy_permits", "UPDATE ledger_{0} SET stem = stem + 1 WHERE ctid = {1}", "stem", "来源"),
        ("toy_people", "DELETE FROM ledger_{0} WHERE ctid = {1}", None, "缺少一行"),
        ("toy_book", "UPDATE ledger_{0} SET taken = taken + 1 WHERE ctid = {1}", "taken", "已用"),
        ("toy_book", "UPDATE ledger_{0} SET day = day - 1 WHERE ctid = {1}", "day", "生效日"),
        ("toy_book", "DELETE FROM ledger_{0} WHERE ctid = {1}", None, "缺少一行"),
        (
            "toy_book",
            "INSERT INTO ledger_{0} SELECT * FROM ledger_{0} WHERE ctid = {1}",
            None,
            "多出一行",
        ),
        (
            "toy_units",
            _OUT_OF_NOTHING,
            None,
            "多出一行",
        ),
    ],
)
def test_a_row_changed_by_hand_is_named(
    verified: ToyOffice, ledger: str, statement: str, field: str | None, says: str
) -> None:
    """Ledger, key, field, what is stored and expected, and the entry behind it."""
    with verified.database.as_owner() as owner:
        changed = owner.execute(statement.format(ledger, _SOMEWHERE.format(ledger)).encode())
        assert changed.rowcount == 1
    verdict = verdict_on(verified)
    assert not verdict.sound
    assert not verdict.faults
    (difference,) = verdict.differences
    assert (difference.ledger, difference.field) == (ledger, field)
    assert difference.stored != difference.expected
    assert 1 <= difference.position <= verified.filed + 1
    assert difference.key
    assert says in str(difference)
    assert "换人" not in str(difference)
    rebuilt(verified)
    assert verdict_on(verified).sound


def _alter(statement: str) -> Callable[[psycopg.Connection[Any]], None]:
    def alter(owner: psycopg.Connection[Any]) -> None:
        assert owner.execute(statement.encode()).rowcount > 0

    return alter


_EDITED = (
    "convert_to(replace(convert_from(data, 'UTF8'),"
    ' \'"actor":"甲"\', \'"actor":"乙"\'), \'UTF8\')'
)
_EDIT = f"UPDATE journal SET data = {_EDITED} WHERE position = 9"  # noqa: S608  (fixed text)
_EDIT_WITH_LEAF = _EDIT.replace(" WHERE", f", leaf = sha256('\\x00'::bytea || {_EDITED}) WHERE")


@pytest.mark.parametrize(
    ("alter", "position", "says"),
    [
        (_alter(_EDIT), 9, "叶哈希"),
        (_alter(_EDIT_WITH_LEAF), 9, "办理账号"),
        (_alter("UPDATE journal SET leaf = sha256('x') WHERE position = 8"), 8, "叶哈希"),
        (_alter("UPDATE journal SET actor = '乙' WHERE position = 7"), 7, "办理账号"),
        (
            _alter("UPDATE journal SET effective_on = effective_on - 1 WHERE position = 1"),
            1,
            "生效",
        ),
        (_alter("UPDATE journal SET place = 3 WHERE position = 6"), 6, "排序位置"),
        (_alter("UPDATE journal SET fact = 'toy.left' WHERE position = 1"), 1, "记录种类"),
        (_alter("UPDATE journal SET id = 'x' WHERE position = 5"), 5, "编号"),
        (_alter("UPDATE journal SET tags = '{a:b}' WHERE position = 4"), 4, "标签"),
        (
            _alter("UPDATE journal SET recorded_at = '1999-01-01' WHERE position = 30"),
            30,
            "登记时间",
        ),
        (_alter("UPDATE journal SET data = 'x' WHERE position = 12"), 12, "无法读取"),
        (_alter("DELETE FROM journal_tags WHERE position = 10"), 10, "标签表"),
        (_alter("INSERT INTO journal_tags VALUES ('person:X', 11)"), 11, "标签表"),
        (_alter("DELETE FROM journal WHERE position = 20"), 21, "不连续"),
    ],
)
def test_a_changed_journal_is_named(
    verified: ToyOffice,
    alter: Callable[[psycopg.Connection[Any]], None],
    position: int,
    says: str,
) -> None:
    """Whoever gets past the triggers is found out: bytes, leaf, extracts, tags, order, gaps."""
    with tampering(verified) as owner:
        alter(owner)
    with rebuilding.alone(verified.database) as connection:
        faults = check_journal(connection)
    assert any(fault.position == position and says in str(fault) for fault in faults), faults


def test_a_difference_can_be_read_aloud() -> None:
    """An operator reads which ledger, whose row, which column, and what it should say."""
    said = Difference("roster", "花名册", "P1", "unit", "单位", "U1", "U2", 7)
    assert str(said) == "台账“花名册”，键 P1，流水号 7：“单位”现为“U1”，按流水应为“U2”。"


def test_every_toy_ledger_is_rebuilt(toy_facts: None) -> None:
    """The toys cover every kind of key a ledger can have."""
    del toy_facts
    kinds = {ledger.key if isinstance(ledger, Ledger) else "sum" for ledger in LEDGERS}
    assert kinds == {"unit", "person", "entry", "permit", "sum"}
