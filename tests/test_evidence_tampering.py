"""Tampering is seen: whoever may do anything with the database does it, `verify` tells where.

What the hash tree covers is told by its position even where the attacker has adjusted everything in
the database to fit. Cutting off and rolling back are only told by what is held outside, and where
there is nothing outside, that is said.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from application.evidence import MOST_FINDINGS, Contradiction, Kind
from infrastructure.database import Database
from infrastructure.entries import canonical, leaf_hash, open_box
from infrastructure.evidence_keys import SigningKeys
from infrastructure.keys import KeyRing, seal
from tests.databases import MASTER_KEY, drop, with_database
from tests.evidence_attacks import (
    Attack,
    attacked,
    closed_up,
    cut_off,
    grown_anew,
    kinds,
    rewrite,
    sql,
    told,
)
from tests.evidence_journal import Witnessed, tampering, the_facts, witnessed

pytestmark = pytest.mark.usefixtures("evidence_facts")

SIZE = 640


def filled(database: Database, outside: Path) -> Witnessed:
    """An office with 640 entries and checkpoints at 100, 300 and 640; all is well."""
    office = witnessed(database, KeyRing(MASTER_KEY), None, outside)
    for number in (100, 200, 340):
        office.file(number)
    found = office.verify()
    assert (found.findings, found.entries, found.checkpoints) == ([], SIZE, 3)
    assert found.covered == found.outside == SIZE
    return office


class Model(NamedTuple):
    """A filled office that is not touched: each test attacks a copy of it."""

    database: str
    keys: SigningKeys
    outside: Path


@pytest.fixture(scope="module")
def model(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The office to be copied."""
    the_facts()
    database = Database(module_database, schema="office")
    database.open()
    office = filled(database, tmp_path_factory.mktemp("model") / "outside")
    database.close()
    return Model(str(conninfo_to_dict(module_database)["dbname"]), office.keys, office.outside)


@pytest.fixture
def office(model: Model, _embedded: str, worker_id: str, tmp_path: Path) -> Iterator[Witnessed]:
    """A copy of the filled office: its database and its folder outside."""
    name = Identifier(f"attacked_{worker_id}")
    with psycopg.connect(_embedded, autocommit=True) as owner:
        owner.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(name, Identifier(model.database))
        )
    shutil.copytree(model.outside, tmp_path / "outside")
    database = Database(with_database(_embedded, name.as_string()[1:-1]), schema="office")
    database.open()
    yield witnessed(database, KeyRing(MASTER_KEY), model.keys, tmp_path / "outside")
    database.close()
    drop(_embedded, name.as_string()[1:-1])


# ── entries ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("position", [1, 37, 256, 257, 300, SIZE])
def test_changed_bytes_are_found_where_they_are(office: Witnessed, position: int) -> None:
    """One byte of one entry, and nothing else."""
    change = (
        "UPDATE journal SET data = set_byte(data, 20, get_byte(data, 20) # 1) WHERE position = %s"
    )
    found = attacked(office, sql(change, position))
    assert told(found) == (Kind.BYTES, position)
    assert {one.position for one in found.findings} == {position}


@pytest.mark.parametrize("position", [1, 37, 256, SIZE])
def test_a_rewritten_entry_is_found_although_everything_fits(
    office: Witnessed, position: int
) -> None:
    """Bytes, leaf, extracts, tree and ranges adjusted: the leaves outside name the entry."""
    found = attacked(office, rewrite(position, actor="wang"), grown_anew)
    assert told(found) == (Kind.BYTES, position)
    assert found.left_out == ["身份索引"]


def test_without_leaves_outside_a_rewritten_entry_is_found_between_two_checkpoints(
    office: Witnessed, tmp_path: Path
) -> None:
    """The signatures in the database still tell, only not so exactly."""
    elsewhere = office.again(outside=tmp_path / "nothing")
    with tampering(office.database) as connection:
        rewrite(250, actor="wang")(connection)
        grown_anew(connection)
    found = elsewhere.verify()
    assert told(found) == (Kind.BYTES, 101)
    assert found.first is not None
    assert "流水号 101 至 300 之间" in found.first.detail
    assert (found.covered, found.outside) == (100, 0)


def test_a_changed_leaf_is_found(office: Witnessed) -> None:
    """The bytes are genuine, their stored hash is not."""
    found = attacked(office, sql("UPDATE journal SET leaf = sha256('x') WHERE position = 42"))
    assert told(found) == (Kind.LEAF, 42)
    assert found.covered == SIZE


