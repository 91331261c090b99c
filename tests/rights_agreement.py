"""How far the reading of the 16 published workbooks agrees with the clean tables read from them.

``python -m tests.rights_agreement`` prints the agreement of every workbook. A row agrees where an
item was read at its very place (file, sheet, row) with the same department, category, name and
sub-item; its bases agree where the same documents with the same articles were read. Titles are
compared without marks, articles without 款 and 项. What differs is sorted by `REASONS`: general
rules about the text of the cell or about how the tables were made, never lists of rows.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from application.rights_reading import RightsRead, SheetRead, department_of_item, read_rights
from domain.rights_citations import whole_articles
from domain.rights_departments import same_department
from domain.rights_reading import ItemRead
from domain.rights_rows import read_lines
from domain.text import compact
from infrastructure.workbooks import Workbook, open_book
from tests.shared_data import SHARED, shared_rows

Row = dict[str, str]
Bases = dict[str, set[str]]


class Difference(NamedTuple):
    """One row whose bases differ: its cell's text, what the table has, what was read."""

    row_id: str
    citations: list[Row]
    table: Bases
    read: Bases
    text: str


def _marked_bad(one: Difference) -> bool:
    return any(row["标记"] or "》" in row["文件名"] or not row["文件名"] for row in one.citations)


def _year_as_level(one: Difference) -> bool:
    return any(row["效力层级"].isdecimal() for row in one.citations)


def _only_mentioned(one: Difference) -> bool:
    return one.table.keys() == one.read.keys() and all(
        one.read[title] <= articles
        and all(_inside_a_sentence(one.text, article) for article in articles - one.read[title])
        for title, articles in one.table.items()
    )


def _inside_a_sentence(text: str, article: str) -> bool:
    return not re.search(rf"(?:^|\n|。)\s*{article}[:：\s]", text)


def _more_documents(one: Difference) -> bool:
    return len(one.read) > len(one.table) and one.table.keys() <= one.read.keys()


def _implementing(one: Difference) -> bool:
    return any(
        title != other and title in other and "实施" in other
        for title in one.table.keys() - one.read.keys()
        for other in one.read.keys() - one.table.keys()
    )


def _numbered_or_adjoining(one: Difference) -> bool:
    return one.table.keys() == one.read.keys() and all(
        articles <= one.read[title] for title, articles in one.table.items()
    )


def _half_marked(one: Difference) -> bool:
    return bool(re.search(r"】[^《\n]{2,60}》", one.text))


REASONS: Final[dict[str, Callable[[Difference], bool]]] = {
    "对照表自己标明文件名未识别或书名号不完整，读取时按括号和词尾认出": _marked_bad,
    "对照表把文号中的年份（如【2020】）当作依据层级，另起了一条": _year_as_level,
    "书名号缺左半边，读取时仍认出文件名": _half_marked,
    "对照表把“实施〈某法〉办法”只记为某法": _implementing,
    "一格里另起一行、没有层级标记的文件，对照表并入了上一个文件": _more_documents,
    "条文中提到的条款，不是所引的条款": _only_mentioned,
    "带编号或紧跟文件名的条款，对照表没有记": _numbered_or_adjoining,
}


@dataclass(slots=True)
class Agreement:
    """The agreement of one workbook."""

    file: str
    rows: int = 0
    items: int = 0
    found: int = 0
    bases: int = 0
    duties: int = 0
    short: int = 0
    reported: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    unexplained: list[Difference] = field(default_factory=list)


def workbooks() -> list[Path]:
    """Return the published workbooks, none where the shared data are absent."""
    return sorted((SHARED / "data/rights/workbooks").glob("*.xls*"))


def read_workbook(path: Path) -> RightsRead:
    """Read one workbook."""
    with open_book(path) as book:
        return read_rights(book)


