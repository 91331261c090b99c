"""The one-file verifier: nothing but the standard library, no network, no database, in Chinese."""

from __future__ import annotations

import ast
import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.evidence import root_of
from domain.evidence_notes import Checkpoint, EntryProof, VerifierKey
from infrastructure.database import Database
from infrastructure.evidence_suites import SM2
from infrastructure.keys import KeyRing
from interface import verify
from tests.auditor import BARE, PROGRAM, audit
from tests.databases import MASTER_KEY
from tests.evidence_journal import Witnessed, the_facts, witnessed

pytestmark = pytest.mark.usefixtures("evidence_facts")

SIZE = 703


@pytest.fixture(scope="module")
def office(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    """An office with 703 entries and checkpoints at 300, 700 and 703; the tests only read it."""
    the_facts()
    database = Database(module_database, schema="office")
    database.open()
    office = witnessed(
        database, KeyRing(MASTER_KEY), None, tmp_path_factory.mktemp("a") / "outside"
    )
    for number in (300, 400, 3):
        office.file(number)
    yield office
    database.close()


@pytest.fixture
def export(office: Witnessed, tmp_path: Path) -> Path:
    """Its journal, exported."""
    folder = tmp_path / "导出"
    office.evidence.export(folder, office.evidence.checkpoint())
    return folder


def key(office: Witnessed) -> str:
    """The office's published key."""
    return str(office.keys.known[0])


def test_it_needs_nothing_but_the_standard_library() -> None:
    """Not one import from elsewhere, this project's own modules included."""
    found = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    assert len(found) > 5
    assert {name.partition(".")[0] for name in found} <= sys.stdlib_module_names
    assert not found & {"socket", "urllib", "http", "sqlite3", "ssl", "subprocess"}


# ── one entry ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("position", [1, 10, 256, 257, 512, 702, SIZE])
def test_a_record_is_verified_from_its_one_file(
    office: Witnessed, tmp_path: Path, position: int
) -> None:
    """And says in Chinese what was checked."""
    path = tmp_path / f"{position}.tlog-proof"
    path.write_text(str(office.evidence.prove(position)), "utf-8")
    code, said = audit(path, "--key", key(office))
    assert code == 0
    assert f"就是第 {position} 条流水" in said
    assert "签发时流水共 703 条" in said
    assert said.endswith("结论：核验通过。\n")


def test_a_record_is_compared_with_bytes_kept_elsewhere(office: Witnessed, tmp_path: Path) -> None:
    """The same bytes pass, with or without a line break; others do not."""
    proof, entry = tmp_path / "10.tlog-proof", tmp_path / "entry"
    proof.write_text(str(office.evidence.prove(10)), "utf-8")
    stored = office.evidence.stored(10)
    for kept, expected in ((stored, 0), (stored + b"\n", 0), (stored + b" ", 1), (b"", 1)):
        entry.write_bytes(kept)
        assert audit(proof, "--key", key(office), "--entry", entry)[0] == expected


def test_a_proof_without_the_record_needs_the_record(office: Witnessed, tmp_path: Path) -> None:
    """What is proved must be shown."""
    found = office.evidence.prove(10)
    bare = EntryProof(found.index, found.hashes, found.note)
    path, entry = tmp_path / "bare.tlog-proof", tmp_path / "entry"
    path.write_text(str(bare), "utf-8")
    entry.write_bytes(found.extra)
    assert audit(path, "--key", key(office))[0] == 2
    assert audit(path, "--key", key(office), "--entry", entry)[0] == 0


def _other_record(found: EntryProof) -> str:
    changed = EntryProof(found.index, found.hashes, found.note, found.extra.replace(b"lin", b"wan"))
    return str(changed)


def _other_place(found: EntryProof) -> str:
    return str(EntryProof(found.index + 1, found.hashes, found.note, found.extra))


def _other_hash(found: EntryProof) -> str:
    hashes = (bytes(32), *found.hashes[1:])
    return str(EntryProof(found.index, hashes, found.note, found.extra))


def _fewer_hashes(found: EntryProof) -> str:
    return str(EntryProof(found.index, found.hashes[:-1], found.note, found.extra))


def _other_size(found: EntryProof) -> str:
    return str(found).replace("\n703\n", "\n704\n")


def _other_signature(found: EntryProof) -> str:
    text = str(found)
    return text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]


