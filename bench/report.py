"""What a measurement found, line by line, and the one table of all lines.

    what                                   unit      ours    peer   ratio  goal     reached
    commands, 64 callers / stock DCB       /s       3,100     720    4.31  ≥ 4 ×    yes  …

A goal is judged where it is stated, beside the figures, so that the table cannot say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from bench.measuring import Cost


class Goal(NamedTuple):
    """What is to be reached, in words, and whether it was."""

    text: str
    reached: bool

    @classmethod
    def at_least(cls, bound: float, value: float) -> Self:
        """Say that the figure should be at least ``bound``."""
        return cls(f"≥ {bound:,g}", value >= bound)

    @classmethod
    def at_most(cls, bound: float, value: float) -> Self:
        """Say that the figure should be at most ``bound``."""
        return cls(f"≤ {bound:,.4g}", value <= bound)

    @classmethod
    def times_at_least(cls, bound: float, ours: float, peer: float) -> Self:
        """Say that the ratio should be at least ``bound``."""
        return cls(f"≥ {bound:g} ×", ours >= bound * peer)

    @classmethod
    def times_at_most(cls, bound: float, ours: float, peer: float) -> Self:
        """Say that the ratio should be at most ``bound``."""
        return cls(f"≤ {bound:g} ×", ours <= bound * peer)

    @classmethod
    def times_within(cls, share: float, ours: float, peer: float) -> Self:
        """Say that the ratio should differ from 1 by at most ``share``."""
        return cls(f"1 ± {share:g}", abs(ours / peer - 1) <= share)


@dataclass(frozen=True)
class Line:
    """One figure beside its peer's; ``costs`` are those of ours and of the peer, ``rss`` in MB."""

    what: str
    unit: str
    ours: float
    peer: float | None = None
    goal: Goal | None = None
    costs: tuple[Cost | None, Cost | None] = (None, None)
    rss: float | None = None

    def cells(self) -> list[str]:
        """Return the line as the table shows it."""
        ratio = self.ours / self.peer if self.peer else None
        reached = "" if self.goal is None else ("yes" if self.goal.reached else "NO")
        return [
            *(self.what, self.unit, figure(self.ours), figure(self.peer), figure(ratio)),
            *("" if self.goal is None else self.goal.text, reached),
            _pair(*(None if one is None else one.cpu for one in self.costs)),
            _pair(*(None if one is None else one.syncs_each for one in self.costs)),
            figure(self.rss),
        ]


def figure(value: float | None) -> str:
    """Return a figure with as many digits as mean something."""
    if value is None:
        return ""
    if abs(value) >= 100:  # noqa: PLR2004  (from here on no fraction means anything)
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"  # noqa: PLR2004


def _pair(ours: float | None, peer: float | None) -> str:
    return " / ".join(figure(one) for one in (ours, peer) if one is not None)


HEADINGS = (
    *("what / against what", "unit", "ours", "peer", "ratio", "goal", "reached"),
    *("CPU µs each", "fsync each", "RSS MB"),
)


def table(lines: Sequence[Line]) -> str:
    """Return all lines as one table."""
    rows = [list(HEADINGS), *(line.cells() for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADINGS))]
    shown = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([shown[0], "─" * (sum(widths) + 2 * len(widths) - 2), *shown[1:]])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    left = {0, 1, 5}
    return [
        text.ljust(width) if n in left else text.rjust(width)
        for n, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
