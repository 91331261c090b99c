"""What a cleaner says of a cell, in a form that tests can compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.cells import Cell, CellProblem, Cleaned
from domain.cells_choices import clean_choice


def told(clean: Callable[..., Cleaned[Any]], cell: Cell, **options: Any) -> tuple[Any, ...]:
    """Return value and repairs (and warnings, if any), or the problem's code."""
    try:
        cleaned = clean(cell, **options)
    except CellProblem as problem:
        return (problem.code,) if _is_chinese(problem.message) else (problem.code, problem.message)
    more = (cleaned.warnings,) if cleaned.warnings else ()
    return (cleaned.value, cleaned.repairs, *more)


def clean_choice_of(kind: type[Any]) -> Callable[[Cell], Cleaned[Any]]:
    """Return the cleaner of one list."""
    return lambda cell: clean_choice(kind, cell)


def _is_chinese(message: str) -> bool:
    return any("\u4e00" <= one <= "\u9fff" for one in message)
