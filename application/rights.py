"""The ledgers of rights lists: 权责清单, 权责事项沿革, 权责事项分类汇总."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, Move, Searched, SumLedger, declare
from domain.code_sets_adjusting import AdjustmentKind, ItemStatus, ListLevel
from domain.code_sets_rights import BodyNature, PowerCategory, PowerOrigin
from domain.rights import (
    Began,
    ItemAdded,
    ItemChanged,
    ItemFact,
    ItemTakenOver,
    Moved,
)
from domain.rights_catalogue import Heading, Listing, digest_of, text_of
from domain.rights_content import Duty, ItemContent, LegalBasis
from domain.rights_leaving import ItemFrozen, ItemRemoved, ItemReturned, left_as
from domain.rights_lineage import ItemsMerged, ItemSplit, ItemTransferred, Reshaped
from domain.vocabulary import Entry, Fact

CATEGORIES: Final = PowerCategory.names()
LEVELS: Final = ListLevel.names()
ON_THE_LIST: Final = frozenset(one.value for one in ItemStatus if one.on_the_list)
STATUSES: Final = ItemStatus.names()
KINDS: Final = {"opened": "期初", **AdjustmentKind.names()}

CODED: Final = frozenset({"category", "level", "levels", "body_nature", "origin"})
"""The fields of `ItemContent` and its parts that hold codes: no text to search for words."""

ITEM_FACTS: Final[tuple[type[Fact], ...]] = (
    ItemTakenOver,
    ItemAdded,
    ItemChanged,
    ItemRemoved,
    ItemReturned,
    ItemFrozen,
    ItemTransferred,
    ItemsMerged,
    ItemSplit,
)


# ── 权责清单 ─────────────────────────────────────────────────────────────────────────────────


class ItemRow(NamedTuple):
    """An item on the list, as a public table shows it; ``content`` holds all it says as JSON."""

    department: Annotated[str, Column("部门（系统内编号）", filter=True)]
    level: Annotated[str, Column("清单层级", filter=True, choices=LEVELS)]
    category: Annotated[str, Column("职权类型", filter=True, sort=True, choices=CATEGORIES)]
    name: Annotated[str, Column("事项名称", filter=True, sort=True)]
    sub_name: Annotated[str | None, Column("子项名称", filter=True)]
    code: Annotated[str | None, Column("职权编码", filter=True, sort=True)]
    implementation_code: Annotated[str | None, Column("实施编码", filter=True)]
    bases: Annotated[str, Column("实施依据", filter=True)]
    exercised_by: Annotated[str | None, Column("行使主体", filter=True)]
    body_nature: Annotated[
        str | None,
        Column("实施主体性质", filter=True, choices=BodyNature.names()),
    ]
    duties: Annotated[str, Column("责任事项", filter=True)]
    duty_bases: Annotated[str, Column("责任事项依据")]
    liabilities: Annotated[str, Column("追责情形", filter=True)]
    liability_bases: Annotated[str, Column("追责依据")]
    handler: Annotated[str | None, Column("承办机构", filter=True)]
    power_levels: Annotated[str, Column("行使层级", filter=True)]
    supervision: Annotated[str | None, Column("监督方式")]
    origin: Annotated[
        str | None,
        Column("权力来源", filter=True, choices=PowerOrigin.names()),
    ]
    remark: Annotated[str | None, Column("备注")]
    status: Annotated[str, Column("状态", filter=True, choices=STATUSES)]
    since: Annotated[date, Column("列入清单日期", filter=True, sort=True)]
    sources: Annotated[str, Column("来源事项（系统内编号）")]
    digest: Annotated[str, Column("内容摘要（SHA-256）", filter=True)]
    content: Annotated[str, Column("事项内容（JSON）", filter=True)]


def basis_line(basis: LegalBasis) -> str:
    """Return one legal basis as a list prints it: 〔法律〕《…》（版本）第一条、第二条."""
    level = f"〔{basis.level.label}〕" if basis.level else ""
    version = f"（{basis.version}）" if basis.version else ""
    return f"{level}《{basis.title}》{version}{'、'.join(basis.articles)}"


def _lines(bases: Iterable[LegalBasis]) -> str:
    return "\n".join(basis_line(one) for one in bases)


def _duty_line(duty: Duty) -> str:
    head = "·".join(part for part in (duty.role, duty.stage) if part)
    return f"{head}：{duty.text}" if head else duty.text


def told(content: ItemContent) -> dict[str, Any]:
    """Return the columns of `ItemRow` that an item's text fills."""
    liabilities = [*([content.liability_lead] if content.liability_lead else [])]
    liabilities += content.liabilities
    nature, origin = content.body_nature, content.origin
    return {
        "category": "" if content.category is None else content.category.value,
        "name": content.name,
        "sub_name": content.sub_name,
        "code": content.code,
        "implementation_code": content.implementation_code,
        "bases": _lines(content.bases),
        "exercised_by": content.exercised_by,
        "body_nature": None if nature is None else nature.value,
        "duties": "\n".join(_duty_line(one) for one in content.duties),
        "duty_bases": _lines(content.duty_bases),
        "liabilities": "\n".join(liabilities),
        "liability_bases": _lines(content.liability_bases),
        "handler": content.handler,
        "power_levels": "、".join(level.label for level in content.levels),
        "supervision": content.supervision,
        "origin": None if origin is None else origin.value,
        "remark": content.remark,
        "digest": digest_of(content),
        "content": text_of(content),
    }


