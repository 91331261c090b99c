"""Books as they come: .xlsx, .xls and .csv as offices dress them up, and files that are none."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from domain.book_headings import INSTITUTIONS, PEOPLE, Book, Column
from domain.cells import Cell
from infrastructure import workbooks_files
from infrastructure.workbooks import BookProblem, BookRow, Ignored, Table, open_book
from infrastructure.workbooks_files import MAX_CELL_LENGTH
from tests.shared_data import shared, shared_rows
from tests.xls_writer import compound, xls

HEADINGS = ["序号", "单位名称", "姓名", "身份证号", "编制类型", "入编时间"]
ROWS = [
    ["1", "区财政局", "张三丰", "130132199604148960", "行政编制", "2012.3.5"],
    ["2", "区财政局", "李\n四,“五”", "13013219960414896X", "行政编制", "2012年3月"],
]
BOOK = [["示范区人员名册"], HEADINGS, *ROWS, ["填表人：", "", "审核人："]]


def xlsx(sheets: dict[str, Sequence[Sequence[Cell]]], *hidden: str) -> bytes:
    """Write a plain workbook."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            if name in hidden:
                page.hide()
            for number, row in enumerate(rows):
                page.write_row(number, 0, ["" if cell is None else cell for cell in row])
    return file.getvalue()


def comma(rows: Iterable[Sequence[Cell]], delimiter: str = ",") -> str:
    """Write CSV text as Excel does."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def read(source: bytes | Path, name: str = "人员.xlsx") -> list[BookRow]:
    """Return all rows of all tables."""
    with open_book(source, name) as book:
        tables, _ = book.tables()
        return [row for table in tables for row in table.rows()]


def problem(source: bytes | Path) -> BookProblem:
    """Return why the file cannot be read; its message is Chinese."""
    with pytest.raises(BookProblem) as caught:
        read(source)
    assert any("\u4e00" <= one <= "\u9fff" for one in caught.value.message)
    assert str(caught.value) == caught.value.message
    return caught.value


# -------------------------------------------------------------------------------------- good books


def test_the_roster_case() -> None:
    """Both books are known by their headings; rows keep their places, the signature is none."""
    with open_book(shared("cases", "roster", "机构.xlsx")) as book:
        (table,), ignored = book.tables()
        assert (table.book, table.sheet.name, ignored) == (INSTITUTIONS, "机构编制情况", ())
        rows = list(table.rows())
        assert [row.row for row in rows] == list(range(3, 71))
        assert rows[0].cells["full_name"] == "区委办公室"
        assert rows[0].cells["approved"] == 12
        assert table.passed_over == []
    with open_book(shared("cases", "roster", "人员.xlsx")) as book:
        (table,), _ = book.tables()
        assert table.book is PEOPLE
        rows = list(table.rows())
        assert [row.row - 3 for row in rows] == [row.cells["serial"] for row in rows]
        assert len(rows) == 1530
        assert [str(one) for one in table.passed_over] == [
            "第1534行“填表人: 审核人:”：填表说明或签名行"
        ]
        heading = table.heading
        assert [heading.unknown, heading.missing, heading.duplicates] == [(), (), ()]
        assert table.sheet.size() == (1534, 18)


@pytest.mark.parametrize(
    ("encode", "kind"),
    [
        (lambda: xlsx({"人员": BOOK}), "xlsx"),
        (lambda: xls(BOOK), "xls"),
        (lambda: comma(BOOK).encode(), "csv"),
        (lambda: comma(BOOK).encode("utf-8-sig"), "csv"),
        (lambda: comma(BOOK).encode("gb18030"), "csv"),
        (lambda: comma(BOOK, "\t").encode("utf-16"), "csv"),
        (lambda: comma(BOOK, ";").encode("gbk"), "csv"),
    ],
)
@pytest.mark.parametrize("name", ["人员.xlsx", "人员.xls", "人员.csv", "人员"])
def test_every_format_reads_alike_under_any_name(
    encode: Callable[[], bytes], kind: str, name: str, tmp_path: Path
) -> None:
    """Content decides, never the extension; from a file and from memory."""
    path = tmp_path / name
    path.write_bytes(encode())
    for source in (path, encode()):
        with open_book(source, name) as book:
            assert (book.kind, book.name) == (kind, name)
            assert book.sheets[0].name == "人员"
            (table,), _ = book.tables()
            rows = list(table.rows())
            assert [row.row for row in rows] == [3, 4]
            assert [[cell or "" for cell in row.cells.values()] for row in rows] == ROWS
            assert [(one.row, one.kind) for one in table.passed_over] == [(5, "note")]


def test_typed_cells_come_as_they_are() -> None:
    """Dates, numbers and flags keep their types; places count from the sheet's corner."""
    rows: list[list[Cell]] = [[], [], ["", *HEADINGS]]
    rows += [["", 1.0, "局", True, 1.30109198510028e17, "", date(2012, 3, 5)]]
    (row,) = read(xlsx({"人员": rows}))
    assert row.row == 4
    assert row.cells["name"] is True
    assert row.cells["id_number"] == 1.30109198510028e17
    assert row.cells["quota_in_date"] == date(2012, 3, 5)


