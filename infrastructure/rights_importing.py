"""What an import of rights lists asks of the ledgers, and the report it leaves behind.

institutions ─► names of departments       rights_items ─► what each has on record
reports, totals, refusals ─► 核对结果.xlsx, a line for every cell that found no place
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application.rights_importing import OnRecord
from application.rights_reading import RightsRead
from domain.rights_content import ItemContent
from infrastructure.ledger_reading import Asked, LedgerReader

_HEADINGS: Final = ("文件", "工作表", "行", "列", "问题", "原文", "是否漏读")
_WIDTHS: Final = (30, 20, 8, 6, 50, 60, 10)


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


def write_report(reads: Iterable[RightsRead], target: Path) -> None:
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
