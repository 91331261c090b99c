"""The stored hash tree: leaves in the journal, the hashes of full tiles above them in tree_nodes.

Everything asks for ranges of neighbouring hashes, which come in one value: a thousand leaves cost
one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from psycopg import Connection

from application.evidence import Contradiction
from domain.evidence import (
    HASH_BYTES,
    TILE_HEIGHT,
    CompactRange,
    Node,
    ProofPath,
    Tile,
    perfect_root,
    proof,
    split,
    tile_of,
)

LEAVES_AT_ONCE: Final = 65_536
TILES_AT_ONCE: Final = 64

_RANGES = """
SELECT CASE asked.level
    WHEN 0 THEN (SELECT string_agg(leaf, ''::bytea ORDER BY position) FROM journal
                 WHERE position > low AND position <= high)
    ELSE (SELECT string_agg(hash, ''::bytea ORDER BY number) FROM tree_nodes
          WHERE tree_nodes.level = asked.level AND number >= low AND number < high)
    END
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[])
    WITH ORDINALITY AS asked(level, low, high, n)
ORDER BY n
"""


class StoredTree:
    """The tree as one connection sees it."""

    def __init__(self, connection: Connection[Any]) -> None:
        """Read through ``connection``."""
        self._connection = connection

    def grown(
        self, known: CompactRange, size: int, nodes: list[tuple[Node, bytes]]
    ) -> CompactRange:
        """Return the range grown by stored leaves up to ``size``.

        The hashes of tiles that fill up on the way are added to ``nodes``.
        """
        for first in range(known.size, size, LEAVES_AT_ONCE):
            leaves = self.hashes(0, range(first, min(first + LEAVES_AT_ONCE, size)))
            known = known.grown(leaves, lambda node, hash_: nodes.append((node, hash_)))
        return known

    def tiles(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, bytes]]:
        """Yield tiles with their hashes, one after the other."""
        for first in range(0, len(tiles), TILES_AT_ONCE):
            some = tiles[first : first + TILES_AT_ONCE]
            ranges = self._ranges([(tile.level, tile.nodes[1]) for tile in some])
            yield from zip(some, ranges, strict=True)

    def hashes(self, level: int, numbers: range) -> tuple[bytes, ...]:
        """Return neighbouring hashes of a tile level; see `Tile`."""
        return split(self._ranges([(level, numbers)])[0])

    def proof(self, path: ProofPath) -> tuple[bytes, ...]:
        """Return the proof along a path."""
        wanted = dict.fromkeys(node for nodes in path for node in nodes)
        ranges = []
        for node in wanted:
            tile, places = tile_of(node)
            first = tile.nodes[1].start
            ranges.append((tile.level, range(first + places.start, first + places.stop)))
        roots = map(perfect_root, self._ranges(ranges))
        found = dict(zip(wanted, roots, strict=True))
        return proof(path, found.__getitem__)

    def add(self, nodes: Iterable[tuple[Node, bytes]]) -> None:
        """Store the hashes of full tiles."""
        rows = [(node.height // TILE_HEIGHT, node.number, hash_) for node, hash_ in nodes]
        if rows:
            self._connection.execute(
                "INSERT INTO tree_nodes SELECT * FROM"
                " unnest(%s::smallint[], %s::bigint[], %s::bytea[])",
                [list(column) for column in zip(*rows, strict=True)],
            )

    def _ranges(self, ranges: Sequence[tuple[int, range]]) -> list[bytes]:
        """Return the hashes of every range, read in one question."""
        if not ranges:
            return []
        asked = [(level, numbers.start, numbers.stop) for level, numbers in ranges]
        columns = [list(column) for column in zip(*asked, strict=True)]
        found = self._connection.execute(_RANGES, columns, prepare=True, binary=True).fetchall()
        return [
            _checked(data, level, numbers)
            for (data,), (level, numbers) in zip(found, ranges, strict=True)
        ]


def _checked(data: bytes | None, level: int, numbers: range) -> bytes:
    """Return the hashes, or raise `Contradiction` where not exactly those asked for are stored."""
    if data is None or len(data) != len(numbers) * HASH_BYTES:
        where = "流水" if level == 0 else "散列树存储"
        raise Contradiction(
            f"{where}不完整：第 {numbers.start + 1} 至 {numbers.stop} 个散列值有缺失"
            f"（第 {level} 层）。请运行“taizhang evidence verify”核验。"
        )
    return bytes(data)
