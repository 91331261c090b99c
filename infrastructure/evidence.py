"""Evidence (存证) on PostgreSQL: signed checkpoints (检查点) and proofs over the stored tree.

    journal.leaf ──new leaves──► compact range of the last checkpoint ──► root ──signed──► note
                                          │                                    │
                                   tree_nodes, checkpoints            folder outside the database

A checkpoint is made from stored leaves after they are committed, never in the writer's
transaction. What was signed before, in the database and outside it, is checked first: a tree that
does not contain it is never signed. Every proof is verified before it is handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from application.evidence import (
    Consistency,
    Contradiction,
    EvidenceProblem,
    Examination,
    Examiner,
    Progress,
    Signed,
    State,
    Unknown,
    no_progress,
)
from domain.evidence import (
    CompactRange,
    Node,
    ProofProblem,
    Tile,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    tiles_between,
)
from domain.evidence_notes import Checkpoint, EntryProof, NoteProblem, VerifierKey, opened
from infrastructure.database import Database
from infrastructure.evidence_checking import examine
from infrastructure.evidence_export import write_export
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import SigningKeys
from infrastructure.evidence_suites import check_signature
from infrastructure.evidence_tree import StoredTree
from infrastructure.keys import KeyProblem

CHECKPOINTS_KEPT: Final = 64
GRADES: Final = ("secret", "internal", "public")
_INSERT: Final = """
INSERT INTO checkpoints (size, range, note, at) SELECT %(size)s, %(range)s, %(note)s, greatest(
    clock_timestamp(),
    (SELECT recorded_at FROM journal WHERE position = %(size)s),
    (SELECT at + interval '1 microsecond' FROM checkpoints ORDER BY size DESC LIMIT 1))
