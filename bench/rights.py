"""Rights lists at 200,000 items: the public's pages under 64 connections, and the import.

    bench/rights_lists.py   an office with 400 departments of 500 items, published as an edition
    ours                    our application: an item's page, a list searched by two characters
    peer                    a bare FastAPI handler on one flat table: the row by its key as JSON,
                            ``LIKE '%…%'`` with the same conditions and the same page

Texts come from the published workbooks beside the project, where they are; the import of those is
measured then too. Words are pairs of characters from items' names, as somebody would type them.
Pages are asked for once, when each has to be made, and then again, when many are kept.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from bench.measuring import Cost, Server, quantile
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.rights_lists import LARGE, WORKBOOKS, Lists, import_workbooks
from bench.serving import CONNECTIONS, Site, serve, serve_office, worker
from interface.rights_lists import PAGE

OK = 200
MANY = 6_000
WARMING = 10 * CONNECTIONS
"""So many others of the same kind go before, unmeasured, while statements are planned."""

WARMING_WORDS = 100
"""Searched for in those, and not afterwards: what is measured has still to be made."""

PEERS_SEARCHES = 128
"""So few, for each reads the whole table."""

PAGE_MS, SEARCH_MS, IMPORT_S, MEMORY_MB = 50.0, 150.0, 20.0, 400.0
POOL = 6


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    lines = _import(place) if WORKBOOKS.is_dir() else []
    items = place.size(LARGE, 2_000)
    with ExitStack() as stack:
        office = stack.enter_context(place.office("rights"))
        lists = Lists(office, items)
        schema = office.database.schema
        _make_flat(place.url, schema)
        ours = Site(stack.enter_context(worker(serve_office, place.url, schema)), OK)
        peer = Site(stack.enter_context(worker(_bare, place.url, schema)), OK)
        return lines + _ask(place, lists, ours, peer)


def _import(place: Place) -> list[Line]:
    files = sorted(WORKBOOKS.iterdir())
    tell(f"rights: importing {len(files)} workbooks")
    with place.office("import") as office:
        start = time.perf_counter()
        items = import_workbooks(office, files)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"import of {len(files)} workbooks, {items:,} items, with commit"
    return [
        Line(what, "s", seconds, None, Goal.at_most(IMPORT_S, seconds), rss=peak),
        Line("… peak memory", "MB", peak, None, Goal.at_most(MEMORY_MB, peak)),
    ]


def _ask(place: Place, lists: Lists, ours: Site, peer: Site) -> list[Line]:
    server, dice = Server(place.url), random.Random(1)
    many = place.size(MANY, 600)
    items = dice.choices(lists.items, k=many + WARMING)
    before, words = lists.words[:WARMING_WORDS], lists.words[WARMING_WORDS:]
    asked = [_conditions(before, lists, dice) for _ in range(WARMING)]
    asked += [_conditions(words, lists, dice) for _ in range(many)]
    pages = [_get(f"/qingdan/{lists.edition}/{item}") for item in items]
    rows = [_get(f"/item/{item}") for item in items]
    found = [_get(f"/qingdan/{lists.edition}?{urlencode(one)}") for one in asked]
    flat = [_get(f"/list?{urlencode(one)}") for one in asked[: PEERS_SEARCHES + WARMING]]
    lines: list[Line] = []
    for what, most, requests, bare in (
        ("an item's page", PAGE_MS, pages, rows),
        ("a list searched by a word", SEARCH_MS, found, flat),
    ):
        tell(f"rights: {what}")
        for site, some in ((ours, requests), (peer, bare)):
            _turn(server, site, some[:WARMING])
        first, again, its = (
            _turn(server, site, some[WARMING:])
            for site, some in ((ours, requests), (ours, requests), (peer, bare))
        )
        name = f"{what}, {len(lists.items):,} items, {CONNECTIONS} connections"
        goal = Goal.at_most(most, first.worst)
        lines += [
            Line(f"{name}: p99 / bare FastAPI, flat table", "ms", first.worst, its.worst, goal,
                 (first.cost, its.cost)),
            Line("… p50", "ms", first.half, its.half),
            Line("… requests", "/s", first.cost.rate, its.cost.rate),
            Line("… p99 of the same, asked again", "ms", again.worst, None,
                 Goal.at_most(most, again.worst), (again.cost, None)),
        ]  # fmt: skip
    memory = ours.process.memory_info().rss / 1e6
    goal = Goal.at_most(MEMORY_MB, memory)
    return [*lines, Line("… the worker's memory", "MB", memory, None, goal)]


class Turn(NamedTuple):
    """How long answers took, in ms: half of them, and all but one in a hundred; what it cost."""

    half: float
    worst: float
    cost: Cost


def _turn(server: Server, site: Site, requests: Sequence[bytes]) -> Turn:
    """Send all requests over all connections."""
    site.waits, site.cost = [], Cost()
    site.turn(server, requests, counted=True)
    return Turn(quantile(site.waits, 0.5), quantile(site.waits, 0.99), site.cost)


def _conditions(words: Sequence[str], lists: Lists, dice: random.Random) -> dict[str, str]:
    """One of the words, and as often as not a department or a category besides."""
    conditions = {"word": dice.choice(words)}
    kind = dice.randrange(4)
    if kind == 1:
        conditions["department"] = dice.choice(lists.departments)
    elif kind == 2:  # noqa: PLR2004  (one of four)
        conditions["category"] = dice.choice(lists.categories)
    return conditions


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


# ── the peer ─────────────────────────────────────────────────────────────────────────────────


def _make_flat(url: str, schema: str) -> None:
    """Make what a programmer would make first: today's rows in one table, its order indexed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE {schema}.flat AS SELECT subject AS id, department, category, name,"  # noqa: S608
            f" sub_name, bases, content FROM {schema}.ledger_rights_items"
        )
        for index in ("id", "department, category, name, id"):
            connection.execute(f"CREATE INDEX ON {schema}.flat ({index})")
        connection.execute(f"VACUUM ANALYZE {schema}.flat")


def _bare(line: Connection, url: str, schema: str) -> None:
    options = {"options": f"-c search_path={schema} -c jit=off"}
    pool = AsyncConnectionPool(
        url, min_size=POOL, max_size=POOL, open=False, kwargs=options, timeout=900
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan)

    async def rows(statement: str, values: Sequence[Any]) -> list[Any]:
        async with pool.connection() as connection:
            return await (await connection.execute(statement.encode(), values)).fetchall()

    @app.get("/item/{item}")
    async def item(item: str) -> dict[str, Any]:
        found = await rows("SELECT * FROM flat WHERE id = %s", (item,))
        return {"row": found[0]}

    @app.get("/list")
    async def listed(
        word: str, department: str | None = None, category: str | None = None
    ) -> dict[str, Any]:
        wanted = {"department": department, "category": category}
        given = {name: value for name, value in wanted.items() if value}
        where = "".join(f" AND {name} = %s" for name in given)
        found = await rows(
            "SELECT id, department, category, name, sub_name, bases FROM flat"  # noqa: S608
            f" WHERE content LIKE %s{where} ORDER BY department, category, name, id LIMIT {PAGE}",
            (f"%{word}%", *given.values()),
        )
        return {"rows": found}

    serve(line, app)
