"""Verifying (核验): everything stored is compared with everything signed, in one pass.

    every entry   position follows · bytes ↔ leaf · bytes ↔ extracts · time runs on ─┐
    the tree      grown from the bytes ──root at each checkpoint's size──► its note  ├► findings
    outside       checkpoints ↔ those in the database · leaves ↔ the journal's ──────┘

What is signed outside names the very entry that was changed; without leaves outside, the two
checkpoints between which the change lies. Whoever can write the database can also cut it off after
any checkpoint: only a checkpoint held outside shows that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from psycopg import Connection

from application.evidence import DAMAGE, Contradiction, Examination, Examiner, Kind, Progress
from domain.evidence import (
    TILE_HEIGHT,
    CompactRange,
    Node,
    leaf_hash,
    root_of,
    tiles_between,
)
from domain.evidence_notes import Checkpoint, NoteProblem, opened
from infrastructure.database import Database
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import SigningKeys
from infrastructure.evidence_suites import check_signature
from infrastructure.extracts import EXTRACTS, RECORDED_AT, WIDTH, differing, extracts_of

ROWS_AT_ONCE: Final = 2_000
_UNINDEXED = """
SELECT j.position, t.tag FROM journal j, unnest(j.tags) AS t(tag)
WHERE NOT EXISTS (SELECT FROM journal_tags k WHERE k.tag = t.tag AND k.position = j.position)
ORDER BY j.position
"""
_UNTAGGED = """
SELECT k.position, k.tag FROM journal_tags k
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.position = k.position AND k.tag = ANY(j.tags))
ORDER BY k.position
"""


def examine(
    database: Database,
    keys: SigningKeys,
    folder: EvidenceFolder,
    examiners: Iterable[Examiner],
    outside: Sequence[str],
    progress: Progress,
) -> Examination:
    """Return what is wrong with the journal, its tree and checkpoints, and what derives from it."""
    result = Examination()
    signed = _Signed(keys, folder, result)
    signed.read_outside(outside)
    with database.reading() as connection:
        signed.read_database(connection)
        journal = _Journal(connection, signed, folder, result, progress)
        journal.walk()
        journal.conclude()
        _compare_tags(connection, result)
    for examiner in examiners:
        if DAMAGE.isdisjoint(result.counts):
            examiner.examine(result, progress)
        else:
            result.left_out.append(examiner.title)
    return result


# ── what was signed ──────────────────────────────────────────────────────────────────────────


@dataclass
class _Signed:
    """Every checkpoint there is, by size: its root where the signature holds."""

    keys: SigningKeys
    folder: EvidenceFolder
    result: Examination
    roots: dict[int, bytes] = field(default_factory=dict)
    ranges: dict[int, bytes] = field(default_factory=dict)
    outside: dict[int, str] = field(default_factory=dict)
    given: set[int] = field(default_factory=set)
    moments: dict[int, datetime] = field(default_factory=dict)
    newest_outside: int = 0

    def read_outside(self, given: Sequence[str]) -> None:
        """Take what the folder holds, and the notes that were handed in."""
        for size in self.folder.sizes():
            self._take_outside(size, self.folder.note(size) or "")
        self.newest_outside = max(self.outside, default=0)
        for note in given:
            checkpoint = self._take(note, None, Kind.GIVEN, "另行提供的")
            if checkpoint is not None:
                self.given.add(checkpoint.size)

    def read_database(self, connection: Connection[Any]) -> None:
        """Take what the database holds, and compare it with what was taken outside."""
        rows = connection.execute("SELECT size, range, note, at FROM checkpoints ORDER BY size")
        last: datetime | None = None
        for size, data, note, at in rows.fetchall():
            self.ranges[size] = bytes(data)
            self._compare_with_outside(size, note)
            if last is not None and at <= last:
                self._wrong(Kind.CHECKPOINT, size, "检查点的签发时刻不晚于前一个检查点")
            self.moments[size] = last = at
        self._compare_sizes()

    def _compare_with_outside(self, size: int, note: str) -> None:
        if size > self.newest_outside:  # signed since the folder was read, so it is there by now
            since = self.folder.note(size)
            if since is not None:
                self._take_outside(size, since)
        kept = self.outside.get(size)
        if kept != note:
            self._take(note, size, Kind.CHECKPOINT, "数据库中")
        if kept is not None and kept != note:
            self._wrong(Kind.CHECKPOINT, size, "数据库中的检查点与外存文件夹中的不同")
        elif kept is None and self.outside:
            self._wrong(Kind.OUTSIDE, size, "外存文件夹中缺少这个检查点")

    def _compare_sizes(self) -> None:
        """Look for checkpoints that only the folder has: a crash leaves one at its end, no more."""
        self.result.checkpoints = len(self.ranges.keys() | self.outside.keys())
        for size in sorted(self.outside.keys() - self.ranges.keys()):
            if size == max(self.outside) and size > max(self.ranges, default=0):
                self.result.notes.append(
                    f"外存文件夹中最新的检查点（{size} 条）不在数据库中：签发时中断会这样，"
                    "下次签发时自动补上；此前没有中断过的，可能是被人删除。"
                )
            else:
                self._wrong(Kind.CHECKPOINT, size, "数据库中缺少外存文件夹中的这个检查点")

    def _take_outside(self, size: int, note: str) -> None:
        self.outside[size] = note
        self._take(note, size, Kind.OUTSIDE, "外存文件夹中")

    def _take(self, note: str, size: int | None, kind: Kind, where: str) -> Checkpoint | None:
        try:
            checkpoint = opened(note, self.keys.known, check_signature)
        except NoteProblem as error:
            which = "" if size is None else f"（{size} 条）"
            self.result.found(kind, size, f"{where}检查点无效{which}：{error}")
            return None
        if size is not None and checkpoint.size != size:
            self._wrong(kind, size, f"{where}的检查点条数不符，其中写的是 {checkpoint.size} 条")
            return None
        if self.roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            self._wrong(
                kind, checkpoint.size, "有两个签名有效而根散列不同的检查点，流水曾有两个版本"
            )
        return checkpoint

    def _wrong(self, kind: Kind, size: int, what: str) -> None:
        self.result.found(kind, size, f"{what}（{size} 条）。")


# ── the journal ──────────────────────────────────────────────────────────────────────────────


class _Journal:
    """One pass over the journal, the tree growing beside it."""

    def __init__(
        self,
        connection: Connection[Any],
        signed: _Signed,
        folder: EvidenceFolder,
        result: Examination,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._signed = signed
        self._folder = folder
        self._result = result
        self._progress = progress
        self._outside = _OutsideLeaves(folder, signed, result)
        self._tree: CompactRange | None = CompactRange()
        self._stored_nodes = self._read_nodes()
        self._nodes: dict[Node, bytes] = {}  # as they should be
        self._sizes = sorted(signed.roots.keys() | signed.ranges.keys(), reverse=True)
        self._last: datetime | None = None
        self._gap = 0  # the first position that is missing, 0 where none is
        self._explained = False  # whether an entry is known to differ from what was signed

    def walk(self) -> None:
        """Look at every entry."""
        row = self._connection.execute("SELECT max(position) FROM journal").fetchone()
        total = (row[0] if row else None) or 0
        question = f"SELECT {EXTRACTS}, data, leaf FROM journal ORDER BY position"  # noqa: S608  (fixed words)
        with self._connection.cursor(binary=True) as cursor:
            entries = cursor.stream(question.encode(), size=ROWS_AT_ONCE)
            while rows := list(islice(entries, ROWS_AT_ONCE)):
                before = self._result.entries
                leaves = [self._look_at(row) for row in self._without_gaps(rows)]
                self._grow(leaves[: self._gap - before - 1] if self._gap else leaves)
                self._tree = None if self._gap else self._tree
                self._progress("核验流水", self._result.entries, total)

    def _without_gaps(self, rows: list[Any]) -> Iterator[Any]:
        for row in rows:
            expected = self._result.entries + 1
            if row[0] != expected:
                self._missing(expected, row[0] - 1)
            self._result.entries = row[0]
            yield row

    def _missing(self, first: int, last: int) -> None:
        which = f"流水号 {first}" if first == last else f"流水号 {first} 至 {last}"
        self._result.found(Kind.MISSING, first, f"{which}的记录缺失。")
        self._gap = self._gap or first

    def _look_at(self, row: Any) -> bytes:
        """Check one entry on its own; return the leaf of its bytes."""
        position, data, leaf = row[0], row[-2], row[-1]
        computed = leaf_hash(data)
        outside = self._outside.next(position)
        if outside is not None and outside != computed:
            self._outside.differing.append(position)
        elif leaf != computed:
            self._result.found(Kind.LEAF, position, f"流水号 {position} 的记录与其散列值不符。")
            self._explained = True
        try:
            self._compare(row, extracts_of(data))
        except (ValueError, TypeError, KeyError) as error:
            self._result.found(
                Kind.FORM, position, f"流水号 {position} 的记录无法识别（{error}）。"
            )
        return computed

    def _compare(self, row: Any, expected: tuple[Any, ...]) -> None:
        position, recorded = row[0], expected[RECORDED_AT]
        if row[:WIDTH] != expected:
            for title in differing(row, expected):
                detail = f"流水号 {position} 的“{title}”一列与记录不符。"
                self._result.found(Kind.EXTRACT, position, detail)
        if self._last is not None and recorded < self._last:
            self._result.found(Kind.TIME, position, f"流水号 {position} 的登记时间早于前一条。")
        self._last = recorded
        signed_at = self._signed.moments.get(position)
        if signed_at is not None and signed_at < recorded:
            detail = f"{position} 条的检查点的签发时刻早于它所包含的最后一条记录。"
            self._result.found(Kind.CHECKPOINT, position, detail)

    # ── the tree ─────────────────────────────────────────────────────────────────────────────

    def _read_nodes(self) -> dict[Node, bytes]:
        rows = self._connection.execute("SELECT level, number, hash FROM tree_nodes").fetchall()
        return {Node(level * TILE_HEIGHT, number): bytes(hash_) for level, number, hash_ in rows}

    def _grow(self, leaves: list[bytes]) -> None:
        """Add leaves, stopping at every checkpoint's size to compare the root."""
        at = 0
        while self._tree is not None and at < len(leaves):
            size = self._sizes[-1] if self._sizes else self._tree.size + len(leaves)
            upto = min(len(leaves), at + size - self._tree.size)
            self._tree = self._tree.grown(leaves[at:upto], self._compare_node)
            at = upto
            if self._sizes and self._tree.size == self._sizes[-1]:
                self._compare_root(self._tree, self._sizes.pop())

    def _compare_root(self, tree: CompactRange, size: int) -> None:
        root = self._signed.roots.get(size)
        if root is not None and root != tree.root:
            self._tree = None
            if not self._explained and not self._outside.differing:
                first = self._result.covered + 1
                detail = f"流水号 {first} 至 {size} 之间有记录被改动：与 {size} 条的检查点不符。"
                self._result.found(Kind.BYTES, first, detail)
            return
        if root is not None:
            self._result.covered = size
            if size in self._signed.outside or size in self._signed.given:
                self._result.outside = size
        kept = self._signed.ranges.get(size)
        if kept is not None and kept != tree.to_bytes():
            self._result.found(Kind.CHECKPOINT, size, f"{size} 条的检查点的紧凑散列被改动。")

    def _compare_node(self, node: Node, hash_: bytes) -> None:
        stored = self._stored_nodes.pop(node, None)
        self._nodes[node] = hash_
        if self._explained or self._outside.differing:
            return
        last = (node.number + 1) << node.height
        if stored != hash_ and (stored is not None or last <= max(self._signed.ranges, default=0)):
            first = (node.number << node.height) + 1
            detail = f"流水号 {first} 至 {last} 的散列树存储{'被改动' if stored else '缺失'}。"
            self._result.found(Kind.NODE, first, detail)

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def conclude(self) -> None:
        """Say what only the end of the journal shows."""
        head = self._result.entries
        signed = max(self._signed.roots, default=0)
        if signed > head:
            detail = (
                f"曾为 {signed} 条记录签发检查点，现在只有 {head} 条：自流水号 {head + 1} 起缺失。"
            )
            self._result.found(Kind.CUT, head + 1, detail)
        elif self._tree is not None:
            for node in sorted(self._stored_nodes):
                first = (node.number << node.height) + 1
                self._result.found(Kind.NODE, first, f"散列树存储多出一项（流水号 {first} 起）。")
            self._outside.compare_upper(self._nodes)
        self._outside.conclude()


