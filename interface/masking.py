"""Masking (脱敏): what of a personal value is shown to readers who do not need all of it.

    张伟 → 张*   欧阳海 → 欧**   130106199003071234 → 1301**********1234   1990-03-07 → 19**-**-**

Enough stays to tell two rows apart at a glance, too little to name a stranger.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from domain.vocabulary import ERASED

HIDDEN: Final = "（已隐去）"
"""What a text reads as that is too long, or too short, to be masked in part."""

_SHAPES: Final = (
    (re.compile(r"(\d{4})(?:\d{10}|\d{7})([\dXx]{4})"), "resident id, 18 or 15 characters"),
    (re.compile(r"(1\d\d)\d{4}(\d{4})"), "mobile telephone"),
    (re.compile(r"(\d\d)\d\d-\d\d-\d\d()"), "day"),
    (re.compile(r"([^!-~]).{1,7}()", re.DOTALL), "name or another short text, but no code"),
)


def masked(value: Any) -> Any:
    """Return a personal value with its telling part hidden; None and 已销毁 stay as they are."""
    if value is None or value == ERASED:
        return value
    text = value.isoformat() if isinstance(value, date) else value
    if not isinstance(text, str):
        return HIDDEN
    for shape, _ in _SHAPES:
        match = shape.fullmatch(text)
        if match is not None:
            head, tail = match[1], match[2]
            middle = text[len(head) : len(text) - len(tail)]
            return head + re.sub(r"[^-]", "*", middle) + tail
    return HIDDEN
