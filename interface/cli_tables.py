"""Ledgers on a screen: as a table where it fits, else row by row; in a pipe one row is one line.

fits      a table
nearly    without empty columns, and without internal ids that stand beside a name
not       each row as a list of 列 and 内容: nothing is ever cut off or broken into letters
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table

from application.ledgers import AnyLedger
from infrastructure.ledger_reading import Line, Page
from interface.cli_office import err, out, plain_table, shown
from interface.cli_parser import width, wrapped
from interface.masking import masked

PIPE: Final = 10_000
"""So wide is a pipe: programs read whole lines."""

_HEADING, _TEXT = 6, 12
"""Columns of the screen to which a heading and a text may be narrowed by wrapping."""

_MOMENT: Final = 19
"""How long a moment is, which has a blank and stays in one piece all the same."""

_GAP: Final = 3
"""Columns of the screen between two of a table's."""


class Field(NamedTuple):
    """A column of a table on the screen; ``spare``: an internal id that a name stands for."""

    title: str
    cells: tuple[str, ...]
    spare: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it holds figures, which are read from the right."""
        return all(re.fullmatch(r"-?\d{0,6}", cell) for cell in self.cells) and any(self.cells)

    @property
    def natural(self) -> int:
        """How wide it is when nothing wraps."""
        return max(cell_len(self.title), *map(cell_len, self.cells), 0)

    @property
    def least(self) -> int:
        """How narrow it may become: numbers, codes and days stay in one piece."""
        heading = min(cell_len(self.title), _HEADING)
        return max(heading, *(_least(cell) for cell in self.cells), 0)


def _least(cell: str) -> int:
    """Return how narrow a text may become; Chinese can be broken anywhere, the rest cannot."""
    if cell.isascii() and len(cell) <= _MOMENT:
        return len(cell)
    pieces = [cell_len(piece) for piece in re.findall(r"[!-~]+", cell)]
    return max(min(cell_len(cell), _TEXT), *pieces, 0)


def screen() -> int:
    """Return how wide the answer may be."""
    return width() if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE


def cells_of(line: Line, page: Page, *, unmasked: bool = False) -> list[str]:
    """Return what a line of a ledger says in each column."""
    cells = []
    for value, one in zip(line.values, page.columns, strict=True):
        hide = one.column.personal and not unmasked
        cells.append(shown(masked(value) if hide else value, one.column.choices))
    return cells


def fields_of(
    ledger: AnyLedger, names: Sequence[str], titles: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[Field]:
    """Return a page's columns: what was joined stands before the internal id it was found by."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    by_name = {
        name: Field(title, tuple(cells))
        for name, title, cells in zip(names, titles, columns, strict=True)
    }
    placed: list[str] = []
    joins = {one.name: one.by for one in ledger.joins}
    for name in names:
        if name not in joins:
            placed += [join for join, by in joins.items() if by == name and join in by_name]
            placed.append(name)
    placed += [name for name in names if name not in placed]
    spare = set(joins.values())
    return [by_name[name]._replace(spare=name in spare) for name in placed]


def show(title: str, fields: Sequence[Field]) -> None:
    """Print a page as wide as the screen allows."""
    columns = screen()
    telling = [one for one in fields if not one.spare and any(one.cells)]
    if not fields or not fields[0].cells:
        out.print(f"{title}：没有内容。")
    elif columns == PIPE or _needs(fields) <= columns:
        _print(_table(title, fields, columns), columns)
    elif _needs(telling) <= columns:
        _print(_table(title, telling, columns), columns)
        err.print("（屏幕较窄，空列和内部代码未列出；加宽窗口或输出到文件时可见。）")
    else:
        out.print(title)
        for line in _rows(fields, columns):
            out.print(line)


def _print(table: Table, columns: int) -> None:
    """Print with exactly that width: a console would not go beyond its own."""
    Console(width=columns, highlight=False, markup=False, emoji=False).print(table)


def _needs(fields: Sequence[Field]) -> int:
    return sum(one.least + _GAP for one in fields) - _GAP


def _table(title: str, fields: Sequence[Field], columns: int) -> Table:
    table = plain_table(title)
    for one, its_width in zip(fields, _widths(fields, columns), strict=True):
        side: JustifyMethod = "right" if one.numeric else "left"
        table.add_column(one.title, overflow="fold", width=its_width, justify=side)
    for row in zip(*(one.cells for one in fields), strict=True):
        table.add_row(*row)
    return table


def _widths(fields: Sequence[Field], columns: int) -> list[int]:
    """Share out the screen: everybody his least, the rest to who needs the least more first."""
    widths = [one.least for one in fields]
    left = columns - _needs(fields)
    for n in sorted(range(len(fields)), key=lambda n: fields[n].natural - fields[n].least):
        more = min(fields[n].natural - widths[n], left)
        widths[n] += more
        left -= more
    return widths


def _rows(fields: Sequence[Field], columns: int) -> Iterator[str]:
    """Yield each row as a list of what it says; what is empty is left out."""
    telling = [one for one in fields if any(one.cells)]
    label = max(cell_len(one.title) for one in telling)
    for n in range(len(telling[0].cells)):
        yield ""
        for one in telling:
            if one.cells[n]:
                lines = wrapped(one.cells[n], columns - label - 4)
                yield f"  {one.title}{' ' * (label - cell_len(one.title))}  {lines[0]}"
                yield from (" " * (label + 4) + line for line in lines[1:])
