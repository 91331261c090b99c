"""The hash tree and the texts around it: published vectors, laws, and what must be refused."""

from __future__ import annotations

import tomllib
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    ProofProblem,
    Tile,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    perfect_root,
    proof,
    root_from_inclusion,
    root_of,
    tile_of,
    tiles_between,
)

# The vectors of the Certificate Transparency project for RFC 6962.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [_A, _B, _C]),
    (5, 8, [_D, _E, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], _B, _D]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [_A, _B, _C]),
    (6, 8, [_F, _E, ROOTS[3]]),
    (2, 5, [_B, _D]),
]
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in INPUTS]

MANY = [leaf_hash(b"%d" % n) for n in range(700)]


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition, word for word: MTH of RFC 6962 §2.1."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(slow_root(leaves[:k]), slow_root(leaves[k:]))


def subtree(leaves: list[bytes], node: Node) -> bytes:
    """The hash of a perfect subtree."""
    return slow_root(leaves[node.number << node.height : (node.number + 1) << node.height])


def included(leaves: list[bytes], index: int) -> tuple[bytes, ...]:
    """The inclusion proof of a leaf in the tree over all of them."""
    return proof(inclusion_path(index, len(leaves)), lambda node: subtree(leaves, node))


def consistent(leaves: list[bytes], old: int) -> tuple[bytes, ...]:
    """The consistency proof from the first ``old`` leaves to all of them."""
    return proof(consistency_path(old, len(leaves)), lambda node: subtree(leaves, node))


# ── published vectors ────────────────────────────────────────────────────────────────────────


def test_the_empty_trees_root_is_the_hash_of_nothing() -> None:
    """RFC 6962 §2.1."""
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    """A tree of every size from one to eight leaves."""
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "hashes"), INCLUSIONS)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, hashes: list[str]) -> None:
    """Hash by hash, from the leaf up."""
    found = included(LEAVES[:size], index)
    assert [one.hex() for one in found] == hashes
    check_inclusion(LEAVES[index], index, size, found, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "hashes"), CONSISTENCIES)
def test_consistency_proofs_are_the_published_ones(old: int, new: int, hashes: list[str]) -> None:
    """Hash by hash."""
    found = consistent(LEAVES[:new], old)
    assert [one.hex() for one in found] == hashes
    roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])
    check_consistency(old, new, found, *roots)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 700))
def test_any_root_is_that_of_the_definition(size: int) -> None:
    """The compact range comes to the same as the recursive definition."""
    assert root_of(MANY[:size]) == slow_root(MANY[:size])


@given(st.lists(st.integers(0, 700), max_size=6))
def test_a_tree_grown_in_steps_is_the_tree_grown_at_once(cuts: list[int]) -> None:
    """Stored and read back between the steps, wherever they fall."""
    grown = CompactRange()
    for first, last in pairwise([0, *sorted(cuts), 700]):
        grown = CompactRange.from_bytes(grown.size, grown.grown([]).to_bytes())
        grown = grown.grown(MANY[first:last])
    assert grown == CompactRange().grown(MANY)


@given(st.data())
def test_every_proof_proves_and_no_other_does(data: st.DataObject) -> None:
    """Inclusion: the right leaf at the right place, and nothing else."""
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    leaves = MANY[:size]
    root, hashes = root_of(leaves), included(leaves, index)
    check_inclusion(leaves[index], index, size, hashes, root)
    other = data.draw(st.integers(0, size).filter(lambda n: n != index))
    wrong = [
        (MANY[500], index, size, hashes),
        (leaves[index], other, size, hashes),
        (leaves[index], index, size, (*hashes, MANY[0])),
        (leaves[index], index, index, hashes),
    ]
    if hashes:
        at = data.draw(st.integers(0, len(hashes) - 1))
        wrong.append((leaves[index], index, size, hashes[:-1]))
        wrong.append((leaves[index], index, size, (*hashes[:at], MANY[600], *hashes[at + 1 :])))
    for attempt in wrong:
        with pytest.raises(ProofProblem):
            check_inclusion(*attempt, root)


@given(st.data())
def test_every_older_tree_is_shown_to_begin_the_newer(data: st.DataObject) -> None:
    """Consistency: proved where it holds, refused where anything was changed."""
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    leaves = MANY[:new]
    hashes, was, now = consistent(leaves, old), root_of(leaves[:old]), root_of(leaves)
    check_consistency(old, new, hashes, was, now)
    changed = [MANY[600], *leaves[1:]]
    wrong = [
        (old, new, hashes, root_of(changed[:old]), now),
        (old, new, hashes, was, root_of(changed)),
        (old, new, (*hashes, MANY[0]), was, now),
    ]
    if hashes:
        wrong.append((old, new, hashes[:-1], was, now))
    for attempt in wrong:
        with pytest.raises(ProofProblem):
            check_consistency(*attempt)


