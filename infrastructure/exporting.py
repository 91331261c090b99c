"""Ledgers to take away (导出): CSV, NDJSON and XLSX, written row by row as the server sends them.

Every file says which ledger it is, on which day and as known at which position and moment, its
secrecy grade (密级) and the Chinese headings. Codes are shown by their labels. Texts that a
spreadsheet would take for a formula are made harmless; numbers of identity stay texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import orjson
import xlsxwriter  # type: ignore[import-untyped]

from infrastructure.ledger_reading import Line, Shown, Stream

OFFICE_ZONE: Final = ZoneInfo("Asia/Shanghai")
BOM: Final = "\ufeff"
XLSX_ROWS: Final = 1_048_576
CELL_CHARACTERS: Final = 32_767
_PIECE = 1 << 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Masking = Callable[[Shown, Any], Any]
"""Returns a personal value as this reader may see it."""


class ExportTooLarge(Exception):
    """A workbook cannot hold the answer; the message says what to do instead, in Chinese."""


@dataclass(frozen=True)
class Heading:
    """What a file says about itself beside the answer's own clocks.

    ``secrecy`` is the grade as readers know it (公开, 内部, 秘密), ``office`` the office's name.
    """

    secrecy: str
    office: str = ""


def unmasked(_shown: Shown, value: Any) -> Any:
    """Leave every value as it is."""
    return value


# ── what a file says about itself ────────────────────────────────────────────────────────────


def heading_lines(stream: Stream, heading: Heading) -> list[tuple[str, str]]:
    """Return the lines above the table: what, whose, of which day, as known when, how secret."""
    seen = stream.seen
    lines = [("台账", stream.ledger.title)]
    if heading.office:
        lines.append(("单位", heading.office))
    return [
        *lines,
        ("业务日期", seen.valid_on.isoformat()),
        ("截至流水号", str(seen.position)),
        ("记录时间", local(seen.known_at)),
        ("密级", heading.secrecy),
    ]


def local(moment: datetime) -> str:
    """Return a moment as the office's clock shows it, to the second."""
    return moment.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _readable(stream: Stream, mask: Masking) -> Iterator[list[Any]]:
    """Yield the lines as people read them: masked, codes by their labels."""
    labels = [(shown.column.choices or {}) for shown in stream.columns]
    personal = [shown.column.personal for shown in stream.columns]
    for line in stream.lines:
        cells = []
        for n, value in enumerate(line.values):
            said = labels[n].get(value, value) if labels[n] and value is not None else value
            cells.append(mask(stream.columns[n], said) if personal[n] else said)
        yield cells


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────


def csv_pieces(stream: Stream, heading: Heading, mask: Masking = unmasked) -> Iterator[bytes]:
    """Yield a CSV file (UTF-8 with a byte order mark, as spreadsheets expect) in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerows(heading_lines(stream, heading))
    writer.writerow([shown.title for shown in stream.columns])
    for cells in _readable(stream, mask):
        writer.writerow([_csv_cell(value) for value in cells])
        if buffer.tell() > _PIECE:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece


def _csv_cell(value: Any) -> str:
    text = _text(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return local(value) if isinstance(value, datetime) else str(value)


# ── NDJSON ───────────────────────────────────────────────────────────────────────────────────


def ndjson_pieces(stream: Stream, heading: Heading, mask: Masking = unmasked) -> Iterator[bytes]:
    """Yield NDJSON in pieces: one object about the file, then one per row, with codes as stored."""
    about = {
        "ledger": stream.ledger.name,
        "title": stream.ledger.title,
        "office": heading.office,
        "valid_on": stream.seen.valid_on,
        "position": stream.seen.position,
        "known_at": stream.seen.known_at,
        "secrecy": heading.secrecy,
        "columns": {shown.name: shown.title for shown in stream.columns},
    }
    lines, size = [_json(about)], 0
    for line in stream.lines:
        lines.append(_json(_row(stream.columns, line, mask)))
        size += len(lines[-1])
        if size > _PIECE:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join(lines)


def _row(columns: Sequence[Shown], line: Line, mask: Masking) -> dict[str, Any]:
    values = {
        shown.name: mask(shown, value) if shown.column.personal else value
        for shown, value in zip(columns, line.values, strict=True)
    }
    return {"key": line.key, "entry": line.position, "valid_from": line.valid_from, **values}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


# ── XLSX ─────────────────────────────────────────────────────────────────────────────────────

_WIDTHS = {"text": 18, "bigint": 10, "boolean": 8, "date": 12, "timestamptz": 20}
PLAIN: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
"""How a workbook is written: row by row, and texts stay texts."""


def write_xlsx(stream: Stream, heading: Heading, file: IO[bytes], mask: Masking = unmasked) -> int:
    """Write a workbook and return how many rows it holds; memory does not grow with them.

    Raises `ExportTooLarge` where a worksheet cannot hold the rows, or a cell its text.
    """
    book = xlsxwriter.Workbook(file, PLAIN)
    sheet = book.add_worksheet(_sheet_name(stream.ledger.title))
    bold = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    above = heading_lines(stream, heading)
    for n, shown in enumerate(stream.columns):
        sheet.set_column(n, n, _WIDTHS["text" if shown.column.personal else shown.kind])
    for n, (title, said) in enumerate(above):
        sheet.write_string(n, 0, title, bold)
        sheet.write_string(n, 1, said)
    sheet.write_row(len(above), 0, [shown.title for shown in stream.columns], bold)
    sheet.freeze_panes(len(above) + 1, 0)
    first = at = len(above) + 1
    for cells in _readable(stream, mask):
        if at >= XLSX_ROWS:
            raise ExportTooLarge(f"超过工作表的行数上限（{XLSX_ROWS}行），请改用 CSV 导出。")
        for n, value in enumerate(cells):
            _write_cell(sheet, at, n, value, day)
        at += 1
    book.close()
    return at - first


def _sheet_name(title: str) -> str:
    return "".join(sign for sign in title if sign not in "[]:*?/\\'")[:31]


def _write_cell(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001  (a day)
    else:
        text = _text(value)
        if len(text) > CELL_CHARACTERS:
            raise ExportTooLarge(
                f"第{row + 1}行第{column + 1}列的文字超过单元格上限（{CELL_CHARACTERS}字），"
                "请改用 CSV 导出。"
            )
        sheet.write_string(row, column, text)
