"""Checkpoints and proofs over a real journal: signing, the folder outside, crashes, rotation."""

from __future__ import annotations

import shutil
import stat
import threading
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
from infrastructure.evidence_folder import EvidenceFolder, EvidencePlaces
from infrastructure.evidence_keys import new_signing_keys
from infrastructure.evidence_opening import opened_evidence, replace_lost_keys
from infrastructure.evidence_suites import check_signature
from infrastructure.keys import KeyProblem
from tests.evidence_journal import ORIGIN, Witnessed, tampering


def leaves(journal: Witnessed) -> list[bytes]:
    """Every leaf, hashed anew from the stored bytes."""
    return [leaf_hash(journal.evidence.stored(n)) for n in range(1, journal.head() + 1)]


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_a_checkpoint_signs_the_root_over_all_entries(journal: Witnessed) -> None:
    """Grown in steps from the last compact range, whatever the sizes."""
    sizes = []
    for number in (1, 2, 5, 248, 1, 255, 300):
        journal.file(number)
        newest = journal.evidence.newest()
        assert newest is not None
        sizes.append(newest.checkpoint.size)
        assert newest.checkpoint.root == root_of(leaves(journal))
        assert newest.checkpoint.origin == ORIGIN
        assert opened(newest.note, journal.keys.known, check_signature) == newest.checkpoint
    assert sizes == [1, 3, 8, 256, 257, 512, 812]
    assert [one.checkpoint.size for one in journal.evidence.page(None, 3)] == [812, 512, 257]
    assert [one.checkpoint.size for one in journal.evidence.page(8, 3)] == [3, 1]


def test_an_empty_journal_is_not_signed(journal: Witnessed) -> None:
    """There is nothing to say about it."""
    with pytest.raises(Unknown, match="还没有记录"):
        journal.evidence.checkpoint()
    assert journal.evidence.newest() is None


def test_nothing_new_is_not_signed_again(journal: Witnessed) -> None:
    """The newest checkpoint is the answer."""
    journal.file(3)
    first = journal.evidence.checkpoint()
    assert journal.evidence.checkpoint() == first
    assert len(journal.evidence.page(None, 10)) == 1


def test_checkpoints_of_racing_programs_are_all_consistent(journal: Witnessed) -> None:
    """Filing and signing at the same time, in several programs: one history, fully outside."""
    journal.file(1)
    others = [journal.again() for _ in range(3)]
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
        journal.file(7, sign=False)
    for thread in threads:
        thread.join()
    assert not failures
    journal.evidence.checkpoint()
    found = journal.verify()
    assert (found.findings, found.covered, found.outside) == ([], 141, 141)


