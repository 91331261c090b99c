"""The ledgers of quotas: 编制台账, 编制总量及编制池."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from application.documents import QUOTA_KINDS
from application.ledgers import Column, Derived, Joined, Move, SumLedger, declare
from domain.quotas import CeilingSet, CutBack, Granted, TakenOver, Transferred
from domain.quotas_accounts import POOL
from domain.vocabulary import Entry, Slot


@lru_cache(maxsize=4096)
def _key(holder: str, kind: str) -> tuple[str, str]:
    """Return the key of a sum: one object for all who move it, of whom there may be thousands."""
    return holder, str(kind)


@lru_cache(maxsize=4096)
def _change(measure: str, n: int) -> Mapping[str, int]:
    return MappingProxyType({measure: n})


def _moves(entry: Entry) -> Iterator[Move]:
    for slot in _slots(entry):
        if slot.holder != POOL:
            yield Move(_key(slot.holder, slot.kind), slot.day, _change(slot.measure, slot.n))


def _pool_moves(entry: Entry) -> Iterator[Move]:
    """Ceiling, what lies in the pool, and what has been granted out of it, kind by kind."""
    for slot in _slots(entry):
        if slot.holder != POOL and slot.measure == "approved":
            yield Move(_key(POOL, slot.kind), slot.day, _change("granted", slot.n))
        elif slot.holder == POOL:
            measure = "pool" if slot.measure == "approved" else slot.measure
            yield Move(_key(POOL, slot.kind), slot.day, _change(measure, slot.n))


def _slots(entry: Entry) -> Iterable[Slot]:
    return entry.fact.slots(entry.business_date)


QUOTA_BOOK = declare(
    SumLedger(
        name="quota_book",
        title="编制台账",
        key="account",
        keys={
            "institution": Column("机构（系统内编号）", filter=True),
            "kind": Column("编制类型", filter=True, sort=True, choices=QUOTA_KINDS),
        },
        measures={
            "approved": Column("核定编制数", filter=True, sort=True),
            "occupied": Column("在编数", filter=True, sort=True),
            "reserved": Column("已核准未入编数", filter=True, sort=True),
        },
        moves=_moves,
        facts=(TakenOver, Granted, CutBack, Transferred),
        joins=(Joined("name", "机构名称", "institution", "institutions", "name"),),
        derived=(
            Derived("vacant", "空编数", "greatest(approved - occupied, 0)"),
            Derived("usable", "可用编制数", "greatest(approved - occupied - reserved, 0)"),
            Derived("over", "超编数", "greatest(occupied - approved, 0)"),
        ),
        sort=("institution", "kind"),
    )
)

CEILINGS = declare(
    SumLedger(
        name="ceilings",
        title="编制总量及编制池",
        key="account",
        keys={
            "account": Column("账户", choices={POOL: "编制池"}),
            "kind": Column("编制类型", filter=True, sort=True, choices=QUOTA_KINDS),
        },
        measures={
            "ceiling": Column("编制总量", filter=True, sort=True),
            "granted": Column("已下达各单位", filter=True, sort=True),
            "pool": Column("编制池余额", filter=True, sort=True),
        },
        moves=_pool_moves,
        facts=(CeilingSet, TakenOver, Granted, CutBack, Transferred),
        sort=("kind",),
    )
)
