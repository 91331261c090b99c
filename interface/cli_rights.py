"""``taizhang import rights``: the rights lists that departments have published go in."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from application.rights import LEVELS
from application.rights_importing import OUTCOMES, Filed, Plan, Wanted, file_plan
from application.rights_reading import RightsRead, no_list
from domain.codes import told
from domain.rights_compiling import APPROVERS
from domain.rights_editions import TakeOverEdition
from infrastructure.importing import distinct_names
from infrastructure.ledger_reading import LedgerReader
from infrastructure.rights_importing import NoSuchDepartment, planned, read_lists, write_report
from interface.cli_import import FAULTY, telling
from interface.cli_office import CannotDo, Commands, day, operator, out, table_of, working_office
from interface.cli_parser import codes_named
from interface.wording import faults

SHOWN: Final = 20
"""So many findings of a kind are shown on the screen; the report has all of them."""

CHANNEL: Final = "政府门户网站"
"""Where rights lists are published unless it is said otherwise."""

FIRST_WORDS: Final = 20
"""So many characters of a cell are shown."""

_DESCRIPTION: Final = """\
把部门已经公布的权责清单（.xls、.xlsx、.csv）照原样导入，每行登记为一个事项。
可一次给出多个文件。先用 --dry-run 试办，看清哪些新增、哪些有变化，再正式导入。
全部一次记录；同一文件重复导入，不会重复记录；改过的文件只记录不同之处。
写明 --edition 的，同时把这一天的清单登记为已公布的版次，公开页面即可查阅。"""


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser(
        "import-rights",
        help="导入部门公布的权责清单（也可写作 import rights）",
        description=_DESCRIPTION,
    )
    action.add_argument("files", nargs="+", type=Path, metavar="文件", help="公布的权责清单")
    action.add_argument("--on", required=True, metavar="日期", help="清单生效日期，如 2024-12-31")
    action.add_argument("--department", metavar="部门全称", help="这些清单是哪个部门的（可省略）")
    action.add_argument(
        "--whole", action="store_true", help="文件是部门的完整清单：清单中没有的事项登记为减少"
    )
    action.add_argument(
        "--edition", metavar="版次名称", help="这些清单是哪一版，如 2024年版；同时登记该版次"
    )
    action.add_argument(
        "--level", **codes_named(LEVELS), default="district", metavar="层级", help=told(LEVELS)
    )
    action.add_argument(
        "--approved-by",
        **codes_named(APPROVERS),
        default="government",
        metavar="审定机关",
        help=told(APPROVERS),
    )
    action.add_argument("--meeting", metavar="会议", help="审定会议，如 区政府第12次常务会议")
    action.add_argument(
        "--channel", action="append", metavar="渠道", help=f"公布渠道，可重复；默认 {CHANNEL}"
    )
    action.add_argument("--dry-run", action="store_true", help="只试办，不作任何记录")
    action.add_argument("--report", type=Path, metavar="文件.xlsx", help="另存逐格的核对结果")
    action.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    wanted = _wanted(options)
    with telling():
        names = distinct_names([str(path) for path in options.files])
        reads = read_lists(dict(zip(names, options.files, strict=True)))
    if options.report is not None:
        _write(reads, options.report)
    with working_office() as office:
        plan = _plan(office.ledgers, reads, wanted)
        filed = file_plan(office.writer, plan, operator(), dry_run=options.dry_run)
    _show_files(reads)
    _show_plan(plan)
    _show("没有导入的内容", [*_unplaced(plan), *_lost(reads)])
    _show("不能登记", [str(one) for one in filed.refusals])
    out.print(_conclusion(filed, dry_run=options.dry_run))
    faulty = filed.refusals or plan.unplaced or any(_lost(reads)) or no_list(reads)
    return FAULTY if faulty else 0


def _plan(ledgers: LedgerReader, reads: Sequence[RightsRead], wanted: Wanted) -> Plan:
    try:
        return planned(ledgers, reads, wanted)
    except NoSuchDepartment as unknown:
        raise CannotDo(str(unknown)) from None


def _wanted(options: argparse.Namespace) -> Wanted:
    effective = day(options.on)
    edition = None
    if options.edition is not None:
        given = {name: getattr(options, name) for name in ("level", "approved_by", "meeting")}
        channels = tuple(options.channel or (CHANNEL,))
        said = {"name": options.edition, "channels": channels, **given}
        try:
            edition = TakeOverEdition(effective_on=effective, **said)
        except ValidationError as error:
            fault = faults(error, TakeOverEdition)[0]
            raise CannotDo(f"{fault.title or fault.field}{fault.message}") from None
    return Wanted(effective, options.department, options.whole, edition)


def _write(reads: Sequence[RightsRead], target: Path) -> None:
    try:
        write_report(reads, target)
    except OSError as error:
        raise CannotDo(f"核对结果“{target}”不能写入，请换一个位置。") from error


# ── what is shown ────────────────────────────────────────────────────────────────────────────


def _show_files(reads: Sequence[RightsRead]) -> None:
    table = table_of("文件", "部门", "工作表", "事项", "漏读", "提示")
    for read in reads:
        lost = Counter(one.lost for one in read.reports)
        names = dict.fromkeys(one.department.name for one in read.sheets if one.department)
        table.add_row(
            read.file,
            "、".join(names),
            str(len(read.sheets)),
            str(len(read.items)),
            str(lost[True]),
            str(lost[False]),
        )
    out.print(table)
    for read in reads:
        for sheet in read.not_read:
            out.print(f"《{read.file}》{sheet.sheet}：{sheet.why}")
        for total in read.totals:
            if not total.agrees:
                out.print(f"《{read.file}》{total}")


def _show_plan(plan: Plan) -> None:
    counts = plan.counts
    said = (f"{title} {counts[outcome]} 项" for outcome, title in OUTCOMES.items())
    out.print("，".join(said) + "。")
    if plan.edition is not None:
        out.print(f"版次：{plan.edition.name}（{LEVELS[plan.edition.level.value]}）。")
    if counts["same"] or counts["changed"] or counts["gone"]:
        _show("不同之处", [str(one) for one in plan.steps if one.outcome != "same"])


def _show(title: str, lines: Sequence[str]) -> None:
    if lines:
        out.print(f"{title} {len(lines)} 处：")
    for line in lines[:SHOWN]:
        out.print(f"  {line}")
    if len(lines) > SHOWN:
        out.print(f"  另有 {len(lines) - SHOWN} 处；加上 --report 文件.xlsx 可逐格查看。")


def _lost(reads: Sequence[RightsRead]) -> Iterator[str]:
    """Yield what was not taken over: the first cell of each kind on a sheet, and how many."""
    for read in reads:
        lost = [one for one in read.reports if one.lost]
        counts = Counter((one.sheet, one.message) for one in lost)
        for one in lost:
            number = counts.pop((one.sheet, one.message), 0)
            if number:
                more = f"（这样的共{number}格）" if number > 1 else ""
                yield f"《{read.file}》{one._replace(text=one.text[:FIRST_WORDS])}{more}"


def _unplaced(plan: Plan) -> Iterator[str]:
    """Yield one line for all the rows of a file whose department is not known."""
    counts = Counter((one.source.file, one.message) for one in plan.unplaced)
    yield from (f"《{file}》{number}行：{said}" for (file, said), number in counts.items())


def _conclusion(filed: Filed, *, dry_run: bool) -> str:
    """Return the last line: what is recorded now, and what to do next."""
    if filed.receipt is not None:
        return f"已记录：流水号 {filed.receipt.first} 至 {filed.receipt.last}。"
    if dry_run:
        return "以上为试办，没有作任何记录；去掉 --dry-run 即正式导入。"
    if filed.refusals:
        return "因有不能登记的事项，全部没有记录；请改正后再导入。"
    return "没有新的内容可以记录。"
