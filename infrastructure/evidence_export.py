"""Exporting the journal (流水导出): everything a stranger needs to verify it, and no database.

    journal.ndjson    the stored bytes of every entry, one a line, in order
    checkpoint        the newest checkpoint; checkpoints/… those before it
    tile/…            the tree's hashes (C2SP tlog-tiles), which tell *where* a difference lies
    keys              public keys; whoever checks should hold them from elsewhere

What is personal stays sealed: an export opens no box. It is checked against the signed root while
it is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from application.evidence import Contradiction, EvidenceProblem, Progress, Signed
from domain.evidence import TILE_HEIGHT, TILE_WIDTH, CompactRange, Node, Tile, leaf_hash
from infrastructure.database import Database
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import SigningKeys
from infrastructure.system_words import why

JOURNAL: Final = "journal.ndjson"
ROWS_AT_ONCE: Final = 2_000


def write_export(
    database: Database, keys: SigningKeys, signed: Signed, folder: Path, progress: Progress
) -> None:
    """Write the entries under a checkpoint into a folder that is new or empty.

    Raises:
        EvidenceProblem: the folder is not empty, or cannot be written.
        Contradiction: the journal does not fit the checkpoint; nothing usable is left behind.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EvidenceProblem(f"文件夹“{folder}”不是空的，请另选一个。")
        with database.reading() as connection:
            _Export(connection, signed, folder, progress).write()
    except OSError as error:
        raise EvidenceProblem(f"无法写入“{folder}”（{why(error)}）。") from error
    kept = EvidenceFolder(folder, durable=False)
    kept.keep_keys([str(key) for key in keys.known])
    (folder / "checkpoint").write_bytes(signed.note.encode())


class _Export:
    def __init__(
        self, connection: Connection[Any], signed: Signed, folder: Path, progress: Progress
    ) -> None:
        self._connection = connection
        self._signed = signed
        self._progress = progress
        self._journal = folder / JOURNAL
        self._folder = EvidenceFolder(folder, durable=False)
        self._pending: dict[int, list[bytes]] = {}  # hashes of the last, partial tile by level
        self._written: dict[int, int] = {}  # tiles written by level

    def write(self) -> None:
        size = self._signed.checkpoint.size
        tree = CompactRange()
        with (
            self._journal.open("wb") as file,
            self._connection.cursor(name="export") as cursor,
        ):
            cursor.execute(
                "SELECT data FROM journal WHERE position <= %s ORDER BY position", (size,)
            )
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                entries = [bytes(row[0]) for row in rows]
                lines = b"".join(entry + b"\n" for entry in entries)
                if lines.count(b"\n") != len(entries):
                    raise Contradiction("流水记录中有换行，不是规范的存储格式，没有导出。")
                file.write(lines)
                tree = self._grown(tree, [leaf_hash(entry) for entry in entries])
                self._progress("导出流水", tree.size, size)
        if (tree.size, tree.root) != (size, self._signed.checkpoint.root):
            self._journal.unlink()
            raise Contradiction(
                f"流水与 {size} 条的检查点不符，没有导出。请运行“taizhang evidence verify”核验。"
            )
        for level, hashes in self._pending.items():
            if hashes:
                self._write_tile(level, hashes)
        rows = self._connection.execute(
            "SELECT size, note FROM checkpoints WHERE size <= %s ORDER BY size", (size,)
        ).fetchall()
        for before, note in rows:
            self._folder.keep_checkpoint(before, note)

    def _grown(self, tree: CompactRange, leaves: list[bytes]) -> CompactRange:
        for leaf in leaves:
            self._add(0, leaf)
        return tree.grown(leaves, self._full)

    def _full(self, node: Node, hash_: bytes) -> None:
        self._add(node.height // TILE_HEIGHT, hash_)

    def _add(self, level: int, hash_: bytes) -> None:
        pending = self._pending.setdefault(level, [])
        pending.append(hash_)
        if len(pending) == TILE_WIDTH:
            self._write_tile(level, pending)
            pending.clear()

    def _write_tile(self, level: int, hashes: list[bytes]) -> None:
        number = self._written.get(level, 0)
        self._folder.keep_tile(Tile(level, number, len(hashes)), b"".join(hashes))
        self._written[level] = number + 1
