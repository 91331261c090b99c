"""Codes of items (事项编码): given by the scheme in force, changed without changing the item.

An item is known by its internal id, never by its code: codes change when a scheme is replaced, when
the item moves, when its category changes. A code that an item has borne before stays as it was
given; one that is newly given must fit a scheme that is in force on the day it takes effect
(`domain.item_codes`, setting ``rights_code_schemes``). While the office has announced no scheme for
a field, its codes are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from domain.deciding import Hindrance, Past, rule
from domain.identifiers import parse_credit_code
from domain.institutions import Institution
from domain.item_codes import CODE_FIELDS, Coded, CodeField, CodeScheme, fault, plain_code
from domain.rights_content import ItemContent
from domain.vocabulary import LAST_DAY


def codes_of(content: ItemContent) -> Iterator[tuple[CodeField, str]]:
    """Yield the codes that an item's text gives it, with the fields they stand in."""
    for field in CODE_FIELDS:
        code = getattr(content, field)
        if code is not None:
            yield field, code


def faults_of(field: CodeField, code: str, item: Coded, schemes: Iterable[CodeScheme]) -> str:
    """Return in Chinese where a code departs from each scheme of its field; empty where it fits.

    It fits where it departs from none of them, and where there is none.
    """
    faults = [(one.name, fault(one, code, item)) for one in schemes if one.field == field]
    if any(why is None for _, why in faults):
        return ""
    return "；".join(f"按《{name}》{why}" for name, why in faults)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def code_fits_a_scheme_in_force(
    field: CodeField, code: str, item: Coded, schemes: tuple[CodeScheme, ...]
) -> bool | Hindrance:
    """新赋的事项编码应符合当日施行的编码方案；此前已赋的编码可以沿用。

    依据：国务院办公厅关于政务服务事项统一编码的要求；各地权责清单统一编码规范。
    """
    told = faults_of(field, code, item, schemes)
    return not told or Hindrance(f"{CODE_FIELDS[field]}“{code}”{told}。")


# ── for commands ─────────────────────────────────────────────────────────────────────────────


def require_codes(
    content: ItemContent,
    department: str,
    day: date,
    past: Past,
    former: Iterable[ItemContent] = (),
    *,
    ahead: bool = False,
) -> None:
    """Require that the codes a text gives, and ``former`` texts did not, fit a scheme in force.

    ``ahead``: the text takes effect on a later day that is not settled yet (drafts, applications);
    then a scheme that has been announced for later will do as well.
    """
    days = (day, LAST_DAY) if ahead else (day,)
    announced: list[dict[str, Any]] = []
    for on in days:
        announced += [s for s in past.setting("rights_code_schemes", on) if s not in announced]
    if not announced:
        return
    schemes = tuple(CodeScheme.model_validate(one) for one in announced)
    borne = {plain_code(code) for one in former for _, code in codes_of(one)}
    item = Coded(
        category=content.category,
        is_sub_item=content.sub_name is not None,
        basic_code=content.code,
        organisation=_organisation_of(past.of(Institution, department)),
    )
    for field, code in codes_of(content):
        if plain_code(code) not in borne:
            past.require(code_fits_a_scheme_in_force, field, code, item, schemes)


def _organisation_of(institution: Institution) -> str | None:
    code = institution.founded and institution.founded.credit_code
    return parse_credit_code(code).organisation_code if code else None
