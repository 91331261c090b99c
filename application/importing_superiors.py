"""Superiors before subordinates (主管部门在前): the order in which institutions are recorded.

An office lists its institutions as it likes; a superior must be on record before who stands under
it. Institutions that stand under one another in a circle are told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from application.importing_results import Finding, RowResult
from domain.opening import OpenInstitution, OpenPerson
from domain.text import compact


@dataclass(slots=True, eq=False)
class Pending:
    """A row on its way: its result so far and, unless something is wrong, its command.

    ``name`` is that of the institution, also of a row that has a problem.
    """

    result: RowResult
    command: OpenInstitution | OpenPerson | None
    name: str = ""

    @property
    def superior(self) -> str:
        """The superior's name; empty where there is none."""
        command = self.command
        return (command.superior or "") if isinstance(command, OpenInstitution) else ""


def _superiors(rows: Sequence[Pending]) -> Iterator[tuple[Pending, list[Pending]]]:
    """Yield each row with the rows of the same books above it, the nearest first.

    Where superiors go round in a circle, the line ends with the row that it began with, or before
    a row comes again.
    """
    by_name: dict[str, Pending] = {}
    for row in rows:
        if row.name and row.command is not None:
            by_name.setdefault(compact(row.name), row)
    for row in rows:
        above: dict[int, Pending] = {}
        one = by_name.get(compact(row.superior))
        while one is not None and id(one) not in above:
            above[id(one)] = one
            one = by_name.get(compact(one.superior))
        yield row, list(above.values())


def refuse_circles(rows: Sequence[Pending]) -> None:
    """Refuse institutions that stand under one another: none of them could be recorded first."""
    circles = [(row, above) for row, above in _superiors(rows) if row in above]
    for row, above in circles:
        names = " → ".join(one.name for one in (row, *above[: above.index(row) + 1]))
        found = Finding("superiors_in_a_circle", f"互为上下级：{names}", "superior")
        row.result.problems = (*row.result.problems, found)
        row.command = None


def superiors_first(rows: Sequence[Pending]) -> list[Pending]:
    """Return the rows so that a superior of the same books comes before its subordinates."""
    done: dict[int, Pending] = {}
    for row, above in _superiors(rows):
        for one in (*reversed(above), row):
            done.setdefault(id(one), one)
    return list(done.values())
