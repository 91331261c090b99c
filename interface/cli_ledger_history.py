"""``taizhang ledgers history``: what became of one row (一行的来龙去脉), on both clocks.

A row is named by its key or by conditions that it alone meets, for nobody knows keys by heart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from application.access import Reading
from application.ledgers import SumLedger
from infrastructure.access_log import AccessLog
from infrastructure.ledger_history import FieldChange, History, Version
from infrastructure.ledger_reading import PAGE_LIMIT, Asked, Shown
from infrastructure.office import Office
from interface.cli_office import CannotDo, err, operator, out, shown
from interface.cli_tables import Field, cells_of, fields_of, show
from interface.ledger_history import history_shown, value_shown

CANDIDATES: Final = 10
"""So many rows are named where the conditions fit several."""


def add_options(action: argparse.ArgumentParser) -> None:
    """Add the options beside those by which any ledger is asked."""
    action.add_argument("key", nargs="?", metavar="键", help="行的键；不写则用 --filter 指明一行")
    action.add_argument("--before", type=int, metavar="流水号", help="只看此流水号之前得知的版本")
    action.add_argument("--limit", type=int, default=50, metavar="个数", help="最多几个版本（50）")
    action.add_argument("--json", action="store_true", help="以 JSON 输出（与接口相同）")


def tell(options: argparse.Namespace, asked: Asked, office: Office) -> None:
    """Print a row's history, the latest known version first."""
    if not 1 <= options.limit <= PAGE_LIMIT:
        raise CannotDo(f"--limit 应为 1 至 {PAGE_LIMIT}。")
    key = options.key or _key(options.ledger, asked, office)
    found = office.ledgers.history(
        options.ledger, key, asked, before=options.before, limit=options.limit
    )
    if not found.versions:
        raise CannotDo(
            f"{found.ledger.title}没有键为“{key}”的行（截至流水号 {found.seen.position}）；"
            "可用 --filter 按列查找。"
        )
    columns = office.ledgers.columns(options.ledger)
    if options.unmasked and any(one.column.personal for one in columns):
        _note(office, found)
    if options.json:
        entries = {one.position: office.journal.entry(one.position) for one in found.versions}
        document = history_shown(found, entries, unmasked=options.unmasked)  # type: ignore[arg-type]  # on record
        out.print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    _show(found, columns, office, unmasked=options.unmasked)


def _key(name: str, asked: Asked, office: Office) -> str:
    """Return the key of the one row that meets the conditions."""
    if not asked.filters:
        raise CannotDo("请写明行的键，或用 --filter 列=值 指明一行。")
    page = office.ledgers.page(name, asked, limit=CANDIDATES)
    if not page.lines:
        raise CannotDo(
            f"{page.ledger.title}在 {page.seen.valid_on} 没有符合条件的行；"
            "已经不在台账上的，请用 --valid-on 写明它还在的一天。"
        )
    if len(page.lines) > 1:
        titles, rows = [one.title for one in page.columns], [cells_of(n, page) for n in page.lines]
        keys = Field("键", tuple(line.key for line in page.lines))
        fields = fields_of(page.ledger, [one.name for one in page.columns], titles, rows)
        show(page.ledger.title, [keys, *fields])
        more = "" if page.cursor is None else f"（以上列出 {CANDIDATES} 行）"
        raise CannotDo(f"符合条件的不止一行{more}，请再加条件，或写明其中一行的键。")
    return page.lines[0].key


def _note(office: Office, found: History) -> None:
    AccessLog(office.database).note(
        Reading(
            actor=operator(),
            what=found.ledger.name,
            question={"key": found.key, "history": True},
            rows=len(found.versions),
            unmasked=True,
            position=found.seen.position,
            valid_on=found.seen.valid_on,
        )
    )


# ── on the screen ────────────────────────────────────────────────────────────────────────────


def _show(found: History, columns: Iterable[Shown], office: Office, *, unmasked: bool) -> None:
    choices = {one.name: one.column.choices for one in columns}
    runs = isinstance(found.ledger, SumLedger)
    rows = []
    for one in found.versions:
        entry = office.journal.entry(one.position)
        told = [
            _added(change, one) if runs else _told(change, choices, unmasked=unmasked)
            for change in one.changes
        ]
        corrected = [_told(change, choices, unmasked=unmasked) for change in one.corrects or ()]
        rows.append(
            (
                shown(one.known_at),
                str(one.position),
                "" if entry is None else entry.fact.fact_title,
                shown(one.valid_from),
                shown(one.valid_to),
                _taken_back(one),
                "；".join(told) or ("" if runs else "与前一日相同"),
                "；".join(corrected),
            )
        )
    headings = ("得知时刻", "流水号", "业务", "自", "至（不含）", "撤回", "变动", "比被更正的内容")
    cells = zip(*rows, strict=True)
    fields = [Field(title, tuple(told)) for title, told in zip(headings, cells, strict=True)]
    show(f"{found.ledger.title}：{found.key}", [one for one in fields if any(one.cells)])
    seen = found.seen
    err.print(
        f"截至流水号 {seen.position}（{shown(seen.known_at)} 记录），最新得知的在前。"
        + ("" if found.before is None else f"\n还有更早的，接着看：--before {found.before}")
    )


def _taken_back(version: Version) -> str:
    if version.taken_back_by is None:
        return ""
    return f"流水号{version.taken_back_by}（{shown(version.taken_back_at)}）"


def _added(change: FieldChange, version: Version) -> str:
    """Say by how much a sum changed that day, and what it then is as known now."""
    sums = version.values
    return f"{change.title}{change.after:+d}" + (f"（该日起{sums[change.name]}）" if sums else "")


def _told(
    change: FieldChange,
    choices: Mapping[str, dict[str, str] | None],
    *,
    unmasked: bool,
) -> str:
    """Say what a field said and says, as in ``机构规格：正科→副处``."""

    def said(value: Any) -> str:
        told = value_shown(value, personal=change.personal, unmasked=unmasked)
        return shown(told, choices.get(change.name)) or "（空）"

    if change.before is None:
        return f"{change.title}：{said(change.after)}"
    return f"{change.title}：{said(change.before)}→{said(change.after)}"
