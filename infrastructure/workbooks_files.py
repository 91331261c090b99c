"""Is this file a book at all, and is it safe to open? Decided by content, never by extension.

A spreadsheet arrives from anywhere. What is no workbook, is locked by a password, is damaged, or
unpacks to more than this program is willing to hold gets a `BookProblem` in the clerk's words
before the reader ever sees it: the reader lays a sheet out as a full grid, so a single cell in the
farthest corner would otherwise cost all memory.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from infrastructure import workbooks_trial

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 512 * 1024 * 1024
MAX_SHEET_CELLS: Final = 3_000_000
"""Rows times columns of one sheet, blank ones included."""
MAX_CELL_LENGTH: Final = 32_767
"""Characters of one cell; Excel's own limit, which the annotated copy could not exceed either."""
_MAX_PARTS: Final = 10_000

Kind = Literal["xlsx", "xls", "csv"]

_CHUNK: Final = 1024 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CELL_NAME = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_NAME_TAIL: Final = 32
_TRIAL_SECONDS: Final = 60
_OTHER_PACKAGES: Final = {
    "xl/workbook.bin": "Excel二进制工作簿（.xlsb）",
    "word/document.xml": "Word文档",
    "ppt/presentation.xml": "演示文稿",
    "content.xml": "OpenDocument表格",
}


class BookProblem(ValueError):
    """A file that cannot be taken as a book: stable ``code``, Chinese ``message``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def no_workbook(what: str = "") -> BookProblem:
    """Return the problem of a file that is something else."""
    seen = f"这是{what}，" if what else ""
    return BookProblem(
        "not_a_workbook", f"{seen}不是可以导入的表格，请用Excel或WPS另存为.xlsx后再导入"
    )


def damaged() -> BookProblem:
    """Return the problem of a workbook that cannot be read."""
    return BookProblem(
        "damaged_workbook",
        "文件无法读取（已损坏、不完整或内容过大），请用Excel或WPS打开检查，另存为.xlsx后再导入",
    )


def locked() -> BookProblem:
    """Return the problem of a workbook behind a password."""
    return BookProblem("password_protected", "文件设有打开密码，请取消密码后再导入")


def too_large(what: str) -> BookProblem:
    """Return the problem of a workbook beyond a limit."""
    return BookProblem("workbook_too_large", f"{what}，请删去多余的内容或拆成几个文件后再导入")


def content_of(source: Path | bytes) -> bytes:
    """Return the whole file, so that what was checked is what is read.

    Raises:
        BookProblem: ``empty_file`` or ``workbook_too_large``.
        OSError: the file cannot be read.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if not size:
        raise BookProblem("empty_file", "文件是空的，没有任何内容")
    if size > MAX_FILE_BYTES:
        raise too_large(f"文件有{size // 1024 // 1024}MB，最多{MAX_FILE_BYTES // 1024 // 1024}MB")
    return source if isinstance(source, bytes) else source.read_bytes()


def book_kind(content: bytes) -> Kind:
    """Tell what kind of book this is, and that it is safe to open.

    Raises:
        BookProblem: ``not_a_workbook``, ``password_protected``, ``damaged_workbook`` or
            ``workbook_too_large``.
    """
    if content.startswith(b"PK\x03\x04"):
        if _check_package(content).suspicious:
            _try_out(content)
        return "xlsx"
    if content.startswith(_OLE):
        _check_compound(content)
        _try_out(content)
        return "xls"
    _check_text(content)
    return "csv"


# ------------------------------------------------------------------------------------------ .xlsx


def _check_package(content: bytes) -> _Extent:
    extent = _Extent()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _require_workbook(package)
            for part in package.infolist():
                if part.flag_bits & 1:
                    raise locked()
                _unpack(package, part, extent)
    except BookProblem:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise damaged() from error
    return extent


def _require_workbook(package: zipfile.ZipFile) -> None:
    names = frozenset(package.namelist())
    if len(names) > _MAX_PARTS:
        raise too_large(f"文件里有{len(names)}个部件")
    if "xl/workbook.xml" not in names:
        raise no_workbook(
            next((what for name, what in _OTHER_PACKAGES.items() if name in names), "")
        )


def _unpack(package: zipfile.ZipFile, part: zipfile.ZipInfo, extent: _Extent) -> None:
    """Unpack one part, keeping nothing but its measures.

    The size the archive states is not believed: overstating it makes the reader go on to the true
    end of the data, and the checksum is then compared.
    """
    part.file_size = MAX_UNPACKED_BYTES + 2 * _CHUNK
    extent.next_part()
    with package.open(part) as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            extent.take(chunk)