RIGHTS = Book(
    name="rights",
    title="权责清单",
    columns=(
        Column("serial", "序号"),
        Column("item", "事项名称"),
        Column("sub_item", "子项名称"),
        Column("kind", "权力类型"),
        Column("basis", "实施依据"),
        Column("body", "行使主体"),
        Column("organ", "承办机构"),
    ),
    telling=frozenset({"item", "kind"}),
    required=(("item",),),
)


def test_real_published_workbooks() -> None:
    """Sixteen workbooks as departments published them: each item stands where it was found."""
    files = sorted(shared("data", "rights", "workbooks").iterdir())
    assert len(files) == 16
    names = {path.name for path in files}
    items: dict[tuple[str, str, int], str] = {
        (row["源文件"], row["源工作表"], int(row["源行号"])): row["事项名称"]
        for row in shared_rows("data", "rights", "karamay_2024_2025_items.csv", at_least=2500)
        if row["源文件"] in names
    }
    assert len(items) >= 2000
    found: dict[tuple[str, str, int], Cell] = {}
    for path in files:
        with open_book(path) as book:
            tables, _ = book.tables([RIGHTS])
            for table in tables:
                for row in table.rows():
                    found[path.name, row.sheet, row.row] = row.cells["item"]
    assert items.keys() <= found.keys()
    alike = sum(_plain(found[place]) == _plain(name) for place, name in items.items() if name)
    assert alike >= len(items) - 1  # one name is that of a cell merged further up


def _plain(cell: Cell) -> str:
    return "".join(str(cell).split()).replace("(", "（").replace(")", "）")


def test_values_merged_over_rows_stand_in_each_of_them() -> None:
    """A roster often names the unit once, merged over its people."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet("人员")
        page.write_row(0, 0, HEADINGS)
        page.merge_range(1, 1, 3, 1, "区财政局")
        page.merge_range(4, 1, 5, 1, "区教育局")
        for row, name in enumerate(("甲一", "乙二", "丙三", "丁四", "戊五", "己六"), start=1):
            page.write_string(row, 2, name)
    units = {row.cells["name"]: row.cells["institution"] for row in read(file.getvalue())}
    assert list(units.values()) == ["区财政局"] * 3 + ["区教育局"] * 2 + [""]


def test_several_sheets_hidden_and_foreign_ones() -> None:
    """Every sheet that is a book is read; each other one is named with the reason."""
    source = xlsx(
        {
            "说明": [["请先阅读"]],
            "机构": [["机构名称", "编制类型", "核定编制数"], ["区财政局", "行政编制", 12.0]],
            "人员": BOOK,
            "旧": BOOK,
            "空": [],
            "模板": [HEADINGS],
        },
        "旧",
    )
    with open_book(source) as book:
        tables, ignored = book.tables()
        assert [(one.sheet.name, one.book.name) for one in tables] == [
            ("机构", "institutions"),
            ("人员", "people"),
        ]
        assert ignored == (
            Ignored("说明", "没有认出表头"),
            Ignored("旧", "隐藏的工作表，没有读取"),
            Ignored("空", "空的工作表"),
            Ignored("模板", "只有表头，没有数据"),
        )


def test_a_short_or_ragged_row_has_empty_cells() -> None:
    """CSV rows may end early, or go on beyond the heading."""
    source = comma([HEADINGS, ["1", "局"], ["2", "局", "张三丰", "", "", "", "多", "余"]])
    short, long = read(source.encode())
    assert short.cells["quota_in_date"] == ""
    assert long.cells.keys() == short.cells.keys()


def test_rows_can_be_read_again() -> None:
    """A second run starts over, also what was passed over."""
    with open_book(comma(BOOK).encode()) as book:
        (table,), _ = book.tables()
        assert isinstance(table, Table)
        assert list(table.rows()) == list(table.rows())
        assert len(table.passed_over) == 1


# --------------------------------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xff\xd8\xff\xe0 a picture", "not_a_workbook"),
        (b"%PDF-1.7 ...", "not_a_workbook"),
        (b"<html><table><tr><td>\xe5\xa7\x93</td></tr></table></html>", "not_a_workbook"),
        (
            b'\xef\xbb\xbf<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>',
            "not_a_workbook",
        ),
        (b"\x00\x01\x02\x03" * 50, "not_a_workbook"),
        (b"\x81\xff\xfe\xfd" * 50, "not_a_workbook"),
        (b"PK\x03\x04 broken", "damaged_workbook"),
        (compound("WordDocument", b""), "not_a_workbook"),
        (compound("Whatever", b""), "not_a_workbook"),
        (compound("EncryptedPackage", b""), "password_protected"),
        (compound("Workbook", b"no records"), "damaged_workbook"),
        (xls(BOOK, locked=True), "password_protected"),
        (xls(BOOK)[:3000], "damaged_workbook"),
        ("几句话，不是表格。".encode(), "no_heading"),
        (comma([HEADINGS]).encode(), "only_headings"),
        (comma([HEADINGS, ["", ""], ["填表人："]]).encode(), "only_headings"),
        (b"\n\n,,\n", "empty_workbook"),
        (f'{comma([HEADINGS])}1,"局,张三'.encode(), "broken_csv"),
        (f"{comma([HEADINGS])}1,{'长' * (MAX_CELL_LENGTH + 1)}".encode(), "broken_csv"),
    ],
)
def test_what_is_no_book_is_told_so(content: bytes, code: str) -> None:
    """Each in the clerk's words, none as a stack trace."""
    assert problem(content).code == code


