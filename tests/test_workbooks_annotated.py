"""The copy of a book with its findings: what the clerk mends and brings back."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from domain.book_headings import ANNOTATIONS
from domain.cells import Cell
from infrastructure.workbooks import BookProblem, open_book
from infrastructure.workbooks_annotated import RowNote, annotated_copy
from tests.shared_data import shared

HEADINGS = ["序号", "单位名称", "姓名", "身份证号", "编制类型", "入编时间"]
REFUSED = RowNote("未导入", ("身份证号有误", "没有填写姓名"), ("去掉了空格",), refused=True)


def grid(source: Path | bytes) -> dict[str, list[list[Cell]]]:
    """Return every sheet as it stands."""
    with open_book(source) as book:
        return {sheet.name: [row for _, row in sheet.rows()] for sheet in book.sheets}


def copied(
    source: bytes | Path, notes: dict[tuple[str, int], RowNote], name: str = "人员.xlsx"
) -> bytes:
    """Return the annotated copy of a book."""
    target = io.BytesIO()
    with open_book(source, name) as book:
        annotated_copy(book, notes, target)
    return target.getvalue()


def xml_of(copy: bytes, sheet: int = 1) -> str:
    """Return a sheet of the copy as it is stored."""
    with zipfile.ZipFile(io.BytesIO(copy)) as package:
        return package.read(f"xl/worksheets/sheet{sheet}.xml").decode()


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Return simple rows as CSV."""
    return "\n".join(",".join(row) for row in rows).encode()


@pytest.mark.parametrize("name", ["人员.xlsx", "机构.xlsx"])
def test_a_copy_holds_every_cell_where_it_was(name: str, tmp_path: Path) -> None:
    """Same sheets, rows and columns, three columns more; and it reads back as the same book."""
    source = shared("cases", "roster", name)
    target = tmp_path / "核对结果.xlsx"
    with open_book(source) as book:
        (table,), _ = book.tables()
        sheet, before = table.sheet.name, list(table.rows())
        heading, width = table.heading, table.sheet.size()[1]
        notes = {(sheet, before[0].row): RowNote("已导入"), (sheet, before[5].row): REFUSED}
        annotated_copy(book, notes, target)
    originals, copies = grid(source), grid(target)
    assert list(copies) == list(originals)
    for was, now in zip(originals[sheet], copies[sheet], strict=True):
        assert now[:width] == was
    added = [tuple(row[width:]) for row in copies[sheet]]
    assert added[heading.last_row] == ANNOTATIONS
    assert added[before[0].row - 1] == ("已导入", "", "")
    assert added[before[5].row - 1] == ("未导入", "身份证号有误；没有填写姓名", "去掉了空格")
    assert sum(any(one) for one in added) == 3
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    with open_book(target) as book:
        (table,), _ = book.tables()
        assert [row.cells for row in table.rows()] == [row.cells for row in before]
        assert table.heading.unknown == ()
        assert table.heading.annotations == dict(
            zip(ANNOTATIONS, range(width, width + 3), strict=True)
        )


def test_a_copy_of_a_copy_renews_its_notes_in_place() -> None:
    """The clerk mends a copy and checks it again: old notes go, no further columns come."""
    source = as_csv([HEADINGS, ["1", "局", "甲乙", "1"], ["2", "局", "丙丁", "2"]])
    once = copied(source, {("人员", 2): REFUSED, ("人员", 3): RowNote("已导入")})
    twice = copied(once, {("人员", 2): RowNote("已修正")})
    (rows,) = grid(twice).values()
    assert rows[0] == [*HEADINGS, *ANNOTATIONS]
    assert rows[1][6:] == ["已修正", "", ""]
    assert rows[2][:6] == ["2", "局", "丙丁", "2", "", ""]
    assert not any(rows[2][6:])


