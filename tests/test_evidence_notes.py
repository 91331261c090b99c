"""Signed notes, checkpoints, proofs as text, and the keys that sign them."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.evidence import leaf_hash, root_of
from domain.evidence_notes import (
    Checkpoint,
    EntryProof,
    Note,
    NoteProblem,
    Signature,
    VerifierKey,
    is_key_name,
    opened,
)
from infrastructure.evidence_keys import (
    PRIVATE,
    KeyFile,
    SigningKeys,
    load_signing_keys,
    make_signing_keys,
    new_signing_keys,
    save_signing_keys,
)
from infrastructure.evidence_suites import SM2, SUITES, Ed25519Signer, check_signature
from infrastructure.keys import KeyProblem

# The worked example of Go's sumdb/note package, from which the format stems.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv"
    "qfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ROOT = root_of([leaf_hash(b"one"), leaf_hash(b"two")])
NAME = "taizhang/test"


def keys() -> SigningKeys:
    """The keys of a journal, the same each time."""
    return SigningKeys((Ed25519Signer(NAME, bytes(range(32))),))


def note() -> str:
    """A checkpoint signed by `keys`."""
    return str(keys().signed(str(Checkpoint(NAME, 2, ROOT))))


# ── notes ────────────────────────────────────────────────────────────────────────────────────


def test_the_published_note_opens_with_the_published_key() -> None:
    """Key id, signed bytes and signature are those of the format's other implementations."""
    key = VerifierKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    read = Note.parse(GO_NOTE)
    assert (read.text, str(read)) == (GO_TEXT, GO_NOTE)
    assert read.signers([key], check_signature) == [key]


def test_the_published_note_is_signed_again_byte_for_byte(tmp_path: Path) -> None:
    """The published secret key, read from a key file, signs the same text the same way."""
    path = tmp_path / "evidence.key"
    path.touch(mode=0o600)
    path.write_text(GO_SIGNER + "\n")
    assert str(load_signing_keys(path).signed(GO_TEXT)) == GO_NOTE


def test_a_checkpoint_is_three_lines_and_their_signature() -> None:
    """C2SP tlog-checkpoint."""
    checkpoint = opened(note(), keys().known, check_signature)
    assert checkpoint == Checkpoint(NAME, 2, ROOT)
    assert note().split("\n")[:4] == [NAME, "2", base64.b64encode(ROOT).decode(), ""]


def test_unknown_signatures_are_ignored_and_known_ones_must_hold() -> None:
    """Another's signature changes nothing; a broken one of ours spoils the note."""
    other = new_signing_keys("witness/one").signed(str(Checkpoint(NAME, 2, ROOT)))
    ours = Note.parse(note())
    both = Note(ours.text, (*other.signatures, *ours.signatures))
    assert opened(str(both), keys().known, check_signature).size == 2
    broken = Signature(NAME, ours.signatures[0].key, bytes(64))
    spoilt = Note(ours.text, (*ours.signatures, broken))
    with pytest.raises(NoteProblem, match="签名无效"):
        opened(str(spoilt), keys().known, check_signature)
    with pytest.raises(NoteProblem, match="没有已知密钥"):
        opened(str(other), keys().known, check_signature)


def test_a_key_is_known_by_name_and_id_together() -> None:
    """A line that borrows our key's id under another name is not ours, so nobody signed."""
    ours = Note.parse(note())
    borrowed = Note(ours.text, (Signature("else/where", ours.signatures[0].key, bytes(64)),))
    with pytest.raises(NoteProblem, match="没有已知密钥"):
        opened(str(borrowed), keys().known, check_signature)


def test_a_checkpoint_of_another_origin_is_not_ours_although_our_key_signed_it() -> None:
    """The key's name is the origin."""
    foreign = str(keys().signed(str(Checkpoint("else/where", 2, ROOT))))
    with pytest.raises(NoteProblem, match="来源"):
        opened(foreign, keys().known, check_signature)


