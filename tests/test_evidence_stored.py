"""Checkpoints and proofs over a real journal: signing, the folder outside, crashes, rotation."""

from __future__ import annotations

import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from application.evidence import Contradiction, EvidenceProblem, Unknown
from domain.evidence import (
    Tile,
    check_consistency,
    check_inclusion,
    leaf_hash,
    root_of,
    split,
    tiles_between,
)
from domain.evidence_notes import EntryProof, Note, opened
from domain.vocabulary import FACTS
from infrastructure.database import Database
from infrastructure.evidence_folder import EvidenceFolder, EvidencePlaces
from infrastructure.evidence_keys import new_signing_keys
from infrastructure.evidence_opening import opened_evidence, replace_lost_keys
from infrastructure.evidence_suites import check_signature
from infrastructure.keys import KeyProblem, KeyRing
from tests.evidence_journal import MASTER, ORIGIN, Witnessed, tampering, the_facts, witnessed


@pytest.fixture(autouse=True)
def _facts() -> Iterator[None]:
    known = dict(FACTS)
    the_facts()
    yield
    FACTS.clear()
    FACTS.update(known)


@pytest.fixture
def office(office_database: Database, tmp_path: Path) -> Witnessed:
    """An office whose journal is empty."""
    return witnessed(office_database, KeyRing(MASTER), None, tmp_path / "outside")


def leaves(office: Witnessed) -> list[bytes]:
    """Every leaf, hashed anew from the stored bytes."""
    return [leaf_hash(office.evidence.stored(n)) for n in range(1, office.head() + 1)]


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_a_checkpoint_signs_the_root_over_all_entries(office: Witnessed) -> None:
    """Grown in steps from the last compact range, whatever the sizes."""
    sizes = []
    for number in (1, 2, 5, 248, 1, 255, 300):
        office.file(number)
        newest = office.evidence.newest()
        assert newest is not None
        sizes.append(newest.checkpoint.size)
        assert newest.checkpoint.root == root_of(leaves(office))
        assert newest.checkpoint.origin == ORIGIN
        assert opened(newest.note, office.keys.known, check_signature) == newest.checkpoint
    assert sizes == [1, 3, 8, 256, 257, 512, 812]
    assert [one.checkpoint.size for one in office.evidence.page(None, 3)] == [812, 512, 257]
    assert [one.checkpoint.size for one in office.evidence.page(8, 3)] == [3, 1]


def test_an_empty_journal_is_not_signed(office: Witnessed) -> None:
    """There is nothing to say about it."""
    with pytest.raises(Unknown, match="还没有记录"):
        office.evidence.checkpoint()
    assert office.evidence.newest() is None


def test_nothing_new_is_not_signed_again(office: Witnessed) -> None:
    """The newest checkpoint is the answer."""
    office.file(3)
    first = office.evidence.checkpoint()
    assert office.evidence.checkpoint() == first
    assert len(office.evidence.page(None, 10)) == 1