def test_numbers_that_identify_stay_text() -> None:
    """As cells, and in cells that the clerk fills in later."""
    source = as_csv([HEADINGS, ["1", "局", "甲乙", "130132199604148960"]])
    copy = copied(source, {})
    (rows,) = grid(copy).values()
    assert rows[1][3] == "130132199604148960"
    assert '<c r="D2" s="1" t="inlineStr"' in xml_of(copy)
    assert re.search(r'<col min="4" max="4" width="[0-9.]+" style="1"', xml_of(copy))


@pytest.mark.parametrize("text", ["=1+1", "+86 10", "-5度", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_nothing_that_looks_like_a_formula_becomes_one(text: str) -> None:
    """It stays the text that was typed, marked as text."""
    copy = copied(as_csv([HEADINGS, ["1", "局", text]]), {})
    (rows,) = grid(copy).values()
    assert rows[1][2] == text
    assert "<f>" not in xml_of(copy)
    with zipfile.ZipFile(io.BytesIO(copy)) as package:
        assert 'quotePrefix="1"' in package.read("xl/styles.xml").decode()


def test_every_type_of_cell_survives() -> None:
    """Numbers, flags, days, moments, times of day, and what Excel cannot hold as such."""
    cells: list[Cell] = [12.5, True, date(2012, 3, 5), datetime(2012, 3, 5, 10, 30)]  # noqa: DTZ001
    cells += [time(10, 30), timedelta(hours=30)]
    formats = ["0.0", "", "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm", "[h]:mm"]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet("人员")
        page.write_row(0, 0, HEADINGS)
        for column, (cell, shape) in enumerate(zip(cells, formats, strict=True)):
            page.write(1, column, cell, book.add_format({"num_format": shape}))
    (before,) = grid(file.getvalue()).values()
    (after,) = grid(copied(file.getvalue(), {})).values()
    assert before[1] == cells
    assert after[1][:4] == cells[:4]
    assert after[1][4] == cells[4]
    assert isinstance(after[1][5], timedelta | time | datetime)


def test_hidden_sheets_and_odd_names_are_kept_as_far_as_excel_allows() -> None:
    """A CSV's file name may be no name for a sheet."""
    rows = [HEADINGS, ["1", "局", "甲乙"]]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for name in ("旧", "人员"):
            for number, row in enumerate(rows):
                book.get_worksheet_by_name(name) or book.add_worksheet(name)
                book.get_worksheet_by_name(name).write_row(number, 0, row)
        book.get_worksheet_by_name("人员").activate()
        book.get_worksheet_by_name("旧").hide()
    copy = copied(file.getvalue(), {("人员", 2): REFUSED})
    with open_book(copy) as book:
        assert [(one.name, one.hidden) for one in book.sheets] == [("旧", True), ("人员", False)]
        assert [len(row) for _, row in book.sheets[0].rows()] == [6, 6]
    (title,) = grid(copied(as_csv(rows), {}, "'人员[2021]:6?*" + "长" * 40 + ".csv"))
    assert title.startswith("人员_2021__6__长")
    assert len(title) == 31


def test_a_copy_that_cannot_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a file nor scratch files with people's data."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = tmp_path / "没有这个文件夹" / "结果.xlsx"
    source = as_csv([HEADINGS, ["1", "局", "甲乙"]])
    with open_book(source) as book, pytest.raises(OSError, match="cannot write"):
        annotated_copy(book, {}, target)
    broken = source + b'\n2,"' + "局".encode()
    with open_book(broken) as book, pytest.raises(BookProblem):
        annotated_copy(book, {}, tmp_path / "结果.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_an_older_copy_is_replaced_whole(tmp_path: Path) -> None:
    """Only when the new one is complete."""
    target = tmp_path / "结果.xlsx"
    target.write_bytes(b"old")
    with open_book(as_csv([HEADINGS, ["1", "局", "甲乙"]]), "人员.csv") as book:
        annotated_copy(book, {("人员", 2): REFUSED}, target)
    assert grid(target)["人员"][1][6:] == ["未导入", "身份证号有误；没有填写姓名", "去掉了空格"]
