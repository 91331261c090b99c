"""Long lists of findings about items, page by page: whole items, and how many are left.

findings in the order of items ──offer()──► kept: behind ``after``, until ``limit`` is reached
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class AboutItem(Protocol):
    """A finding that names its item."""

    @property
    def item(self) -> str:
        """The item's internal id."""
        ...


F = TypeVar("F", bound=AboutItem)


@dataclass
class Kept(Generic[F]):
    """The findings of one page; those about one item are never divided."""

    after: str | None
    limit: int
    found: list[F] = field(default_factory=list)
    left: int = 0

    def offer(self, one: F) -> None:
        """Keep a finding where it belongs to this page, count it where it comes behind."""
        if self.after is not None and one.item <= self.after:
            return
        full = len(self.found) >= self.limit and one.item != self.found[-1].item
        if full or self.left:
            self.left += 1
        else:
            self.found.append(one)