class _Extent:
    """How much a package holds, measured while it streams by."""

    def __init__(self) -> None:
        self._bytes = self._row = self._column = self._cells = 0
        self._longest = self._length = 0
        self._tail = b""

    @property
    def suspicious(self) -> bool:
        """Whether one long text, used by many cells, might take more memory than the file shows."""
        return self._cells * self._longest > MAX_UNPACKED_BYTES

    def next_part(self) -> None:
        """Begin another part: a sheet's corner is its own."""
        self._row = self._column = self._length = 0
        self._tail = b""

    def take(self, chunk: bytes) -> None:
        """Take in the next piece; refuses what goes beyond a limit."""
        self._bytes += len(chunk)
        if self._bytes > MAX_UNPACKED_BYTES:
            raise too_large(f"文件解开后超过{MAX_UNPACKED_BYTES // 1024 // 1024}MB")
        self._measure_texts(chunk)
        self._measure_grid(chunk)

    def _measure_texts(self, chunk: bytes) -> None:
        first, *others = chunk.split(b"<si>")
        if self._length:  # inside a text since the chunk before
            self._length += len(first)
            self._longest = max(self._longest, self._length)
        if others:
            self._length = len(others[-1]) + 1
            self._longest = max(self._longest, *map(len, others))

    def _measure_grid(self, chunk: bytes) -> None:
        names = _CELL_NAME.findall(self._tail + chunk)
        self._tail = chunk[-_NAME_TAIL:]
        self._cells += max(len(names), chunk.count(b"<c>") + chunk.count(b"<c "))
        if names:
            letters = max({name for name, _ in names}, key=lambda name: (len(name), name.upper()))
            self._row = max(self._row, *map(int, {number for _, number in names}))
            self._column = max(self._column, _column_number(letters.decode()))
        if max(self._row * self._column, self._cells) > MAX_SHEET_CELLS:
            raise too_large(
                f"工作表太大（到第{self._row}行、第{self._column}列），"
                f"最多{MAX_SHEET_CELLS // 10_000}万个单元格；常见原因是远处有误填的单元格"
            )


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


# ------------------------------------------------------------------------------------------- .xls


# The first record (BOF), perhaps one that forbids writing, and the one that announces a password.
_FILE_PASS = re.compile(
    rb"\x09\x08(\x08\x00.{8}|\x10\x00.{16})(\x86\x00\x00\x00)?\x2f\x00", re.DOTALL
)


def _check_compound(content: bytes) -> None:
    """Look at the streams of an OLE file by their names, which are UTF-16.

    The reader cannot tell a locked .xls from a damaged one; the record that says so is looked for.
    """
    if "EncryptedPackage".encode("utf-16-le") in content or _FILE_PASS.search(content):
        raise locked()
    if not any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        word = "WordDocument".encode("utf-16-le") in content
        raise no_workbook("Word文档" if word else "")


def _try_out(content: bytes) -> None:
    """Have a process of its own read the workbook first (see `workbooks_trial`)."""
    command = [sys.executable, "-I", workbooks_trial.__file__]
    try:
        trial = subprocess.run(  # noqa: S603  (our own file, by our own interpreter)
            command, input=content, capture_output=True, timeout=_TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise damaged() from error
    if trial.returncode == workbooks_trial.LOCKED:
        raise locked()
    if trial.returncode:
        raise damaged()


# ------------------------------------------------------------------------------------------- .csv

_MARKUP = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|head|table|meta|\?xml)", re.IGNORECASE)


def _check_text(content: bytes) -> None:
    if _MARKUP.match(content):
        raise no_workbook("网页格式的表格")
    if content.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf")):
        raise no_workbook("文档、图片或压缩包")


def read_csv(content: bytes) -> Iterator[list[str]]:
    """Read a CSV file row by row: UTF-8, GB18030 or Excel's Unicode text, any usual delimiter.

    Raises:
        BookProblem: ``not_a_workbook``, ``broken_csv`` or ``workbook_too_large``.
    """
    text = _decoded(content)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    cells = 0
    try:
        for row in lines:
            cells += len(row)
            if cells > MAX_SHEET_CELLS:
                raise too_large(f"文件超过{MAX_SHEET_CELLS // 10_000}万个单元格")
            if any(len(cell) > MAX_CELL_LENGTH for cell in row):
                raise _broken(lines.line_num)
            yield row
    except csv.Error as error:
        raise _broken(lines.line_num) from error


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise no_workbook()


def _delimiter(text: str) -> str:
    head = text[:10_000]
    return max(",\t;", key=head.count)


def _broken(line: int) -> BookProblem:
    return BookProblem("broken_csv", f"CSV文件第{line}行附近的引号不成对或内容过长，请检查后再导入")
