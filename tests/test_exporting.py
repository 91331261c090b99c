"""Files to take away: what they say about themselves, whole contents, and harmless cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from python_calamine import CalamineWorkbook

from infrastructure import exporting
from infrastructure.exporting import (
    BOM,
    ExportTooLarge,
    Heading,
    csv_pieces,
    ndjson_pieces,
    write_xlsx,
)
from infrastructure.ledger_reading import Asked, LedgerReader, Line, Shown, Stream
from tests import toy_office as toys
from tests.toy_office import LEDGERS, Story, ToyOffice, dice_of

HEADING = Heading("内部", "示范编办")
NOW = Asked(valid_on=date(2100, 1, 1))


@pytest.fixture(scope="module")
def reader(module_database: str) -> Iterator[LedgerReader]:
    """A reader of an office with a history."""
    with pytest.MonkeyPatch.context() as patch:
        toys.make_known(patch)
        office = ToyOffice(module_database)
        office.file_story(Story(41).go_on(120), dice_of(41))
        yield LedgerReader(office.database, LEDGERS)
        office.close()


def lines_of(stream: Stream, texts: list[tuple[Any, ...]]) -> Stream:
    """The same answer with other lines."""
    return replace(stream, lines=iter(Line("k", 1, None, one) for one in texts))


def hidden(shown: Shown, value: Any) -> Any:
    """A masking that shows nothing."""
    assert shown.column.personal
    return None if value is None else "*"


def parsed_csv(pieces: Iterator[bytes]) -> list[list[str]]:
    """The rows of a CSV file."""
    text = b"".join(pieces).decode()
    assert text.startswith(BOM)
    assert "\r\n" in text
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


def sheet_of(file: io.BytesIO) -> list[list[Any]]:
    """The rows of a workbook's only sheet."""
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    assert book.sheet_names == ["人员"]
    return book.get_sheet_by_index(0).to_python()


def test_a_csv_file_says_what_it_is_and_holds_every_row(reader: LedgerReader) -> None:
    """Title, clocks, position, secrecy; Chinese headings; codes by label; every row of the page."""
    page = reader.page("toy_people", NOW, limit=1000)
    with reader.stream("toy_people", NOW) as stream:
        rows = parsed_csv(csv_pieces(stream, HEADING))
    assert rows[0] == ["台账", "人员"]
    assert rows[1] == ["单位", "示范编办"]
    assert rows[2] == ["业务日期", "2100-01-01"]
    assert rows[3] == ["截至流水号", str(page.seen.position)]
    assert rows[4][0] == "记录时间"
    assert rows[4][1].startswith(str(page.seen.known_at.year))
    assert rows[5] == ["密级", "内部"]
    titles = [
        "姓名",
        "出生日期",
        "单位编号",
        "到任日期",
        "类型",
        "调动次数",
        "补报",
        "单位名称",
        "单位空缺",
    ]
    assert rows[6] == titles
    expected = [
        [exporting._csv_cell({"admin": "行政"}.get(value, value)) for value in line.values]
        for line in page.lines
    ]
    assert rows[7:] == expected
    assert len(expected) > 5
    assert {row[6] for row in rows[7:]} == {"是", "否"}


def test_personal_columns_are_masked_in_every_form(reader: LedgerReader) -> None:
    """Where the reader may not see names, no file holds one."""
    names = {row["name"] for row in reader.page("toy_people", NOW, limit=1000).rows()}
    assert names
    with reader.stream("toy_people", NOW) as stream:
        rows = parsed_csv(csv_pieces(stream, HEADING, hidden))
    assert {row[0] for row in rows[7:]} == {"*"}
    with reader.stream("toy_people", NOW) as stream:
        text = b"".join(ndjson_pieces(stream, HEADING, hidden)).decode()
    assert not any(str(orjson.dumps(name), "utf-8") in text for name in names)
    file = io.BytesIO()
    with reader.stream("toy_people", NOW) as stream:
        write_xlsx(stream, HEADING, file, hidden)
    sheet = sheet_of(file)
    assert {row[0] for row in sheet[7:]} == {"*"}