@pytest.mark.parametrize(
    "change",
    [
        "id = 'x'",
        "fact = 'x'",
        "recorded_at = recorded_at - interval '1 day'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "effective_on = effective_on - 1",
        "effective_on = NULL",
        "place = 1",
        "actor = 'wang'",
        "voids = 3",
        "tags = '{}'",
        "tags = array_append(tags, 'account:x')",
    ],
)
def test_a_changed_extract_is_found(office: Witnessed, change: str) -> None:
    """Every column beside the bytes is compared with them."""
    found = attacked(office, sql(f"UPDATE journal SET {change} WHERE position = 42"))  # noqa: S608  (the attack itself)
    assert told(found) == (Kind.EXTRACT, 42)


@pytest.mark.parametrize(
    ("attack", "position"),
    [
        (sql("DELETE FROM journal_tags WHERE position = 42"), 42),
        (sql("UPDATE journal_tags SET tag = 'account:x' WHERE position = 43"), 43),
        (sql("INSERT INTO journal_tags VALUES ('account:x', 44)"), 44),
        (sql("INSERT INTO journal_tags VALUES ('account:x', 900)"), 900),
    ],
)
def test_a_changed_index_of_subjects_is_found(
    office: Witnessed, attack: Attack, position: int
) -> None:
    """A history from which an entry was hidden, or to which one was added."""
    assert told(attacked(office, attack)) == (Kind.TAGS, position)


@pytest.mark.parametrize("position", [1, 42, 256, 639])
def test_a_deleted_entry_is_found(office: Witnessed, position: int) -> None:
    """The gap is where it was."""
    found = attacked(
        office,
        sql("DELETE FROM journal WHERE position = %s", position),
        sql("DELETE FROM journal_tags WHERE position = %s", position),
    )
    assert told(found) == (Kind.MISSING, position)


def test_many_deleted_entries_are_found(office: Witnessed) -> None:
    """What comes before the gap is still compared."""
    found = attacked(office, sql("DELETE FROM journal WHERE position BETWEEN 301 AND 420"))
    assert told(found) == (Kind.MISSING, 301)
    assert found.first is not None
    assert "301 至 420" in found.first.detail
    assert found.covered == 300


def test_a_deleted_entry_is_found_although_the_rest_was_closed_up(office: Witnessed) -> None:
    """Renumbered in columns and bytes, with fitting leaves and tree: no gap, and still seen."""
    found = attacked(
        office,
        sql("DELETE FROM journal WHERE position = 42"),
        sql("DELETE FROM journal_tags WHERE position = 42"),
        closed_up(43, -1),
        grown_anew,
    )
    assert told(found) == (Kind.BYTES, 42)
    assert Kind.CUT in kinds(found)


def test_an_inserted_entry_is_found(office: Witnessed) -> None:
    """Everything after it moved up by one."""
    found = attacked(
        office,
        closed_up(42, 1),
        sql(
            "INSERT INTO journal SELECT 42, id, fact, recorded_at, effective_on, 42, actor, voids,"
            " tags, data, leaf FROM journal WHERE position = 41"
        ),
        rewrite(42, position=42, place=42),
        grown_anew,
    )
    assert told(found) == (Kind.BYTES, 42)


def test_entries_in_another_order_are_found(office: Witnessed) -> None:
    """Two that changed places, also in their bytes."""
    swap = (
        "UPDATE journal a SET data = b.data, leaf = b.leaf, id = b.id, fact = b.fact,"
        " effective_on = b.effective_on, tags = b.tags FROM journal b"
        " WHERE (a.position, b.position) IN ((50, 60), (60, 50))"
    )
    found = attacked(office, sql(swap))
    assert told(found) == (Kind.BYTES, 50)
    assert kinds(found) == {Kind.BYTES, Kind.EXTRACT, Kind.TAGS}
    assert [one.position for one in found.findings if one.kind is Kind.BYTES] == [50, 60]


def test_back_dating_is_found(office: Witnessed) -> None:
    """An entry that claims to have been recorded earlier, with everything adjusted."""
    found = attacked(office, rewrite(250, recorded_at="2020-01-01T00:00:00.000000Z"), grown_anew)
    assert told(found)[1] == 250
    assert kinds(found) == {Kind.BYTES, Kind.TIME}


