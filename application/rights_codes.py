"""Which codes on the list do not fit the schemes in force (编码核对), on any day, as known then.

    items with codes × the schemes in force × the bodies' credit codes ──► what does not fit, where

What departments published is taken over with the codes it has, and what was coded under an earlier
scheme keeps its code: this list is for the office to work through, nothing is refused by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from application.findings import Kept
from domain.code_sets_rights import PowerCategory
from domain.identifiers import parse_credit_code
from domain.item_codes import CODE_FIELDS, Coded, CodeField, CodeScheme
from domain.rights_codes import faults_of

SETTING: Final = "rights_code_schemes"


class CodeFinding(NamedTuple):
    """A code that fits none of the schemes in force for its field, and where it departs."""

    item: str
    department: str
    department_name: str
    category: str
    name: str
    sub_name: str | None
    field: CodeField
    code: str
    detail: str


@dataclass
class Checked:
    """What was found at one point of both clocks: all is counted, a page is kept."""

    day: date
    position: int
    page: Kept[CodeFinding]
    schemes: tuple[str, ...] = ()
    items: int = 0
    codes: int = 0
    unfit: int = 0


_READ: Final = (
    *("department", "department_name", "category", "name", "sub_name"),
    *("code", "implementation_code"),
)


def check_codes(
    ledgers: Any,
    question: Callable[..., Any],
    clocks: Mapping[str, Any],
    *,
    filters: Mapping[str, Any],
    after: str | None = None,
    limit: int,
) -> Checked:
    """Check the items that ``filters`` choose; kept are those behind ``after``, up to ``limit``.

    Both codes of an item are kept together.
    """
    with ledgers.stream("institutions", question(**clocks)) as stream:
        bodies = {key: row["credit_code"] for key, row in _rows(stream)}
        seen = stream.seen
    at = {"valid_on": seen.valid_on, "known": seen.position}
    schemes = _in_force(ledgers, question(filters={"name": SETTING}, **at))
    names = tuple(one.name for one in schemes)
    found = Checked(seen.valid_on, seen.position, Kept(after, limit), names)
    asked = question(filters=filters, sort=("key",), only=_READ, **at)
    with ledgers.stream("rights_items", asked) as stream:
        for item, row in _rows(stream):
            found.items += 1
            found.codes += sum(row[name] is not None for name in CODE_FIELDS)
            for one in _unfit(item, row, schemes, bodies.get(row["department"])):
                found.unfit += 1
                found.page.offer(one)
    return found


def _rows(stream: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [shown.name for shown in stream.columns]
    for line in stream.lines:
        yield line.key, dict(zip(names, line.values, strict=True))


def _in_force(ledgers: Any, question: Any) -> tuple[CodeScheme, ...]:
    """Return the schemes in force: those of the change that took effect last, by day and place."""
    with ledgers.stream("settings", question) as stream:
        changes = [(row["effective_on"], int(key), row["value"]) for key, row in _rows(stream)]
    value = max(changes)[2] if changes else "[]"
    return tuple(CodeScheme.model_validate(one) for one in json.loads(value))


def _unfit(
    item: str, row: Mapping[str, Any], schemes: tuple[CodeScheme, ...], credit_code: str | None
) -> Iterator[CodeFinding]:
    coded = Coded(
        category=PowerCategory.from_text(row["category"]),
        is_sub_item=row["sub_name"] is not None,
        basic_code=row["code"],
        organisation=parse_credit_code(credit_code).organisation_code if credit_code else None,
    )
    for name in CODE_FIELDS:
        code = row[name]
        told = "" if code is None else faults_of(name, code, coded, schemes)
        if told:
            shown = ("department", "category", "name", "sub_name")
            fields = {one: row[one] for one in shown}
            whose = row["department_name"] or ""
            yield CodeFinding(
                item=item, department_name=whose, field=name, code=code, detail=told, **fields
            )
