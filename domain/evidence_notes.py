"""Evidence as text (存证文本): signed notes, checkpoints (检查点), proofs of entries (单条证明).

    taizhang.example/office                      ┐  origin: which journal it is
    20852163                                     │  size: so many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= ┘  root of the hash tree over them
                                                    an empty line ends what is signed
    — taizhang.example/office Az3grlgtzPIC…xMcTOAY  one signature of each key that signs

C2SP ``signed-note``, ``tlog-checkpoint`` and ``tlog-proof``, in the strict reading: what is not
exactly in the form is refused. A key is known by name *and* id; unknown signatures are ignored,
one of a known key that does not fit spoils the note.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from domain.evidence import HASH_BYTES

ED25519: Final = b"\x01"
"""Signature type of RFC 8032 signatures in a signed note."""

LONGEST_NOTE: Final = 64 * 1024
MOST_SIGNATURES: Final = 100
PROOF_HEADING: Final = "c2sp.org/tlog-proof@v1"

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_NAME = re.compile(r"[^\s+]+")


class NoteProblem(Exception):
    """A text is not in its form, or its signatures do not hold; the message says why."""


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class VerifierKey:
    """A public key as it is published (公钥): name, signature type and key in one line of text.

    ``type`` is one byte of the C2SP register, or 0xff and a longer name of one's own.
    """

    name: str
    type: bytes
    public: bytes

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
        return sha256(self.name.encode() + b"\n" + self.type + self.public).digest()[:4]

    def __str__(self) -> str:
        """Return the key as one line: ``name+id+base64(type ‖ public key)``."""
        return f"{self.name}+{self.id.hex()}+{_to_base64(self.type + self.public)}"

    @classmethod
    def parse(cls, text: str, types: Iterable[bytes] = (ED25519,)) -> Self:
        """Read a line that `str` wrote.

        Raises:
            NoteProblem: it is damaged, or of a signature type that is not among ``types``.
        """
        name, key_id, type_, public = key_parts(text, types)
        key = cls(name, type_, public)
        if key.id.hex() != key_id:
            raise NoteProblem(f"公钥 {name} 的编号与内容不符，可能抄写有误。")
        return key


def key_parts(text: str, types: Iterable[bytes]) -> tuple[str, str, bytes, bytes]:
    """Return name, id, signature type and key of a line ``name+id+base64(type ‖ key)``.

    Raises:
        NoteProblem: it is damaged, or of a signature type that is not among ``types``.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):  # noqa: PLR2004  (as written above)
        raise NoteProblem("密钥不完整，应为“名称+编号+密钥”一行文字。")
    material = _from_base64(parts[2])
    for one in types:
        if material.startswith(one):
            return parts[0], parts[1], one, material[len(one) :]
    raise NoteProblem(f"密钥 {parts[0]} 的签名算法不受支持。")


def is_key_name(name: str) -> bool:
    """Whether keys may be called so: neither empty nor with white space or a plus sign."""
    return _KEY_NAME.fullmatch(name) is not None and not _CONTROL.search(name)


# ── signed notes ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Signature:
    """One signature line of a note."""

    name: str
    key: bytes
    value: bytes

    def __str__(self) -> str:
        """Return the line without its line break."""
        return f"— {self.name} {_to_base64(self.key + self.value)}"


Check = Callable[[VerifierKey, bytes, bytes], bool]
"""Whether a signature (third) by the key (first) is one over the text (second)."""


