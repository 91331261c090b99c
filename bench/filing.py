"""Filing in process, beside stock DCB and beside a plain table with an audit trigger.

    64 callers   wall rate: the peers each at their own best number of callers
    8 callers    CPU of client and server, and fsyncs: with a batch in flight callers and writer
                 take turns, so wall time says little there

The contestants take turns, round by round, on one server. One of our commands registers a fresh
person and enters the establishment: two entries, guarded, sealed, hashed, in seven ledgers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from application.filing import Filing
from bench.measuring import Cost, Server, callers, median
from bench.peers import CrudWithAudit, StockDcb
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.workload import District
from infrastructure.office import Office

ROUNDS = 5
INSTITUTIONS = 200


@dataclass
class Contestant:
    """Who works off ``work(n)`` with so many callers; a round that costs too much is short."""

    name: str
    callers: int
    share: float
    work: Callable[[int], Sequence[object]]
    act: Callable[[int, Any], object]
    cost: Cost = field(default_factory=Cost)
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Operations per second: the median of all rounds."""
        return median(self.rates)

    def turn(self, server: Server, n: int, *, syncs: bool = False) -> None:
        """Take one round and add what it took; with ``syncs`` count the fsyncs too."""
        work, once = self.work(n), Cost()
        with server.measured(once, n, syncs=syncs):
            callers(self.callers, work, self.act)
        self.rates.append(once.rate)
        self.cost.add(once)


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    server = Server(place.url)
    with ExitStack() as stack:
        contestants = list(_contestants(place, stack))
        for one in contestants:
            one.turn(server, 200)
            one.cost, one.rates = Cost(), []
        for n in range(ROUNDS):
            tell(f"filing: round {n + 1} of {ROUNDS}")
            for one in contestants if n % 2 else reversed(contestants):
                one.turn(server, place.size(round(4_000 * one.share), 200))
        tell("filing: counting fsyncs")
        for one in contestants:
            one.turn(server, place.size(round(2_000 * one.share), 200), syncs=True)
    return _lines({one.name: one for one in contestants})


def _contestants(place: Place, stack: ExitStack) -> Iterator[Contestant]:
    office = stack.enter_context(place.office("filing"))
    district = District(office, INSTITUTIONS)
    busiest = district.institutions[0]

    def file(_: int, command: Any) -> None:
        office.writer.do(Filing((command,), "bench"))

    def in_one(n: int) -> Sequence[object]:
        return district.entering(n, institution=busiest)

    yield Contestant("64", 64, 1.0, district.entering, file)
    yield Contestant("64 approved", 64, 0.5, district.entering_as_approved, file)
    yield Contestant("64 in one", 64, 0.5, in_one, file)
    yield Contestant("8", 8, 0.5, district.entering, file)
    fresh = _pairs()
    for n in (8, 32):
        crud = stack.enter_context(_crud(place.url, n))
        yield Contestant(f"crud {n}", n, 1.0, fresh, crud.enter)
    for n in (1, 8):
        dcb = stack.enter_context(_dcb(place.url, n))
        yield Contestant(f"dcb {n}", n, 0.15, fresh, dcb.enter)


def _pairs() -> Callable[[int], Sequence[object]]:
    people = itertools.count()
    return lambda n: [(f"p{p}", f"i{p % INSTITUTIONS}") for p in itertools.islice(people, n)]


@contextmanager
def _crud(url: str, n: int) -> Iterator[CrudWithAudit]:
    crud = CrudWithAudit(url, n)
    try:
        yield crud
    finally:
        crud.close(url)


@contextmanager
def _dcb(url: str, n: int) -> Iterator[StockDcb]:
    dcb = StockDcb(url, n)
    try:
        yield dcb
    finally:
        dcb.close(url)


def _lines(by_name: dict[str, Contestant]) -> list[Line]:
    ours, eight = by_name["64"], by_name["8"]
    dcb = max((by_name["dcb 1"], by_name["dcb 8"]), key=lambda one: one.rate)
    crud = max((by_name["crud 8"], by_name["crud 32"]), key=lambda one: one.rate)
    synced, synced_by_eight = ours.cost.syncs_each or 0.0, eight.cost.syncs_each or 0.0
    lines = [
        Line(
            f"commands, 64 callers / stock DCB read + append, {dcb.callers}",
            "/s",
            ours.rate,
            dcb.rate,
            Goal.times_at_least(4, ours.rate, dcb.rate),
            (ours.cost, dcb.cost),
        ),
        Line(
            f"commands, 64 callers / table + audit trigger, {crud.callers}",
            "/s",
            ours.rate,
            crud.rate,
            Goal.times_at_least(0.8, ours.rate, crud.rate),
            (ours.cost, crud.cost),
        ),
        Line(
            "… fsyncs per command",
            "",
            synced,
            None,
            Goal.at_most(1 / 40, synced),
        ),
    ]
    for name, what in (
        ("64 in one", "… 64 callers on one institution / on 200"),
        ("64 approved", "… 64 callers, each using an approval / appointed"),
    ):
        other = by_name[name]
        lines.append(Line(what, "/s", other.rate, ours.rate, None, (other.cost, ours.cost)))
    peer = by_name["dcb 8"]
    return [
        *lines,
        Line(
            "commands, 8 callers: CPU, client + server / stock DCB",
            "µs",
            eight.cost.cpu,
            peer.cost.cpu,
            Goal.at_most(450, eight.cost.cpu),
            (eight.cost, peer.cost),
        ),
        Line(
            "… 8 callers: fsyncs per command / table + audit trigger",
            "",
            synced_by_eight,
            by_name["crud 8"].cost.syncs_each,
            Goal.at_most(1 / 6, synced_by_eight),
            (eight.cost, by_name["crud 8"].cost),
        ),
    ]


def file_all(office: Office, commands: Sequence[Any]) -> None:
    """File commands one by one, unmeasured."""
    for command in commands:
        office.writer.do(Filing((command,), "bench"))
