"""``taizhang laws``: the register of laws goes in, and what rests on law that fails is listed."""

from __future__ import annotations

import argparse
from itertools import zip_longest
from pathlib import Path
from typing import Final

from application.filing import Filing
from application.laws import lacking, read_versions
from application.rights_watch import (
    CERTAINTIES,
    PARTS,
    PROBLEMS,
    Finding,
    is_wanted,
    watch_ledgers,
)
from domain.codes import told
from domain.laws import law_id
from infrastructure.ledger_questions import Asked
from infrastructure.system_words import why
from infrastructure.workbooks_files import BookProblem, read_csv
from interface.cli_office import (
    CannotDo,
    Commands,
    day,
    instant,
    opened_office,
    operator,
    out,
    table_of,
    working_office,
)
from interface.cli_parser import codes_named

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
    action = actions.add_parser(
        "watch", help="列出依据已废止、未施行、版本已更新或未入库、层级不符的事项"
    )
    action.add_argument("--on", metavar="日期", help="按哪一天的清单和法规库（今天）")
    action.add_argument("--known-at", metavar="时刻", help="按当时已知的内容，默认此刻")
    action.add_argument("--law", metavar="法规名称", help="只列以这部法规为依据的")
    action.add_argument(
        "--problem",
        **codes_named(PROBLEMS),
        metavar="问题",
        help=f"只列一种：{told(PROBLEMS)}",
    )
    action.add_argument("--limit", type=int, default=50, metavar="条数", help="最多列几条（50）")
    action.set_defaults(run=_watch)


# ── import ───────────────────────────────────────────────────────────────────────────────────


def _import(options: argparse.Namespace) -> int:
    versions, problems = read_versions(_rows(options.file))
    if not versions and not problems:
        raise CannotDo(f"“{options.file}”里没有法规。")
    for one in problems[:SHOWN]:
        out.print(f"第{one.row}行没有读入：{one.message}。")
    with working_office() as office:
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
    if options.dry_run:
        out.print("以上为试办，没有作任何记录；去掉 --dry-run 即正式导入。")
    return FAULTY if refused or problems else 0


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table by its headings, a cell each even where the line is short."""
    try:
        heading, *rows = list(read_csv(path.read_bytes())) or [[]]
        if not any(heading):
            raise CannotDo(f"《{path.name}》里没有法规。")
    except OSError as error:
        raise CannotDo(f"读不了“{path}”：{why(error)}。") from None
    except BookProblem as problem:
        raise CannotDo(f"《{path.name}》不能导入：{problem}。") from None
    missing = lacking(heading)
    if missing:
        named = "、".join(f"“{one}”" for one in missing)
        raise CannotDo(f"《{path.name}》不能导入：首行应为表头，没有找到{named}列。")
    return [dict(zip_longest(heading, row[: len(heading)], fillvalue="")) for row in rows if row]


# ── watch ────────────────────────────────────────────────────────────────────────────────────


def _watch(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise CannotDo("--limit 应是大于 0 的整数。")
    law = None if options.law is None else law_id(options.law)
    on = None if options.on is None else day(options.on)
    known_at = None if options.known_at is None else instant(options.known_at)
    with opened_office() as office:
        found = watch_ledgers(
            office.ledgers,
            Asked,
            {"valid_on": on, "known_at": known_at},
            wanted=lambda one: is_wanted(one, options.problem, None, law),
            filters={},
            limit=options.limit,
        )
        at = Asked(valid_on=on, known_at=known_at)
        known = law is None or bool(office.ledgers.one("laws", law, at).lines)
    _show(found.page.found)
    if not known:  # a misspelt title finds nothing, as one in good order does
        out.print(f"法规库中没有《{options.law}》，请核对名称，或先登记。")
    elif law is not None:
        out.print(f"只列依据《{options.law}》的；以下各数为全部依据的情况。")
    told = "，".join(f"{PROBLEMS[name]} {n} 处" for name, n in found.by_problem().most_common())
    out.print(
        f"{found.day} 清单事项 {found.items} 项，法规库 {found.laws} 部。{told or '没有发现问题'}。"
    )
    for (problem, certainty), n in sorted(found.counts.items()):
        if problem != "unknown":
            out.print(f"  {PROBLEMS[problem]}（{CERTAINTIES[certainty]}）{n} 处")
    if found.page.left:
        out.print(f"另有 {found.page.left} 处没有列出，可用 --limit 多列。")
    return 0


def _show(found: list[Finding]) -> None:
    if not found:
        return
    table = table_of("部门", "事项", "依据", "问题", "说明", "把握")
    for one in found:
        table.add_row(
            one.department_name,
            one.name,
            f"{PARTS[one.part]}：《{one.title}》{one.articles}",
            PROBLEMS[one.problem],
            one.detail,
            CERTAINTIES[one.certainty],
        )
    out.print(table)
