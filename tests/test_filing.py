"""The writer on a real database: what is filed with an entry, and what a failure leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest

from application.deciding import two_people_act
from application.filing import Filing, KeyReused, Receipt
from bench.workload import START, District, command
from domain.deciding import Command, Hindrance, Refused, Rule
from domain.journal import JournalOpened, journal_has_been_opened
from domain.quotas import quota_has_a_vacancy
from domain.staffing_people import person_is_registered_once
from infrastructure.filing import FilingStore
from infrastructure.office import Office
from tests.databases import MASTER_KEY
from tests.district import id_number

DAY = date(2026, 11, 2)


@pytest.fixture
def district(office: Office) -> District:
    """A district of one institution with room for everybody."""
    return District(office, institutions=1)


def filed(office: Office, one: Command, actor: str = "clerk", **more: Any) -> Receipt:
    """File one command."""
    return office.writer.do(Filing((one,), actor, **more))


def refused_by(rule: Rule, office: Office, *commands: Command, **more: Any) -> Refused:
    """Expect these commands, filed as one append, to be refused by this rule."""
    before = head(office)
    with pytest.raises(Refused) as refused:
        office.writer.do(Filing(commands, "clerk", **more))
    assert refused.value.rule is rule
    assert head(office) == before, "something was recorded"
    return refused.value


def head(office: Office) -> int:
    """The journal's last position."""
    return office.journal.head()[0]


def counted(office: Office, what: str) -> int:
    """How many rows a table has."""
    with office.database.pool.connection() as connection:
        row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # noqa: S608  (fixed)
    assert row is not None
    return int(row[0])


def raising(change: int) -> Command:
    """A raise of the ceiling: nothing but a key tells two of them apart."""
    return command("quotas.set-ceiling", effective_on=START, quota_kind="20", change=change)


# ── what is filed with an entry ──────────────────────────────────────────────────────────────


def test_every_entry_says_what_its_whole_command_rested_on(
    office: Office, district: District
) -> None:
    """Both facts of an entering carry all its rules, the net's too; together, all it asked."""
    before = head(office)
    receipt = filed(office, district.entering(1, DAY)[0])
    kept = [office.journal.entry(entry.position) for entry in receipt.entries]
    decided = [entry.decided for entry in kept if entry is not None and entry.decided]
    assert len(decided) == 2
    for one in decided:
        assert one.head == before
        assert {"quota_has_a_vacancy@1", "later_entries_keep_their_footing@1"} <= set(one.rules)
    asked = [tag for one in decided for tag in one.asked]
    assert len(asked) == len(set(asked))
    unit, person = district.institutions[0], receipt.entries[0].subjects("person")[0]
    assert {"office:main", "calendar:national", f"account:{unit}", f"person:{person}"} <= set(asked)


def test_a_decision_within_a_batch_has_seen_the_members_before_it(
    office: Office, district: District
) -> None:
    """Also within one append of several commands: the head it saw is the entry before."""
    receipt = office.writer.do(Filing(tuple(district.entering(3, DAY)), "clerk"))
    heads = [entry.decided.head for entry in receipt.entries if entry.decided]
    first = receipt.first - 1
    assert heads == [first, first, first + 2, first + 2, first + 4, first + 4]


def test_an_append_has_one_moment_and_no_other_has_it(office: Office, district: District) -> None:
    """However many appends one transaction writes."""
    with stalled(office):
        futures = [office.writer.submit(Filing((c,), "clerk")) for c in district.entering(40, DAY)]
    receipts = sorted((future.result() for future in futures), key=lambda one: one.first)
    for receipt in receipts:
        assert {entry.recorded_at for entry in receipt.entries} == {receipt.recorded_at}
    moments = [receipt.recorded_at for receipt in receipts]
    assert moments == sorted(set(moments))
    with office.database.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(DISTINCT xmin::text) FROM journal WHERE position >= %s",
            (receipts[0].first,),
        ).fetchone()
    assert row is not None
    assert row[0] < len(receipts)  # several appends did share a transaction


def test_nothing_is_filed_before_the_journal_is_opened(office: Office) -> None:
    """Entry 1 is the opening, whoever comes first; what could be filed then may be asked."""
    assert filed(office, raising(1), dry_run=True).entries
    refused_by(journal_has_been_opened, office, raising(1))
    opening = command(
        "journal.open", effective_on=START, office="示范区委编办", purpose="demonstration"
    )
    refused_by(journal_has_been_opened, office, raising(1), opening)
    assert head(office) == 0
    office.writer.do(Filing((opening, raising(1)), "clerk"))
    first = office.journal.entry(1)
    assert first is not None
    assert isinstance(first.fact, JournalOpened)


