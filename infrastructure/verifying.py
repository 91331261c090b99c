"""Verifying (核对): do the stored ledgers say what the journal says, and is the journal whole?

The ledgers are folded anew into shadows, exactly as a rebuild does, and compared row by row with
those in use, as these stood at the same position; nothing is swapped. The journal's extracts, tags
and leaves are compared with the stored bytes. Only reads what is in use: work goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from application.ledgers import OPEN_DAY, OPEN_POSITION, AnyLedger, Ledger, SumLedger
from infrastructure.database import Database
from infrastructure.entries import leaf_hash
from infrastructure.extracts import EXTRACTS, RECORDED_AT, differing, extracts_of
from infrastructure.keys import KeyRing
from infrastructure.ledger_tables import RowTable, SumTable, definition, quoted, table_name
from infrastructure.ledger_words import PAIRS
from infrastructure.rebuilding import SHADOW, Report, alone, shadows, silent

CHUNK = 5_000
_MARK_TITLES = {
    "vf": "生效起", "kf": "记录起", "ev": "更替日", "ek": "更替记录", "ku": "撤回记录",
    "stem": "来源流水", "day": "生效日", PAIRS: "关键词索引",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Where a stored ledger row and the journal disagree.

    ``field`` is None where the whole row is missing or should not be there; ``stored`` is what
    the table holds, ``expected`` what the journal says (both None: there is no table although it
    was made); ``position`` is the entry it stems from.
    """

    ledger: str
    title: str
    key: str
    field: str | None
    field_title: str
    stored: Any
    expected: Any
    position: int
    personal: bool = False

    def __str__(self) -> str:
        """Say it in Chinese; personal values are not repeated."""
        where = f"台账“{self.title}”，键 {self.key}，流水号 {self.position}："
        if self.field is None:
            if self.stored is self.expected is None:
                return f"台账“{self.title}”的存储表不见了。"
            return where + ("缺少一行。" if self.stored is None else "多出一行。")
        if self.personal:
            return f"{where}“{self.field_title}”与流水不符（个人信息，内容从略）。"
        return f"{where}“{self.field_title}”现为“{self.stored}”，按流水应为“{self.expected}”。"


@dataclass(frozen=True)
class Fault:
    """Where the journal itself is not whole: at which position, and what is wrong (in Chinese)."""

    position: int
    what: str

    def __str__(self) -> str:
        """Say it in Chinese."""
        return f"流水号 {self.position}：{self.what}"


