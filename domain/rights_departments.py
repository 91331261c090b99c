"""Whose list it is (部门), and of which year: from what the list says of itself.

A list names its department in a line 部门名称：……, in its title (某市统计局2024年权责清单), in the
name of the file or the sheet, or nowhere but in the column of the bodies that act. These are asked
in that order. A title may speak of a system (林业和草原系统) instead: then the acting body that
has those words in its name is meant, or the one that acts most often. Placeholders of a model list
(地州市农业农村局, 各县（市、区）……) are nobody's name.

What is found is a proposal by name, often a short one (市统计局): which institution it is, only
the register can say, or whoever imports the list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from domain.text import compact, half_width

Origin = Literal["row", "label", "title", "file", "sheet", "bodies"]
ORIGINS: Final[dict[Origin, str]] = {
    "row": "本行的部门栏",
    "label": "表头上方的部门名称",
    "title": "标题",
    "file": "文件名",
    "sheet": "工作表名",
    "bodies": "行使主体栏",
}

_LABELLED = re.compile(
    r"(?:部门|单位|填报单位|填报部门|编制单位|实施主体|行使主体)(?:名称)?[:：]\s*(\S+)"
)
_LIST = re.compile(
    r"(?:行政)?(?:权力和责任|权力责任|权责|权力|责任|职权|服务)(?:事项)?(?:清单|目录)"
)
_YEAR = re.compile(r"(?<!\d)(20[0-9]{2})年?(?:度|版)?")
_ATTACHED = re.compile(
    r"^(?:附件|附表|附)\s*[0-9一二三四五]*\s*[:：.、]?|^关于(?:公布|印发)?|^[0-9]+[.、]"
)
_LEVELS: Final = "区地县市州省镇乡三两四级、"
_ORGAN: Final = (
    r"(?:局|委|委员会|办|办公室|厅|部|支队|大队|总队|院|中心|署|处|所|站|队|政府|街道|联合会|"
    r"总工会|协会|档案馆|分局|研究室|机关|宣传部|公司)"
)
_ORGAN_NAME = re.compile(rf"[\u4e00-\u9fff（）()、]{{2,40}}{_ORGAN}(?:[（(].*[）)])?")
_PLACEHOLDER = re.compile(
    r"^(?:各|本|地州市|地州|县市区|县（市、区）|县\(市、区\)|市（地、州）|自治区|省级|市级|县级|区级|乡镇|具体)"
    r"|主管部门$|行政部门$|有关部门"
)
_BRACKETED = re.compile(r"[（(][^（()）]*[）)]")
_REGION = re.compile(r"^.{1,12}?[省市县区州盟旗](?=.{2})")
_LEAST_COMMON: Final = 3
_LONGEST_SHORT: Final = 6


class Department(NamedTuple):
    """A department by name, and where the name was found."""

    name: str
    origin: Origin


def list_year(texts: Sequence[str]) -> int | None:
    """Return the year the first of the texts that has one speaks of (2024年版)."""
    found = (_YEAR.search(text) for text in texts)
    return next((int(one[1]) for one in found if one), None)


def department_of(
    titles: Sequence[str], file: str, sheet: str, bodies: Mapping[str, int]
) -> Department | None:
    """Return whose list it is; ``bodies`` counts the acting bodies by name."""
    stem = re.sub(r"\.[A-Za-z]{2,4}$", "", file)
    spoken: list[str] = []
    places: tuple[tuple[Origin, Sequence[str]], ...] = (
        ("label", titles),
        ("title", titles),
        ("file", [stem]),
    )
    for origin, texts in places:
        for text in texts:
            name = _labelled(text) if origin == "label" else _titled(text)
            if name and name.endswith("系统"):
                spoken.append(name.removesuffix("系统"))
            elif name:
                return Department(_in_full(_fullest(name, titles, stem), bodies), origin)
    body = _of_a_system(spoken, bodies)
    if body is not None:
        return Department(body, "bodies")
    if _ORGAN_NAME.fullmatch(name := _bare(re.sub(r"[（(].*", "", sheet))):
        return Department(_in_full(name, bodies), "sheet")
    body = _commonest(bodies)
    return Department(body, "bodies") if body else None


def same_department(one: str, other: str) -> bool:
    """Tell whether two names may mean one department: 市统计局 is 某某市统计局 for short."""
    short, long = sorted((_plain(one), _plain(other)), key=len)
    return len(short) >= _LEAST_COMMON and long.endswith(short)


def is_placeholder(name: str) -> bool:
    """Tell a body that a model list left open (地州市农业农村局, 县市区级……) from a real one."""
    return bool(_PLACEHOLDER.search(compact(name)))


def _plain(name: str) -> str:
    return _BRACKETED.sub("", compact(name))


def _labelled(text: str) -> str:
    found = _LABELLED.search(half_width(text))
    return found[1] if found else ""


def _titled(text: str) -> str:
    """Return the words before …权责清单 that name a department or a system."""
    found = _LIST.search(text)
    if not found:
        return ""
    head = _bare(text[: found.start()])
    if head.endswith("系统"):
        return head
    name = _ORGAN_NAME.fullmatch(head)
    return name.group() if name else ""


def _bare(text: str) -> str:
    """Return a title's head without year, level and 附件."""
    text = _ATTACHED.sub("", re.sub(r"\s+", "", text)).strip("《》_-—")
    before, year, after = (
        (text, None, "")
        if not (y := _YEAR.search(text))
        else (
            text[: y.start()],
            y,
            text[y.end() :],
        )
    )
    head = (before or after) if year else text
    system = re.match(rf"(.+系统)[{_LEVELS}]*$", head)
    return system[1] if system else head


def _fullest(name: str, titles: Sequence[str], stem: str) -> str:
    """Return the longest name of the same department that the title or the file gives."""
    others = (_titled(text) for text in (*titles, stem))
    same = (one for one in others if one and same_department(one, name))
    return max((name, *same), key=lambda one: len(_plain(one)))


def _in_full(name: str, bodies: Mapping[str, int]) -> str:
    """Return the acting body that a short name abbreviates: all its characters, in their order."""
    body = _plain(_commonest(bodies) or "")
    rest = iter(body)
    abbreviates = len(name) <= _LONGEST_SHORT and all(one in rest for one in name)
    return body if abbreviates else name


def _of_a_system(systems: Sequence[str], bodies: Mapping[str, int]) -> str | None:
    for system in systems:
        core = _REGION.sub("", system)
        named = Counter({one: n for one, n in bodies.items() if core and core in one})
        found = _commonest(named)
        if found:
            return found
    return None


def _commonest(bodies: Mapping[str, int]) -> str | None:
    real = {one: n for one, n in bodies.items() if not is_placeholder(one)}
    return max(real, key=lambda one: (real[one], one)) if real else None