def test_an_unreadable_entry_is_found_and_does_not_end_the_examination(office: Witnessed) -> None:
    """Garbage instead of an entry; a second fault further on is told as well."""
    garbage = b"garbage"
    found = attacked(
        office,
        sql(
            "UPDATE journal SET data = %s, leaf = %s WHERE position = 42",
            garbage,
            leaf_hash(garbage),
        ),
        sql("UPDATE journal SET actor = 'wang' WHERE position = 600"),
    )
    assert {(one.kind, one.position) for one in found.findings} == {
        (Kind.BYTES, 42),
        (Kind.FORM, 42),
        (Kind.EXTRACT, 600),
    }


def test_very_many_faults_are_counted_and_the_first_are_told(office: Witnessed) -> None:
    """Nothing is cut off silently."""
    found = attacked(office, sql("UPDATE journal SET actor = 'wang'"))
    assert found.counts == {Kind.EXTRACT: SIZE}
    assert [one.position for one in found.findings] == list(range(1, MOST_FINDINGS + 1))


# ── the end of the journal ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("last", [0, 1, 300, 450, 639])
@pytest.mark.parametrize("thoroughly", [False, True])
def test_a_journal_that_was_cut_off_is_found(
    office: Witnessed, last: int, *, thoroughly: bool
) -> None:
    """Against the checkpoint outside, even where the database's own are gone too."""
    found = attacked(office, cut_off(last, thoroughly=thoroughly))
    assert told(found) == (Kind.CUT, last + 1)


def test_without_anything_outside_a_thorough_cut_is_not_seen_and_that_is_said(
    office: Witnessed, tmp_path: Path
) -> None:
    """What a database cannot prove about itself: ``outside`` is 0, never "all is well"."""
    elsewhere = office.again(outside=tmp_path / "nothing")
    assert elsewhere.verify().outside == 0
    with tampering(office.database) as connection:
        cut_off(450, thoroughly=True)(connection)
    found = elsewhere.verify()
    assert (found.findings, found.covered, found.outside) == ([], 300, 0)


def test_a_checkpoint_in_other_hands_shows_what_the_folder_no_longer_can(
    office: Witnessed,
) -> None:
    """Database and folder rolled back together: the auditor's copy of one checkpoint tells."""
    held = office.evidence.signed(SIZE).note
    older = office.evidence.signed(300).note
    with tampering(office.database) as connection:
        cut_off(450, thoroughly=True)(connection)
    (office.outside / "checkpoints/000/000/000/640").unlink()
    found = office.verify()
    assert (kinds(found), found.outside) == (set(), 300)
    assert not office.verify(older).findings
    assert told(office.verify(held)) == (Kind.CUT, 451)


def test_an_old_copy_that_was_restored_is_found(office: Witnessed) -> None:
    """A backup of the database from between two checkpoints, gone on with for a while."""
    with tampering(office.database) as connection:
        cut_off(450, thoroughly=True)(connection)
        connection.execute("DELETE FROM person_keys WHERE person > '0000000000000450'")
    office.ring.discard_all()
    assert told(office.verify()) == (Kind.CUT, 451)
    office.file(300, sign=False)
    found = office.verify()
    assert told(found) == (Kind.BYTES, 451)
    assert (found.counts[Kind.BYTES], found.covered) == (190, 300)


def test_a_backup_that_was_restored_whole_is_found(
    office: Witnessed, server_url: str, worker_id: str
) -> None:
    """A true copy of the whole database, put in its place after more was filed and signed."""
    live = str(conninfo_to_dict(office.database.url)["dbname"])
    office.database.close()
    backup = Identifier(f"backup_{worker_id}")
    with psycopg.connect(server_url, autocommit=True) as owner:
        owner.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(backup, Identifier(live)))
    since = Database(office.database.url, schema="office")
    since.open()
    later = witnessed(since, KeyRing(MASTER_KEY), office.keys, office.outside)
    later.file(60)
    assert (later.verify().findings, later.head()) == ([], 700)
    since.close()
    restored = Database(with_database(server_url, backup.as_string()[1:-1]), schema="office")
    restored.open()
    old = witnessed(restored, KeyRing(MASTER_KEY), office.keys, office.outside)
    found = old.verify()
    assert (told(found), found.covered) == ((Kind.CUT, SIZE + 1), SIZE)
    with pytest.raises(Contradiction, match="自第 641 条起缺失"):
        old.evidence.checkpoint()
    restored.close()
    drop(server_url, backup.as_string()[1:-1])


