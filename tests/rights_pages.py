"""Sheets and workbooks for tests, as the reader of workbooks would hand them over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.cells import Cell
from domain.headings import Merge


@dataclass
class Page:
    """A sheet as the reader of workbooks would hand it over."""

    name: str
    cells: Sequence[Sequence[Cell]]
    areas: Sequence[Merge] = ()
    hidden: bool = False

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield the rows."""
        return ((number, list(row)) for number, row in enumerate(self.cells, start=1))

    def merges(self) -> Sequence[Merge]:
        """Return the merged areas."""
        return self.areas


@dataclass
class Book:
    """A workbook of such sheets."""

    sheets: Sequence[Page]
    name: str = "清单.xlsx"