class _OutsideLeaves:
    """The leaves that the folder outside holds, read beside the journal."""

    def __init__(self, folder: EvidenceFolder, signed: _Signed, result: Examination) -> None:
        self._folder = folder
        self._size = signed.newest_outside
        self._root = signed.roots.get(self._size)
        self._result = result
        self._leaves = self._read()
        self._at = 0
        self.differing: list[int] = []

    def _read(self) -> Iterator[bytes]:
        try:
            for tile in self._folder.leaves(self._size):
                yield from tile
        except Contradiction as error:
            self._result.found(Kind.OUTSIDE, self._at + 1, str(error))

    def next(self, position: int) -> bytes | None:
        """Return the leaf of that position; positions are asked for in ascending order."""
        leaf = None
        while self._at < position:
            leaf = next(self._leaves, None)
            self._at += 1
        return leaf

    def compare_upper(self, nodes: dict[Node, bytes]) -> None:
        """Compare the tiles above the leaves with what the journal comes to."""
        for tile in tiles_between(0, self._size if self._root else 0):
            if tile.level:
                height, numbers = tile.nodes
                first = (numbers.start << height) + 1
                if self._folder.tile(tile) != b"".join(nodes[Node(height, n)] for n in numbers):
                    detail = f"外存散列块 {tile.path} 缺失或被改动。"
                    self._result.found(Kind.OUTSIDE, first, detail)

    def conclude(self) -> None:
        """Judge the differences: the journal's fault where the leaves are those once signed."""
        if not self.differing:
            return
        try:
            genuine = root_of(one for tile in self._folder.leaves(self._size) for one in tile)
        except Contradiction:
            genuine = b""
        for position in self.differing:
            if genuine == self._root:
                detail = f"流水号 {position} 的记录被改动：与签发过的散列不符。"
                self._result.found(Kind.BYTES, position, detail)
            else:
                detail = f"流水号 {position} 在外存散列块中的散列值与其检查点不符。"
                self._result.found(Kind.OUTSIDE, position, detail)


def _compare_tags(connection: Connection[Any], result: Examination) -> None:
    for question, what in ((_UNINDEXED, "缺少"), (_UNTAGGED, "多出")):
        with connection.cursor() as cursor:  # streamed: a named cursor would get no parallel plan
            for position, tag in cursor.stream(question, size=ROWS_AT_ONCE):
                detail = f"流水号 {position} 的对象索引{what}“{tag}”。"
                result.found(Kind.TAGS, position, detail)
