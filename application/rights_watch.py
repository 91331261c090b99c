"""The basis watch (依据监测): which items rest on law that is not what they say it is.

    items on the list × the register of laws, both as of one point of both clocks ──► findings

Each citation is matched to its law by title. What is then told of it: it has been repealed
(已废止), it or the version cited is not in force yet (尚未施行), another version than the cited
one is in force (版本已更新), the version cited is not in the register (版本未入库), its level is
another than the list prints (层级不符). A citation that the register does not know is listed too,
as such: nobody has said anything about it.

How sure that is (把握) is part of the answer: the titles are the same, the same but for a remark in
brackets, or only alike; or the citation tells of amendments without their days.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, Literal, NamedTuple

from application.findings import Kept
from application.laws import LawRow
from domain.code_sets_rights import BasisLevel
from domain.laws import law_id, plain_title
from domain.laws_versions import compared, said_of
from domain.rights_content import ItemContent

Problem = Literal["repealed", "pending", "superseded", "newer", "level", "unknown"]
PROBLEMS: Final[dict[Problem, str]] = {
    "repealed": "依据已废止",
    "pending": "依据尚未施行",
    "superseded": "所引版本已更新",
    "newer": "所引版本法规库中没有",
    "level": "层级标注不符",
    "unknown": "法规库中没有",
}

Certainty = Literal["same", "undated", "remark", "alike", "none"]
CERTAINTIES: Final[dict[Certainty, str]] = {
    "same": "名称一致",
    "undated": "名称一致，所引修订未注明日期",
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
    department_name: str
    name: str
    sub_name: str | None
    part: str
    title: str
    articles: str
    problem: Problem
    detail: str
    law: str | None
    certainty: Certainty


class Verdict(NamedTuple):
    """What is not in order with a citation, whoever cites it."""

    problem: Problem
    detail: str
    law: str | None
    certainty: Certainty


_REMARK: Final = re.compile(r"（[^（）]*）$")
_CLOSE: Final = 0.88
_FORMS: Final = re.compile(
    r"(?:实施细则|施行细则|实施条例|实施办法|条例|办法|规定|规则|细则|决定|通知|法)$"
)
_KINDS: Final[dict[BasisLevel, tuple[BasisLevel, ...]]] = {
    BasisLevel.REGULATION: (BasisLevel.ADMINISTRATIVE_REGULATION, BasisLevel.LOCAL_REGULATION),
    BasisLevel.RULE: (BasisLevel.DEPARTMENT_RULE, BasisLevel.LOCAL_RULE),
}
"""What the general words 法规 and 规章 may stand for."""


def _form(title: str) -> str:
    """Return what kind of document a title names: 条例 and 办法 of one matter are two documents."""
    found = _FORMS.search(_REMARK.sub("", title))
    return found[0] if found else ""


class Register:
    """The register of laws as it stands on a day, and what citations have been judged so far."""

    def __init__(self, laws: Mapping[str, LawRow], day: date) -> None:
        """Judge by ``laws``, each as it stands on ``day``."""
        self.laws, self.day = laws, day
        self._titles = {plain_title(row.title): law for law, row in laws.items()}
        self._by_form: dict[str, list[str]] = {}
        for title in self._titles:
            self._by_form.setdefault(_form(title), []).append(title)
        self._matches: dict[str, Match | None] = {}
        self._verdicts: dict[tuple[str, str | None, str | None], tuple[Verdict, ...]] = {}

    def match(self, title: str) -> Match | None:
        """Return which law a cited title means; None where nothing is near enough."""
        if title not in self._matches:
            self._matches[title] = self._match(title)
        return self._matches[title]

    def _match(self, title: str) -> Match | None:
        law = law_id(title)
        if law in self.laws:
            return Match(law, "same")
        bare = _REMARK.sub("", plain_title(title))
        if bare in self._titles:
            return Match(self._titles[bare], "remark")
        alike = self._by_form.get(_form(bare), ())
        near = get_close_matches(bare, alike, n=1, cutoff=_CLOSE)
        return Match(self._titles[near[0]], "alike") if near else None

    def verdicts(self, basis: Mapping[str, Any]) -> tuple[Verdict, ...]:
        """Return what is not in order with a citation as an item's JSON holds it."""
        key = basis["title"], basis.get("level"), basis.get("version")
        if key not in self._verdicts:
            self._verdicts[key] = tuple(self._judged(*key))
        return self._verdicts[key]

    def _judged(self, title: str, level: str | None, version: str | None) -> Iterator[Verdict]:
        match = self.match(title)
        if match is None:
            yield Verdict("unknown", "法规库中没有这份文件，未作比对。", None, "none")
            return
        law = self.laws[match.law]
        for problem, detail, undated in self._of_version(law, version or ""):
            sure: Certainty = (
                "undated" if undated and match.certainty == "same" else match.certainty
            )
            yield Verdict(problem, detail, match.law, sure)
        printed = None if level is None else BasisLevel.from_text(level)
        if printed is not None and law.level not in (printed, *_KINDS.get(printed, ())):
            real = BasisLevel.from_text(law.level)
            told = f"标注为{printed.label}，实为{real.label if real else law.level}。"
            yield Verdict("level", told, match.law, match.certainty)

    def _of_version(self, law: LawRow, version: str) -> Iterator[tuple[Problem, str, bool]]:
        """Yield what is not in order with the version, and whether days are missing for it."""
        if law.status == "repealed":
            instead = f"，由《{law.replaced_by}》替代" if law.replaced_by else ""
            yield "repealed", f"自{law.repealed_on}起废止{instead}。", False
            return
        if law.status == "pending":
            yield "pending", f"自{law.pending_from}起施行。", False
            return
        if law.version_on is None:
            return
        said = said_of(version)
        found = compared(said, law.version_on)
        in_force = f"{self.day}有效的是{law.version_on}公布的版本"
        if found == "older":
            yield "superseded", f"{in_force}。", said.undated
        elif found == "newer":
            pending = law.pending_on
            if pending is not None and compared(said, pending) == "same":
                yield "pending", f"所引版本自{law.pending_from}起施行；{in_force}。", False
            else:
                yield "newer", f"法规库中最近的是{law.version_on}公布的版本，请核对并补登。", False


