"""Signing keys (签名密钥) for checkpoints: the file that holds them, and what they sign with.

    evidence.key (0600)   PRIVATE+KEY+name+id+…   every key that signs; during a rotation several
                          name+id+…               keys that signed once (retired): public part only

All keys of a journal carry one name, which is the origin of its checkpoints. Rotation overlaps: a
new key signs beside the old one until everybody who checks has its public key, then the old one is
retired. Keys of several suites may sign side by side. A running office notices (`KeyFile`).
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from domain.evidence_notes import (
    ED25519,
    Note,
    NoteProblem,
    Signature,
    VerifierKey,
    is_key_name,
    key_parts,
)
from infrastructure.durable import make_folder, sync
from infrastructure.evidence_suites import SUITES, Signer
from infrastructure.keys import KeyProblem, writing_a_key
from infrastructure.system_words import why

PRIVATE: Final = "PRIVATE+KEY+"
_HEADING: Final = "# 台账检查点签名密钥：请妥善备份，不得外传。\n"


# ── the keys of one journal ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class SigningKeys:
    """The keys that sign a journal's checkpoints, and those that did; oldest first."""

    signers: tuple[Signer, ...]
    retired: tuple[VerifierKey, ...] = ()

    @property
    def origin(self) -> str:
        """The name of all keys and the origin of the checkpoints."""
        return self.signers[0].key.name

    @property
    def known(self) -> tuple[VerifierKey, ...]:
        """Every key whose signature counts."""
        return (*self.retired, *(signer.key for signer in self.signers))

    def signed(self, text: str) -> Note:
        """Return the note of a text, signed by every key that signs."""
        data = text.encode()
        lines = [Signature(s.key.name, s.key.id, s.sign(data)) for s in self.signers]
        return Note(text, tuple(lines))

    def rotated(self, suite: bytes = ED25519) -> SigningKeys:
        """Return the keys with a new one that signs beside the others from now on."""
        return replace(self, signers=(*self.signers, _new_signer(self.origin, suite)))

    def retiring(self, key_id: str) -> SigningKeys:
        """Return the keys without the private part of the one with that id (8 hex digits).

        Raises:
            KeyProblem: no key that signs has this id, or it is the only one.
        """
        gone = [signer for signer in self.signers if signer.key.id.hex() == key_id]
        if not gone:
            raise KeyProblem(f"没有编号为“{key_id}”的在用签名密钥，请核对编号。")
        left = tuple(signer for signer in self.signers if signer not in gone)
        if not left:
            raise KeyProblem("这是唯一在用的签名密钥，请先启用新密钥，再停用它。")
        return SigningKeys(left, (*self.retired, *(signer.key for signer in gone)))


def new_signing_keys(
    origin: str, retired: tuple[VerifierKey, ...] = (), suite: bytes = ED25519
) -> SigningKeys:
    """Return the first key of a journal, or the next one where the earlier ones were lost.

    Raises:
        KeyProblem: a key cannot have that name.
    """
    if not is_key_name(origin):
        raise KeyProblem(f"“{origin}”不能用作签名密钥的名称：不能有空格或加号。")
    return SigningKeys((_new_signer(origin, suite),), retired)


def _new_signer(name: str, suite: bytes) -> Signer:
    return SUITES[suite].signer(name, SUITES[suite].new_secret())


# ── their file ───────────────────────────────────────────────────────────────────────────────


def load_signing_keys(path: Path) -> SigningKeys:
    """Read the key file; it must be a plain file that nobody else may read.

    Raises:
        KeyProblem: it is missing, damaged, or open to others.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text("utf-8").split("\n")
    except FileNotFoundError as error:
        raise KeyProblem(
            f"找不到签名密钥文件：{path}。请把备份放回原处；没有它，不能签发新的检查点。"
            "确实没有备份的，运行 taizhang evidence key replace 补发。"
        ) from error
    except (OSError, ValueError) as error:
        raise KeyProblem(f"签名密钥文件无法读取：{path}（{why(error)}）。") from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyProblem(f"签名密钥文件 {path} 的权限过宽（{stat.S_IMODE(mode):o}），请改为 600。")
    try:
        return _read([line for line in lines if line and not line.startswith("#")])
    except NoteProblem as error:
        raise KeyProblem(f"签名密钥文件内容不完整：{path}。{error}") from error


class KeyFile:
    """The key file of a running office, read again whenever it was replaced.

    So a rotation needs no restart. Where the file is away, the keys read last stay in use, as they
    would if it had never been looked at again: the next start will ask for it.
    """

    def __init__(self, path: Path) -> None:
        """Read it; raises `KeyProblem` like `load_signing_keys`."""
        self._path = path
        self._seen = _mark(path), load_signing_keys(path)

    def keys(self) -> SigningKeys:
        """Return the keys that the file holds now.

        Raises:
            KeyProblem: it was replaced by one that is damaged, or open to others.
        """
        mark, keys = self._seen
        now = _mark(self._path)
        if now not in {mark, None}:
            keys = load_signing_keys(self._path)
            self._seen = now, keys
        return keys


def _mark(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file's contents, None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode


def _read(lines: list[str]) -> SigningKeys:
    signers = tuple(_signer(line) for line in lines if line.startswith(PRIVATE))
    retired = tuple(
        VerifierKey.parse(line, SUITES) for line in lines if not line.startswith(PRIVATE)
    )
    if not signers:
        raise NoteProblem("其中没有在用的密钥。")
    if len({key.name for key in (*retired, *(signer.key for signer in signers))}) > 1:
        raise NoteProblem("其中的密钥名称不一致。")
    return SigningKeys(signers, retired)


def _signer(line: str) -> Signer:
    name, key_id, suite, secret = key_parts(line.removeprefix(PRIVATE), SUITES)
    try:
        signer = SUITES[suite].signer(name, secret)
    except ValueError as error:
        raise NoteProblem(f"密钥 {key_id} 的内容不对。") from error
    if signer.key.id.hex() != key_id:
        raise NoteProblem(f"密钥 {key_id} 的编号与内容不符。")
    return signer


def _private_line(signer: Signer) -> str:
    material = base64.b64encode(signer.key.type + signer.secret).decode()
    return f"{PRIVATE}{signer.key.name}+{signer.key.id.hex()}+{material}"


def save_signing_keys(path: Path, keys: SigningKeys) -> None:
    """Write the key file (mode 0600), replacing the one before as a whole or not at all."""
    lines = [*(str(key) for key in keys.retired), *(_private_line(s) for s in keys.signers)]
    new = path.with_name(path.name + ".new")
    with writing_a_key("签名密钥", path):
        make_folder(path.parent, 0o700)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_HEADING + "".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync(path.parent)


def make_signing_keys(path: Path, keys: SigningKeys) -> SigningKeys:
    """Write the key file of a journal that has none.

    Raises:
        KeyProblem: there is one already; losing it would lose its keys.
    """
    if path.exists():
        raise KeyProblem(f"签名密钥文件已经存在：{path}。如需更换密钥，请使用密钥轮换。")
    save_signing_keys(path, keys)
    return keys