def _unsigned(found: EntryProof) -> str:
    return str(found).rpartition("—")[0]


@pytest.mark.parametrize(
    "change",
    [
        _other_record,
        _other_place,
        _other_hash,
        _fewer_hashes,
        _other_size,
        _other_signature,
        _unsigned,
    ],
)
def test_a_changed_proof_does_not_pass(
    office: Witnessed, tmp_path: Path, change: Callable[[EntryProof], str]
) -> None:
    """Whatever of it was changed."""
    path = tmp_path / "10.tlog-proof"
    path.write_text(change(office.evidence.prove(10)), "utf-8")
    code, said = audit(path, "--key", key(office))
    assert code == 1
    assert "[不通过]" in said
    assert said.endswith("结论：核验不通过。\n")


def test_a_proof_by_another_key_does_not_pass(office: Witnessed, tmp_path: Path) -> None:
    """Nor does one pass quietly whose key lay beside it, or that nobody gave a key for."""
    path = tmp_path / "10.tlog-proof"
    path.write_text(str(office.evidence.prove(10)), "utf-8")
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert audit(path, "--key", other)[0] == 1
    assert audit(path, "--key", other, "--key", key(office))[0] == 0
    assert audit(path, "--key", key(office).replace("+", "-"))[0] == 2
    code, said = audit(path)
    assert (code, "请用 --key" in said) == (2, True)
    (tmp_path / "keys").write_text(key(office) + "\n", "utf-8")
    code, said = audit(path)
    assert (code, "不能说明确由该单位签发" in said) == (0, True)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v1\nindex 0\n\n"],
)
def test_what_is_no_proof_is_told_without_a_stack_trace(
    office: Witnessed, tmp_path: Path, content: bytes
) -> None:
    """Garbage, or hardly begun."""
    path = tmp_path / "x.tlog-proof"
    path.write_bytes(content)
    code, said = audit(path, "--key", key(office))
    assert (code in {1, 2}, "[不通过]" in said) == (True, True)
    assert audit(tmp_path / "nothing", "--key", key(office))[0] == 2


@pytest.mark.parametrize(
    "stored",
    [b"\xff", b"[]", b'"x"', b'{"position":%s}' % (b"9" * 5_000), b"[" * 100_000],
)
def test_a_signed_record_in_no_form_of_ours_is_proved_and_not_shown(
    office: Witnessed, tmp_path: Path, stored: bytes
) -> None:
    """Whatever the bytes are: no stack trace, and nothing said of their meaning."""
    root = sha256(b"\x00" + stored).digest()
    note = str(office.keys.signed(str(Checkpoint(office.keys.origin, 1, root))))
    path = tmp_path / "1.tlog-proof"
    path.write_text(str(EntryProof(0, (), note, stored)), "utf-8")
    code, said = audit(path, "--key", key(office))
    assert (code, "未显示摘要" in said) == (0, True)


# ── a whole journal ──────────────────────────────────────────────────────────────────────────


def test_an_exported_journal_is_verified(office: Witnessed, export: Path) -> None:
    """Every entry, every checkpoint, on the standard library alone."""
    code, said = audit(export, "--key", key(office))
    assert code == 0
    assert "全部 703 条记录与检查点相符" in said
    assert "3 个检查点前后一致" in said
    assert "没有提供另外保存的检查点" in said


