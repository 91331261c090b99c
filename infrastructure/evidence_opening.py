"""Opening an office's evidence: its signing keys are made at the first start, and never again.

A journal that has been signed needs the keys it was signed with. Where they are lost for good, a
new key under the same name goes on from the last checkpoint (`replace_lost_keys`); the public keys
kept in the folder outside stay known.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from application.evidence import EvidenceProblem, Examiner
from domain.evidence_notes import Checkpoint, Note, NoteProblem, VerifierKey
from domain.vocabulary import ID_ALPHABET, ID_LENGTH
from infrastructure.database import Database
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_folder import EvidenceFolder, EvidencePlaces
from infrastructure.evidence_keys import (
    KeyFile,
    SigningKeys,
    make_signing_keys,
    new_signing_keys,
)
from infrastructure.evidence_suites import SUITES

ORIGINS: Final = "taizhang/"
"""What the names of all journals begin with; random characters follow."""


def opened_evidence(
    database: Database, places: EvidencePlaces, examiners: Sequence[Examiner] = ()
) -> tuple[StoredEvidence, bool]:
    """Return the evidence of an open database, and whether its signing key was made now.

    Raises:
        KeyProblem: the journal was signed before and its key file is missing or damaged.
    """
    file = places.key_file
    is_new = not file.exists() and _last_note(database, places) is None
    if is_new:
        make_signing_keys(file, new_signing_keys(_new_origin()))
    return StoredEvidence(database, KeyFile(file).keys, places.folder, examiners), is_new


def replace_lost_keys(database: Database, places: EvidencePlaces) -> SigningKeys:
    """Make a new key for a journal whose key file is lost; its old public keys stay known.

    Nobody can tell from the outside that the new key is the same office's: it must be published
    like the first one.

    Raises:
        KeyProblem: there is a key file.
        EvidenceProblem: the journal was never signed, or its old public keys are not known.
    """
    last, folder = _last_note(database, places), EvidenceFolder(places.folder)
    if last is None:
        raise EvidenceProblem("还没有签发过检查点，不需要补发密钥。")
    try:
        origin = Checkpoint.parse(Note.parse(last).text).origin
        known = [VerifierKey.parse(line, SUITES) for line in folder.public_keys()]
    except NoteProblem as error:
        raise EvidenceProblem(f"外存文件夹或数据库中的检查点、公钥无法识别：{error}") from error
    retired = tuple(key for key in known if key.name == origin)
    if not retired:
        raise EvidenceProblem(f"外存文件夹 {folder.path} 中没有原来的公钥，不能补发密钥。")
    return make_signing_keys(places.key_file, new_signing_keys(origin, retired))


def _last_note(database: Database, places: EvidencePlaces) -> str | None:
    with database.pool.connection() as connection:
        row = connection.execute(
            "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
        ).fetchone()
    outside = EvidenceFolder(places.folder)
    return row[0] if row else outside.note(outside.newest())


def _new_origin() -> str:
    number = int.from_bytes(os.urandom(10))
    return ORIGINS + "".join(ID_ALPHABET[number >> 5 * i & 31] for i in range(ID_LENGTH))
