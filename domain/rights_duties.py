"""The texts of duties (责任事项) and liability (追责情形) → their single points.

    直接实施责任：              role   (责任类别)
    1.受理责任：公示依据……       stage  受理, text 公示依据……
    2.监督责任。建立健全……       stage  监督
    指导监督责任：              the next role

A point begins with a number at the head of a line, or with the next number after a stop in the
same line. Lines that a narrow column broke are joined first. Whatever stands before the first
point is the lead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domain.rights_content import Duty

_CHINESE: Final = "一二三四五六七八九十"
_MARKER: Final = (
    rf"(?:\d{{1,2}}\s*[.．、。,，](?!\d)|\d{{1,2}}[)）]|[(（]\s*(?:\d{{1,2}}|[{_CHINESE}]{{1,3}})\s*[)）]"
    rf"|[{_CHINESE}]{{1,3}}\s*[、.．]|[①-⑳])"
)
_POINT = re.compile(rf"(?:^|\n|(?<=[。；;：:])|\s)\s*({_MARKER})\s*")
_STARTS_ANEW = re.compile(rf"{_MARKER}|【|《|第[{_CHINESE}百零\d]+[条章]|[{_CHINESE}]是")
_ENDS: Final = "。；;：:！？!?”"
_ROLE = re.compile(
    r"(?:(?:[(（]?[一二三四五]{1,2}[)）]?\s*[、.．]?\s*)?)([\u4e00-\u9fff]{2,10}责任)\s*[:：]?"
)
_ROLE_IN_LINE = re.compile(rf"(?:^|(?<=\n))([\u4e00-\u9fff]{{2,10}}责任\s*[:：])\s*(?={_MARKER})")
_STAGE = re.compile(
    r"([\u4e00-\u9fff、]{2,12}?)(?:(?:阶段|环节)?责任|阶段|环节)\s*(?:[:：。.]|——?|\n)\s*"
)
_STAGES: Final = (
    *(
        "受理",
        "审查",
        "审核",
        "决定",
        "送达",
        "事后监管",
        "事中事后监管",
        "立案",
        "调查",
        "调查取证",
    ),
    *(
        "取证",
        "审理",
        "告知",
        "执行",
        "公示",
        "检查",
        "处理",
        "处置",
        "监管",
        "解除",
        "结案",
        "催告",
    ),
    *("归档", "发放", "核准", "登记", "申请", "评审", "表彰", "征收", "裁决", "调解", "其他"),
)
_BARE_STAGE = re.compile(rf"({'|'.join(sorted(_STAGES, key=len, reverse=True))})[:：]\s*")


@dataclass(frozen=True, slots=True)
class Points:
    """A text taken apart: what stands before the first point, and the points."""

    lead: str
    points: tuple[str, ...]


@lru_cache(maxsize=1024)
def read_points(text: str) -> Points:
    """Take a numbered text apart. One without numbers has no points and is all lead."""
    text = joined_lines(text)
    cuts = list(_cuts(text))
    if not cuts:
        return Points(text, ())
    ends = [*(start for start, _ in cuts[1:]), len(text)]
    found = (text[begin:end].strip() for (_, begin), end in zip(cuts, ends, strict=True))
    return Points(text[: cuts[0][0]].strip(), tuple(one for one in found if one))


@lru_cache(maxsize=1024)
def read_duties(text: str) -> tuple[Duty, ...]:
    """Read the duties in their order, each with its role and stage where the text names them."""
    duties: list[Duty] = []
    for role, part in _by_role(_ROLE_IN_LINE.sub(r"\1\n", joined_lines(text))):
        read = read_points(part)
        duties += [_duty(role, one) for one in (*_leading(read), *read.points)]
    return tuple(duties)


@lru_cache(maxsize=1024)
def read_liable(text: str) -> tuple[str, ...]:
    """Read who is held liable (追责对象范围), one name each."""
    read = read_points(text)
    found = (*(re.split("[、；;，,]", read.lead) if read.lead else []), *read.points)
    names = (re.sub(r"\s+", "", one).strip("。；;：:，,、.") for one in found)
    return tuple(dict.fromkeys(name for name in names if name))


def joined_lines(text: str) -> str:
    """Return ``text`` without empty lines, and with the lines joined that a column's width broke.

    A line goes on in the next one unless it ends a sentence or the next begins a point.
    """
    lines: list[str] = []
    for line in (" ".join(one.split()) for one in text.splitlines()):
        if not line:
            continue
        if lines and lines[-1][-1] not in _ENDS and not _begins(lines[-1], line):
            lines[-1] += line
        else:
            lines.append(line)
    return "\n".join(lines)


def _begins(before: str, line: str) -> bool:
    return bool(_STARTS_ANEW.match(line) or _ROLE.fullmatch(line) or _ROLE.fullmatch(before))


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each point begins, with its marker and without.

    All points have the first one's kind of marker; inside a line only the next number counts.
    """
    kind: str | None = None
    last = 0
    for found in _POINT.finditer(text):
        marker = found.group(1)
        number = _number(marker)
        heads_line = "\n" in found.group() or found.start() == 0
        if kind is None and (heads_line or number == 1):
            kind = _kind(marker)
        if _kind(marker) == kind and (heads_line or number == last + 1):
            last = number
            yield found.start(), found.end()


def _kind(marker: str) -> str:
    """Return what sort of numbering a marker belongs to: 1. and 1、 are one, (1) another."""
    digits = "1" if any(one.isdecimal() for one in marker) else "一"
    return ("①" if marker in "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳" else digits) + (
        "(" if marker[0] in "(（" else ""
    )


def _number(marker: str) -> int:
    digits = re.search(r"\d+", marker)
    if digits:
        return int(digits.group())
    if "①" <= marker <= "⑳":
        return ord(marker) - ord("①") + 1
    tens, _, ones = "".join(one for one in marker if one in _CHINESE).rpartition("十")
    if "十" not in marker:
        return _CHINESE.index(ones) + 1
    return 10 * (_CHINESE.index(tens) + 1 if tens else 1) + (
        _CHINESE.index(ones) + 1 if ones else 0
    )


def _by_role(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield each stretch of text with the role it stands under."""
    role: str | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        found = _ROLE.fullmatch(line)
        if found:
            yield role, "\n".join(lines)
            role, lines = found.group(1), []
        else:
            lines.append(line)
    yield role, "\n".join(lines)


def _leading(read: Points) -> Iterator[str]:
    """Yield the lines before the first point, each a duty: a text without numbers has no other."""
    yield from (line for line in read.lead.split("\n") if line)


def _duty(role: str | None, text: str) -> Duty:
    stage = role.removesuffix("责任") if role else None
    role, stage = (None, stage) if stage in _STAGES else (role, None)
    found = _STAGE.match(text) or _BARE_STAGE.match(text)
    if found and text[found.end() :].strip():
        return Duty(role=role, stage=found.group(1), text=text[found.end() :])
    return Duty(role=role, stage=stage, text=text)