RETURNING at
"""  # a clock that was set back must not make a checkpoint look older than what it covers
LOOK: Final = "请运行“taizhang evidence verify”核验。"


@dataclass(frozen=True)
class _Kept:
    """A checkpoint with what the tree grows on from."""

    signed: Signed
    range: CompactRange


class StoredEvidence:
    """The evidence of one office; safe to use from several threads and processes."""

    def __init__(
        self,
        database: Database,
        keys: Callable[[], SigningKeys],
        folder: Path,
        examiners: Sequence[Examiner] = (),
    ) -> None:
        """Sign with what ``keys`` returns at the time, keep a copy in ``folder``.

        ``examiners`` compare what else is derived from the journal (identities, ledgers).
        """
        self._database = database
        self._folder = EvidenceFolder(folder)
        self._examiners = examiners
        self._keys = keys
        # One text is signed once and asked for often: what held before holds for the same keys.
        self._read_once = lru_cache(CHECKPOINTS_KEPT)(_read_checkpoint)
        self.trouble: str | None = None

    @property
    def keys(self) -> SigningKeys:
        """The keys that sign, and those that did, as they are now.

        Raises:
            EvidenceProblem: the key file was replaced by one that cannot be used.
        """
        try:
            return self._keys()
        except KeyProblem as error:
            raise EvidenceProblem(str(error)) from error

    # ── signing ──────────────────────────────────────────────────────────────────────────────

    def checkpoint(self) -> Signed:
        """Sign all entries there are; the newest checkpoint where there are no new ones.

        Raises:
            Contradiction: what is stored contradicts what was signed before.
            Unknown: the journal is empty.
            EvidenceProblem: the folder outside cannot be written.
        """
        with self._database.changing() as connection:
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('checkpoints in ' || %s, 0))",
                (self._database.schema,),
            )
            tree = StoredTree(connection)
            last = self._grown_to_outside(connection, tree, self._last(connection))
            head = _head(connection)
            if not head:
                raise Unknown("流水还没有记录，不能签发检查点。")
            if last and head < last.signed.checkpoint.size:
                raise Contradiction(_cut_off(head, last.signed.checkpoint.size))
            if not last or head > last.signed.checkpoint.size:
                last = self._sign(connection, tree, last.range if last else CompactRange(), head)
            self._carry_outside(connection, tree, last.signed)
        return last.signed

    def _sign(
        self, connection: Connection[Any], tree: StoredTree, known: CompactRange, head: int
    ) -> _Kept:
        nodes: list[tuple[Node, bytes]] = []
        grown = tree.grown(known, head, nodes)
        keys = self.keys
        note = str(keys.signed(str(Checkpoint(keys.origin, grown.size, grown.root))))
        return self._store(connection, tree, grown, note, nodes)

    def _store(
        self,
        connection: Connection[Any],
        tree: StoredTree,
        grown: CompactRange,
        note: str,
        nodes: list[tuple[Node, bytes]],
    ) -> _Kept:
        tree.add(nodes)
        row: Any = connection.execute(
            _INSERT, {"size": grown.size, "range": grown.to_bytes(), "note": note}
        ).fetchone()
        return _Kept(self._opened(note, row[0]), grown)

    def _last(self, connection: Connection[Any]) -> _Kept | None:
        """Return the database's last checkpoint, its signature and its range checked."""
        row = connection.execute(
            "SELECT size, range, note, at FROM checkpoints ORDER BY size DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        size, data, note, at = row
        try:
            kept = _Kept(self._opened(note, at), CompactRange.from_bytes(size, bytes(data)))
        except ProofProblem as error:
            raise Contradiction(f"数据库中 {size} 条的检查点被改动：{error}{LOOK}") from error
        found = kept.signed.checkpoint
        if (found.size, found.root) != (kept.range.size, kept.range.root):
            raise Contradiction(f"数据库中 {size} 条的检查点被改动：紧凑散列与签名不符。{LOOK}")
        return kept

    def _opened(self, note: str, at: datetime) -> Signed:
        return Signed(self._checkpoint(note), note, at)

    def _checkpoint(self, note: str) -> Checkpoint:
        return self._read_once(note, self.keys.known)

    # ── the folder outside ───────────────────────────────────────────────────────────────────

    def _grown_to_outside(
        self, connection: Connection[Any], tree: StoredTree, last: _Kept | None
    ) -> _Kept | None:
        """Return the last checkpoint, the folder's where it is ahead of the database.

        It is ahead after a crash between writing it and committing: then the journal contains it.
        Where the journal does not, it was cut off or rolled back.
        """
        outside, size = self._folder.newest(), last.range.size if last else 0
        if outside <= size:
            if outside:
                self._match(connection, outside)
            return last
        if _head(connection) < outside:
            raise Contradiction(_cut_off(_head(connection), outside))
        nodes: list[tuple[Node, bytes]] = []
        grown = tree.grown(last.range if last else CompactRange(), outside, nodes)
        note = self._folder.note(outside) or ""
        keys = self.keys
        should = str(keys.signed(str(Checkpoint(keys.origin, outside, grown.root))))
        if note != should and should.startswith(note):  # the crash came while it was written
            self._folder.keep_checkpoint(outside, note := should)
        if self._checkpoint(note) != Checkpoint(keys.origin, outside, grown.root):
            raise Contradiction(f"流水与外存文件夹中 {outside} 条的检查点不符。{LOOK}")
        return self._store(connection, tree, grown, note, nodes)

    def _match(self, connection: Connection[Any], size: int) -> None:
        """Hold the folder's checkpoint to the database's; one half written is completed."""
        row = connection.execute(
            "SELECT note FROM checkpoints WHERE size = %s", (size,), prepare=True
        ).fetchone()
        if row is None:
            raise Contradiction(f"数据库中缺少外存文件夹中 {size} 条的检查点。{LOOK}")
        self._folder.keep_checkpoint(size, row[0])

    def _carry_outside(self, connection: Connection[Any], tree: StoredTree, newest: Signed) -> None:
        """Write what the folder lacks: tiles first, so that a checkpoint there is complete."""
        there, size = self._folder.newest(), newest.checkpoint.size
        if there == size:
            return
        self._folder.keep_keys([str(key) for key in self.keys.known])
        self._folder.keep_tiles(tree.tiles(tiles_between(there, size)))
        rows = connection.execute(
            "SELECT size, note FROM checkpoints WHERE size > %s ORDER BY size", (there,)
        ).fetchall()
        for between, note in rows:
            self._folder.keep_checkpoint(between, note)

    # ── questions ────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        with self._database.pool.connection() as connection:
            yield connection

    def state(self) -> State:
        """See `application.evidence.Evidence.state`."""
        with self._reading() as connection:
            head = _head(connection)
        newest, keys = self.newest(), self.keys
        return State(
            origin=keys.origin,
            head=head,
            newest=newest,
            outside=self._folder.newest(),
            folder=str(self._folder.path),
            signing=tuple(signer.key for signer in keys.signers),
            known=keys.known,
            trouble=self.trouble,
        )

    def unsigned(self) -> int:
        """Return how many entries no checkpoint covers yet; negative where entries are missing."""
        with self._reading() as connection:
            row: Any = connection.execute(
                "SELECT coalesce((SELECT max(position) FROM journal), 0)"
                " - coalesce((SELECT max(size) FROM checkpoints), 0)",
                prepare=True,
            ).fetchone()
        return int(row[0])

    def newest(self) -> Signed | None:
        """See `application.evidence.Evidence.newest`."""
        found = self.page(None, 1)
        return found[0] if found else None

    def signed(self, size: int) -> Signed:
        """See `application.evidence.Evidence.signed`."""
        with self._reading() as connection:
            return self._signed(connection, size)

    def _signed(self, connection: Connection[Any], size: int) -> Signed:
        found = self._page(connection, size + 1, 1)
        if not found or found[0].checkpoint.size != size:
            raise Unknown(f"没有 {size} 条记录时的检查点。")
        return found[0]

    def page(self, before: int | None, limit: int) -> list[Signed]:
        """See `application.evidence.Evidence.page`."""
        with self._reading() as connection:
            return self._page(connection, before, limit)

    def _page(self, connection: Connection[Any], before: int | None, limit: int) -> list[Signed]:
        rows = connection.execute(
            "SELECT note, at FROM checkpoints WHERE size < %s ORDER BY size DESC LIMIT %s",
            (2**62 if before is None else before, limit),
            prepare=True,
        ).fetchall()
        return [self._opened(note, at) for note, at in rows]

    def stored(self, position: int) -> bytes:
        """See `application.evidence.Evidence.stored`."""
        with self._reading() as connection:
            return _stored(connection, position)

    def tile(self, tile: Tile) -> bytes:
        """See `application.evidence.Evidence.tile`."""
        newest = self.newest()
        size = newest.checkpoint.size if newest else 0
        if tile.nodes[1].stop > size >> tile.nodes[0]:
            raise Unknown(f"没有散列块 {tile.path}。")
        with self._reading() as connection:
            return next(StoredTree(connection).tiles([tile]))[1]

    # ── proofs ───────────────────────────────────────────────────────────────────────────────

    def prove(self, position: int, size: int | None = None) -> EntryProof:
        """Return the proof of one entry, checked; signs a checkpoint first where none covers it.

        Raises:
            Unknown: there is no such entry or no such checkpoint.
            Contradiction: what is stored does not fit what was signed.
        """
        with self._reading() as connection:
            found = self._proof(connection, position, size)
        if found is None:
            self.checkpoint()
            with self._reading() as connection:
                found = self._proof(connection, position, size)
        if found is None:
            raise Unknown(f"没有包含第 {position} 条记录的检查点。")
        return found

    def _proof(
        self, connection: Connection[Any], position: int, size: int | None
    ) -> EntryProof | None:
        """Return the proof, None where the newest checkpoint does not cover the entry."""
        stored = _stored(connection, position)
        if size is None:
            newest = self._page(connection, None, 1)
            if not newest or newest[0].checkpoint.size < position:
                return None
            signed = newest[0]
        else:
            signed = self._signed(connection, size)
            if size < position:
                raise Unknown(f"{size} 条的检查点不包含第 {position} 条记录。")
        checkpoint, index = signed.checkpoint, position - 1
        hashes = StoredTree(connection).proof(inclusion_path(index, checkpoint.size))
        try:
            check_inclusion(leaf_hash(stored), index, checkpoint.size, hashes, checkpoint.root)
        except ProofProblem as error:
            raise Contradiction(f"第 {position} 条记录与检查点不符，可能被改动。{LOOK}") from error
        return EntryProof(index, hashes, signed.note, stored)

    def consistency(self, old: int, new: int | None = None) -> Consistency:
        """Return the proof that one checkpoint's journal begins another's, checked.

        The other is the newest by default.

        Raises:
            Unknown: there is no such checkpoint, or the older one is the larger.
            Contradiction: what is stored does not fit what was signed.
        """
        with self._reading() as connection:
            was = self._signed(connection, old)
            newest = self._page(connection, None, 1)[0]
            now = newest if new is None else self._signed(connection, new)
            new = now.checkpoint.size
            if old > new:
                raise Unknown("较早的检查点条数不能大于较晚的检查点。")
            hashes = StoredTree(connection).proof(consistency_path(old, new))
        try:
            check_consistency(old, new, hashes, was.checkpoint.root, now.checkpoint.root)
        except ProofProblem as error:
            raise Contradiction(
                f"{old} 条与 {new} 条的检查点不一致，流水可能被改动。{LOOK}"
            ) from error
        return Consistency(was, now, hashes)

    # ── the whole ────────────────────────────────────────────────────────────────────────────

    def verify(self, outside: Sequence[str] = (), progress: Progress = no_progress) -> Examination:
        """See `application.evidence.Evidence.verify`."""
        return examine(self._database, self.keys, self._folder, self._examiners, outside, progress)

    def secrecy(self, size: int) -> str:
        """See `application.evidence.Evidence.secrecy`."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT grade FROM unnest(%s::text[], %s::bytea[]) WITH ORDINALITY"
                " AS known(grade, said, n) WHERE EXISTS (SELECT FROM journal"
                " WHERE journal.position <= %s AND position(said IN data) > 0) ORDER BY n LIMIT 1",
                (list(GRADES), [f',"secrecy":"{one}",'.encode() for one in GRADES], size),
            ).fetchone()
        return row[0] if row else GRADES[-1]

    def export(self, folder: Path, signed: Signed, progress: Progress = no_progress) -> None:
        """See `application.evidence.Evidence.export`."""
        write_export(self._database, self.keys, signed, folder, progress)


def _read_checkpoint(note: str, known: tuple[VerifierKey, ...]) -> Checkpoint:
    try:
        return opened(note, known, check_signature)
    except NoteProblem as error:
        raise Contradiction(f"检查点无法采信：{error}{LOOK}") from error


def _stored(connection: Connection[Any], position: int) -> bytes:
    row = connection.execute(
        "SELECT data FROM journal WHERE position = %s", (position,), prepare=True
    ).fetchone()
    if row is None:
        raise Unknown(f"没有流水号为 {position} 的记录。")
    return bytes(row[0])


def _head(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT max(position) FROM journal").fetchone()
    return row[0] or 0 if row else 0


def _cut_off(head: int, signed: int) -> str:
    return (
        f"流水被截断或恢复成了旧副本：曾为 {signed} 条记录签发检查点，现在只有 {head} 条。"
        f"自第 {head + 1} 条起缺失，不再签发新的检查点。请用完整的备份恢复。"
    )