def package(parts: dict[str, str]) -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("word/document.xml", "Word"),
        ("xl/workbook.bin", "xlsb"),
        ("content.xml", "OpenDocument"),
        ("anything", "表格"),
    ],
)
def test_other_packages_are_named(part: str, what: str) -> None:
    """A Word file renamed to .xlsx is told to be one."""
    found = problem(package({part: "<x/>"}))
    assert found.code == "not_a_workbook"
    assert what in found.message
    assert "另存为.xlsx" in found.message


def test_workbooks_without_content() -> None:
    """No sheet with anything, or nothing to be seen."""
    assert problem(xlsx({"空": []})).code == "empty_workbook"
    hidden = problem(xlsx({"空": [], "旧": BOOK}, "旧"))
    assert hidden.code == "empty_workbook"
    assert "隐藏" in hidden.message
    missing = problem(xlsx({"别的": [["甲", "乙"], [1.0, 2.0]]}))
    assert missing.code == "no_heading"
    assert "姓名" in missing.message
    assert "核定编制数" in missing.message


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    """Not a fault of the book."""
    with pytest.raises(FileNotFoundError):
        open_book(tmp_path / "没有.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip bomb, also one whose archive lies about its size."""
    monkeypatch.setattr(workbooks_files, "MAX_UNPACKED_BYTES", 2_000_000)
    bomb = package({"xl/workbook.xml": "<x/>", "xl/worksheets/sheet1.xml": " " * 3_000_000})
    assert problem(bomb).code == "workbook_too_large"
    size = (3_000_000).to_bytes(4, "little")
    assert bomb.count(size) == 2
    liar = bomb.replace(size, (30).to_bytes(4, "little"))
    assert problem(liar).code in {"workbook_too_large", "damaged_workbook"}
    assert len(read(xlsx({"人员": BOOK}))) == 2


def test_a_stray_cell_in_the_farthest_corner_is_refused() -> None:
    """The reader would lay out the whole grid: 17 thousand million cells."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet("人员")
        page.write_row(0, 0, HEADINGS)
        page.write_string(1_048_575, 16_383, "x")
    found = problem(file.getvalue())
    assert found.code == "workbook_too_large"
    assert "1048576行" in found.message
    assert "16384列" in found.message


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every format."""
    many = [HEADINGS, *ROWS * 40]
    monkeypatch.setattr(workbooks_files, "MAX_SHEET_CELLS", 200)
    monkeypatch.setattr("infrastructure.workbooks.MAX_SHEET_CELLS", 200)
    for source in (xlsx({"人员": many}), xls(many), comma(many).encode()):
        assert problem(source).code == "workbook_too_large"
    monkeypatch.setattr(workbooks_files, "MAX_FILE_BYTES", 200)
    assert problem(comma(many).encode()).code == "workbook_too_large"


def test_an_xls_that_asks_for_all_memory_ends_only_the_trial() -> None:
    """The reader believes what an .xls says of its size, and dies of it: but elsewhere."""
    greedy = xls([HEADINGS, *ROWS], claimed_rows=4_000_000_000)
    assert problem(greedy).code == "damaged_workbook"


def test_one_long_text_in_many_cells_is_tried_out_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shared text is stored once but read into every cell."""
    monkeypatch.setattr(workbooks_files, "MAX_UNPACKED_BYTES", 3_000_000)
    monkeypatch.setattr(workbooks_files, "_TRIAL_SECONDS", 0.000_001)
    source = xlsx({"人员": [HEADINGS, *[["长" * 30_000] * 6] * 20]})
    assert problem(source).code == "damaged_workbook"
    assert len(read(xlsx({"人员": BOOK}))) == 2


def test_damaged_bytes_end_in_a_message() -> None:
    """Whatever a broken disk makes of a workbook, nothing but a `BookProblem` comes out."""
    chance = random.Random(20_210_630)  # noqa: S311  (no secret)
    seen = set()
    for number in range(150):
        original = xls(BOOK) if number % 10 == 0 else _repacked(xlsx({"人员": BOOK}), chance)
        content = bytearray(original)
        for _ in range(chance.choice((0, 1, 8))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read(bytes(content))
        except BookProblem as found:
            seen.add(found.code)
    assert "damaged_workbook" in seen


def _repacked(source: bytes, chance: random.Random) -> bytes:
    """Return the package with a few characters of one part changed."""
    with zipfile.ZipFile(io.BytesIO(source)) as archive:
        parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    victim = parts[chance.choice(sorted(parts))]
    for _ in range(chance.randrange(4)):
        victim[chance.randrange(len(victim))] = chance.choice(b'<>"&0A9/')
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, bytes(content))
    return file.getvalue()