@pytest.mark.parametrize("at", [0, 0.1, 0.37, 0.5, 0.75, 0.999])
def test_one_changed_byte_is_found_where_it_is(office: Witnessed, export: Path, at: float) -> None:
    """The position of the very entry."""
    path = export / "journal.ndjson"
    content = bytearray(path.read_bytes())
    place = int(at * len(content))
    position = content.count(b"\n", 0, place) + 1
    content[place] ^= 1
    path.write_bytes(bytes(content))
    code, said = audit(export, "--key", key(office))
    assert code == 1
    assert f"流水号 {position} 的记录" in said


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:41] + lines[42:], "流水号 42 的记录"),
        (lambda lines: [*lines[:41], lines[10], *lines[41:]], "流水号 42 的记录"),
        (lambda lines: [*lines[:41], lines[42], lines[41], *lines[43:]], "流水号 42 的记录"),
        (lambda lines: lines[:500], "自流水号 501 起缺失"),
        (lambda lines: lines[:702], "自流水号 703 起缺失"),
        (lambda lines: lines[:0], "自流水号 1 起缺失"),
        (lambda lines: [*lines, lines[-1]], "流水号 704 的记录"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "流水号 703 的记录"),
    ],
)
def test_a_changed_journal_is_found(
    office: Witnessed, export: Path, change: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    """Deleted, doubled, exchanged, cut off, lengthened, its last line break gone."""
    path = export / "journal.ndjson"
    path.write_bytes(b"".join(change(_lines(path))))
    code, said = audit(export, "--key", key(office))
    assert code == 1
    assert told in said


def test_without_tiles_a_change_is_found_between_two_checkpoints(
    office: Witnessed, export: Path
) -> None:
    """The tiles say where; the checkpoints alone say between which sizes."""
    shutil.rmtree(export / "tile")
    path = export / "journal.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"n":457,', b'"n":458,'))
    code, said = audit(export, "--key", key(office))
    assert (code, "流水号 301 至 700 之间有改动" in said) == (1, True)


def test_a_change_of_journal_and_tiles_together_is_found(office: Witnessed, export: Path) -> None:
    """Tiles that do not fit the signed root name nobody."""
    (export / "tile/0/000").write_bytes(bytes(8192))
    # They are only asked where something is wrong.
    assert audit(export, "--key", key(office))[0] == 0
    path = export / "journal.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"n":7,', b'"n":8,'))
    code, said = audit(export, "--key", key(office))
    assert (code, "散列块也与检查点不符" in said) == (1, True)


def test_an_older_export_is_found_by_a_checkpoint_held_elsewhere(
    office: Witnessed, export: Path, tmp_path: Path
) -> None:
    """A whole folder replaced by an older one passes by itself, and says what it cannot tell."""
    held = tmp_path / "held"
    held.write_text(office.evidence.signed(SIZE).note, "utf-8")
    older = tmp_path / "older"
    office.evidence.export(older, office.evidence.signed(300))
    code, said = audit(older, "--key", key(office))
    assert (code, "本程序看不出来" in said) == (0, True)
    code, said = audit(older, "--key", key(office), "--checkpoint", held)
    assert (code, "自流水号 301 起缺失" in said) == (1, True)
    held.write_text(office.evidence.signed(300).note, "utf-8")
    code, said = audit(export, "--key", key(office), "--checkpoint", held)
    assert (code, "含另行提供的 1 个" in said) == (0, True)


def test_a_changed_checkpoint_in_an_export_is_found(office: Witnessed, export: Path) -> None:
    """The newest by its signature, an older one because the journal contradicts it."""
    older = export / "checkpoints/000/000/000/300"
    text = older.read_text("utf-8").split("\n")
    text[2] = base64.b64encode(bytes(32)).decode()
    older.write_text("\n".join(text), "utf-8")
    code, said = audit(export, "--key", key(office))
    assert (code, "检查点（checkpoints/000/000/000/300，300 条）与流水不符" in said) == (1, True)
    newest = export / "checkpoint"
    newest.write_text(newest.read_text("utf-8").replace("703", "702", 1), "utf-8")
    code, said = audit(export, "--key", key(office))
    assert (code, "签名无效" in said) == (1, True)


def test_a_newer_checkpoint_lying_in_an_export_shows_that_it_was_cut_off(
    office: Witnessed, tmp_path: Path
) -> None:
    """Journal and newest checkpoint replaced by older ones, one file forgotten."""
    older = tmp_path / "older"
    office.evidence.export(older, office.evidence.signed(300))
    left = older / "checkpoints/000/000/000/700"
    left.write_text(office.evidence.signed(700).note, "utf-8")
    code, said = audit(older, "--key", key(office))
    assert (code, "自流水号 301 起缺失" in said) == (1, True)


def test_parts_fit_together_wherever_the_file_is_cut(
    export: Path, office: Witnessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process or in several; the file is as large as many parts only in this test."""
    path = export / "journal.ndjson"
    whole = [sha256(b"\x00" + line[:-1]).digest() for line in _lines(path)]
    for size in (700, 4096, 100_003):
        monkeypatch.setattr(verify, "PART", size)
        read = [verify.read_part(path, piece) for piece in verify.cut(path)]
        assert b"".join(leaves for leaves, *_ in read) == b"".join(whole)
        assert not any(astray for *_, astray in read)
        assert verify.main([str(export), "--key", key(office)]) == 0
    monkeypatch.setattr(verify, "PART", path.stat().st_size // 5)
    assert len(list(verify.cut(path))) > 4
    assert verify.main([str(export), "--key", key(office)]) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), min_size=1),
    st.integers(1, 40),
    st.integers(2, 20),
)
def test_every_line_is_read_once_whatever_its_length(
    tmp_path: Path, lines: list[bytes], part: int, step: int
) -> None:
    """Empty ones too, and at the end of a part or of what is read at a time."""
    path = tmp_path / "lines"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verify, "PART", part)
        patched.setattr(verify, "STEP", step)
        read = [verify.read_part(path, piece)[0] for piece in verify.cut(path)]
    assert b"".join(read) == b"".join(sha256(b"\x00" + line).digest() for line in lines)


def test_roots_that_a_part_brings_along_are_those_of_its_leaves(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the part begins, every 256 leaves that fill a subtree."""
    path = export / "journal.ndjson"
    whole = [sha256(b"\x00" + line[:-1]).digest() for line in _lines(path)]
    monkeypatch.setattr(verify, "PART", path.stat().st_size * 3 // 4)
    blocks = [verify.read_part(path, piece)[1] for piece in verify.cut(path)]
    assert blocks == [{n: root_of(whole[n * 256 : n * 256 + 256]) for n in (0, 1)}, {}]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"position":457,', b'"position":458,'),
        (b'"recorded_at":"2', b'"recorded_at":"1'),
        (b'"recorded_at":"', b'"recorded_to":"'),
        (b'"position":457,', b'"position":%s,' % (b"4" * 5_000)),
    ],
)
def test_a_signed_journal_out_of_order_is_found(
    office: Witnessed, tmp_path: Path, old: bytes, new: bytes
) -> None:
    """Should the office itself have signed nonsense: the tree holds, the entries do not follow."""
    stored = [office.evidence.stored(n) for n in range(1, SIZE + 1)]
    stored[456] = stored[456].replace(old, new)
    for part in (verify.PART, 5_000):
        code, said = _signed_anew(office, tmp_path, stored, part)
        assert (code, "流水号 457 的记录不接着前一条" in said) == (1, True)


def test_what_lines_say_of_their_positions_is_not_built_on(
    office: Witnessed, tmp_path: Path
) -> None:
    """All numbers moved on by one, and signed so: the root holds, only the numbers are told."""
    stored = [
        office.evidence.stored(n).replace(b'"position":%d,' % n, b'"position":%d,' % (n + 1))
        for n in range(1, SIZE + 1)
    ]
    for part in (verify.PART, 5_000):
        code, said = _signed_anew(office, tmp_path, stored, part)
        assert (code, "流水号 1 的记录不接着前一条" in said) == (1, True)


def _signed_anew(
    office: Witnessed, folder: Path, stored: list[bytes], part: int
) -> tuple[int, str]:
    """Sign these entries as the office would, and verify them in parts of so many bytes."""
    leaves = [sha256(b"\x00" + one).digest() for one in stored]
    text = str(Checkpoint(office.keys.origin, SIZE, root_of(leaves)))
    (folder / "checkpoint").write_text(str(office.keys.signed(text)), "utf-8")
    (folder / "journal.ndjson").write_bytes(b"".join(one + b"\n" for one in stored))
    program = f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); import verify;"
    program += f"verify.PART = {part}; sys.exit(verify.main(sys.argv[1:]))"
    command = [*BARE, "-c", program, str(folder)]
    done = subprocess.run([*command, "--key", key(office)], capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


def test_keys_of_another_suite_are_passed_over(office: Witnessed, export: Path) -> None:
    """An office that signs with SM2 besides publishes such a key; alone it is not enough."""
    public = VerifierKey(office.keys.origin, SM2, bytes(64))
    code, said = audit(export, "--key", key(office), "--key", str(public))
    assert (code, "1 把不是 Ed25519 公钥" in said) == (0, True)
    assert audit(export, "--key", str(public))[0] == 2


def test_a_file_that_is_missing_is_told(office: Witnessed, export: Path) -> None:
    """Unreadable is not the same as wrong."""
    (export / "journal.ndjson").unlink()
    assert audit(export, "--key", key(office))[0] == 2
    (export / "checkpoint").unlink()
    code, said = audit(export, "--key", key(office))
    assert (code, "无法核验" in said) == (2, True)


# ── Ed25519 ──────────────────────────────────────────────────────────────────────────────────

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("public", "text", "r", "s"), RFC_8032)
def test_published_signatures_are_accepted(public: str, text: str, r: str, s: str) -> None:
    """RFC 8032 §7.1, tests 1 to 3; and nothing that differs in one bit."""
    key_, said, signed = (bytes.fromhex(one) for one in (public, text, r + s))
    assert verify.is_signed(key_, said, signed)
    assert not verify.is_signed(key_, said + b"x", signed)
    for bit in (0, 255, 256, 300, 511):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify.is_signed(key_, said, bytes(changed))


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_it_agrees_with_another_implementation(secret: bytes, text: bytes) -> None:
    """Signatures by OpenSSL."""
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    signature = private.sign(text)
    assert verify.is_signed(public, text, signature)
    assert not verify.is_signed(public, text, signature[:32] + bytes(32))
    beyond = int.from_bytes(signature[32:], "little") + ORDER
    if beyond < 2**256:  # the same number once more around: one signature has one form
        assert not verify.is_signed(public, text, signature[:32] + beyond.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "public",
    [
        (2**255 - 19).to_bytes(32, "little"),  # y = p
        (2).to_bytes(32, "little"),  # not on the curve
        (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with the sign of another
        bytes(31),
    ],
)
def test_bytes_that_are_no_point_are_no_key(public: bytes) -> None:
    """RFC 8032 §5.1.3."""
    assert not verify.is_signed(public, b"", sha512(b"").digest())


def test_a_wrong_command_line_is_told_in_chinese(capfd: pytest.CaptureFixture[str]) -> None:
    """Without the library's own English, and with the exit code of what could not be checked."""
    for arguments in ([], ["a", "b"], ["a", "--nothing"]):
        with pytest.raises(SystemExit) as ended:
            verify.main(arguments)
        assert ended.value.code == 2
    with pytest.raises(SystemExit):
        verify.main(["--help"])
    said = capfd.readouterr()
    assert "命令写法有误" in said.out
    assert "用法：" in said.out
    assert not said.err
    assert "usage" not in said.out