def test_ndjson_holds_stored_values(reader: LedgerReader) -> None:
    """One object about the file, then one per row, typed and with codes as stored."""
    page = reader.page("toy_movements", NOW, limit=1000)
    with reader.stream("toy_movements", NOW) as stream:
        about, *rows = map(orjson.loads, b"".join(ndjson_pieces(stream, HEADING)).splitlines())
    assert about["ledger"] == "toy_movements"
    assert about["secrecy"] == "内部"
    assert about["position"] == page.seen.position
    assert about["columns"]["what"] == "事项"
    expected = [
        {"key": line.key, "entry": line.position, "valid_from": line.valid_from, **row}
        for line, row in zip(page.lines, page.rows(), strict=True)
    ]
    assert rows == orjson.loads(orjson.dumps(expected, option=orjson.OPT_UTC_Z))


def test_a_workbook_holds_dates_numbers_and_texts(reader: LedgerReader) -> None:
    """Read back: dates are dates, figures figures, everything else text, nothing missing."""
    page = reader.page("toy_people", NOW, limit=1000)
    file = io.BytesIO()
    with reader.stream("toy_people", NOW) as stream:
        assert write_xlsx(stream, HEADING, file) == len(page.lines)
    sheet = sheet_of(file)
    assert [row[0] for row in sheet[:6]] == [
        "台账", "单位", "业务日期", "截至流水号", "记录时间", "密级",
    ]  # fmt: skip
    for row, line in zip(sheet[7:], page.lines, strict=True):
        assert row[0] == line.values[0]
        assert row[3] == line.values[3]
        assert row[5] == line.values[5]
        assert row[6] == ("是" if line.values[6] else "否")


NASTY = ["=1+1", "+86", "-5", "@x", "\tx", "110101199003070134", 'a,b"c\nd', "'", "０1"]


@pytest.mark.parametrize("text", NASTY)
def test_no_cell_is_a_formula_or_a_rounded_number(reader: LedgerReader, text: str) -> None:
    """What a spreadsheet would compute is made harmless; an ID number keeps its digits."""
    values = (text, None, None, date(2020, 1, 1), "admin", 1, True, None, -3)
    with reader.stream("toy_people", NOW) as stream:
        rows = parsed_csv(csv_pieces(lines_of(stream, [values]), HEADING))
    assert rows[7][0] == ("'" + text if text[0] in "=+-@\t" else text)
    assert rows[7][8] == "-3"  # a figure of ours stays a figure
    file = io.BytesIO()
    with reader.stream("toy_people", NOW) as stream:
        write_xlsx(lines_of(stream, [values]), HEADING, file)
    cell = sheet_of(file)[7][0]
    assert cell == text


def test_what_a_workbook_cannot_hold_is_refused(
    reader: LedgerReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many rows, too long a text: an answer in Chinese, never a file cut short."""
    long = ("长" * 40_000, None, None, None, "admin", 1, True, None, 0)
    with reader.stream("toy_people", NOW) as stream, pytest.raises(ExportTooLarge, match="CSV"):
        write_xlsx(lines_of(stream, [long]), HEADING, io.BytesIO())
    monkeypatch.setattr(exporting, "XLSX_ROWS", 9)
    with reader.stream("toy_people", NOW) as stream, pytest.raises(ExportTooLarge, match="9行"):
        write_xlsx(stream, HEADING, io.BytesIO())


@pytest.mark.parametrize("write", [csv_pieces, ndjson_pieces])
def test_large_files_come_in_pieces(
    reader: LedgerReader, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Iterator[bytes]]
) -> None:
    """A long answer is never held as a whole, and its pieces are the file."""
    with reader.stream("toy_people", NOW) as stream:
        whole = b"".join(write(stream, HEADING))
    monkeypatch.setattr(exporting, "_PIECE", 100)
    with reader.stream("toy_people", NOW) as stream:
        pieces = list(write(stream, HEADING))
    assert len(pieces) > 5
    assert b"".join(pieces) == whole


def test_moments_are_those_of_the_offices_clock() -> None:
    """Stored in UTC, shown in Asia/Shanghai."""
    assert exporting.local(datetime(2024, 12, 31, 20, tzinfo=UTC)) == "2025-01-01 04:00:00"
