"""Evidence (存证): the hash tree over the journal, its proofs, and where its hashes are kept.

The tree is that of RFC 6962 §2.1 (= RFC 9162 §2.1), with SHA-256, over the journal's leaves:

    leaf = SHA-256(0x00 ‖ stored bytes)         node = SHA-256(0x01 ‖ left ‖ right)

          root of 7 leaves                    Perfect subtrees never change once they are full.
          ┌─────┴─────┐                       The few that make up a tree from left to right (here
        (2,0)      ┌──┴──┐                    4 + 2 + 1 leaves) are its compact range: enough to
       ┌──┴──┐   (1,2)   │                    know the root and to go on adding leaves.
     (1,0) (1,1) ┌─┴─┐ (0,6)                  (height, number) names such a subtree.
      0 1   2 3  4   5   6

An inclusion proof shows that an entry stands at its place in a tree of some size; a consistency
proof shows that an older tree is the beginning of a newer one. Positions (流水号) count from 1,
leaf indexes from 0: index = position − 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Final, NamedTuple, Self

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 §2.1)."""


class ProofProblem(Exception):
    """A proof does not prove what it should, or there can be none; the message says why."""


def leaf_hash(data: bytes) -> bytes:
    """Return the leaf of stored bytes: SHA-256(0x00 ‖ bytes), RFC 6962 §2.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


class Node(NamedTuple):
    """A perfect subtree: 2^height leaves, the first of them number·2^height."""

    height: int
    number: int


# ── growing ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CompactRange:
    """The perfect subtrees of a tree's first ``size`` leaves, largest (leftmost) first.

    ``hashes`` holds one hash for every 1 in the binary form of ``size``.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def grown(
        self, leaves: Iterable[bytes], full: Callable[[Node, bytes], None] | None = None
    ) -> CompactRange:
        """Return the range with ``leaves`` added; amortised two hashes a leaf.

        ``full`` is told every subtree of `TILE_HEIGHT`, 2·`TILE_HEIGHT` … that fills up: the
        hashes of the tiles' upper levels.
        """
        stack, size, at, new_leaves = list(self.hashes), self.size, 0, list(leaves)
        while at < len(new_leaves):
            # A tile's worth at once where it fills a subtree: the same hashes in half the time.
            whole = not size % TILE_WIDTH and len(new_leaves) - at >= TILE_WIDTH
            height, width = (TILE_HEIGHT, TILE_WIDTH) if whole else (0, 1)
            new = _root_over(new_leaves[at : at + width])
            above, at, size = size >> height, at + width, size + width
            if whole and full is not None:
                full(Node(height, above), new)
            while above & 1:
                new = sha256(b"\x01" + stack.pop() + new).digest()
                above >>= 1
                height += 1
                if full is not None and not height % TILE_HEIGHT:
                    full(Node(height, above), new)
            stack.append(new)
        return CompactRange(size, tuple(stack))

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        return folded(self.hashes) if self.hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Return the hashes one after the other."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ProofProblem: there are not as many hashes as a tree of that size has.
        """
        if size < 0 or len(data) != size.bit_count() * HASH_BYTES:
            raise ProofProblem(f"{size} 条记录的紧凑散列应有 {size.bit_count()} 个散列值。")
        return cls(size, split(data))


def split(data: bytes) -> tuple[bytes, ...]:
    """Return the hashes that stand one after the other in ``data``."""
    return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))


def folded(hashes: Sequence[bytes]) -> bytes:
    """Return the hash above neighbouring subtrees that get smaller from left to right."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes: MTH of RFC 6962 §2.1."""
    return CompactRange().grown(leaves).root


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over 1, 2, 4, 8 … hashes that stand one after the other."""
    return _root_over(split(hashes))


def _root_over(level: Sequence[bytes]) -> bytes:
    while len(level) > 1:
        each = iter(level)
        level = [sha256(b"\x01" + left + next(each)).digest() for left in each]
    return level[0]


def perfect(first: int, end: int) -> tuple[Node, ...]:
    """Return the perfect subtrees that make up the leaves from ``first`` up to before ``end``.

    ``first`` must be a place where RFC 6962 splits a tree that reaches to ``end``.
    """
    found = []
    while first < end:
        height = (end - first).bit_length() - 1
        found.append(Node(height, first >> height))
        first += 1 << height
    return tuple(found)


# ── proofs ───────────────────────────────────────────────────────────────────────────────────

ProofPath = tuple[tuple[Node, ...], ...]
"""A proof before its hashes are known: each of them is the `folded` hash of these subtrees."""


def inclusion_path(index: int, size: int) -> ProofPath:
    """Return the path of leaf ``index`` in a tree of ``size``: RFC 6962 §2.1.1, from the leaf up.

    Raises:
        ProofProblem: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofProblem(f"{size} 条记录的散列树中没有第 {index + 1} 条。")
    path: list[tuple[Node, ...]] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left_part(end - first)
        if index < middle:
            path.append(perfect(middle, end))
            end = middle
        else:
            path.append(perfect(first, middle))
            first = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int) -> ProofPath:
    """Return the path that leads from a tree of ``old`` leaves to one of ``new``: RFC 6962 §2.1.2.

    Raises:
        ProofProblem: the older tree is empty (there is nothing to prove) or the larger one.
    """
    if not 0 < old <= new:
        raise ProofProblem(f"不能证明 {old} 条的散列树是 {new} 条的散列树的开头。")
    path: list[tuple[Node, ...]] = []
    first, end, whole = 0, new, True
    while old != end:
        middle = first + _left_part(end - first)
        if old <= middle:
            path.append(perfect(middle, end))
            end = middle
        else:
            path.append(perfect(first, middle))
            first, whole = middle, False
    if not whole:
        path.append(perfect(first, end))
    return tuple(reversed(path))


