"""Reading a workbook once in a process that may die of it.

A damaged or malicious .xls can make the reader ask for more memory than there is, which ends the
whole process, not only the reading. So such a file is first read here, by
``python -I workbooks_trial.py < file`` under a memory limit; the exit code tells how it went.
Imports nothing of this project.
"""

from __future__ import annotations

import io
import sys

import python_calamine as calamine

LOCKED = 3
"""Exit code where the workbook has a password. 0 is readable, anything else is not."""

_MEMORY = 1024 * 1024 * 1024
_SECONDS = 60


def _limit() -> None:
    """Bound memory and time, where the system can."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def main() -> int:
    """Read the workbook on standard input from beginning to end."""
    _limit()
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    except calamine.PasswordError:
        return LOCKED
    for sheet in book.sheets_metadata:
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet:
            for _ in book.get_sheet_by_name(sheet.name).iter_rows():
                pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
