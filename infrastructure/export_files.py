"""A ledger as a whole file (导出文件), in whichever of the forms, with its number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Final, NamedTuple

from infrastructure.exporting import (
    Heading,
    Masking,
    csv_pieces,
    ndjson_pieces,
    unmasked,
    write_xlsx,
)
from infrastructure.ledger_reading import Asked, LedgerReader, Line
from infrastructure.ledger_sql import Seen

FORMS: Final = ("csv", "xlsx", "ndjson")


class Written(NamedTuple):
    """What a file holds: how many rows, and where they stand on the two clocks."""

    rows: int
    seen: Seen


class Order(NamedTuple):
    """What file is wanted: of which ledger, answering which question, in which of `FORMS`."""

    ledger: str
    asked: Asked
    form: str
    heading: Heading
    mask: Masking = unmasked


def write_file(reader: LedgerReader, order: Order, file: IO[bytes]) -> Written:
    """Write the answer to a question into ``file``.

    The database is let go of when this returns: who fetches the file slowly holds nobody up.
    """
    rows = 0

    def counted(lines: Iterator[Line]) -> Iterator[Line]:
        nonlocal rows
        for line in lines:
            rows += 1
            yield line

    with reader.stream(order.ledger, order.asked) as stream:
        counting = replace(stream, lines=counted(stream.lines))
        if order.form == "xlsx":
            write_xlsx(counting, order.heading, file, order.mask)
        else:
            pieces = csv_pieces if order.form == "csv" else ndjson_pieces
            for piece in pieces(counting, order.heading, order.mask):
                file.write(piece)
        return Written(rows, stream.seen)