def _left_part(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def proof(path: ProofPath, hash_of: Callable[[Node], bytes]) -> tuple[bytes, ...]:
    """Return the hashes of a path, asking ``hash_of`` for those of perfect subtrees."""
    return tuple(folded([hash_of(node) for node in nodes]) for nodes in path)


def root_from_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to: RFC 9162 §2.1.3.2.

    Raises:
        ProofProblem: the tree has no such leaf, or the proof has too few or too many hashes.
    """
    if not 0 <= index < size:
        raise ProofProblem(f"{size} 条记录的散列树中没有第 {index + 1} 条。")
    root = leaf
    for one, is_left in _with_sides(hashes, index, size - 1):
        root = node_hash(one, root) if is_left else node_hash(root, one)
    return root


def check_inclusion(
    leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` stands at ``index`` in the tree of ``size`` with that ``root``.

    Raises:
        ProofProblem: the proof does not show it.
    """
    if root_from_inclusion(leaf, index, size, hashes) != root:
        raise ProofProblem(f"包含证明不成立：第 {index + 1} 条记录不在该散列树中。")


def check_consistency(
    old: int, new: int, hashes: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of ``old`` leaves is the beginning of that of ``new``: RFC 9162 §2.1.4.2.

    Raises:
        ProofProblem: the proof does not show it.
    """
    if not 0 < old <= new:
        raise ProofProblem(f"不能证明 {old} 条的散列树是 {new} 条的散列树的开头。")
    is_perfect = not old & (old - 1)  # then the path starts at the older tree's own root
    given = [old_root, *hashes] if is_perfect or old == new else hashes
    if not given:
        raise ProofProblem("证明中的散列值不足。")
    # How high the older tree's last perfect subtree reaches; equal trees leave no way to go up.
    height = new.bit_length() if old == new else (old ^ old - 1).bit_length() - 1
    was = now = given[0]
    for one, is_left in _with_sides(given[1:], old - 1 >> height, new - 1 >> height):
        was = node_hash(one, was) if is_left else was
        now = node_hash(one, now) if is_left else node_hash(now, one)
    if was != old_root or now != new_root:
        raise ProofProblem(f"一致性证明不成立：前 {old} 条与当时的散列树不符。")


def _with_sides(hashes: Sequence[bytes], at: int, last: int) -> Iterator[tuple[bytes, bool]]:
    """Yield every hash and whether it joins from the left, on the way up from ``at``.

    ``last`` is the rightmost number on ``at``'s level.
    """
    for one in hashes:
        if last == 0:
            raise ProofProblem("证明中的散列值过多。")
        is_left = bool(at & 1) or at == last
        yield one, is_left
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last:
        raise ProofProblem("证明中的散列值不足。")


# ── tiles (散列块) ───────────────────────────────────────────────────────────────────────────

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Hashes in a full tile (C2SP tlog-tiles)."""


class Tile(NamedTuple):
    """A run of neighbouring hashes (C2SP tlog-tiles): level 0 holds leaves.

    Hash *i* of tile *number* at *level* is that of the perfect subtree
    (8·level, 256·number + i). ``width`` is 256 but in the rightmost tile of a level.
    """

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile is found below the log's address or folder."""
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{_numbered(self.number)}{part}"

    @property
    def nodes(self) -> tuple[int, range]:
        """The height of the subtrees whose hashes it holds, and their numbers."""
        first = self.number * TILE_WIDTH
        return self.level * TILE_HEIGHT, range(first, first + self.width)


def _numbered(number: int) -> str:
    """Return a tile's number as a path: 1234067 is ``x001/x234/067``."""
    parts = [f"{number % 1000:03}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03}")
    return "/".join(reversed(parts))


def tiles_between(old: int, new: int) -> list[Tile]:
    """Return the tiles that a tree of ``new`` leaves has and one of ``old`` has not.

    With ``old`` 0: all of them. Partial ones of sizes in between are not among them.
    """
    found: list[Tile] = []
    level = 0
    while new >> level * TILE_HEIGHT:
        before, after = old >> level * TILE_HEIGHT, new >> level * TILE_HEIGHT
        full = after // TILE_WIDTH
        found += [Tile(level, number) for number in range(before // TILE_WIDTH, full)]
        if after % TILE_WIDTH and before != after:
            found.append(Tile(level, full, after % TILE_WIDTH))
        level += 1
    return found


def tile_of(node: Node) -> tuple[Tile, range]:
    """Return the full tile below which a perfect subtree hangs, and its hashes there.

    The subtree's hash is the root over those hashes of the tile.
    """
    level, height = divmod(node.height, TILE_HEIGHT)
    first = node.number << height
    number, at = divmod(first, TILE_WIDTH)
    return Tile(level, number), range(at, at + (1 << height))
