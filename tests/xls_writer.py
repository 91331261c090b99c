"""A writer of small .xls files, for tests of the reader: the product itself writes none.

An .xls is a stream of records (BIFF8) in a compound file (OLE). One sheet, texts and numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def xls(
    rows: Sequence[Sequence[str | float]],
    title: str = "人员",
    *,
    locked: bool = False,
    claimed_rows: int | None = None,
) -> bytes:
    """Return an .xls of one sheet.

    ``locked`` marks it as encrypted; ``claimed_rows`` is what it says about its own size.
    """
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0x0DBB, 0x07CC, 0, 6))
    if locked:
        start += _record(0x002F, b"\x01\x00\x01\x00\x01\x00" + b"\x07" * 48)
    name = struct.pack("<BB", len(title), 1) + title.encode("utf-16-le")
    offset = len(start) + 4 + 6 + len(name) + 4
    start += _record(0x0085, struct.pack("<IBB", offset, 0, 0) + name)
    start += _record(0x000A, b"")
    width = max(len(row) for row in rows)
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0x0DBB, 0x07CC, 0, 6))
    size = len(rows) if claimed_rows is None else claimed_rows
    sheet += _record(0x0200, struct.pack("<IIHHH", 0, size, 0, width, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet += _cell(row, column, cell)
    return compound("Workbook", start + sheet + _record(0x000A, b""))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _cell(row: int, column: int, cell: str | float) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(cell, str):
        text = struct.pack("<HB", len(cell.encode("utf-16-le")) // 2, 1) + cell.encode("utf-16-le")
        return _record(0x0204, place + text) if cell else b""
    return _record(0x0203, place + struct.pack("<d", cell))


def compound(name: str, stream: bytes) -> bytes:
    """Return a compound file with the one stream ``name``."""
    stream = stream.ljust(4096, b"\0")  # shorter ones would belong into the ministream
    stream += b"\0" * (-len(stream) % _SECTOR)
    sectors = len(stream) // _SECTOR
    tables = 1
    while tables * (_SECTOR // 4) < tables + 1 + sectors:
        tables += 1
    chain = [_FAT] * tables + [_END]
    chain += [tables + 2 + n for n in range(sectors - 1)] + [_END]
    chain += [_FREE] * (tables * _SECTOR // 4 - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, tables, tables, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", *range(tables), *[_FREE] * (109 - tables))
    directory = _entry("Root Entry", 5, _END, 0, child=1)
    directory += _entry(name, 2, tables + 1, len(stream)) + bytes(2 * 128)
    return header + struct.pack(f"<{len(chain)}I", *chain) + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    entry = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
    entry += struct.pack("<III", _FREE, _FREE, child) + bytes(36)
    return entry + struct.pack("<IQ", start, size)