@given(st.data())
def test_no_character_of_a_checkpoint_can_be_changed(data: st.DataObject) -> None:
    """Deleted, replaced or doubled anywhere: it is refused, or no longer signed by us."""
    text = note()
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.text(max_size=2))
    changed = text[:at] + put + text[at + 1 :]
    assume(changed != text)
    with pytest.raises(NoteProblem):
        opened(changed, keys().known, check_signature)


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n02\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n-2\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n２\n{base64.b64encode(ROOT).decode()}\n",
        f"\n2\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n2\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{NAME}\n2\n",
        f"{NAME}\n2\n!\n",
    ],
)
def test_what_is_signed_must_be_a_checkpoint(text: str) -> None:
    """A valid signature does not make a checkpoint of any text."""
    with pytest.raises(NoteProblem):
        opened(str(keys().signed(text)), keys().known, check_signature)


def test_extension_lines_are_allowed_and_signed() -> None:
    """Lines after the root are opaque but covered by the signature."""
    text = str(Checkpoint(NAME, 2, ROOT)) + "extension\n"
    assert opened(str(keys().signed(text)), keys().known, check_signature).size == 2


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\x00b"])
def test_key_names_have_no_white_space_and_no_plus(name: str) -> None:
    """Such a name could not be read back."""
    assert not is_key_name(name)
    with pytest.raises(KeyProblem):
        new_signing_keys(name)


@pytest.mark.parametrize(
    "line",
    [
        "PeterNeumann",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY[:-4] + "AAAA",
        "x+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
    ],
)
def test_a_miscopied_public_key_is_refused(line: str) -> None:
    """Its id tells; other signature types are refused."""
    with pytest.raises(NoteProblem):
        VerifierKey.parse(line)


# ── proofs as text ───────────────────────────────────────────────────────────────────────────


def test_a_proof_is_written_as_tlog_proof_says() -> None:
    """Heading, extra data, index, hashes, an empty line, the checkpoint verbatim."""
    other = leaf_hash(b"one")
    lines = str(EntryProof(1, (other,), note(), b"two")).split("\n")
    assert lines[:5] == [
        "c2sp.org/tlog-proof@v1",
        "extra dHdv",
        "index 1",
        base64.b64encode(other).decode(),
        "",
    ]
    assert "\n".join(lines[5:]) == note()


@pytest.mark.parametrize(
    "found",
    [
        EntryProof(0, (), note()),
        EntryProof(1, (leaf_hash(b"one"),), note(), b"two"),
        EntryProof(73_894, tuple(leaf_hash(b"%d" % n) for n in range(20)), note(), b"\x00\n\n"),
    ],
)
def test_a_proof_comes_back_as_it_was_written(found: EntryProof) -> None:
    """Without hashes, without extra data, with any bytes in it."""
    assert EntryProof.parse(str(found)) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 1", "index 01"),
        ("index 1", "index -1"),
        ("index 1\n", ""),
        ("extra dHdv", "extra dHd"),
        ("\n\n" + NAME, "\nAAAA\n\n" + NAME),
        ("\n\n" + NAME, "\n" + NAME),
    ],
)
def test_a_proof_out_of_form_is_refused(old: str, new: str) -> None:
    """Not guessed at."""
    text = str(EntryProof(1, (leaf_hash(b"one"),), note(), b"two"))
    assert old in text
    with pytest.raises(NoteProblem):
        EntryProof.parse(text.replace(old, new, 1))


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def test_the_key_file_is_the_owners_alone(tmp_path: Path) -> None:
    """Made once with mode 0600, read back the same; open to others it is refused."""
    path = tmp_path / "deep" / "evidence.key"
    made = make_signing_keys(path, new_signing_keys(NAME))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signing_keys(path).known == made.known
    with pytest.raises(KeyProblem, match="已经存在"):
        make_signing_keys(path, new_signing_keys(NAME))
    path.chmod(0o644)
    with pytest.raises(KeyProblem, match="权限过宽"):
        load_signing_keys(path)
    path.unlink()
    with pytest.raises(KeyProblem, match="找不到签名密钥"):
        load_signing_keys(path)


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    """Cut off, of two journals at once, without a key that signs, or with a wrong id."""
    path = tmp_path / "evidence.key"
    save_signing_keys(path, new_signing_keys(NAME))
    good = path.read_text("utf-8")
    line = next(one for one in good.split("\n") if one.startswith(PRIVATE))
    for bad in (
        good.replace(line, line[:-8]),
        good + GO_SIGNER + "\n",
        f"{GO_KEY}\n",
        GO_SIGNER.replace("c74f20a3", "c74f20a4") + "\n",
        "?\n",
    ):
        path.write_text(bad, "utf-8")
        with pytest.raises(KeyProblem, match="不完整"):
            load_signing_keys(path)