def test_a_proof_of_the_last_leaf_does_not_pass_in_a_larger_tree() -> None:
    """The size is part of what is proved."""
    hashes = included(MANY[:6], 5)
    with pytest.raises(ProofProblem):
        check_inclusion(MANY[5], 5, 7, hashes, root_of(MANY[:6]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (7, 7), (-1, 7)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """Neither made nor accepted."""
    with pytest.raises(ProofProblem, match="没有第"):
        inclusion_path(index, size)
    with pytest.raises(ProofProblem, match="没有第"):
        root_from_inclusion(MANY[0], index, size, ())


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_there_is_no_consistency_of_trees_in_the_wrong_order(old: int, new: int) -> None:
    """Nor of the empty tree, which begins every other."""
    with pytest.raises(ProofProblem):
        consistency_path(old, new)
    with pytest.raises(ProofProblem):
        check_consistency(old, new, (), EMPTY_ROOT, root_of(MANY[:5]))


def test_a_range_of_the_wrong_length_is_refused() -> None:
    """Where a stored range was cut, its size tells."""
    data = CompactRange().grown(MANY[:7]).to_bytes()
    for size in (6, 8, -1):
        with pytest.raises(ProofProblem):
            CompactRange.from_bytes(size, data)


# ── tiles ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(2, 1000), "tile/2/x001/000"),
    ],
)
def test_tiles_are_found_where_tlog_tiles_says(tile: Tile, path: str) -> None:
    """The examples of the specification, among others."""
    assert tile.path == path


def test_a_tree_of_70000_has_the_tiles_of_the_specifications_example() -> None:
    """273 full and one of 112 at level 0, one full and one of 17 at level 1, one of 1 above."""
    tiles = tiles_between(0, 70_000)
    assert len([one for one in tiles if one.level == 0]) == 274
    assert tiles[273] == Tile(0, 273, 112)
    assert tiles[274:] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert tiles_between(0, 256) == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_tiles_of_a_grown_tree_are_those_it_had_and_those_that_are_new(a: int, b: int) -> None:
    """Nothing is written twice, nothing is left out but partial tiles that have grown."""
    old, new = sorted((a, b))
    before, added, after = (set(tiles_between(*two)) for two in ((0, old), (old, new), (0, new)))
    assert before | added >= after
    assert not before & added
    assert all(one.width < 256 for one in (before | added) - after)


@given(st.integers(0, 20), st.integers(0, 2**20))
def test_a_subtree_is_the_root_over_its_hashes_in_a_tile(height: int, number: int) -> None:
    """Which hashes those are follows from the place alone."""
    tile, places = tile_of(Node(height, number))
    level, numbers = tile.nodes
    first = (numbers.start + places.start) << level
    assert first == number << height
    assert len(places) << level == 1 << height
    assert places.stop <= 256


@pytest.mark.parametrize("height", range(9))
def test_the_root_over_a_perfect_subtree_is_that_of_the_definition(height: int) -> None:
    """The quicker way, for as many hashes as a tile may hold."""
    leaves = MANY[: 1 << height]
    assert perfect_root(b"".join(leaves)) == slow_root(leaves)


def test_full_subtrees_are_told_as_they_fill() -> None:
    """The hashes of the tiles' upper levels come up while the tree grows, once each."""
    told: dict[Node, bytes] = {}

    def tell(node: Node, hash_: bytes) -> None:
        assert node not in told
        told[node] = hash_

    CompactRange().grown(MANY[:300], tell).grown(MANY[300:], tell)
    assert sorted(told) == [Node(8, 0), Node(8, 1)]
    assert all(subtree(MANY, node) == hash_ for node, hash_ in told.items())


# ── an independent implementation ────────────────────────────────────────────────────────────


def test_an_independent_implementation_agrees() -> None:
    """Roots and proofs of pymerkle; a development tool only, for its licence is the GPL."""
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle (GPL) is not installed")
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    entries = [b"%d" % n for n in range(130)]
    for entry in entries:
        tree.append_entry(entry)
    leaves = [leaf_hash(entry) for entry in entries]
    for size in range(1, 131):
        assert tree.get_root(size) == root_of(leaves[:size])
    for size in (1, 2, 7, 64, 100, 130):
        for index in range(0, size, 5):
            theirs = tree.prove_inclusion(index + 1, size)
            assert tuple(theirs.path[1:]) == included(leaves[:size], index)
            pymerkle.verify_inclusion(leaves[index], root_of(leaves[:size]), theirs)
        for old in range(1, size, 7):
            theirs = tree.prove_consistency(old, size)
            pymerkle.verify_consistency(root_of(leaves[:old]), root_of(leaves[:size]), theirs)


def test_the_independent_implementation_is_never_shipped() -> None:
    """Its licence would bind the whole program: it stands among the development tools alone."""
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    assert any(line.startswith("pymerkle") for line in project["dependency-groups"]["dev"])
    extras = project["project"]["optional-dependencies"].values()
    shipped = sum(extras, project["project"]["dependencies"])
    assert len(shipped) > 10
    assert not [line for line in shipped if line.startswith("pymerkle")]
    assert "pymerkle" not in (root / "requirements.lock").read_text("utf-8")
    floors = ("domain", "application", "infrastructure", "interface")
    sources = [path for floor in floors for path in (root / floor).rglob("*.py")]
    assert len(sources) > 20
    assert not [path for path in sources if "pymerkle" in path.read_text("utf-8")]
