"""What an import of rights lists asks of files and ledgers, and the report it leaves behind.

files ─► lists as read                     institutions ─► names of departments
rights_items ─► what each has on record    rights_editions ─► which editions are known
reports, totals, refusals ─► 核对结果.xlsx, a line for every cell that found no place
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application.rights_importing import OnRecord, Plan, Wanted, plan_import
from application.rights_reading import RightsRead, read_rights
from domain.rights_content import ItemContent
from domain.rights_editions import TakeOverEdition
from domain.vocabulary import LAST_DAY
from infrastructure.importing import FileProblem, Unreadable, collecting
from infrastructure.ledger_reading import Asked, LedgerReader
from infrastructure.workbooks import open_book

_HEADINGS: Final = ("文件", "工作表", "行", "列", "问题", "原文", "是否漏读")
_WIDTHS: Final = (30, 20, 8, 6, 50, 60, 10)


class NoSuchDepartment(Exception):
    """The department that lists are to be imported for is not on the register that day."""

    def __init__(self, name: str, day: date) -> None:
        """Name it, in Chinese."""
        super().__init__(f"机构台账中没有“{name}”（{day}）。")


def read_lists(sources: Mapping[str, Path | bytes]) -> list[RightsRead]:
    """Read published lists, by the names that messages call the files.

    Raises:
        Unreadable: names every file that cannot be read.
    """
    reads: list[RightsRead] = []
    problems: list[FileProblem] = []
    with ExitStack() as opened:
        for name, source in sources.items():
            with collecting(problems, name):
                reads.append(read_rights(opened.enter_context(open_book(source, name))))
    if problems:
        raise Unreadable(problems)
    return reads


def planned(ledgers: LedgerReader, reads: Iterable[RightsRead], wanted: Wanted) -> Plan:
    """Return what importing the lists would do to what is on record.

    Raises:
        NoSuchDepartment: there is no such department.
    """
    day, department = wanted.day, wanted.department
    names, known = department_names(ledgers, day), items_on_record(ledgers, day)
    if department is not None and department not in names:
        raise NoSuchDepartment(department, day)
    plan = plan_import(
        reads,
        names,
        lambda name: known.get(names[name], ()),
        day,
        department=department,
        whole=wanted.whole,
    )
    edition = wanted.edition
    if edition is None or (not plan.commands and _is_published(ledgers, edition)):
        return plan
    return replace(plan, edition=edition)


def _is_published(ledgers: LedgerReader, edition: TakeOverEdition) -> bool:
    """Whether the edition is on record: lists that bring nothing new are not published anew."""
    filters = {"name": edition.name, "level": edition.level.value}
    return bool(ledgers.count("rights_editions", Asked(filters=filters, valid_on=LAST_DAY))[0])


def department_names(ledgers: LedgerReader, day: date) -> dict[str, str]:
    """Return the institutions there are on ``day``: name → id."""
    with ledgers.stream("institutions", Asked(valid_on=day)) as answer:
        at = [shown.name for shown in answer.columns].index("name")
        return {line.values[at]: line.key for line in answer.lines}


def items_on_record(ledgers: LedgerReader, day: date) -> Mapping[str, list[OnRecord]]:
    """Return the items on the lists on ``day``: the department's id → its items."""
    found: dict[str, list[OnRecord]] = {}
    with ledgers.stream("rights_items", Asked(valid_on=day)) as answer:
        names = [shown.name for shown in answer.columns]
        whose, says = names.index("department"), names.index("content")
        for line in answer.lines:
            content = ItemContent.model_validate_json(line.values[says])
            found.setdefault(line.values[whose], []).append(OnRecord(line.key, content))
    return found


def write_report(reads: Iterable[RightsRead], target: Path | IO[bytes]) -> None:
    """Write what was found in the workbooks, a line for each cell; texts only, no formulas.

    Raises:
        OSError: ``target`` cannot be written.
    """
    book = xlsxwriter.Workbook(target)
    page = book.add_worksheet("核对结果")
    for column, (heading, width) in enumerate(zip(_HEADINGS, _WIDTHS, strict=True)):
        page.write_string(0, column, heading, book.add_format({"bold": True}))
        page.set_column(column, column, width)
    page.freeze_panes(1, 0)
    for number, line in enumerate(_lines(reads), start=1):
        for column, cell in enumerate(line):
            page.write_string(number, column, str(cell))
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        msg = f"cannot write {target}"
        raise OSError(msg) from error


def _lines(reads: Iterable[RightsRead]) -> Iterable[tuple[Any, ...]]:
    for read in reads:
        for sheet in read.not_read:
            yield read.file, sheet.sheet, "", "", sheet.why, "", "是"
        for total in read.totals:
            if not total.agrees:
                yield read.file, total.sheet, "", "", str(total), total.text, "否"
        for one in read.reports:
            place = (read.file, one.sheet, one.row, one.column)
            yield *place, one.message, one.text, "是" if one.lost else "否"
