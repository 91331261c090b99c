"""What staff of a department (部门人员) may see and do: what is their institution's own.

    route declared with ``own=`` ──► Asked.within: their institution ──► its rows, its commands

Whatever is not named here is closed to them: journal entries, persons, what other departments draft
and apply for, every export of the whole. What they are refused never says whose it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from domain.deciding import Command
from domain.rights_applying import ApplyForAdjustment
from domain.rights_submitting import DraftItem, SubmitDrafts, WithdrawDraft
from domain.vocabulary import LAST_DAY
from interface.operations import Asked
from interface.problems import Problem
from interface.services import Services

OWN_LEDGERS: Final = {
    "rights_items": "department",
    "rights_changes": "department",
    "rights_summary": "department",
    "rights_progress": "department",
    "rights_drafts": "department",
    "rights_comments": "department",
    "rights_adjustments": "department",
    "rights_admissions": "department",
    "rights_matters": "township",
    "rights_matters_summary": "township",
}
"""The ledgers in which an institution's staff read its rows, and by which column they are its."""

OwnCommand = DraftItem | WithdrawDraft | SubmitDrafts | ApplyForAdjustment
OWN_COMMANDS: Final = (DraftItem, WithdrawDraft, SubmitDrafts, ApplyForAdjustment)
"""What an institution's staff may file on its behalf."""


def own_rows(asked: Asked, ledger: str) -> Asked:
    """Return the question to a ledger kept to the rows of the caller's own institution.

    Raises a 403 `Problem` where another's are asked for: no rows at all would be no answer.
    """
    if asked.within is None:
        return asked
    column = OWN_LEDGERS[ledger]
    if asked.query.get(column) not in (None, asked.within):
        raise Problem("access.denied", "只能查阅本部门的内容，请核对部门编号。")
    return replace(asked, query={**asked.query, column: asked.within})


def is_own_row(asked: Asked, ledger: str, row: dict[str, Any]) -> bool:
    """Tell whether the caller may see a row."""
    return asked.within is None or row[OWN_LEDGERS[ledger]] == asked.within


async def require_own(services: Services, asked: Asked, command: Command) -> None:
    """Raise a 403 `Problem` unless a command concerns the caller's own institution alone."""
    if asked.within is None:
        return
    if not isinstance(command, OWN_COMMANDS) or command.department != asked.within:
        raise Problem("access.denied", "只能办理本部门的业务，请核对部门编号。")
    foreign = await services.run(_not_own, services, asked.within, command)
    if foreign:
        named = "、".join(foreign)
        raise Problem("access.denied", f"{named}不是本部门的，请核对编号。")


def _not_own(services: Services, own: str, command: OwnCommand) -> list[str]:
    """Return the items and applications that a command names and others have; reads the ledgers."""
    named = list(dict.fromkeys(_items(command)))
    whose: dict[str, set[str]] = {}
    for row in _rows(services, "rights_changes", {"item": named}) if named else ():
        both = row["department"], row["former_department"]
        whose.setdefault(row["item"], set()).update(both)
    foreign = [item for item in named if item in whose and own not in whose[item]]
    if isinstance(command, ApplyForAdjustment) and command.adjustment is not None:
        question = services.ledger_question(valid_on=LAST_DAY)
        page = services.ledgers.one("rights_adjustments", command.adjustment, question)
        foreign += [command.adjustment for row in page.rows() if row["department"] != own]
    return foreign


def _items(command: OwnCommand) -> Iterator[str]:
    if isinstance(command, ApplyForAdjustment):
        for change in command.changes:
            yield from change.items
    elif isinstance(command, DraftItem | WithdrawDraft) and command.item is not None:
        yield command.item


def _rows(services: Services, ledger: str, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every row that answers, whatever day it is of."""
    question = services.ledger_question(filters=filters, valid_on=LAST_DAY)
    with services.ledgers.stream(ledger, question) as stream:
        names = [shown.name for shown in stream.columns]
        for line in stream.lines:
            yield dict(zip(names, line.values, strict=True))