class Verdict(NamedTuple):
    """What a verification found: up to which position, and the first fault of each kind.

    ``unbuilt`` are the titles of ledgers that another version of the program made, if any did:
    they hold other columns or mean something else, and were not compared.
    """

    head: int
    faults: tuple[Fault, ...]
    differences: tuple[Difference, ...]
    unbuilt: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether everything was compared and agrees."""
        return not (self.faults or self.differences or self.unbuilt)


def verify(
    database: Database,
    ring: KeyRing,
    ledgers: Iterable[AnyLedger],
    report: Report = silent,
    *,
    processes: int | None = None,
) -> Verdict:
    """Compare journal and ledgers with the stored bytes; see `Verdict`.

    ``ring`` opens personal boxes and must be nobody else's meanwhile. Raises `RebuildRunning`.
    """
    chosen = tuple(ledgers)
    with alone(database) as connection:
        faults = tuple(check_journal(connection, report))
        compared = _compared(database, connection, ring, chosen, report, processes)
    return compared._replace(faults=faults)


def verify_ledgers(
    database: Database, ring: KeyRing, ledgers: Iterable[AnyLedger], report: Report = silent
) -> Verdict:
    """Compare the ledgers alone, for whoever has examined the journal itself; see `verify`."""
    with alone(database) as connection:
        return _compared(database, connection, ring, tuple(ledgers), report)


def _compared(
    database: Database,
    connection: Connection[Any],
    ring: KeyRing,
    ledgers: Sequence[AnyLedger],
    report: Report,
    processes: int | None = None,
) -> Verdict:
    found: list[Difference] = []
    unbuilt: list[str] = []
    folded = shadows(database, connection, ring, ledgers, report, processes, indexed=False)
    with folded as head:
        for n, ledger in enumerate(ledgers, start=1):
            if _is_current(connection, ledger):
                found += _first_difference(connection, ledger, head)
            else:
                unbuilt.append(ledger.title)
            report("比对台账", n, len(ledgers))
    return Verdict(head, (), tuple(found), tuple(unbuilt))


# ── ledgers ──────────────────────────────────────────────────────────────────────────────────


def _first_difference(
    connection: Connection[Any], ledger: AnyLedger, head: int
) -> Iterator[Difference]:
    if not _is_stored(connection, ledger):
        yield Difference(ledger.name, ledger.title, "", None, "", None, None, head)
        return
    if isinstance(ledger, Ledger):
        yield from _row_difference(connection, ledger, head)
    else:
        yield from _sum_difference(connection, ledger, head)
    yield from _from_the_future(connection, ledger)


def _from_the_future(connection: Connection[Any], ledger: AnyLedger) -> Iterator[Difference]:
    """Find a row that speaks of an entry that is not there yet: it would come to light later."""
    marks = ("kf", "ku", "stem") if isinstance(ledger, SumLedger) else ("kf", "ek", "ku", "stem")
    keys = list(ledger.keys) if isinstance(ledger, SumLedger) else ["subject"]
    beyond = " OR ".join(f"{m} > head AND {m} < {OPEN_POSITION}" for m in marks)
    row = connection.execute(
        f"SELECT head, {', '.join(marks)}, {', '.join(map(quoted, keys))}"  # noqa: S608
        f" FROM {quoted(table_name(ledger.name))},"
        " (SELECT coalesce(max(position), 0) AS head FROM journal) known"
        f" WHERE {beyond} ORDER BY stem LIMIT 1".encode()
    ).fetchone()
    if row is None:
        return
    head, said, key = row[0], dict(zip(marks, row[1:], strict=False)), row[1 + len(marks) :]
    mark = next(m for m in marks if head < said[m] < OPEN_POSITION)
    yield Difference(
        ledger.name, ledger.title, ":".join(map(str, key)), mark,
        _MARK_TITLES.get(mark, mark), said[mark], f"不晚于 {head}", min(said["stem"], head),
    )  # fmt: skip


def _is_current(connection: Connection[Any], ledger: AnyLedger) -> bool:
    """Whether the ledger was made in the form that this program declares."""
    state = connection.execute("SELECT version FROM ledger_state WHERE name = %s", (ledger.name,))
    return state.fetchone() == (definition(ledger),)


def _is_stored(connection: Connection[Any], ledger: AnyLedger) -> bool:
    exists = connection.execute("SELECT to_regclass(%s)", (quoted(table_name(ledger.name)),))
    return exists.fetchone() != (None,)


def _row_difference(connection: Connection[Any], ledger: Ledger, head: int) -> Iterator[Difference]:
    names = RowTable(ledger, SHADOW).names
    known = _as_known(names)
    stored = f"SELECT {known} FROM {quoted(table_name(ledger.name))} WHERE kf <= %(head)s"  # noqa: S608
    both = ", ".join(f"{side}.{quoted(name)}" for side in "se" for name in names)
    equal = " AND ".join(f"s.{quoted(n)} IS NOT DISTINCT FROM e.{quoted(n)}" for n in names)
    row = connection.execute(
        f"SELECT {both} FROM ({stored}) s FULL JOIN {quoted(table_name(ledger.name, SHADOW))} e"  # noqa: S608
        " ON s.subject = e.subject AND s.kf = e.kf AND s.vf = e.vf"
        f" WHERE NOT ({equal}) ORDER BY least(s.stem, e.stem), coalesce(s.kf, e.kf)"
        " LIMIT 1".encode(),
        {"head": head},
    ).fetchone()
    if row is not None:
        yield _difference(ledger, names, row[: len(names)], row[len(names) :], key=1)


def _sum_difference(
    connection: Connection[Any], ledger: SumLedger, head: int
) -> Iterator[Difference]:
    names = SumTable(ledger, SHADOW).names
    known, plain = _as_known(names), ", ".join(map(quoted, names))
    stored = f"SELECT {known} FROM {quoted(table_name(ledger.name))} WHERE kf <= %(head)s"  # noqa: S608
    shadow = f"SELECT {plain} FROM {quoted(table_name(ledger.name, SHADOW))}"  # noqa: S608
    place = names.index("stem")
    found: list[Any] = []
    for one, other in ((stored, shadow), (shadow, stored)):
        found.append(
            connection.execute(
                f"SELECT {plain} FROM ({one} EXCEPT ALL {other}) d ORDER BY stem LIMIT 1".encode(),  # noqa: S608
                {"head": head},
            ).fetchone()
        )
    left, right = found
    if left is None and right is None:
        return
    if left is not None and right is not None and left[place] != right[place]:
        left, right = (left, None) if left[place] < right[place] else (None, right)
    nothing = (None,) * len(names)
    yield _difference(ledger, names, left or nothing, right or nothing, key=len(ledger.keys))


def _as_known(names: Sequence[str]) -> str:
    """Return the columns of a stored row as they stood at the position ``head``."""
    as_known = {
        "ev": f"CASE WHEN ek <= %(head)s THEN ev ELSE '{OPEN_DAY}'::date END AS ev",
        "ek": f"CASE WHEN ek <= %(head)s THEN ek ELSE {OPEN_POSITION} END AS ek",
        "ku": f"CASE WHEN ku <= %(head)s THEN ku ELSE {OPEN_POSITION} END AS ku",
    }
    return ", ".join(as_known.get(name, quoted(name)) for name in names)


def _difference(
    ledger: AnyLedger,
    names: Sequence[str],
    stored: Sequence[Any],
    expected: Sequence[Any],
    key: int,
) -> Difference:
    there, wanted = any(v is not None for v in stored), any(v is not None for v in expected)
    said = stored if there else expected
    where, stem = ":".join(map(str, said[:key])), said[names.index("stem")]
    if not (there and wanted):
        whole = "整行"
        return Difference(
            ledger.name, ledger.title, where, None, "",
            whole if there else None, whole if wanted else None, stem,
        )  # fmt: skip
    n = next(n for n in range(len(names)) if stored[n] != expected[n])
    if names[n] == PAIRS:  # hundreds of numbers: which differ would tell nobody anything
        has, should = set(stored[n]), set(expected[n])
        said = f"多{len(has - should)}组、少{len(should - has)}组"
        title = _MARK_TITLES[PAIRS]
        return Difference(ledger.name, ledger.title, where, PAIRS, title, said, "一致", stem)
    column = ledger.columns.get(names[n])
    title = column.title if column else _MARK_TITLES.get(names[n], names[n])
    personal = bool(column and column.personal)
    return Difference(
        ledger.name, ledger.title, where, names[n], title, stored[n], expected[n], stem, personal
    )


# ── the journal ──────────────────────────────────────────────────────────────────────────────


def check_journal(connection: Connection[Any], report: Report = silent) -> list[Fault]:
    """Return the first fault of each kind: bytes, extracts, tags, order, gaps."""
    faults: dict[str, Fault] = {}
    row = connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()
    head = row[0] if row else 0
    before: tuple[int, datetime | None] = (0, None)
    with connection.transaction(), connection.cursor(name="journal_check") as cursor:
        cursor.execute(
            f"SELECT {EXTRACTS}, data, leaf FROM journal"  # noqa: S608
            " WHERE position <= %s ORDER BY position".encode(),
            (head,),
            binary=True,
        )
        while rows := cursor.fetchmany(CHUNK):
            for line in rows:
                for kind, what in _faults_of(line, before):
                    faults.setdefault(kind, Fault(line[0], what))
                before = line[0], line[3]
            report("核对流水", before[0], head)
    if before[0] != head:
        faults.setdefault("gap", Fault(before[0], f"其后至流水号 {head} 缺少记录。"))
    for position in connection.execute(_TAGS_DIFFER, (head, head)).fetchall():
        faults.setdefault("tags", Fault(position[0], "标签表与该记录的标签不一致。"))
    return sorted(faults.values(), key=lambda fault: fault.position)


_TAGS_DIFFER = """
SELECT min(position) FROM (
    SELECT DISTINCT position, unnest(tags) AS tag FROM journal WHERE position <= %s
) j FULL JOIN journal_tags t USING (position, tag)
WHERE (j.tag IS NULL OR t.tag IS NULL) AND position <= %s HAVING count(*) > 0
"""


def _faults_of(
    line: Sequence[Any], before: tuple[int, datetime | None]
) -> Iterator[tuple[str, str]]:
    position, recorded_at, data, leaf = line[0], line[RECORDED_AT], line[-2], line[-1]
    if position != before[0] + 1:
        yield "gap", f"流水号不连续：前一条为 {before[0]}。"
    if before[1] is not None and recorded_at < before[1]:
        yield "order", "登记时间早于前一条记录。"
    if leaf_hash(data) != leaf:
        yield "leaf", "叶哈希与存储内容不符，内容可能被改动。"
    try:
        expected = extracts_of(data)
    except (ValueError, KeyError, TypeError):
        yield "bytes", "存储内容无法读取。"
        return
    for title in differing(line, expected):
        yield f"extract {title}", f"“{title}”一列与存储内容不符。"
