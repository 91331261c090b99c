"""The basis watch (依据监测): which items rest on law that is not what they say it is.

    items on the list × the register of laws, both as of one day ──► findings, with how sure

Each citation is matched to its law by title. What is then told of it on that day: it has been
repealed (已废止), it is not in force yet (尚未施行), another version than the cited one is in force
(版本已更新), its level is another than the list prints (层级不符). A citation that the register
does not know is listed too, as such: nobody has said anything about it.

How sure a match is (把握) is part of the answer: the titles are the same, the same but for a
remark in brackets, or only alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple

from application.laws import LawRow
from application.rights import ItemRow
from domain.code_sets_rights import BasisLevel
from domain.laws import law_id, plain_title
from domain.rights_content import ItemContent, LegalBasis

Problem = Literal["repealed", "pending", "superseded", "level", "unknown"]
PROBLEMS: Final[dict[Problem, str]] = {
    "repealed": "依据已废止",
    "pending": "依据尚未施行",
    "superseded": "所引版本已更新",
    "level": "层级标注不符",
    "unknown": "法规库中没有",
}

Certainty = Literal["same", "remark", "alike", "none"]
CERTAINTIES: Final[dict[Certainty, str]] = {
    "same": "名称一致",
    "remark": "除括注外一致",
    "alike": "名称相近",
    "none": "无匹配",
}


class Match(NamedTuple):
    """The law that a citation means, and how sure that is."""

    law: str
    certainty: Certainty


class Finding(NamedTuple):
    """One thing that is not in order with one citation of one item, on one day."""

    item: str
    department: str
    name: str
    title: str
    articles: str
    problem: Problem
    detail: str
    law: str | None
    certainty: Certainty


_REMARK: Final = re.compile(r"（[^（）]*）$")
_DAY: Final = re.compile(r"(\d{4})[年.-](\d{1,2})[月.-](\d{1,2})日?")
_YEAR: Final = re.compile(r"(\d{4})年")
_CLOSE: Final = 0.92
_KINDS: Final[dict[BasisLevel, tuple[BasisLevel, ...]]] = {
    BasisLevel.REGULATION: (BasisLevel.ADMINISTRATIVE_REGULATION, BasisLevel.LOCAL_REGULATION),
    BasisLevel.RULE: (BasisLevel.DEPARTMENT_RULE, BasisLevel.LOCAL_RULE),
}
"""What the general words 法规 and 规章 may stand for."""


@dataclass
class Register:
    """The register of laws as it stands on a day, and what citations have been matched so far."""

    laws: Mapping[str, LawRow]

    def __post_init__(self) -> None:
        """Prepare the titles for looking up."""
        self._titles = {plain_title(row.title): law for law, row in self.laws.items()}
        self._known: dict[str, Match | None] = {}

    def match(self, title: str) -> Match | None:
        """Return which law a cited title means; None where nothing is near enough."""
        if title not in self._known:
            self._known[title] = self._match(title)
        return self._known[title]

    def _match(self, title: str) -> Match | None:
        law = law_id(title)
        if law in self.laws:
            return Match(law, "same")
        bare = _REMARK.sub("", plain_title(title))
        if bare in self._titles:
            return Match(self._titles[bare], "remark")
        near = get_close_matches(bare, self._titles, n=1, cutoff=_CLOSE)
        return Match(self._titles[near[0]], "alike") if near else None


def watch(items: Iterable[tuple[str, ItemRow]], register: Register, day: date) -> Iterator[Finding]:
    """Yield what is not in order on that day, item by item; rows are as of that day as well."""
    for item, row in items:
        content = ItemContent.model_validate_json(row.content)
        for basis in (*content.bases, *content.duty_bases, *content.liability_bases):
            match = register.match(basis.title)
            law = None if match is None else match.law
            certainty: Certainty = "none" if match is None else match.certainty
            for problem, detail in _judged(basis, law and register.laws[law], day):
                yield Finding(
                    item=item,
                    department=row.department,
                    name=row.name,
                    title=basis.title,
                    articles="、".join(basis.articles),
                    problem=problem,
                    detail=detail,
                    law=law,
                    certainty=certainty,
                )


def _judged(
    basis: LegalBasis, law: LawRow | str | None, day: date
) -> Iterator[tuple[Problem, str]]:
    if not isinstance(law, LawRow):
        yield "unknown", "法规库中没有这份文件，未作比对。"
        return
    if law.status == "repealed":
        instead = f"，由《{law.replaced_by}》替代" if law.replaced_by else ""
        yield "repealed", f"自{law.repealed_on}起废止{instead}。"
    elif law.status == "pending":
        yield "pending", f"自{law.pending_from}起施行。"
    elif law.version_on is not None and _is_older(basis.version or "", law.version_on):
        yield "superseded", f"{day}有效的是{law.version_on}公布的版本。"
    printed = basis.level
    if printed is not None and law.level not in (printed, *_KINDS.get(printed, ())):
        level = BasisLevel.from_text(law.level)
        yield "level", f"标注为{printed.label}，实为{level.label if level else law.level}。"


def _is_older(version: str, in_force: date) -> bool:
    """Tell whether what a citation says of its version names nothing as late as that version."""
    days = [tuple(map(int, found)) for found in _DAY.findall(version)]
    if days:
        return max(days) < (in_force.year, in_force.month, in_force.day)
    years = [int(found) for found in _YEAR.findall(version)]
    return bool(years) and max(years) < in_force.year
