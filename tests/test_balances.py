"""The balance over days: the same as adding up, at the cost of a few steps."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.balances import Balance
from domain.vocabulary import FIRST_DAY, LAST_DAY

DAYS = st.one_of(
    st.dates(FIRST_DAY, LAST_DAY),
    st.dates(date(2021, 6, 25), date(2021, 7, 10)),  # so that days meet
    st.sampled_from([FIRST_DAY, LAST_DAY]),
)
CHANGES = st.lists(st.tuples(DAYS, st.integers(-5, 5)), max_size=30)


def balance(changes: list[tuple[date, int]]) -> Balance:
    """A balance with these changes."""
    made = Balance()
    for day, n in changes:
        made.change(day, n)
    return made


def naive(changes: list[tuple[date, int]], day: date) -> int:
    """The definition: everything up to and including the day."""
    return sum(n for changed, n in changes if changed <= day)


@given(CHANGES, DAYS)
def test_a_balance_is_the_sum_of_what_came_before(
    changes: list[tuple[date, int]], day: date
) -> None:
    """The day's own changes included."""
    assert balance(changes).on(day) == naive(changes, day)


@given(CHANGES, DAYS, DAYS)
def test_the_lowest_is_that_of_the_worst_day(
    changes: list[tuple[date, int]], one: date, other: date
) -> None:
    """Over the stretch, both ends included; without an end it runs to the last day there is."""
    first, last = sorted((one, other))
    days = [first, *(day for day, _ in changes if first <= day <= last)]
    assert balance(changes).lowest(first, last) == min(naive(changes, day) for day in days)
    forever = [first, *(day for day, _ in changes if first <= day)]
    assert balance(changes).lowest(first) == min(naive(changes, day) for day in forever)


@given(CHANGES, DAYS, DAYS, st.integers(-5, 5))
def test_the_first_day_below_is_named(
    changes: list[tuple[date, int]], one: date, other: date, limit: int
) -> None:
    """None where no day of the stretch is below."""
    first, last = sorted((one, other))
    days = sorted({first, *(day for day, _ in changes if first <= day <= last)})
    below = [day for day in days if naive(changes, day) < limit]
    assert balance(changes).first_below(limit, first, last) == (below[0] if below else None)


@given(CHANGES, CHANGES, st.randoms())
def test_order_does_not_matter_and_the_opposite_takes_back(
    changes: list[tuple[date, int]], undone: list[tuple[date, int]], random: object
) -> None:
    """Late, future-dated and voiding filings are all the same."""
    mixed = changes + undone + [(day, -n) for day, n in undone]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = balance(changes), balance(mixed)
    for day in (FIRST_DAY, LAST_DAY, *(day for day, _ in mixed)):
        assert one.on(day) == other.on(day)
        assert one.lowest(day) == other.lowest(day)


def test_an_untouched_balance_is_nought_for_ever() -> None:
    """From the first day to the last."""
    made = Balance()
    assert (made.on(FIRST_DAY), made.lowest(FIRST_DAY), made.lowest(LAST_DAY)) == (0, 0, 0)
    assert made.first_below(0, FIRST_DAY) is None
    assert made.days() == []


def test_the_day_after_the_last_can_be_changed() -> None:
    """What lasts until the last day would end on the day after; nobody asks about it."""
    made = balance([(LAST_DAY, 1), (LAST_DAY + timedelta(days=1), -1)])
    assert (made.on(LAST_DAY), made.lowest(FIRST_DAY), made.days()) == (1, 0, [LAST_DAY])