def test_signing_while_everything_is_verified_is_no_fault(
    journal: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that came after the folder was read, and before the database was, fits both."""
    journal.file(10)
    sizes = EvidenceFolder.sizes

    def then_sign(folder: EvidenceFolder) -> list[int]:
        found = sizes(folder)
        journal.file(5)
        return found

    monkeypatch.setattr(EvidenceFolder, "sizes", then_sign)
    found = journal.verify()
    assert (found.findings, found.covered, found.outside) == ([], 15, 15)


def test_a_clock_that_was_set_back_does_not_date_a_checkpoint_before_its_entries(
    journal: Witnessed,
) -> None:
    """Entries keep their order by going ahead of such a clock, and so do checkpoints."""
    journal.file(3, sign=False)
    with tampering(journal.database) as connection:
        connection.execute("UPDATE journal SET recorded_at = recorded_at + interval '1 year'")
    first, last = journal.evidence.checkpoint(), journal.database
    with last.as_owner() as connection:
        row = connection.execute("SELECT max(recorded_at) FROM journal").fetchone()
    assert row is not None
    assert first.at >= row[0]
    journal.file(1)
    assert journal.evidence.page(None, 1)[0].at > first.at


@pytest.mark.servers
def test_nobody_edits_or_deletes_checkpoints(journal: Witnessed) -> None:
    """The writer's role lacks the right, and even the owner meets the trigger."""
    journal.file(300)
    pool, refused = journal.database.pool, psycopg.errors.InsufficientPrivilege
    for table, column in (("checkpoints", "size"), ("tree_nodes", "number")):
        for verb in ("DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {} + 1"):
            statement = verb.format(table, column, column).encode()
            with pytest.raises(refused), pool.connection() as writer:
                writer.execute(statement)
            with pytest.raises(refused), journal.database.as_owner() as owner:
                owner.execute(statement)
    assert not journal.verify().findings


# ── the folder outside ───────────────────────────────────────────────────────────────────────


def test_the_folder_outside_holds_what_was_signed(journal: Witnessed) -> None:
    """Every checkpoint, every tile of the newest tree, every public key."""
    for number in (3, 600, 700):
        journal.file(number)
    assert journal.folder.sizes() == [3, 603, 1303]
    for size in journal.folder.sizes():
        assert journal.folder.note(size) == journal.evidence.signed(size).note
    for tile in tiles_between(0, 1303):
        assert (journal.outside / tile.path).read_bytes() == journal.evidence.tile(tile)
    assert [one for tile in journal.folder.leaves(1303) for one in tile] == leaves(journal)
    assert journal.folder.public_keys() == [str(key) for key in journal.keys.known]


def test_the_upper_tiles_are_roots_of_those_below(journal: Witnessed) -> None:
    """What a stranger computes from level 0 is what level 1 says."""
    journal.file(1303)
    for number, hash_ in enumerate(split(journal.evidence.tile(Tile(1, 0, 5)))):
        assert hash_ == root_of(split(journal.evidence.tile(Tile(0, number))))


@pytest.mark.parametrize("tile", [Tile(0, 5, 24), Tile(0, 6), Tile(1, 0, 6), Tile(7, 0, 1)])
def test_tiles_beyond_the_newest_checkpoint_are_unknown(journal: Witnessed, tile: Tile) -> None:
    """Nothing unsigned is handed out."""
    journal.file(1303)
    journal.file(500, sign=False)
    with pytest.raises(Unknown):
        journal.evidence.tile(tile)


def test_files_outside_are_only_ever_added(journal: Witnessed) -> None:
    """So that the folder may be append-only by its file system."""
    journal.file(300)
    before = {path: path.read_bytes() for path in journal.outside.rglob("*") if path.is_file()}
    for path in before:
        path.chmod(0o444)
    journal.file(300)
    for path, content in before.items():
        assert path.read_bytes() == content


def test_a_new_folder_receives_everything(journal: Witnessed, tmp_path: Path) -> None:
    """After a change of disk the new folder is complete at the next checkpoint."""
    for number in (3, 600, 700):
        journal.file(number)
    moved = journal.again(outside=tmp_path / "elsewhere")
    moved.evidence.checkpoint()
    assert moved.folder.sizes() == [3, 603, 1303]
    found = moved.verify()
    assert (found.findings, found.outside) == ([], 1303)


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_signed(
    journal: Witnessed, tmp_path: Path
) -> None:
    """A checkpoint that nobody keeps outside is none."""
    journal.file(3, sign=False)
    (tmp_path / "file").touch()
    blocked = journal.again(outside=tmp_path / "file" / "outside")
    with pytest.raises(EvidenceProblem, match="外存文件夹无法"):
        blocked.evidence.checkpoint()
    assert journal.evidence.newest() is None


# ── crashes ──────────────────────────────────────────────────────────────────────────────────


def crash_before_commit(journal: Witnessed) -> None:
    """Leave things as a crash does that comes after the folder was written."""
    journal.evidence.checkpoint()
    size = journal.head()
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM checkpoints WHERE size = %s", (size,))
        connection.execute("DELETE FROM tree_nodes WHERE number >= 1")


@pytest.mark.parametrize("more", [0, 300])
def test_a_checkpoint_that_was_written_outside_but_not_committed_is_taken_over(
    journal: Witnessed, more: int
) -> None:
    """The journal contains it: it was signed, so it counts."""
    journal.file(300)
    journal.file(400, sign=False)
    crash_before_commit(journal)
    assert not journal.verify().findings
    journal.file(more or 1, sign=bool(more))
    journal.evidence.checkpoint()
    assert journal.folder.sizes() == [300, 700, 700 + (more or 1)]
    assert not journal.verify().findings


@pytest.mark.parametrize("kept", [0, 40])
def test_half_written_tiles_outside_are_completed(journal: Witnessed, kept: int) -> None:
    """A crash in the middle of writing does not stop signing for ever."""
    journal.file(300)
    journal.file(400, sign=False)
    crash_before_commit(journal)
    (journal.outside / "checkpoints/000/000/000/700").unlink()  # it is written last
    for name in ("tile/0/001", "tile/0/002.p/188"):
        path = journal.outside / name
        path.write_bytes(path.read_bytes()[:kept])
    journal.evidence.checkpoint()
    found = journal.verify()
    assert (found.findings, found.outside) == ([], 700)


def test_a_half_written_checkpoint_outside_is_completed(journal: Witnessed) -> None:
    """Signing is deterministic: the rest of the line is known."""
    journal.file(300)
    journal.file(400, sign=False)
    crash_before_commit(journal)
    path = journal.outside / "checkpoints/000/000/000/700"
    whole = path.read_bytes()
    path.write_bytes(whole[:70])
    journal.evidence.checkpoint()
    assert path.read_bytes() == whole
    assert not journal.verify().findings


def test_a_half_filled_new_folder_is_completed(journal: Witnessed, tmp_path: Path) -> None:
    """The crash came while older checkpoints were carried to a new disk."""
    for number in (3, 600, 700):
        journal.file(number)
    moved = journal.again(outside=tmp_path / "elsewhere")
    shutil.copytree(journal.outside / "tile", moved.outside / "tile")  # tiles are written first
    moved.folder.keep_checkpoint(3, journal.evidence.signed(3).note)
    path = moved.outside / "checkpoints/000/000/000/603"
    path.write_text(journal.evidence.signed(603).note[:50], "utf-8")
    moved.evidence.checkpoint()
    found = moved.verify()
    assert (found.findings, found.outside) == ([], 1303)


# ── what is never signed ─────────────────────────────────────────────────────────────────────


def test_a_journal_that_was_rolled_back_is_not_signed(journal: Witnessed) -> None:
    """Neither the database's own checkpoints nor those outside are contradicted."""
    journal.file(10)
    journal.file(10)
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 15")
    with pytest.raises(Contradiction, match="自第 16 条起缺失"):
        journal.evidence.checkpoint()
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
    with pytest.raises(Contradiction, match="自第 16 条起缺失"):
        journal.evidence.checkpoint()
    assert journal.folder.sizes() == [10, 20]


def test_another_history_is_not_signed_on_top(journal: Witnessed) -> None:
    """Rolled back and filed anew: as long as before, but not the same."""
    journal.file(10)
    journal.file(10)
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM journal WHERE position > 12")
        connection.execute("DELETE FROM journal_tags WHERE position > 12")
        connection.execute("DELETE FROM checkpoints WHERE size > 10")
        connection.execute("DELETE FROM person_keys WHERE person > '0000000000000012'")
        connection.execute("DELETE FROM identities WHERE person > '0000000000000012'")
    journal.ring.discard_all()
    journal.file(20, sign=False)
    with pytest.raises(Contradiction, match="不符"):
        journal.evidence.checkpoint()


def test_a_changed_compact_range_is_not_grown(journal: Witnessed) -> None:
    """What the tree grows on from must be what was signed."""
    journal.file(10)
    with tampering(journal.database) as connection:
        connection.execute("UPDATE checkpoints SET range = sha256('x') || sha256('y')")
    journal.file(1, sign=False)
    with pytest.raises(Contradiction, match="紧凑散列"):
        journal.evidence.checkpoint()


def test_a_journal_with_a_hole_is_not_signed(journal: Witnessed) -> None:
    """Not even when the hole is new."""
    journal.file(10)
    journal.file(10, sign=False)
    with tampering(journal.database) as connection:
        connection.execute("DELETE FROM journal WHERE position = 15")
    with pytest.raises(Contradiction, match="缺失"):
        journal.evidence.checkpoint()


def test_a_checkpoint_by_an_unknown_key_is_not_built_on(journal: Witnessed) -> None:
    """Another program with another key does not go on where we left off."""
    journal.file(10)
    journal.file(1, sign=False)
    stranger = journal.again(keys=new_signing_keys(ORIGIN))
    with pytest.raises(Contradiction, match="没有已知密钥"):
        stranger.evidence.checkpoint()


# ── proofs ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_every_entry_is_proved_under_every_checkpoint(journal: Witnessed) -> None:
    """And every older checkpoint under every newer one, by what is stored."""
    for number in (1, 6, 300, 400):
        journal.file(number)
    all_leaves = leaves(journal)
    sizes = [1, 7, 307, 707]
    for size in sizes:
        root = journal.evidence.signed(size).checkpoint.root
        for position in (1, 2, 7, 8, 255, 256, 257, 307, 511, 512, 513, 706, 707):
            if position > size:
                continue
            found = journal.evidence.prove(position, size)
            assert leaf_hash(found.extra) == all_leaves[position - 1]
            check_inclusion(all_leaves[position - 1], position - 1, size, found.hashes, root)
            assert EntryProof.parse(str(found)) == found
        for old in sizes[: sizes.index(size) + 1]:
            shown = journal.evidence.consistency(old, size)
            was, now = shown.old.checkpoint, shown.new.checkpoint
            assert (was.root, now.root) == (root_of(all_leaves[:old]), root_of(all_leaves[:size]))
            check_consistency(old, size, shown.hashes, was.root, now.root)


def test_an_entry_that_no_checkpoint_covers_gets_one(journal: Witnessed) -> None:
    """The clerk who has just filed need not wait."""
    journal.file(3)
    journal.file(2, sign=False)
    found = journal.evidence.prove(5)
    assert opened(found.note, journal.keys.known, check_signature).size == 5
    assert journal.evidence.prove(2).note == found.note


def test_what_does_not_exist_is_not_proved(journal: Witnessed) -> None:
    """No entry, no checkpoint of that size, an entry beyond it, the wrong order."""
    journal.file(3)
    journal.file(3)
    for position, size in ((7, None), (0, None), (-1, None), (2, 4), (5, 3)):
        with pytest.raises(Unknown):
            journal.evidence.prove(position, size)
    for old, new in ((3, 5), (2, 6), (6, 3), (0, 3)):
        with pytest.raises(Unknown):
            journal.evidence.consistency(old, new)


def test_a_proof_that_does_not_hold_is_not_handed_out(journal: Witnessed) -> None:
    """Where an entry or its neighbours were changed, the answer is that, and no proof."""
    journal.file(300)
    with tampering(journal.database) as connection:
        connection.execute("UPDATE journal SET data = data || ' ' WHERE position = 5")
        connection.execute("UPDATE journal SET leaf = sha256('x') WHERE position = 100")
    for position in (5, 99):  # 100 stands beside 99: its leaf is part of the proof
        with pytest.raises(Contradiction, match="可能被改动"):
            journal.evidence.prove(position)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def test_checkpoints_go_on_over_a_rotation_of_keys(journal: Witnessed) -> None:
    """Old key, both, new key: the whole chain verifies, and each signer's checkpoints open."""
    journal.file(5)
    both = journal.again(keys=journal.keys.rotated())
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


def test_a_key_file_that_was_spoilt_is_told_by_a_running_office(
    journal: Witnessed, tmp_path: Path
) -> None:
    """And signing goes on when it is put back."""
    file = tmp_path / "evidence.key"
    running, _ = opened_evidence(journal.database, EvidencePlaces(file, tmp_path / "folder"))
    journal.file(3, sign=False)
    good = file.read_bytes()
    file.write_bytes(good[:-9])
    with pytest.raises(EvidenceProblem, match="不完整"):
        running.checkpoint()
    file.write_bytes(good)
    assert running.checkpoint().checkpoint.size == 3


def test_the_key_is_made_at_the_first_start_and_never_again(
    journal: Witnessed, tmp_path: Path
) -> None:
    """A journal that was signed needs its keys back; a lost key is replaced only on request."""
    file = tmp_path / "evidence.key"
    places = EvidencePlaces(file, tmp_path / "folder")
    journal.file(3, sign=False)
    first, is_new = opened_evidence(journal.database, places)
    assert is_new
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    signed = first.checkpoint()
    again, is_new = opened_evidence(journal.database, places)
    assert (is_new, again.keys.known) == (False, first.keys.known)
    file.unlink()
    with pytest.raises(KeyProblem, match="找不到签名密钥"):
        opened_evidence(journal.database, places)
    replace_lost_keys(journal.database, places)
    replaced, _ = opened_evidence(journal.database, places)
    journal.file(2, sign=False)
    later = replaced.checkpoint()
    assert later.checkpoint.origin == signed.checkpoint.origin
    assert not replaced.verify().findings
    with pytest.raises(KeyProblem, match="已经存在"):
        replace_lost_keys(journal.database, places)


# ── exports ──────────────────────────────────────────────────────────────────────────────────


def test_an_export_holds_the_stored_bytes_and_everything_to_check_them(
    journal: Witnessed, tmp_path: Path
) -> None:
    """Line by line the stored entries; tiles and checkpoints as in the folder outside."""
    journal.file(300)
    journal.file(403)
    folder = tmp_path / "export"
    journal.evidence.export(folder, journal.evidence.checkpoint())
    lines = (folder / "journal.ndjson").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert lines == [journal.evidence.stored(n) for n in range(1, 704)]
    kept = EvidenceFolder(folder)
    assert kept.sizes() == [300, 703]
    assert (folder / "checkpoint").read_text("utf-8") == kept.note(703)
    for tile in tiles_between(0, 703):
        assert (folder / tile.path).read_bytes() == journal.evidence.tile(tile)
    assert journal.evidence.secrecy(703) == "internal"


def test_an_export_goes_into_an_empty_folder_only(journal: Witnessed, tmp_path: Path) -> None:
    """Nothing is mixed with what lies there."""
    journal.file(3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(EvidenceProblem, match="不是空的"):
        journal.evidence.export(tmp_path / "full", journal.evidence.checkpoint())


def test_a_journal_that_was_changed_is_not_exported(journal: Witnessed, tmp_path: Path) -> None:
    """What leaves the house has been checked against what was signed."""
    journal.file(300)
    with tampering(journal.database) as connection:
        connection.execute("UPDATE journal SET data = data || ' ' WHERE position = 5")
    with pytest.raises(Contradiction, match="没有导出"):
        journal.evidence.export(tmp_path / "export", journal.evidence.checkpoint())
    assert not (tmp_path / "export" / "journal.ndjson").exists()
