"""Text as typed on a Chinese keyboard, brought into one form for comparing.

Nothing here changes what is stored of a name: compatibility normalisation (NFKC) would replace
rare characters (生僻字), so only what a keyboard or a copied web page adds is touched.
"""

from __future__ import annotations

import re
from typing import Final

_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_WIDE = re.compile(r"[\uff01-\uff5e\u3000]")


def half_width(text: str) -> str:
    """Return ``text`` with full-width (全角) letters, digits, signs and spaces made ASCII."""
    return text.translate(_FULL_WIDTH) if _WIDE.search(text) else text


def visible(text: str) -> str:
    """Return ``text`` without characters that nobody sees: zero-width ones, direction marks."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def without_spaces(text: str) -> str:
    """Return ``text`` without any white space, line breaks included."""
    return "".join(text.split())


def compact(text: str) -> str:
    """Return ``text`` for comparing: half-width, visible, without spaces."""
    return without_spaces(half_width(visible(text)))