def test_checkpoints_of_racing_programs_are_all_consistent(office: Witnessed) -> None:
    """Filing and signing at the same time, in several programs: one history, fully outside."""
    office.file(1)
    others = [office.again() for _ in range(3)]
    failures: list[BaseException] = []

    def sign(one: Witnessed) -> None:
        try:
            for _ in range(8):
                one.evidence.checkpoint()
        except BaseException as error:  # noqa: BLE001  (shown by the assertion below)
            failures.append(error)

    threads = [threading.Thread(target=sign, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for _ in range(20):
        office.file(7, sign=False)
    for thread in threads:
        thread.join()
    assert not failures
    office.evidence.checkpoint()
    found = office.verify()
    assert (found.findings, found.covered, found.outside) == ([], 141, 141)


def test_signing_while_everything_is_verified_is_no_fault(
    office: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that came after the folder was read, and before the database was, fits both."""
    office.file(10)
    sizes = EvidenceFolder.sizes

    def then_sign(folder: EvidenceFolder) -> list[int]:
        found = sizes(folder)
        office.file(5)
        return found

    monkeypatch.setattr(EvidenceFolder, "sizes", then_sign)
    found = office.verify()
    assert (found.findings, found.covered, found.outside) == ([], 15, 15)


def test_a_clock_that_was_set_back_does_not_date_a_checkpoint_before_its_entries(
    office: Witnessed,
) -> None:
    """Entries keep their order by going ahead of such a clock, and so do checkpoints."""
    office.file(3, sign=False)
    with tampering(office.database) as connection:
        connection.execute("UPDATE journal SET recorded_at = recorded_at + interval '1 year'")
    first, last = office.evidence.checkpoint(), office.database
    with last.as_owner() as connection:
        row = connection.execute("SELECT max(recorded_at) FROM journal").fetchone()
    assert row is not None
    assert first.at >= row[0]
    office.file(1)
    assert office.evidence.page(None, 1)[0].at > first.at


@pytest.mark.servers
def test_nobody_edits_or_deletes_checkpoints(office: Witnessed) -> None:
    """The writer's role lacks the right, and even the owner meets the trigger."""
    office.file(300)
    pool, refused = office.database.pool, psycopg.errors.InsufficientPrivilege
    for table, column in (("checkpoints", "size"), ("tree_nodes", "number")):
        for verb in ("DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {} + 1"):
            statement = verb.format(table, column, column).encode()
            with pytest.raises(refused), pool.connection() as writer:
                writer.execute(statement)
            with pytest.raises(refused), office.database.as_owner() as owner:
                owner.execute(statement)
    assert not office.verify().findings


# ── the folder outside ───────────────────────────────────────────────────────────────────────


def test_the_folder_outside_holds_what_was_signed(office: Witnessed) -> None:
    """Every checkpoint, every tile of the newest tree, every public key."""
    for number in (3, 600, 700):
        office.file(number)
    assert office.folder.sizes() == [3, 603, 1303]
    for size in office.folder.sizes():
        assert office.folder.note(size) == office.evidence.signed(size).note
    for tile in tiles_between(0, 1303):
        assert (office.outside / tile.path).read_bytes() == office.evidence.tile(tile)
    assert [one for tile in office.folder.leaves(1303) for one in tile] == leaves(office)
    assert office.folder.public_keys() == [str(key) for key in office.keys.known]


def test_the_upper_tiles_are_roots_of_those_below(office: Witnessed) -> None:
    """What a stranger computes from level 0 is what level 1 says."""
    office.file(1303)
    for number, hash_ in enumerate(split(office.evidence.tile(Tile(1, 0, 5)))):
        assert hash_ == root_of(split(office.evidence.tile(Tile(0, number))))


@pytest.mark.parametrize("tile", [Tile(0, 5, 24), Tile(0, 6), Tile(1, 0, 6), Tile(7, 0, 1)])
def test_tiles_beyond_the_newest_checkpoint_are_unknown(office: Witnessed, tile: Tile) -> None:
    """Nothing unsigned is handed out."""
    office.file(1303)
    office.file(500, sign=False)
    with pytest.raises(Unknown):
        office.evidence.tile(tile)


def test_files_outside_are_only_ever_added(office: Witnessed) -> None:
    """So that the folder may be append-only by its file system."""
    office.file(300)
    before = {path: path.read_bytes() for path in office.outside.rglob("*") if path.is_file()}
    for path in before:
        path.chmod(0o444)
    office.file(300)
    for path, content in before.items():
        assert path.read_bytes() == content


def test_a_new_folder_receives_everything(office: Witnessed, tmp_path: Path) -> None:
    """After a change of disk the new folder is complete at the next checkpoint."""
    for number in (3, 600, 700):
        office.file(number)
    moved = office.again(outside=tmp_path / "elsewhere")
    moved.evidence.checkpoint()
    assert moved.folder.sizes() == [3, 603, 1303]
    found = moved.verify()
    assert (found.findings, found.outside) == ([], 1303)


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_signed(
    office: Witnessed, tmp_path: Path
) -> None:
    """A checkpoint that nobody keeps outside is none."""
    office.file(3, sign=False)
    (tmp_path / "file").touch()
    blocked = office.again(outside=tmp_path / "file" / "outside")
    with pytest.raises(EvidenceProblem, match="外存文件夹无法"):
        blocked.evidence.checkpoint()
    assert office.evidence.newest() is None


# ── crashes ──────────────────────────────────────────────────────────────────────────────────


def crash_before_commit(office: Witnessed) -> None:
    """Leave things as a crash does that comes after the folder was written."""
    office.evidence.checkpoint()
    size = office.head()
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM checkpoints WHERE size = %s", (size,))
        connection.execute("DELETE FROM tree_nodes WHERE number >= 1")


@pytest.mark.parametrize("more", [0, 300])
def test_a_checkpoint_that_was_written_outside_but_not_committed_is_taken_over(
    office: Witnessed, more: int
) -> None:
    """The journal contains it: it was signed, so it counts."""
    office.file(300)
    office.file(400, sign=False)
    crash_before_commit(office)
    assert not office.verify().findings
    office.file(more or 1, sign=bool(more))
    office.evidence.checkpoint()
    assert office.folder.sizes() == [300, 700, 700 + (more or 1)]
    assert not office.verify().findings


@pytest.mark.parametrize("kept", [0, 40])
def test_half_written_tiles_outside_are_completed(office: Witnessed, kept: int) -> None:
    """A crash in the middle of writing does not stop signing for ever."""
    office.file(300)
    office.file(400, sign=False)
    crash_before_commit(office)
    (office.outside / "checkpoints/000/000/000/700").unlink()  # it is written last
    for name in ("tile/0/001", "tile/0/002.p/188"):
        path = office.outside / name
        path.write_bytes(path.read_bytes()[:kept])
    office.evidence.checkpoint()
    found = office.verify()
    assert (found.findings, found.outside) == ([], 700)


def test_a_half_written_checkpoint_outside_is_completed(office: Witnessed) -> None:
    """Signing is deterministic: the rest of the line is known."""
    office.file(300)
    office.file(400, sign=False)
    crash_before_commit(office)
    path = office.outside / "checkpoints/000/000/000/700"
    whole = path.read_bytes()
    path.write_bytes(whole[:70])
    office.evidence.checkpoint()
    assert path.read_bytes() == whole
    assert not office.verify().findings


def test_a_half_filled_new_folder_is_completed(office: Witnessed, tmp_path: Path) -> None:
    """The crash came while older checkpoints were carried to a new disk."""
    for number in (3, 600, 700):
        office.file(number)
    moved = office.again(outside=tmp_path / "elsewhere")
    shutil.copytree(office.outside / "tile", moved.outside / "tile")  # tiles are written first
    moved.folder.keep_checkpoint(3, office.evidence.signed(3).note)
    path = moved.outside / "checkpoints/000/000/000/603"
    path.write_text(office.evidence.signed(603).note[:50], "utf-8")
    moved.evidence.checkpoint()
    found = moved.verify()
    assert (found.findings, found.outside) == ([], 1303)


# ── what is never signed ─────────────────────────────────────────────────────────────────────


def test_a_journal_that_was_rolled_back_is_not_signed(office: Witnessed) -> None:
    """Neither the database's own checkpoints nor those outside are contradicted."""
    office.file(10)
    office.file(10)
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 15")
    with pytest.raises(Contradiction, match="自第 16 条起缺失"):
        office.evidence.checkpoint()
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
    with pytest.raises(Contradiction, match="自第 16 条起缺失"):
        office.evidence.checkpoint()
    assert office.folder.sizes() == [10, 20]


def test_another_history_is_not_signed_on_top(office: Witnessed) -> None:
    """Rolled back and filed anew: as long as before, but not the same."""
    office.file(10)
    office.file(10)
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 12")
        connection.execute("DELETE FROM journal_tags WHERE position > 12")
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
        connection.execute("DELETE FROM person_keys WHERE person > '0000000000000012'")
        connection.execute("DELETE FROM identities WHERE person > '0000000000000012'")
    office.ring.discard_all()
    office.file(20, sign=False)
    with pytest.raises(Contradiction, match="不符"):
        office.evidence.checkpoint()


def test_a_changed_compact_range_is_not_grown(office: Witnessed) -> None:
    """What the tree grows on from must be what was signed."""
    office.file(10)
    with tampering(office.database) as connection:
        connection.execute("UPDATE checkpoints SET range = sha256('x') || sha256('y')")
    office.file(1, sign=False)
    with pytest.raises(Contradiction, match="紧凑散列"):
        office.evidence.checkpoint()


def test_a_journal_with_a_hole_is_not_signed(office: Witnessed) -> None:
    """Not even when the hole is new."""
    office.file(10)
    office.file(10, sign=False)
    with tampering(office.database) as connection:
        connection.execute("DELETE FROM journal WHERE position = 15")
    with pytest.raises(Contradiction, match="缺失"):
        office.evidence.checkpoint()


def test_a_checkpoint_by_an_unknown_key_is_not_built_on(office: Witnessed) -> None:
    """Another program with another key does not go on where we left off."""
    office.file(10)
    office.file(1, sign=False)
    stranger = office.again(keys=new_signing_keys(ORIGIN))
    with pytest.raises(Contradiction, match="没有已知密钥"):
        stranger.evidence.checkpoint()


# ── proofs ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_every_entry_is_proved_under_every_checkpoint(office: Witnessed) -> None:
    """And every older checkpoint under every newer one, by what is stored."""
    for number in (1, 6, 300, 400):
        office.file(number)
    all_leaves = leaves(office)
    sizes = [1, 7, 307, 707]
    for size in sizes:
        root = office.evidence.signed(size).checkpoint.root
        for position in (1, 2, 7, 8, 255, 256, 257, 307, 511, 512, 513, 706, 707):
            if position > size:
                continue
            found = office.evidence.prove(position, size)
            assert leaf_hash(found.extra) == all_leaves[position - 1]
            check_inclusion(all_leaves[position - 1], position - 1, size, found.hashes, root)
            assert EntryProof.parse(str(found)) == found
        for old in sizes[: sizes.index(size) + 1]:
            shown = office.evidence.consistency(old, size)
            was, now = shown.old.checkpoint, shown.new.checkpoint
            assert (was.root, now.root) == (root_of(all_leaves[:old]), root_of(all_leaves[:size]))
            check_consistency(old, size, shown.hashes, was.root, now.root)


def test_an_entry_that_no_checkpoint_covers_gets_one(office: Witnessed) -> None:
    """The clerk who has just filed need not wait."""
    office.file(3)
    office.file(2, sign=False)
    found = office.evidence.prove(5)
    assert opened(found.note, office.keys.known, check_signature).size == 5
    assert office.evidence.prove(2).note == found.note


def test_what_does_not_exist_is_not_proved(office: Witnessed) -> None:
    """No entry, no checkpoint of that size, an entry beyond it, the wrong order."""
    office.file(3)
    office.file(3)
    for position, size in ((7, None), (0, None), (-1, None), (2, 4), (5, 3)):
        with pytest.raises(Unknown):
            office.evidence.prove(position, size)
    for old, new in ((3, 5), (2, 6), (6, 3), (0, 3)):
        with pytest.raises(Unknown):
            office.evidence.consistency(old, new)


def test_a_proof_that_does_not_hold_is_not_handed_out(office: Witnessed) -> None:
    """Where an entry or its neighbours were changed, the answer is that, and no proof."""
    office.file(300)
    with tampering(office.database) as connection:
        connection.execute("UPDATE journal SET data = data || ' ' WHERE position = 5")
        connection.execute("UPDATE journal SET leaf = sha256('x') WHERE position = 100")
    for position in (5, 99):  # 100 stands beside 99: its leaf is part of the proof
        with pytest.raises(Contradiction, match="可能被改动"):
            office.evidence.prove(position)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def test_checkpoints_go_on_over_a_rotation_of_keys(office: Witnessed) -> None:
    """Old key, both, new key: the whole chain verifies, and each signer's checkpoints open."""
    office.file(5)
    both = office.again(keys=office.keys.rotated())
    both.file(5)
    old, new = both.keys.known
    after = both.again(keys=both.keys.retiring(old.id.hex()))
    after.file(5)
    signers = [
        Note.parse(after.evidence.signed(size).note).signers(after.keys.known, check_signature)
        for size in (5, 10, 15)
    ]
    assert signers == [[old], [old, new], [new]]
    assert not after.verify().findings
    assert after.folder.public_keys() == [str(old), str(new)]


def test_the_key_is_made_at_the_first_start_and_never_again(
    office: Witnessed, tmp_path: Path
) -> None:
    """A journal that was signed needs its keys back; a lost key is replaced only on request."""
    file = tmp_path / "evidence.key"
    places = EvidencePlaces(file, tmp_path / "folder")
    office.file(3, sign=False)
    first, is_new = opened_evidence(office.database, places)
    assert is_new
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    signed = first.checkpoint()
    again, is_new = opened_evidence(office.database, places)
    assert (is_new, again.keys.known) == (False, first.keys.known)
    file.unlink()
    with pytest.raises(KeyProblem, match="找不到签名密钥"):
        opened_evidence(office.database, places)
    replace_lost_keys(office.database, places)
    replaced, _ = opened_evidence(office.database, places)
    office.file(2, sign=False)
    later = replaced.checkpoint()
    assert later.checkpoint.origin == signed.checkpoint.origin
    assert not replaced.verify().findings
    with pytest.raises(KeyProblem, match="已经存在"):
        replace_lost_keys(office.database, places)


# ── exports ──────────────────────────────────────────────────────────────────────────────────


def test_an_export_holds_the_stored_bytes_and_everything_to_check_them(
    office: Witnessed, tmp_path: Path
) -> None:
    """Line by line the stored entries; tiles and checkpoints as in the folder outside."""
    office.file(300)
    office.file(403)
    folder = tmp_path / "export"
    office.evidence.export(folder, office.evidence.checkpoint())
    lines = (folder / "journal.ndjson").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert lines == [office.evidence.stored(n) for n in range(1, 704)]
    kept = EvidenceFolder(folder)
    assert kept.sizes() == [300, 703]
    assert (folder / "checkpoint").read_text("utf-8") == kept.note(703)
    for tile in tiles_between(0, 703):
        assert (folder / tile.path).read_bytes() == office.evidence.tile(tile)
    assert office.evidence.secrecy(703) == "internal"


def test_an_export_goes_into_an_empty_folder_only(office: Witnessed, tmp_path: Path) -> None:
    """Nothing is mixed with what lies there."""
    office.file(3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(EvidenceProblem, match="不是空的"):
        office.evidence.export(tmp_path / "full", office.evidence.checkpoint())


def test_a_journal_that_was_changed_is_not_exported(office: Witnessed, tmp_path: Path) -> None:
    """What leaves the house has been checked against what was signed."""
    office.file(300)
    with tampering(office.database) as connection:
        connection.execute("UPDATE journal SET data = data || ' ' WHERE position = 5")
    with pytest.raises(Contradiction, match="没有导出"):
        office.evidence.export(tmp_path / "export", office.evidence.checkpoint())
    assert not (tmp_path / "export" / "journal.ndjson").exists()