def test_keys_rotate_with_overlap(tmp_path: Path) -> None:
    """Both sign for a while, so that either public key opens what is signed; then the old rests."""
    path = tmp_path / "evidence.key"
    first = new_signing_keys(NAME)
    text = str(Checkpoint(NAME, 2, ROOT))
    before = str(first.signed(text))
    both = first.rotated()
    old, new = both.known
    during = str(both.signed(text))
    for key in (old, new):
        assert opened(during, [key], check_signature).size == 2
    save_signing_keys(path, both.retiring(old.id.hex()))
    after = load_signing_keys(path)
    assert (after.retired, after.known, after.origin) == ((old,), (old, new), NAME)
    assert opened(before, after.known, check_signature).size == 2
    with pytest.raises(NoteProblem):
        opened(str(after.signed(text)), [old], check_signature)


def test_a_running_office_reads_a_key_file_that_was_replaced(tmp_path: Path) -> None:
    """One that is away leaves the keys in use; one that is damaged or open to others is told."""
    path = tmp_path / "evidence.key"
    first = make_signing_keys(path, new_signing_keys(NAME))
    file = KeyFile(path)
    assert file.keys().known == first.known
    assert file.keys() is file.keys()
    save_signing_keys(path, rotated := first.rotated())
    assert file.keys().known == rotated.known
    path.rename(tmp_path / "away")
    assert file.keys().known == rotated.known
    path.write_text("damaged", "utf-8")
    with pytest.raises(KeyProblem, match="权限过宽"):
        file.keys()
    path.chmod(0o600)
    with pytest.raises(KeyProblem, match="不完整"):
        file.keys()
    (tmp_path / "away").replace(path)
    assert file.keys().known == rotated.known


def test_the_last_key_cannot_be_retired() -> None:
    """Nor one that is not there."""
    alone = new_signing_keys(NAME)
    with pytest.raises(KeyProblem, match="唯一"):
        alone.retiring(alone.known[0].id.hex())
    with pytest.raises(KeyProblem, match="没有编号"):
        alone.retiring("00000000")


# ── SM2 ──────────────────────────────────────────────────────────────────────────────────────

SM2_KEY_INFO = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
"""What comes before the 64 bytes of a public key in its DER form (RFC 5480, curve SM2)."""


@pytest.fixture
def sm2() -> bytes:
    """The type of SM2 keys, where they are to be had."""
    pytest.importorskip("gmssl_pyx", reason="gmssl-pyx, the SM2 extra, is not installed")
    return SM2


def test_sm2_signs_beside_ed25519(sm2: bytes, tmp_path: Path) -> None:
    """Both lines are there, each key opens the checkpoint, and the file brings both back."""
    both = new_signing_keys(NAME).rotated(sm2)
    path = tmp_path / "evidence.key"
    save_signing_keys(path, both)
    loaded = load_signing_keys(path)
    assert loaded.known == both.known
    text = str(loaded.signed(str(Checkpoint(NAME, 2, ROOT))))
    for key in both.known:
        assert opened(text, [VerifierKey.parse(str(key), SUITES)], check_signature).size == 2
    with pytest.raises(NoteProblem, match="签名无效"):
        opened(text.replace("\n2\n", "\n3\n"), [both.known[1]], check_signature)


def test_an_sm2_key_whose_halves_do_not_fit_is_refused(sm2: bytes) -> None:
    """Nothing would verify that it signs."""
    one, other = (SUITES[sm2].new_secret() for _ in range(2))
    for secret in (one[:32] + other[32:], one[:-1], bytes(96)):
        with pytest.raises(ValueError, match="SM2"):
            SUITES[sm2].signer(NAME, secret)


def test_openssl_accepts_our_sm2_signatures(sm2: bytes, tmp_path: Path) -> None:
    """An independent implementation of the standard, with its default signer id."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl program to compare with")
    signer = SUITES[sm2].signer(NAME, SUITES[sm2].new_secret())
    (tmp_path / "text").write_bytes(b"text")
    (tmp_path / "signature").write_bytes(signer.sign(b"text"))
    (tmp_path / "key.der").write_bytes(SM2_KEY_INFO + signer.key.public)
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
    command += ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    command += ["-in", "text", "-sigfile", "signature"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert b"Signature Verified Successfully" in done.stdout, done.stderr.decode()