@dataclass(frozen=True)
class Note:
    """A text and its signatures; ``text`` ends in a line break."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Return the note as it is stored and handed out."""
        return self.text + "\n" + "".join(f"{one}\n" for one in self.signatures)

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a note; its signatures are not checked.

        Raises:
            NoteProblem: it is not in the form of a signed note.
        """
        text, empty, below = note.rpartition("\n\n")
        if len(note.encode()) > LONGEST_NOTE or _CONTROL.search(note):
            raise NoteProblem("签名文本过长或含有控制字符。")
        if not empty or not below.endswith("\n"):
            raise NoteProblem("签名文本不完整：缺少签名行。")
        lines = below[:-1].split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise NoteProblem("签名文本的签名过多。")
        return cls(text + "\n", tuple(_signature(line) for line in lines))

    def signers(self, keys: Iterable[VerifierKey], check: Check) -> list[VerifierKey]:
        """Return those of the known ``keys`` whose signature the note carries.

        Raises:
            NoteProblem: none of them signed it, or a signature of one of them does not fit.
        """
        known = {(key.name, key.id): key for key in keys}
        found: list[VerifierKey] = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key))
            if key is None:
                continue
            if not check(key, self.text.encode(), signature.value):
                raise NoteProblem(
                    f"签名无效：内容或签名被改动（密钥 {key.name}，{key.id.hex()}）。"
                )
            found.append(key)
        if not found:
            raise NoteProblem("没有已知密钥的签名，无法确认由谁签发。")
        return found


def _signature(line: str) -> Signature:
    mark, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    if mark != "—" or not is_key_name(name):
        raise NoteProblem("签名行的格式不对。")
    value = _from_base64(coded)
    if len(value) < 5:  # noqa: PLR2004  (four bytes of key id, then the signature)
        raise NoteProblem("签名行不完整。")
    return Signature(name, value[:4], value[4:])


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Checkpoint:
    """How many entries a journal has, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{_to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; further lines (extensions) are allowed and not read.

        Raises:
            NoteProblem: it is not the text of a checkpoint.
        """
        lines = text[:-1].split("\n")
        if len(lines) < 3 or not all(lines) or not _NUMBER.fullmatch(lines[1]):  # noqa: PLR2004  (origin, size, root)
            raise NoteProblem("检查点的格式不对：应为来源、条数、根散列三行。")
        root = _from_base64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteProblem("检查点的根散列长度不对。")
        return cls(lines[0], int(lines[1]), root)


def opened(note: str, keys: Iterable[VerifierKey], check: Check) -> Checkpoint:
    """Return the checkpoint that a note holds, signed by a known key of its own origin.

    Raises:
        NoteProblem: it is not in the form, not signed by one of ``keys``, or of another origin.
    """
    parsed = Note.parse(note)
    signers = parsed.signers(keys, check)
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin not in {key.name for key in signers}:
        raise NoteProblem(f"检查点的来源“{checkpoint.origin}”与签名密钥的名称不符。")
    return checkpoint


# ── the proof of one entry ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class EntryProof:
    """That an entry stands in the journal, in one text file (单条证明， ``.tlog-proof``).

    ``extra`` holds the stored bytes of the entry itself, so that the file needs nothing beside it;
    nobody signs this line: its hash must be the proved leaf. ``note`` is the signed checkpoint.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    def __str__(self) -> str:
        """Return the file's text."""
        lines = [PROOF_HEADING]
        if self.extra:
            lines.append(f"extra {_to_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [_to_base64(one) for one in self.hashes]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a proof; nothing is checked but the form.

        Raises:
            NoteProblem: it is not in the form of ``tlog-proof``.
        """
        above, _, note = text.partition("\n\n")
        lines = above.split("\n")
        if lines.pop(0) != PROOF_HEADING:
            raise NoteProblem(f"这不是单条证明：第一行应为 {PROOF_HEADING}。")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _from_base64(lines.pop(0).removeprefix("extra "))
        word, _, number = lines.pop(0).partition(" ") if lines else ("", "", "")
        if word != "index" or not _NUMBER.fullmatch(number):
            raise NoteProblem("单条证明缺少序号（index）一行。")
        hashes = tuple(_from_base64(line) for line in lines)
        if any(len(one) != HASH_BYTES for one in hashes) or not note:
            raise NoteProblem("单条证明不完整：散列值长度不对，或没有检查点。")
        return cls(int(number), hashes, note, extra)


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    """Decode standard Base64, accepting only what encoding would have written."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteProblem("Base64 编码的内容被改动或不完整。") from error
    if _to_base64(data) != text:
        raise NoteProblem("Base64 编码的内容不规范。")
    return data
