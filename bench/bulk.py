"""Bulk append: many filings as one append in one transaction, beside stock DCB in batches.

Ours decides each command, seals, hashes, keeps every ledger and is all or nothing; the peer only
stores events, 1,000 at a time.
"""

from __future__ import annotations

import itertools
import json
import time

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem

from application.filing import Filing
from bench.measuring import Cost, Server, median, peak_mb
from bench.peers import PAYLOAD, StockDcb
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.workload import District

ENTRIES = 50_000
BATCH = 1_000
ROUNDS = 3


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    entries = place.size(ENTRIES, 2_000)
    server, dcb = Server(place.url), StockDcb(place.url, 1)
    ours, theirs = Cost(), Cost()
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    events = itertools.count()
    try:
        with place.office("bulk") as office:
            district = District(office, 200)
            for n in range(ROUNDS):
                tell(f"bulk: round {n + 1} of {ROUNDS}")
                filing = Filing(tuple(district.entering(entries // 2)), "bench")
                with server.measured(ours, entries):
                    start = time.perf_counter()
                    receipt = office.writer.do(filing)
                    rates["ours"].append(entries / (time.perf_counter() - start))
                assert receipt.last - receipt.first + 1 == entries
                with server.measured(theirs, entries):
                    start = time.perf_counter()
                    _append(dcb, entries, events)
                    rates["theirs"].append(entries / (time.perf_counter() - start))
    finally:
        dcb.close(place.url)
    mine, peer = median(rates["ours"]), median(rates["theirs"])
    return [
        Line(
            f"bulk append of {entries:,} entries, ledgers and all / stock DCB by {BATCH:,}",
            "/s",
            mine,
            peer,
            Goal.times_at_least(1, mine, peer),
            (ours, theirs),
            peak_mb(),
        ),
        Line("… entries per second", "/s", mine, None, Goal.at_least(18_000, mine)),
    ]


def _append(dcb: StockDcb, entries: int, numbers: itertools.count[int]) -> None:
    data = json.dumps(PAYLOAD).encode()
    for _ in range(0, entries, BATCH):
        events = [
            DCBEvent(
                "entered",
                data,
                [f"person:b{n}", f"institution:i{n % 200}", f"name:b{n}", "year:2026"],
            )
            for n in itertools.islice(numbers, BATCH)
        ]
        query = DCBQuery([DCBQueryItem(tags=[events[0].tags[0]])])
        dcb.recorder.append(events, DCBAppendCondition(query, after=0))