def test_an_emptied_journal_is_found(office: Witnessed) -> None:
    """TRUNCATE leaves no gap, no row, nothing but what was signed."""
    found = attacked(office, sql("TRUNCATE journal, journal_tags"))
    assert (told(found), found.entries) == ((Kind.CUT, 1), 0)


def test_a_checkpoint_by_nobody_we_know_is_no_witness(office: Witnessed) -> None:
    """A note that was handed in must be signed by the office."""
    found = office.verify("taizhang/test\n640\nAAAA\n\n— somebody AAAAAAAA\n")
    assert told(found) == (Kind.GIVEN, None)


# ── checkpoints and the stored tree ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("attack", "kind", "position"),
    [
        (sql("DELETE FROM checkpoints WHERE size = 300"), Kind.CHECKPOINT, 300),
        (sql("DELETE FROM checkpoints WHERE size > 100"), Kind.CHECKPOINT, 300),
        (sql("TRUNCATE checkpoints, tree_nodes"), Kind.CHECKPOINT, 100),
        (
            sql("UPDATE checkpoints SET at = at - interval '1 day' WHERE size = 100"),
            Kind.CHECKPOINT,
            100,
        ),
        (
            sql("UPDATE checkpoints SET at = at + interval '1 day' WHERE size = 100"),
            Kind.CHECKPOINT,
            300,
        ),
        (
            sql(
                "INSERT INTO checkpoints SELECT 200, range, note, at + interval '1 microsecond'"
                " FROM checkpoints WHERE size = 100"
            ),
            Kind.CHECKPOINT,
            200,
        ),
        (sql("UPDATE checkpoints SET size = 299 WHERE size = 300"), Kind.CHECKPOINT, 299),
        (
            sql("UPDATE checkpoints SET note = replace(note, '300', '299') WHERE size = 300"),
            Kind.CHECKPOINT,
            300,
        ),
        (
            sql(
                "UPDATE checkpoints c SET note = o.note FROM checkpoints o"
                " WHERE c.size = 300 AND o.size = 100"
            ),
            Kind.CHECKPOINT,
            300,
        ),
        (sql("UPDATE checkpoints SET note = '' WHERE size = 300"), Kind.CHECKPOINT, 300),
        (sql("UPDATE checkpoints SET range = '' WHERE size = 300"), Kind.CHECKPOINT, 300),
        (sql("UPDATE tree_nodes SET hash = sha256('x') WHERE number = 1"), Kind.NODE, 257),
        (sql("DELETE FROM tree_nodes WHERE number = 0"), Kind.NODE, 1),
        (sql("INSERT INTO tree_nodes VALUES (1, 2, sha256('x'))"), Kind.NODE, 513),
    ],
)
def test_a_changed_checkpoint_or_node_is_found(
    office: Witnessed, attack: Attack, kind: Kind, position: int
) -> None:
    """In the database: edited, exchanged, deleted, added."""
    assert told(attacked(office, attack)) == (kind, position)


def test_a_missing_newest_checkpoint_may_be_a_crash_and_is_told(office: Witnessed) -> None:
    """Nothing can be hidden by it: the folder's copy still covers every entry."""
    found = attacked(office, sql("DELETE FROM checkpoints WHERE size = 640"))
    assert (found.findings, found.covered, found.outside) == ([], SIZE, SIZE)
    assert ["640 条" in note for note in found.notes] == [True]


@pytest.mark.parametrize(
    ("name", "kind", "position"),
    [
        ("checkpoints/000/000/000/300", Kind.CHECKPOINT, 300),
        ("checkpoints/000/000/000/640", Kind.CHECKPOINT, 640),
        ("tile/0/000", Kind.OUTSIDE, 6),
        ("tile/0/002.p/128", Kind.OUTSIDE, 518),
        ("tile/1/000.p/2", Kind.OUTSIDE, 1),
    ],
)
def test_a_changed_file_outside_is_found(
    office: Witnessed, name: str, kind: Kind, position: int
) -> None:
    """The journal is not blamed for what was done to the folder."""
    path = office.outside / name
    content = bytearray(path.read_bytes())
    content[170 % len(content)] ^= 1
    path.write_bytes(bytes(content))
    found = office.verify()
    assert (kind, position) in {(one.kind, one.position) for one in found.findings}
    assert Kind.BYTES not in kinds(found)
    assert Kind.OUTSIDE in kinds(found)


