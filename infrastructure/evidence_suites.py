"""Signature suites (签名算法) for checkpoints: Ed25519 always, SM2 with SM3 (国密) as an extra.

A suite is a row of `SUITES`, found by the C2SP type byte of a key. SM2 is there where the package
``gmssl-pyx`` is installed. **It is not a certified cryptographic module**: an office that is under
commercial cryptography assessment (商用密码应用安全性评估) needs one, behind a `Signer` of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.evidence_notes import ED25519, VerifierKey

SM2: Final = b"\xfftaizhang/sm2-sm3/v1:"
"""Signature type of ours, in the space that C2SP leaves for private ones."""

_SM2_PRIVATE: Final = 32
_SM2_PUBLIC: Final = 64


class Signer(Protocol):
    """A key that signs: here in a file, elsewhere perhaps in a device.

    ``secret`` is what the key file holds of it.
    """

    key: VerifierKey
    secret: bytes

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a text."""
        ...


@dataclass(frozen=True)
class Suite:
    """A way to sign: how secrets are made, how one signs, and how a signature is checked.

    ``signer`` raises `ValueError` where the secret is none. ``check`` takes public key, text and
    signature, and answers False for anything that is not a valid signature.
    """

    name: str
    new_secret: Callable[[], bytes]
    signer: Callable[[str, bytes], Signer]
    check: Callable[[bytes, bytes, bytes], bool]


# ── Ed25519 ──────────────────────────────────────────────────────────────────────────────────


class Ed25519Signer:
    """Signs as RFC 8032 says."""

    def __init__(self, name: str, secret: bytes) -> None:
        """Sign with the key that these 32 bytes are."""
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.secret = secret
        self.key = VerifierKey(name, ED25519, self._private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """See `Signer.sign`."""
        return self._private.sign(text)


def _check_ed25519(public: bytes, text: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


# ── SM2 with SM3 ─────────────────────────────────────────────────────────────────────────────


def _gmssl() -> Any:
    return importlib.import_module("gmssl_pyx")


class Sm2Signer:
    """Signs as GB/T 32918.2 says, with SM3 and the default signer id of GM/T 0009.

    The secret is the private key and, after it, the public one (x ‖ y); a signature is DER.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        """Sign with the pair of keys that these 96 bytes are."""
        if len(secret) != _SM2_PRIVATE + _SM2_PUBLIC:
            raise ValueError("an SM2 secret has 96 bytes")
        self.secret = secret
        self.key = VerifierKey(name, SM2, secret[_SM2_PRIVATE:])
        try:
            is_pair = _check_sm2(self.key.public, b"", self.sign(b""))
        except _gmssl().GmsslInnerError as error:
            raise ValueError("these bytes are no SM2 keys") from error
        if not is_pair:
            raise ValueError("private and public SM2 key are not a pair")

    def sign(self, text: bytes) -> bytes:
        """See `Signer.sign`."""
        signature: bytes = _gmssl().sm2_sign(self.secret[:_SM2_PRIVATE], self.key.public, text)
        return signature


def _check_sm2(public: bytes, text: bytes, signature: bytes) -> bool:
    gmssl = _gmssl()
    try:
        return bool(gmssl.sm2_verify(public, text, signature))
    except gmssl.GmsslInnerError:
        return False


def _new_sm2() -> bytes:
    public, private = _gmssl().sm2_key_generate()
    return bytes(private + public)


# ── which there are ──────────────────────────────────────────────────────────────────────────

SUITES: Final[dict[bytes, Suite]] = {
    ED25519: Suite("ed25519", lambda: os.urandom(32), Ed25519Signer, _check_ed25519)
}
if importlib.util.find_spec("gmssl_pyx") is not None:
    SUITES[SM2] = Suite("sm2", _new_sm2, Sm2Signer, _check_sm2)


def check_signature(key: VerifierKey, text: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is the key's over ``text``; see `domain.evidence_notes.Check`."""
    return SUITES[key.type].check(key.public, text, signature)
