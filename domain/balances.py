"""A balance that changes on dated days, and its worst value over any stretch of days.

    day      1    2    3    4          A binary tree over all days from FIRST_DAY on; each node
    change  +3        -2   +1          holds (sum of its changes, lowest running total inside).
    total    3    3    1    2          Nodes without changes are not stored.

A change on any day, past or future, first or last, costs one walk from its leaf to the root (18
nodes); so does the lowest total from a day on. The order in which changes arrive does not matter
and a change is taken back by its opposite: late, future-dated and voiding entries cost the same.
"""

from __future__ import annotations

from datetime import date

from domain.vocabulary import FIRST_DAY, LAST_DAY

_BASE = FIRST_DAY.toordinal()
_LEAVES = 1 << (LAST_DAY.toordinal() - _BASE).bit_length()
_NOTHING = (0, 0)


class Balance:
    """Dated changes of one whole number, such as the usable quota of one unit and kind."""

    __slots__ = ("_nodes",)

    def __init__(self) -> None:
        """Start with no change: the balance is 0 on every day."""
        self._nodes: dict[int, tuple[int, int]] = {}

    def change(self, day: date, n: int) -> None:
        """Let the balance be ``n`` higher (lower if negative) from ``day`` on.

        Days after LAST_DAY, on which what lasts until then would end, are beyond all questions.
        """
        if day > LAST_DAY:
            return
        nodes = self._nodes
        i = _LEAVES + day.toordinal() - _BASE
        total = nodes.get(i, _NOTHING)[0] + n
        nodes[i] = (total, total)
        while i > 1:
            i >>= 1
            left_sum, left_low = nodes.get(2 * i, _NOTHING)
            right_sum, right_low = nodes.get(2 * i + 1, _NOTHING)
            nodes[i] = (left_sum + right_sum, min(left_low, left_sum + right_low))

    def on(self, day: date) -> int:
        """Return the balance on that day."""
        return self.lowest(day, day)

    def lowest(self, first: date, last: date = LAST_DAY) -> int:
        """Return the lowest balance on any day from ``first`` to ``last``, both included."""
        if last >= LAST_DAY:
            return self._lowest_from(first)
        nodes = self._nodes
        a = _LEAVES + first.toordinal() - _BASE
        b = _LEAVES + last.toordinal() - _BASE + 1
        before, i = 0, a
        while i > 1:
            if i & 1:
                before += nodes.get(i - 1, _NOTHING)[0]
            i >>= 1
        covering: list[int] = []  # the nodes that make up [a, b), left part in order
        rights: list[int] = []
        while a < b:
            if a & 1:
                covering.append(a)
                a += 1
            if b & 1:
                b -= 1
                rights.append(b)
            a >>= 1
            b >>= 1
        low: int | None = None
        for node in [*covering, *reversed(rights)]:
            node_sum, node_low = nodes.get(node, _NOTHING)
            low = before + node_low if low is None else min(low, before + node_low)
            before += node_sum
        return before if low is None else low

    def _lowest_from(self, first: date) -> int:
        """Return the lowest balance from ``first`` on for ever: what is asked most.

        Only the right siblings on the way up from the leaf lie in the stretch; what lies before it
        is everything less the stretch.
        """
        get = self._nodes.get
        i = _LEAVES + first.toordinal() - _BASE
        total, low = get(i, _NOTHING)
        while i > 1:
            if not i & 1:
                right = get(i + 1)
                if right is not None:
                    low = min(low, total + right[1])
                    total += right[0]
            i >>= 1
        return get(1, _NOTHING)[0] - total + low

    def days(self) -> list[date]:
        """Return the days on which the balance was ever changed, ascending."""
        leaves = sorted(i for i in self._nodes if i >= _LEAVES)
        return [date.fromordinal(i - _LEAVES + _BASE) for i in leaves]

    def first_below(self, limit: int, first: date, last: date = LAST_DAY) -> date | None:
        """Return the first day in the stretch whose balance is below ``limit``, if any.

        Walks over all days with changes: for explaining a refusal, not for deciding it.
        """
        if self.on(first) < limit:
            return first
        later = (day for day in self.days() if first < day <= last)
        return next((day for day in later if self.on(day) < limit), None)