def test_a_file_missing_outside_is_found(office: Witnessed) -> None:
    """A checkpoint, or a tile."""
    (office.outside / "checkpoints/000/000/000/300").unlink()
    assert told(office.verify()) == (Kind.OUTSIDE, 300)
    shutil.rmtree(office.outside / "tile")
    assert (Kind.OUTSIDE, 1) in {(one.kind, one.position) for one in office.verify().findings}


# ── what derives from the journal ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("attack", "position"),
    [
        (sql("DELETE FROM identities WHERE person = '0000000000000050'"), 50),
        (sql("UPDATE identities SET person = 'x' WHERE person = '0000000000000050'"), 50),
        (
            sql("UPDATE identities SET digest = sha256('x') WHERE person = '0000000000000050'"),
            50,
        ),
        (sql("INSERT INTO identities VALUES (sha256('x'), '0000000000000050')"), None),
        (sql("TRUNCATE identities"), 10),
        (
            sql(
                "UPDATE person_keys SET wrapped = sha256('x') || sha256('y') WHERE person = %s",
                "0000000000000050",
            ),
            None,
        ),
    ],
)
def test_a_changed_identity_is_found(
    office: Witnessed, attack: Attack, position: int | None
) -> None:
    """Hidden, given to somebody else, invented, or its key made useless."""
    found = attacked(office, attack)
    assert Kind.IDENTITY in kinds(found)
    assert (Kind.IDENTITY, position) in {(one.kind, one.position) for one in found.findings}
    assert found.covered == SIZE


def test_a_number_sealed_anew_under_its_old_commitment_is_found(office: Witnessed) -> None:
    """By somebody who has the person's key, in an entry that no checkpoint covers yet."""
    office.file(10, sign=False)
    person, stored = "0000000000000650", orjson.loads(office.evidence.stored(650))
    with office.database.pool.connection() as connection:
        office.ring.load(connection, [person])
    key = office.ring.person(person)
    inside = open_box(stored["sealed"], stored["id"], person, office.ring)
    assert key is not None
    assert inside is not None
    inside["body.id_no"][1] = "110101199001010013"
    box = seal(key, canonical(inside), stored["id"].encode(), office.ring.randomness)
    found = attacked(office, rewrite(650, sealed=base64.b64encode(box).decode()))
    assert (Kind.IDENTITY, 650) in {(one.kind, one.position) for one in found.findings}
    assert "无法解开" in next(o.detail for o in found.findings if o.position == 650)


def test_an_erased_person_is_no_fault(office: Witnessed) -> None:
    """Key and identity gone: every hash holds, and the index misses nothing."""
    found = attacked(
        office,
        sql("DELETE FROM person_keys WHERE person = '0000000000000050'"),
        sql("DELETE FROM identities WHERE person = '0000000000000050'"),
    )
    assert (found.findings, found.covered) == ([], SIZE)


def test_every_fault_of_several_is_told(office: Witnessed) -> None:
    """In the journal, the tree, the folder and the index at once."""
    (office.outside / "checkpoints/000/000/000/100").unlink()
    found = attacked(
        office,
        sql("DELETE FROM identities WHERE person = '0000000000000050'"),
        sql("UPDATE tree_nodes SET hash = sha256('x') WHERE number = 1"),
        sql("DELETE FROM journal_tags WHERE position = 42"),
    )
    assert kinds(found) == {Kind.OUTSIDE, Kind.NODE, Kind.TAGS, Kind.IDENTITY}
    assert told(found) == (Kind.TAGS, 42)


@pytest.mark.servers
def test_tampering_is_found_on_every_server(office_database: Database, tmp_path: Path) -> None:
    """An edit with everything adjusted, a deletion, a cut."""
    office = filled(office_database, tmp_path / "outside")
    assert told(attacked(office, rewrite(42, actor="wang"), grown_anew)) == (Kind.BYTES, 42)
    gone = sql("DELETE FROM journal WHERE position = 41")
    assert told(attacked(office, gone)) == (Kind.MISSING, 41)
    found = attacked(office, cut_off(600, thoroughly=True))
    assert (Kind.CUT, 601) in {(one.kind, one.position) for one in found.findings}


def test_the_attacks_change_what_they_say() -> None:
    """The helper that adjusts everything makes leaves that fit their bytes."""
    data = canonical({"a": 1})
    assert leaf_hash(data) == hashlib.sha256(b"\x00" + data).digest()