def _begun(
    department: str, level: str, content: ItemContent, since: date, sources: Iterable[str] = ()
) -> ItemRow:
    return ItemRow(
        department=department,
        level=level,
        status=ItemStatus.LISTED.value,
        since=since,
        sources="、".join(sources),
        **told(content),
    )


def _item(so_far: ItemRow | None, effect: Effect) -> ItemRow | None:
    fact = effect.fact
    if isinstance(fact, Began):
        sources = fact.sources if isinstance(fact, ItemAdded) else ()
        return _begun(fact.department, fact.level.value, fact.content, effect.day, sources)
    if isinstance(fact, Reshaped):
        for one in fact.opened:
            if one.item == effect.subject:
                sources = tuple(closed.item for closed in fact.closed)
                return _begun(one.department, one.level.value, one.content, effect.day, sources)
    return None if so_far is None else so_far._replace(**_differences(fact))


def _differences(fact: Fact) -> dict[str, Any]:
    """Return the columns that the fact fills anew in the row of an item on the list."""
    if isinstance(fact, ItemTransferred):
        return {"department": fact.receiver, **told(fact.content)}
    if isinstance(fact, ItemChanged):
        return told(fact.content)
    status = ItemStatus.LISTED
    if isinstance(fact, Reshaped):
        status = fact.ends_as()
    elif isinstance(fact, ItemRemoved):
        status = left_as(fact.kind)
    elif isinstance(fact, ItemFrozen) and fact.frozen:
        status = ItemStatus.FROZEN
    return {"status": status.value}


RIGHTS_ITEMS = declare(
    Ledger(
        name="rights_items",
        title="权责清单",
        key="item",
        row=ItemRow,
        fold=_item,
        facts=ITEM_FACTS,
        shown=lambda row: row.status in ON_THE_LIST,
        joins=(Joined("department_name", "部门", "department", "institutions", "name"),),
        sort=("department", "category", "name"),
        searched=Searched("content", codes=CODED, beside=("department", "category")),
        version=2,
    )
)


# ── 权责事项沿革 ─────────────────────────────────────────────────────────────────────────────


class ItemChangeRow(NamedTuple):
    """What one filing did to one item: a line of its history."""

    item: Annotated[str, Column("事项（系统内编号）", filter=True)]
    effective_on: Annotated[date, Column("业务生效日期", filter=True, sort=True)]
    change: Annotated[str, Column("变动", filter=True, choices=KINDS)]
    department: Annotated[str, Column("部门（系统内编号）", filter=True)]
    category: Annotated[str, Column("职权类型", filter=True, choices=CATEGORIES)]
    name: Annotated[str, Column("事项名称", filter=True, sort=True)]
    sub_name: Annotated[str | None, Column("子项名称")]
    former_name: Annotated[str | None, Column("原事项名称")]
    former_department: Annotated[str | None, Column("原部门（系统内编号）", filter=True)]
    fields: Annotated[str, Column("变更的要素")]
    related: Annotated[str, Column("相关事项（系统内编号）")]
    supervision: Annotated[str | None, Column("事中事后监管措施")]
    source: Annotated[str | None, Column("出处")]
    adjustment: Annotated[str | None, Column("调整申请（系统内编号）", filter=True)]
    document: Annotated[str | None, Column("依据文件（系统内编号）", filter=True)]


def _history(_so_far: ItemChangeRow | None, effect: Effect) -> ItemChangeRow | None:
    fact, entry = effect.fact, effect.entry
    item = effect.subject.partition(":")[2]
    if not isinstance(fact, ItemFact):
        return None
    before, after = _before_and_after(fact, item, effect.day)
    shown = after or before
    if shown is None:
        return None
    moved = before is not None and after is not None
    former = before.heading.name if moved and before is not None else None
    giver = before.department if moved and before is not None else None
    source = getattr(fact, "source", None)
    return ItemChangeRow(
        item=item,
        effective_on=effect.day,
        change=kind_of(fact),
        department=shown.department,
        category=shown.heading.category or "",
        name=shown.heading.name,
        sub_name=shown.heading.sub_name,
        former_name=former if former != shown.heading.name else None,
        former_department=giver if giver != shown.department else None,
        fields=_field_titles(fact),
        related="、".join(related(fact, item)),
        supervision=getattr(fact, "supervision", None),
        source=None if source is None else f"{source.file} {source.sheet} 第{source.row}行",
        adjustment=getattr(fact, "adjustment", None),
        document=entry.basis[0].document if entry.basis else None,
    )


