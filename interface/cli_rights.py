"""``taizhang import rights``: the rights lists that departments have published go in."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

from application.rights_importing import OUTCOMES, Filed, Plan, file_plan, plan_import
from application.rights_reading import RightsRead, read_rights
from infrastructure.ledger_reading import LedgerReader
from infrastructure.rights_importing import department_names, items_on_record, write_report
from infrastructure.workbooks import BookProblem, open_book
from interface.cli_import import FAULTY
from interface.cli_office import CannotDo, Commands, day, opened_office, operator, out, table_of

SHOWN: Final = 20
"""So many findings of a kind are shown on the screen; the report has all of them."""

FIRST_WORDS: Final = 20
"""So many characters of a cell are shown."""

_DESCRIPTION: Final = """\
把部门已经公布的权责清单（.xls、.xlsx、.csv）照原样导入，每行登记为一个事项。
可一次给出多个文件。先用 --dry-run 试办，看清哪些新增、哪些有变化，再正式导入。
全部一次记录；同一文件重复导入，不会重复记录；改过的文件只记录不同之处。"""


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
    action.add_argument("--dry-run", action="store_true", help="只试办，不作任何记录")
    action.add_argument("--report", type=Path, metavar="文件.xlsx", help="另存逐格的核对结果")
    action.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    effective = day(options.on)
    reads = _read(options.files)
    if options.report is not None:
        _write(reads, options.report)
    with opened_office() as office:
        plan = _plan(office.ledgers, reads, effective, options)
        filed = file_plan(office.writer, plan, operator(), dry_run=options.dry_run)
    _show_files(reads)
    _show_plan(plan)
    _show("没有导入的内容", [*_unplaced(plan), *_lost(reads)])
    _show("不能登记", [str(one) for one in filed.refusals])
    out.print(_conclusion(filed, dry_run=options.dry_run))
    faulty = filed.refusals or plan.unplaced or any(_lost(reads))
    return FAULTY if faulty else 0


def _read(files: Sequence[Path]) -> list[RightsRead]:
    """Read every file, or say of each that cannot be read why."""
    problems, reads = [], []
    with ExitStack() as opened:
        for file in files:
            try:
                reads.append(read_rights(opened.enter_context(open_book(file))))
            except BookProblem as problem:
                problems.append(f"《{file.name}》不能导入：{problem.message}。")
            except OSError as error:
                problems.append(f"《{file.name}》不能打开（{error.strerror}）。")
    if problems:
        raise CannotDo("\n".join(problems))
    return reads


def _plan(
    ledgers: LedgerReader, reads: Sequence[RightsRead], effective: date, options: argparse.Namespace
) -> Plan:
    names = department_names(ledgers, effective)
    if options.department is not None and options.department not in names:
        raise CannotDo(f"机构台账中没有“{options.department}”（{effective}）。")
    known = items_on_record(ledgers, effective)
    return plan_import(
        reads,
        names,
        lambda name: known.get(names[name], ()),
        effective,
        department=options.department,
        whole=options.whole,
    )


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
