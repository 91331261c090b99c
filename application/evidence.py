"""Evidence (存证) as the rest of the program asks for it: checkpoints, proofs, an examination.

The tree and the texts are `domain.evidence` and `domain.evidence_notes`; where they are kept is
`infrastructure.evidence`. Here stands what travels between them and the interface.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from domain.evidence import Tile
from domain.evidence_notes import Checkpoint, EntryProof, VerifierKey


class EvidenceProblem(Exception):
    """Evidence cannot be given; the message says why, in Chinese."""


class Unknown(EvidenceProblem):
    """There is no such entry, checkpoint or tile."""


class Contradiction(EvidenceProblem):
    """What is stored contradicts what was signed: nothing is signed or handed out on top of it."""


Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Signed:
    """A checkpoint (检查点) as it was signed; ``at`` is when, by the database's clock."""

    checkpoint: Checkpoint
    note: str
    at: datetime


@dataclass(frozen=True)
class Consistency:
    """That the journal of an older checkpoint is the beginning of a newer one's (一致性证明)."""

    old: Signed
    new: Signed
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class State:
    """Where the evidence stands: entries in the journal, those under the newest checkpoint.

    ``outside`` is the newest checkpoint's size in the folder outside the database (0: none).
    ``signing`` are the public keys that sign now, ``known`` these and the retired ones.
    ``trouble`` says why the last attempt to sign failed, if it did.
    """

    origin: str
    head: int
    newest: Signed | None
    outside: int
    folder: str
    signing: tuple[VerifierKey, ...]
    known: tuple[VerifierKey, ...]
    trouble: str | None = None


class Kind(StrEnum):
    """What was found wrong, the most telling first; the value is its name for programs."""

    MISSING = "journal.missing"
    BYTES = "journal.bytes"
    LEAF = "journal.leaf"
    EXTRACT = "journal.extract"
    TAGS = "journal.tags"
    TIME = "journal.time"
    FORM = "journal.form"
    CUT = "journal.cut"
    CHECKPOINT = "checkpoint"
    NODE = "tree"
    OUTSIDE = "outside"
    GIVEN = "given"
    IDENTITY = "identity"
    LEDGER = "ledger"


KIND_TITLES: Final = {
    Kind.MISSING: "流水记录缺失",
    Kind.BYTES: "流水记录被改动",
    Kind.LEAF: "流水记录与其散列值不符",
    Kind.EXTRACT: "流水摘录列与记录不符",
    Kind.TAGS: "流水对象索引与记录不符",
    Kind.TIME: "登记时间倒退",
    Kind.FORM: "流水记录无法识别",
    Kind.CUT: "流水被截断或恢复成旧副本",
    Kind.CHECKPOINT: "检查点被改动",
    Kind.NODE: "散列树存储被改动",
    Kind.OUTSIDE: "外存文件夹被改动",
    Kind.GIVEN: "另行提供的检查点不成立",
    Kind.IDENTITY: "身份索引与流水不符",
    Kind.LEDGER: "台账与流水不符",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and at which position (流水号) of the journal it begins.

    A finding about a checkpoint has its size as the position: the last entry it covers.
    """

    kind: Kind
    position: int | None
    detail: str


DAMAGE: Final = frozenset({Kind.MISSING, Kind.BYTES, Kind.LEAF, Kind.EXTRACT, Kind.FORM})
"""Findings after which nothing that derives from the journal can be compared with it."""

MOST_FINDINGS: Final = 20
"""So many findings of one kind are kept; the rest is counted."""


@dataclass
class Examination:
    """The result of comparing everything stored with everything signed (核验结果).

    ``covered`` entries stand under a checkpoint that holds, ``outside`` of them under one that is
    held outside the database. ``left_out`` names what was not compared, for it derives from
    entries that are themselves damaged. ``unbuilt`` names ledgers that were not compared, for
    another version of the program made them. ``notes`` say what is no fault but worth knowing.
    """

    entries: int = 0
    checkpoints: int = 0
    covered: int = 0
    outside: int = 0
    left_out: list[str] = field(default_factory=list)
    unbuilt: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: dict[Kind, int] = field(default_factory=dict)

    def found(self, kind: Kind, position: int | None, detail: str) -> None:
        """Note a finding."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= MOST_FINDINGS:
            self.findings.append(Finding(kind, position, detail))

    @property
    def first(self) -> Finding | None:
        """The finding at the lowest position; those without one come last."""
        order = list(Kind)
        return min(
            self.findings,
            key=lambda one: (one.position is None, one.position or 0, order.index(one.kind)),
            default=None,
        )


@dataclass(frozen=True)
class Examiner:
    """Compares something else that is derived from the journal, noting what it finds."""

    title: str
    examine: Callable[[Examination, Progress], None]


class Evidence(Protocol):
    """What the interface asks (see ``infrastructure/evidence.py``)."""

    def state(self) -> State:
        """Where the evidence stands."""
        ...

    def checkpoint(self) -> Signed:
        """Sign a checkpoint now; the newest one where nothing was filed since."""
        ...

    def newest(self) -> Signed | None:
        """The newest checkpoint."""
        ...

    def signed(self, size: int) -> Signed:
        """The checkpoint of that size; raises `Unknown`."""
        ...

    def page(self, before: int | None, limit: int) -> Sequence[Signed]:
        """Checkpoints, newest first, of sizes below ``before``."""
        ...

    def prove(self, position: int, size: int | None = None) -> EntryProof:
        """The proof of one entry under the newest checkpoint, or that of ``size``."""
        ...

    def consistency(self, old: int, new: int | None = None) -> Consistency:
        """The proof that one checkpoint's journal begins another's, the newest's by default."""
        ...

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile; raises `Unknown`."""
        ...

    def stored(self, position: int) -> bytes:
        """The stored bytes of an entry; raises `Unknown`."""
        ...

    def verify(self, outside: Sequence[str] = (), progress: Progress = no_progress) -> Examination:
        """Compare everything stored with everything signed; ``outside``: notes held elsewhere."""
        ...

    def secrecy(self, size: int) -> str:
        """The highest secrecy grade among the first ``size`` entries."""
        ...

    def export(self, folder: Path, signed: Signed, progress: Progress = no_progress) -> None:
        """Write journal, tiles, checkpoints and keys under a checkpoint into a new folder."""
        ...
