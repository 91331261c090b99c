"""The demonstration's journal leaves the house: verified by a stranger, one changed byte named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from infrastructure.office import Office
from interface.cli_demo_story import Making, load
from tests.auditor import PROGRAM, audit
from tests.databases import MASTER_KEY
from tests.http_office import evidence_below


def test_the_demonstration_is_verified_alone_and_one_changed_byte_is_named(
    empty_database: str, tmp_path: Path
) -> None:
    """On the standard library, with the published key; wherever the byte is, its very entry."""
    folder = tmp_path / "流水导出"
    with Office(empty_database, MASTER_KEY, evidence=evidence_below(tmp_path)) as office:
        load(office, Making(scale=1, seed=7), tmp_path)
        evidence = office.evidence
        signed = evidence.checkpoint()
        evidence.export(folder, signed)
        key = str(evidence.keys.known[0])
    shutil.copyfile(PROGRAM, folder / "verify.py")
    size = signed.checkpoint.size
    assert size > 1000

    code, said = audit(".", "--key", key, program="verify.py", folder=folder)
    assert (code, f"全部 {size} 条记录与检查点相符" in said) == (0, True), said

    journal = folder / "journal.ndjson"
    genuine = journal.read_bytes()
    chance = random.Random(20)  # noqa: S311  (where a forger's hand slips)
    for place in [0, len(genuine) - 2, *(chance.randrange(len(genuine)) for _ in range(8))]:
        forged = bytearray(genuine)
        forged[place] ^= 1 << chance.randrange(8)
        journal.write_bytes(forged)
        code, said = audit(".", "--key", key, program="verify.py", folder=folder)
        position = genuine.count(b"\n", 0, place) + 1
        assert (code, f"流水号 {position} 的记录与签发过的散列值不符" in said) == (1, True), said
