"""``taizhang laws``: the register of laws goes in, and what rests on law that fails is listed."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Final

from application.filing import Filing
from application.laws import LawRow, read_versions
from application.rights import ItemRow
from application.rights_watch import CERTAINTIES, PROBLEMS, Finding, Register, watch
from infrastructure.ledger_questions import Asked
from infrastructure.office import Office
from interface.cli_office import CannotDo, Commands, day, opened_office, operator, out, table_of

FAULTY: Final = 5
"""Exit code: done, but some rows could not be read or were refused."""

SHOWN: Final = 20
"""So many faulty rows are shown."""


def register(commands: Commands) -> None:
    """Add the commands."""
    group = commands.add_parser("laws", help="法规库：导入版本表，监测权责事项的依据")
    actions = group.add_subparsers(metavar="操作", required=True)
    action = actions.add_parser("import", help="导入法规版本表（.csv，首行为表头）")
    action.add_argument("file", type=Path, metavar="文件", help="表头含名称、效力层级、日期或沿革")
    action.add_argument("--dry-run", action="store_true", help="只试办，不作任何记录")
    action.set_defaults(run=_import)
    action = actions.add_parser("watch", help="列出依据已废止、未施行、已更新、层级不符的事项")
    action.add_argument("--on", metavar="日期", help="按哪一天的清单和法规库（今天）")
    action.add_argument(
        "--problem",
        choices=tuple(PROBLEMS),
        metavar="问题",
        help="只列一种：" + "、".join(PROBLEMS),
    )
    action.add_argument("--limit", type=int, default=50, metavar="条数", help="最多列几条（50）")
    action.set_defaults(run=_watch)


# ── import ───────────────────────────────────────────────────────────────────────────────────


def _import(options: argparse.Namespace) -> int:
    try:
        with options.file.open(encoding="utf-8-sig", newline="") as file:
            versions, problems = read_versions(csv.DictReader(file))
    except OSError as error:
        raise CannotDo(f"读不了“{options.file}”：{error.strerror}。") from None
    except UnicodeDecodeError:
        raise CannotDo(f"“{options.file}”不是 UTF-8 编码，请另存为 UTF-8 后再导入。") from None
    if not versions and not problems:
        raise CannotDo(f"“{options.file}”里没有法规。")
    for one in problems[:SHOWN]:
        out.print(f"第{one.row}行没有读入：{one.message}。")
    with opened_office() as office:
        filing = Filing(tuple(versions), operator(), partial=True, dry_run=options.dry_run)
        outcomes = office.writer.do(filing).outcomes
    refused = [one.refused for one in outcomes if one.refused is not None]
    for refusal in refused[:SHOWN]:
        out.print(f"未登记：{refusal.detail}")
    filed = sum(bool(one.entries) for one in outcomes)
    known = len(outcomes) - filed - len(refused)
    done = "可登记" if options.dry_run else "已登记"
    out.print(
        f"{done}版本 {filed} 个，此前已有 {known} 个，未登记 {len(refused)} 个，"
        f"没有读入 {len(problems)} 行。"
    )
    return FAULTY if refused or problems else 0


# ── watch ────────────────────────────────────────────────────────────────────────────────────


def _watch(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise CannotDo("--limit 应是大于 0 的整数。")
    asked_on = None if options.on is None else day(options.on)
    with opened_office() as office:
        laws, on = _rows(office, "laws", LawRow, asked_on)
        items, on = _rows(office, "rights_items", ItemRow, on)
        names = _names(office, on)
    found = list(watch(items.items(), Register(laws), on))
    counts = Counter(one.problem for one in found)
    shown = [one for one in found if options.problem in (None, one.problem)]
    if options.problem is None:
        shown = [one for one in shown if one.problem != "unknown"]
    _show(shown[: options.limit], names)
    told = "，".join(f"{PROBLEMS[problem]} {n} 处" for problem, n in counts.most_common())
    out.print(f"{on} 清单事项 {len(items)} 项，法规库 {len(laws)} 部。{told or '没有发现问题'}。")
    if len(shown) > options.limit:
        out.print(f"另有 {len(shown) - options.limit} 处没有列出，可用 --limit 多列。")
    return 0


def _rows(
    office: Office, ledger: str, shape: type[Any], on: date | None
) -> tuple[dict[str, Any], date]:
    """Return a ledger's rows by key, and the day as of which they are."""
    width = len(shape._fields)
    with office.ledgers.stream(ledger, Asked(valid_on=on)) as stream:
        rows = {line.key: shape(*line.values[:width]) for line in stream.lines}
        return rows, stream.seen.valid_on


def _names(office: Office, on: date) -> dict[str, str]:
    with office.ledgers.stream("institutions", Asked(valid_on=on)) as stream:
        at = [one.name for one in stream.columns].index("name")
        return {line.key: line.values[at] for line in stream.lines}


def _show(found: list[Finding], names: dict[str, str]) -> None:
    if not found:
        return
    table = table_of("部门", "事项", "依据", "问题", "说明", "把握")
    for one in found:
        table.add_row(
            names.get(one.department, one.department),
            one.name,
            f"《{one.title}》{one.articles}",
            PROBLEMS[one.problem],
            one.detail,
            CERTAINTIES[one.certainty],
        )
    out.print(table)