def test_refusals_are_kept_aside_but_not_those_of_a_trial(
    office: Office, district: District
) -> None:
    """Who asked for what, about whom, and the rule; no word of the body; nothing in the journal."""
    unit = district.institutions[0]
    too_many = command(
        "quotas.cut-back",
        effective_on=DAY,
        institution=unit,
        quota_kind="20",
        number=999_999,
        reason="张示范的事",
    )
    before = head(office)
    for dry_run in (True, False):
        with pytest.raises(Refused):
            filed(office, too_many, dry_run=dry_run)
    assert head(office) == before
    with office.database.pool.connection() as connection:
        rows = connection.execute("SELECT actor, command, subjects, rule FROM refusals").fetchall()
        text = connection.execute("SELECT r::text FROM refusals r").fetchone()
    assert rows == [("clerk", "quotas.cut-back", [unit], "quota_given_up_is_not_in_use")]
    assert text is not None
    assert "示范" not in text[0]


def test_history_outlives_a_rule_that_was_tightened(
    office: Office, district: District, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 11: rules live in `decide`; what they allowed once is folded for ever."""
    filed(office, district.entering(1, DAY)[0])
    monkeypatch.setitem(
        quota_has_a_vacancy.__dict__, "check", lambda *_: Hindrance("此后不再进人。")
    )
    with Office(empty_database, MASTER_KEY) as later:
        with pytest.raises(Refused, match="此后不再进人"):
            filed(later, district.entering(1, DAY)[0])
        filed(later, raising(1))


# ── who is who ───────────────────────────────────────────────────────────────────────────────


def registering(n: int) -> Command:
    """Put somebody on file under the n-th number."""
    particulars = {"name": "王示范", "id_no": id_number(n)}
    return command("staffing.register-person", particulars=particulars)


def test_a_number_given_on_after_a_correction_is_still_registered_once(
    office: Office, district: District
) -> None:
    """The identity index follows the correction: nobody gets the number a third time."""
    del district  # it has opened the journal
    wrong = filed(office, registering(1)).entries[0]
    body = {"particulars": {"name": "王示范", "id_no": id_number(2)}}
    refiled = {"kind": "staffing.register-person", "body": body}
    items = [{"position": wrong.position, "command": refiled}]
    filed(office, command("journal.correct", items=items, reason="号码录错"))
    owner = filed(office, registering(1)).entries[0]
    assert owner.subjects("person") != wrong.subjects("person")
    refused = refused_by(person_is_registered_once, office, registering(1))
    assert refused.positions == (owner.position,)
    refused_by(person_is_registered_once, office, registering(3), registering(3))
    assert filed(office, registering(3)).entries  # the refused filing has left nothing behind


# ── two people ───────────────────────────────────────────────────────────────────────────────


def test_nothing_that_needs_two_people_is_filed_by_one(office: Office, district: District) -> None:
    """Whatever way it comes: the writer itself asks for the second person, and for another one."""
    change = {"name": "four_eyes", "value": ["quotas.set-ceiling"]}
    filed(office, command("settings.change", effective_on=START, **change))
    inside = {"kind": "quotas.set-ceiling", "body": raising(1).model_dump(mode="json")}
    correction = command("journal.correct", items=[{"command": inside}], reason="补录")
    for one, more in (
        (raising(1), {}),
        (correction, {}),
        (raising(1), {"prepared_by": "clerk", "approved_by": "clerk"}),
    ):
        refused_by(two_people_act, office, one, **more)
    assert filed(office, raising(1), dry_run=True).entries
    done = filed(office, raising(1), "reviewer", prepared_by="clerk", approved_by="reviewer")
    (entry,) = done.entries
    assert (entry.actor, entry.prepared_by, entry.approved_by) == ("reviewer", "clerk", "reviewer")
    filed(office, district.entering(1, DAY)[0])


# ── failures ─────────────────────────────────────────────────────────────────────────────────


@contextmanager
def stalled(office: Office) -> Iterator[None]:
    """Hold the journal's lock, so that what is handed in meanwhile waits for one batch."""
    with office.database.as_owner() as owner:
        owner.execute("LOCK TABLE journal IN EXCLUSIVE MODE")
        yield


def underway(office: Office, one: Command) -> Future[Receipt]:
    """Hand a filing in and wait until the writer has taken it."""
    future = office.writer.submit(Filing((one,), "clerk"))
    while not future.running():
        time.sleep(0.001)
    return future


def break_once(monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Let the connection break before or after the next commit."""
    sound = FilingStore.writing
    tried: list[None] = []

    @contextmanager
    def breaking(self: FilingStore) -> Iterator[Any]:
        tried.append(None)
        fails = len(tried) == 1
        with sound(self) as transaction:
            yield transaction
            if fails and not after:
                raise psycopg.OperationalError("the connection broke before the commit")
        if fails:
            raise psycopg.OperationalError("the connection broke, the commit had been done")

    monkeypatch.setattr(FilingStore, "writing", breaking)


@pytest.mark.parametrize("callers", [1, 8])
def test_a_commit_that_nobody_answered_is_not_filed_again(
    office: Office, district: District, monkeypatch: pytest.MonkeyPatch, callers: int
) -> None:
    """The connection broke after the commit: it is looked up, and everybody gets his receipt."""
    del district
    before = head(office)
    break_once(monkeypatch, after=True)
    with stalled(office):
        futures = [office.writer.submit(Filing((raising(1),), "clerk")) for _ in range(callers)]
    receipts = [future.result() for future in futures]
    assert sorted(receipt.first for receipt in receipts) == list(
        range(before + 1, before + 1 + callers)
    )
    assert head(office) == before + callers
    filed(office, raising(1))
    assert head(office) == before + callers + 1


def test_a_commit_that_was_not_done_is_tried_again_alone(
    office: Office, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke before the commit: nothing is there, and each filing is made once."""
    before = head(office)
    break_once(monkeypatch, after=False)
    with stalled(office):
        futures = [office.writer.submit(Filing((c,), "clerk")) for c in district.entering(8, DAY)]
    positions = [entry.position for future in futures for entry in future.result().entries]
    assert sorted(positions) == list(range(before + 1, before + 17))
    assert counted(office, "person_keys") == 8


def test_where_the_database_is_away_all_are_told_at_once(
    office: Office, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the tries of those before him."""
    first, *others = district.entering(9, DAY)
    tries: list[None] = []

    def away(_: FilingStore) -> Any:
        tries.append(None)
        raise psycopg.OperationalError("no server")

    with stalled(office):
        begun = underway(office, first)
        monkeypatch.setattr(FilingStore, "writing", away)
        futures = [office.writer.submit(Filing((one,), "clerk")) for one in others]
    assert begun.result().entries
    assert all(isinstance(future.exception(), psycopg.OperationalError) for future in futures)
    assert len(tries) == 1
    monkeypatch.undo()
    assert filed(office, others[0]).entries


def test_lost_connections_are_replaced(office: Office, district: District) -> None:
    """Trap 13: every connection of the pool is cut; the next filing goes through."""
    for one in district.entering(3, DAY):
        with office.database.as_owner() as owner:
            cut = owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        assert cut
        assert filed(office, one).entries


def test_a_caller_who_goes_away_before_his_turn_takes_his_filing_back(
    office: Office, district: District
) -> None:
    """And harms nobody: neither the writer nor those who wait with him."""
    first, *others = district.entering(4, DAY)
    before = head(office)
    with stalled(office):
        begun = underway(office, first)
        gone, *waiting = [office.writer.submit(Filing((one,), "clerk")) for one in others]
        assert gone.cancel()
        assert not begun.cancel()
    assert begun.result().entries
    assert all(future.result().entries for future in waiting)
    with pytest.raises(CancelledError):
        gone.result()
    assert head(office) == before + 6
    assert filed(office, others[0]).entries


def test_sixty_four_callers_need_no_more_connections_than_the_pool_has(
    office: Office, district: District
) -> None:
    """Trap 14: one pool, and a small one."""
    most = 0
    futures = [
        office.writer.submit(Filing((one,), f"clerk-{n}"))
        for n, one in enumerate(district.entering(64, DAY))
    ]
    with office.database.as_owner() as owner:
        while not all(future.done() for future in futures):
            row = owner.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            most = max(most, row[0] if row else 0)
    assert all(future.result().entries for future in futures)
    assert 1 <= most <= office.database.pool.max_size


def test_a_key_belongs_to_all_that_was_filed_under_it(office: Office, district: District) -> None:
    """Also to its later commands."""
    unit = district.institutions[0]
    body = {"effective_on": DAY, "institution": unit, "quota_kind": "20", "number": 1}
    grant = command("quotas.grant", **body, basis=district.basis)
    taken_over = command("quotas.take-over", **body, basis=district.basis)
    filed(office, raising(5))
    office.writer.do(Filing((grant, grant), "clerk", key="k"))
    with pytest.raises(KeyReused):
        office.writer.do(Filing((grant, taken_over), "clerk", key="k"))
    with pytest.raises(KeyReused):
        office.writer.do(Filing((grant,), "clerk", key="k"))