def agreement(path: Path) -> Agreement:
    """Compare what is read of a workbook with the clean tables."""
    with open_book(path) as book:
        read, texts = read_rights(book), _cells(book)
    table = {
        (row["源工作表"].strip(), int(row["源行号"])): row
        for row in shared_rows("data/rights/karamay_2024_2025_items.csv", at_least=2000)
        if row["源文件"] == path.name
    }
    citations = _citations()
    result = Agreement(path.name, len(table), len(read.items), reported=len(read.reports))
    for sheet, item in _placed(read):
        row = table.pop((sheet.name.strip(), item.source.row), None)
        if row is None:
            result.missed["多读的行"] += 1
        elif why := _why_another(sheet, item, row):
            result.missed[why] += 1
        else:
            result.found += 1
            department = department_of_item(sheet, item)
            result.short += department is not None and department.name != row["部门"]
        if row is not None:
            result.duties += len(item.content.duties) == int(row["责任事项_条数"])
            text = texts[sheet.name, item.source.row]
            _compare_bases(result, item, row["row_id"], citations.get(row["row_id"], []), text)
    result.missed["漏读的行"] += len(table)
    return result


def _placed(read: RightsRead) -> Iterator[tuple[SheetRead, ItemRead]]:
    for sheet in read.sheets:
        for item in sheet.items:
            yield sheet, item


def _citations() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in shared_rows("data/rights/karamay_citations.csv", at_least=3000):
        found.setdefault(row["row_id"], []).append(row)
    return found


def _why_another(sheet: SheetRead, item: ItemRead, row: Row) -> str:
    content, department = item.content, department_of_item(sheet, item)
    if compact(content.name) != compact(row["事项名称"]):
        return "名称不同"
    if compact(content.sub_name or "") != compact(row["子项名称"]):
        return "子项不同"
    if department is None or not same_department(department.name, row["部门"]):
        return "部门不同"
    category = content.category.label if content.category else ""
    if category == row["职权类型"]:
        return ""
    return (
        "职权类型空白，按工作表名补上" if item.inferred and not row["职权类型"] else "职权类型不同"
    )


def _cells(book: Workbook) -> dict[tuple[str, int], str]:
    """Return the cells of the bases as they stand, by sheet and row."""
    sheets = [
        read_lines(sheet.name, [row for _, row in sheet.rows()], sheet.merges())
        for sheet in book.sheets
    ]
    lines = ((sheet.name, line) for sheet in sheets if sheet for line in sheet.lines)
    return {(name, line.row): line.text("bases") for name, line in lines}


def _compare_bases(
    result: Agreement, item: ItemRead, row_id: str, rows: list[Row], text: str
) -> None:
    table = _bases((row["文件名"], row["条号"].split("/")) for row in rows)
    read = _bases((one.title, list(whole_articles(one.articles))) for one in item.content.bases)
    if table == read:
        result.bases += 1
        return
    one = Difference(row_id, rows, table, read, text)
    why = next((name for name, holds in REASONS.items() if holds(one)), None)
    if why is None:
        result.unexplained.append(one)
    else:
        result.missed[why] += 1


def _bases(pairs: Iterator[tuple[str, list[str]]]) -> Bases:
    found: Bases = {}
    for title, articles in pairs:
        plain = re.sub(r"[《》〈〉<>＜＞()（）\s]", "", title)
        found.setdefault(plain, set()).update(one for one in articles if one)
    return found


def lines(results: list[Agreement]) -> Iterator[str]:
    """Yield the agreement of every workbook and the reasons of what differs."""
    yield "  行数  读出    一致  依据一致  责任条数  逐格报告  文件"
    for one in results:
        yield (
            f"{one.rows:6}{one.items:6}{one.found / one.rows:9.2%}{one.bases / one.rows:9.2%}"
            f"{one.duties / one.rows:10.2%}{one.reported:10}  {one.file}"
        )
        yield from (f"      没有解释：{difference}" for difference in one.unexplained)
    rows = sum(one.rows for one in results)
    found, bases = sum(one.found for one in results), sum(one.bases for one in results)
    yield f"共{rows}行：部门、类型、名称一致{found / rows:.2%}，依据一致{bases / rows:.2%}"
    missed = sum((one.missed for one in results), Counter[str]())
    yield from (f"{number:6}  {why}" for why, number in missed.most_common())


def measured() -> str:
    """Read all workbooks once and say how long that took."""
    started, worked = time.perf_counter(), time.process_time()
    number = sum(len(read_workbook(path).items) for path in workbooks())
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    return f"读取{number}项用时{seconds:.1f}秒，其中处理器{cpu:.1f}秒"


if __name__ == "__main__":
    shown = (measured(), *lines([agreement(path) for path in workbooks()]))
    sys.stdout.writelines(f"{line}\n" for line in shown)