PARTS: Final = {
    part: str(ItemContent.model_fields[part].title)
    for part in ("bases", "duty_bases", "liability_bases")
}
"""The lists of citations in an item's text, and what they are called."""


class Watched(NamedTuple):
    """What of an item the watch reads."""

    department: str
    department_name: str | None
    name: str
    sub_name: str | None
    content: str


def watch(items: Iterable[tuple[str, Watched]], register: Register) -> Iterator[Finding]:
    """Yield what is not in order, item by item."""
    for item, row in items:
        content = json.loads(row.content)
        cited = ((part, basis) for part in PARTS for basis in content.get(part, ()))
        for name, basis in cited:
            for verdict in register.verdicts(basis):
                yield Finding(
                    item=item,
                    department=row.department,
                    department_name=row.department_name or "",
                    name=row.name,
                    sub_name=row.sub_name,
                    part=name,
                    title=basis["title"],
                    articles="、".join(basis.get("articles", ())),
                    problem=verdict.problem,
                    detail=verdict.detail,
                    law=verdict.law,
                    certainty=verdict.certainty,
                )


# ── over the ledgers ─────────────────────────────────────────────────────────────────────────


@dataclass
class Watch:
    """What the watch found at one point of both clocks: all is counted, a page is kept."""

    day: date
    position: int
    page: Kept[Finding]
    items: int = 0
    laws: int = 0
    counts: Counter[tuple[Problem, Certainty]] = field(default_factory=Counter)

    def by_problem(self) -> Counter[Problem]:
        """Return how many findings of each problem there are."""
        found: Counter[Problem] = Counter()
        for (problem, _), n in self.counts.items():
            found[problem] += n
        return found


def is_wanted(one: Finding, problem: str | None, certainty: str | None, law: str | None) -> bool:
    """Tell whether a finding answers; what the register does not know, only where asked for."""
    if problem is None and one.problem == "unknown":
        return False
    asked = ((problem, one.problem), (certainty, one.certainty), (law, one.law))
    return all(wanted in (None, found) for wanted, found in asked)


def watch_ledgers(  # noqa: PLR0913  (what is asked, of whom, and how much of it)
    ledgers: Any,
    question: Callable[..., Any],
    clocks: Mapping[str, Any],
    *,
    wanted: Callable[[Finding], bool],
    filters: Mapping[str, Any],
    after: str | None = None,
    limit: int,
) -> Watch:
    """Watch the items that ``filters`` choose at one point of the clocks, from the ledgers.

    Kept are the ``wanted`` findings about items behind ``after``, item by item until ``limit`` is
    reached; an item's findings are never divided.
    """
    with ledgers.stream("laws", question(**clocks)) as stream:
        width = len(LawRow._fields)
        laws = {line.key: LawRow(*line.values[:width]) for line in stream.lines}
        seen = stream.seen
    found = Watch(seen.valid_on, seen.position, Kept(after, limit), laws=len(laws))
    at = {"valid_on": seen.valid_on, "known": seen.position}
    asked = question(filters=filters, sort=("key",), only=Watched._fields, **at)
    with ledgers.stream("rights_items", asked) as stream:
        names = [shown.name for shown in stream.columns]
        order = [names.index(name) for name in Watched._fields]

        def rows() -> Iterator[tuple[str, Watched]]:
            for line in stream.lines:
                found.items += 1
                yield line.key, Watched(*(line.values[n] for n in order))

        for one in watch(rows(), Register(laws, seen.valid_on)):
            found.counts[one.problem, one.certainty] += 1
            if wanted(one):
                found.page.offer(one)
    return found
