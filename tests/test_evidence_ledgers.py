"""Tampering with what derives from the journal: the ledgers of a real office, row by row.

A ledger may be wrong although every hash holds. `verify` folds the journal anew and names the row,
and the entry (流水号) it stems from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from application.evidence import Examination, Kind
from infrastructure.office import Office
from interface.cli_evidence import told
from tests.http_office import http_office

HEAD = 11
"""1 opening, 2 document, 3 institution, 4 ceiling, 5 quota, then each person's card and entering:
6 and 7, 8 and 9, 10 and 11."""


@pytest.fixture(scope="module")
def office(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A unit with five posts and three people in it, everything signed; sound again at the end."""
    folder = tmp_path_factory.mktemp("evidence")
    with http_office(module_database, folder) as http:
        http.small_district()
        assert http.head() == HEAD
        assert http.office.evidence.checkpoint().checkpoint.size == HEAD
        yield http.office
        found = http.office.evidence.verify()
        assert (found.findings, found.left_out, found.outside) == ([], [], HEAD)


def attacked(office: Office, statement: str) -> Examination:
    """Tamper with a ledger and verify; afterwards everything is as before."""
    table = re.findall(r"ledger_[a-z_]+", statement)[0]
    with office.database.as_owner() as connection:
        connection.execute(f"CREATE TABLE kept AS SELECT * FROM {table}".encode())  # noqa: S608  (a table's name)
        assert connection.execute(statement.encode()).rowcount != 0
    found = office.evidence.verify()
    with office.database.as_owner() as connection:
        connection.execute(f"TRUNCATE {table}".encode())
        connection.execute(f"INSERT INTO {table} SELECT * FROM kept".encode())  # noqa: S608  (a table's name)
        connection.execute("DROP TABLE kept")
    return found


@pytest.mark.parametrize(
    ("attack", "position", "says"),
    [
        ("DELETE FROM ledger_roster WHERE stem = 7", 7, "缺少一行"),
        ("UPDATE ledger_roster SET quota_kind = '20' WHERE stem = 7", 7, "现为“20”"),
        ("UPDATE ledger_roster SET name = '李示范' WHERE stem = 9", 9, "个人信息"),
        ("UPDATE ledger_roster SET vf = vf - 365 WHERE stem = 7", 7, "行"),
        ("UPDATE ledger_roster SET ev = '2022-01-01', ek = 11 WHERE stem = 7", 7, "更替日"),
        ("UPDATE ledger_roster SET kf = 8 WHERE stem = 7", 7, "行"),
        ("UPDATE ledger_roster SET subject = '0000000000000001' WHERE stem = 9", 9, "行"),
        (
            (
                "CREATE TEMP TABLE one ON COMMIT DROP AS SELECT * FROM ledger_roster"
                " WHERE stem = 11; UPDATE one SET subject = '0000000000000001';"
                " INSERT INTO ledger_roster SELECT * FROM one"
            ),
            11,
            "多出一行",
        ),
        ("UPDATE ledger_quota_book SET approved = 50 WHERE stem = 5", 5, "现为“50”"),
        ("UPDATE ledger_quota_book SET day = day - 365 WHERE stem = 5", 5, "生效日"),
        ("DELETE FROM ledger_quota_book WHERE stem = 9", 9, "缺少一行"),
        ("INSERT INTO ledger_quota_book SELECT * FROM ledger_quota_book WHERE stem = 9", 9, "多出"),
        ("TRUNCATE ledger_roster", 7, "缺少一行"),
        ("UPDATE ledger_roster SET ku = 500 WHERE stem = 7", 7, "“撤回记录”现为“500”"),
        ("UPDATE ledger_roster SET kf = 500 WHERE stem = 7", 7, "行"),
        ("UPDATE ledger_quota_book SET ku = 12 WHERE stem = 5", 5, "不晚于 11"),
    ],
)
def test_a_changed_ledger_is_found_with_the_entry_it_stems_from(
    office: Office, attack: str, position: int, says: str
) -> None:
    """Edited, deleted, added, back-dated, emptied, or set to change later by itself."""
    found = attacked(office, attack)
    assert found.first is not None
    assert (found.first.kind, found.first.position) == (Kind.LEDGER, position)
    assert says in found.first.detail
    assert set(found.counts) == {Kind.LEDGER}
    assert found.covered == HEAD


def test_a_ledger_of_another_program_is_no_tampering(office: Office) -> None:
    """It waits to be rebuilt, and whoever reads the result is not told that all is well."""
    found = attacked(office, "UPDATE ledger_state SET version = '0' WHERE name = 'roster'")
    assert (found.findings, found.unbuilt) == ([], ["实名制人员台账"])
    said = "\n".join(told(found))
    assert "已核对的台账被改动" in said
    assert "有 1 本台账不是由本版程序生成的，没有核对：实名制人员台账。" in said
    assert "taizhang ledgers rebuild" in said
    assert "请保护现场" not in said


def test_where_something_was_changed_nothing_is_to_be_rebuilt(office: Office) -> None:
    """Both at once: what is to be seen must not be made anew before it was seen."""
    with office.database.as_owner() as connection:
        (kept,) = connection.execute(
            "SELECT version FROM ledger_state WHERE name = 'movements'"
        ).fetchone() or ("",)
        connection.execute("UPDATE ledger_state SET version = '0' WHERE name = 'movements'")
    found = attacked(office, "DELETE FROM ledger_roster WHERE stem = 7")
    with office.database.as_owner() as connection:
        connection.execute("UPDATE ledger_state SET version = %s WHERE name = 'movements'", (kept,))
    said = "\n".join(told(found))
    assert "请保护现场" in said
    assert "没有核对：人员调动情况表" in said
    assert "rebuild" not in said


def test_a_table_that_is_gone_is_found(office: Office) -> None:
    """The state says that it was made: somebody took it away."""
    with office.database.as_owner() as connection:
        connection.execute("ALTER TABLE ledger_roster RENAME TO hidden")
    found = office.evidence.verify()
    with office.database.as_owner() as connection:
        connection.execute("ALTER TABLE hidden RENAME TO ledger_roster")
    assert found.first is not None
    assert found.first.detail == "台账“实名制人员台账”的存储表不见了。"
    assert found.first.kind is Kind.LEDGER


def test_the_auditor_is_told_the_row_and_the_entry(office: Office) -> None:
    """In the first sentence."""
    lines = list(told(attacked(office, "DELETE FROM ledger_roster WHERE stem = 7")))
    assert "最早的一处：台账“实名制人员台账”，键 " in lines[1]
    assert "流水号 7：缺少一行" in lines[1]


def test_personal_values_are_not_repeated(office: Office) -> None:
    """What somebody put in place of a name is not printed where anybody may read it."""
    found = attacked(office, "UPDATE ledger_roster SET name = '李示范' WHERE stem = 9")
    assert not [line for line in told(found) if "李示范" in line or "张示范" in line]
