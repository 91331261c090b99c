"""Numbers that a list states of itself (行政许可（11项）, 共217项) and the categories it names.

They stand in the names of sheets, in titles, in group headings and in total rows. What a list
states is compared with its rows; it is never taken over as a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from domain.code_sets_rights import PowerCategory
from domain.text import compact

_COUNT = re.compile(
    r"([\u4e00-\u9fff]{0,12}?)[(:,、]?(?:总共|共计|合计|总计|小计|共有|共)?([0-9]{1,5})(?:大|小|子)?(?:项|条|个)"
)
_BARE_TOTAL = re.compile(r"(?:合计|总计|共计)数?:?([0-9]{1,5})(?![0-9年月项条个])")
_NUMBERING = re.compile(r"^(?:[(]?[一二三四五六七八九十]{1,3}[)]?[、.]?|[0-9]{1,2}[、.])")
_NUMBERED = re.compile(r"^[(]?[一二三四五六七八九十]{1,3}[)、.]")
_LABELS: Final = tuple(
    (spelling, one)
    for one in PowerCategory
    for spelling in (one.label, *one.synonyms)
    if len(spelling) >= len("行政许可")
)


class Stated(NamedTuple):
    """A number of items that a text states, of one category or of all."""

    number: int
    category: PowerCategory | None


def stated_numbers(text: str) -> Iterator[Stated]:
    """Yield the numbers of items a text states."""
    plain = compact(text)
    for found in _COUNT.finditer(plain):
        yield Stated(int(found[2]), category_named(found[1]))
    for found in _BARE_TOTAL.finditer(plain):
        yield Stated(int(found[1]), None)


def category_named(text: str) -> PowerCategory | None:
    """Return the one category that a title, a group heading or a sheet's name speaks of."""
    plain = re.sub(r"[(（].*", "", _NUMBERING.sub("", compact(text)))
    exact = PowerCategory.from_text(re.sub(r"[0-9]+.*", "", plain))
    if exact is not None:
        return exact
    found = {one for spelling, one in _LABELS if spelling in compact(text)}
    return found.pop() if len(found) == 1 else None


def names_a_group(text: str) -> bool:
    """Tell a group heading (一、行政许可, 行政处罚（254项）) from an item's name."""
    plain = compact(text)
    bare = re.sub(r"[(].*|[0-9].*|共$", "", _NUMBERING.sub("", plain)).rstrip(":")
    if PowerCategory.from_text(bare) is not None:
        return True
    return bool(_NUMBERED.match(plain) and next(stated_numbers(plain), None))