def _before_and_after(
    fact: ItemFact, item: str, day: date
) -> tuple[Listing | None, Listing | None]:
    """Return under what the item stood and stands, as far as the fact moves it or names it."""
    mine = [one for one in fact.listings(day) if one.item == item]
    before = next((one for one in mine if one.n < 0), None)
    after = next((one for one in mine if one.n > 0), None)
    if not mine and isinstance(fact, Moved):
        heading: Heading = fact.heading
        after = Listing(fact.department, heading, item, 0, day)
    return before, after


def kind_of(fact: ItemFact) -> str:
    """Return what a fact did to its items, as a key of `KINDS`."""
    if isinstance(fact, ItemAdded | ItemChanged | ItemRemoved):
        return fact.kind.value
    if isinstance(fact, ItemFrozen):
        return (AdjustmentKind.FREEZE if fact.frozen else AdjustmentKind.RESTORE).value
    if isinstance(fact, Reshaped):
        return (AdjustmentKind.MERGE if len(fact.opened) == 1 else AdjustmentKind.SPLIT).value
    if isinstance(fact, ItemTransferred):
        return AdjustmentKind.TRANSFER.value
    return AdjustmentKind.TAKE_BACK.value if isinstance(fact, ItemReturned) else "opened"


def related(fact: ItemFact, item: str) -> Iterator[str]:
    """Yield the items that the fact ties this one to: what it came from, what it goes on as."""
    if isinstance(fact, Reshaped):
        begins = any(one.item == item for one in fact.opened)
        yield from (one.item for one in (fact.closed if begins else fact.opened))
    elif isinstance(fact, ItemAdded):
        yield from fact.sources
    elif isinstance(fact, ItemRemoved):
        yield from fact.successors


def _field_titles(fact: ItemFact) -> str:
    fields = ItemContent.model_fields
    names = fact.fields if isinstance(fact, ItemChanged) else ()
    return "、".join(str(fields[name].title) for name in names if name in fields)


RIGHTS_CHANGES = declare(
    Ledger(
        name="rights_changes",
        title="权责事项沿革",
        key="entry",
        row=ItemChangeRow,
        fold=_history,
        facts=ITEM_FACTS,
        subjects=lambda entry: [f"{entry.place}:{item}" for item in entry.subjects("item")],
        asked_by=("item", "adjustment"),
        joins=(
            Joined("department_name", "部门", "department", "institutions", "name"),
            Joined("document_number", "文号", "document", "documents", "number"),
        ),
        sort=("effective_on",),
    )
)


# ── 权责事项分类汇总 ─────────────────────────────────────────────────────────────────────────


def _sums(entry: Entry) -> Iterator[Move]:
    """Count what an entry moves between departments and categories: as much out as in."""
    fact, day = entry.fact, entry.business_date
    if not isinstance(fact, ItemFact):
        return
    net: Counter[tuple[str, str, str]] = Counter()
    for listing in fact.listings(day):
        heading = listing.heading
        net[listing.department, heading.level.value, heading.category or ""] += listing.n
    comes, goes = _measures(fact)
    for key, n in net.items():
        if n:
            yield Move(key, day, {"items": n, (comes if n > 0 else goes): abs(n)})


def _measures(fact: ItemFact) -> tuple[str, str]:
    if isinstance(fact, Reshaped):
        return "reshaped_in", "reshaped_out"
    if isinstance(fact, ItemTransferred | ItemChanged):
        return "moved_in", "moved_out"
    return ("opened" if isinstance(fact, ItemTakenOver) else "added"), "removed"


RIGHTS_SUMMARY = declare(
    SumLedger(
        name="rights_summary",
        title="权责事项分类汇总",
        key="catalogue",
        keys={
            "department": Column("部门（系统内编号）", filter=True),
            "level": Column("清单层级", filter=True, choices=LEVELS),
            "category": Column("职权类型", filter=True, sort=True, choices=CATEGORIES),
        },
        measures={
            "items": Column("事项数", filter=True, sort=True),
            "opened": Column("期初数", filter=True),
            "added": Column("新增、承接、收回数", filter=True),
            "removed": Column("取消、下放等减少数", filter=True),
            "moved_in": Column("划入、转入数", filter=True),
            "moved_out": Column("划出、转出数", filter=True),
            "reshaped_in": Column("合并、分设增加数", filter=True),
            "reshaped_out": Column("合并、分设减少数", filter=True),
        },
        moves=_sums,
        facts=ITEM_FACTS,
        joins=(Joined("department_name", "部门", "department", "institutions", "name"),),
        sort=("department", "level", "category"),
    )
)
