"""Filing over HTTP: one worker, 64 connections, beside a bare FastAPI handler.

    this process     64 connections, each sending its next request when it has the answer
    worker           our application under uvicorn, as ``taizhang serve`` runs it
    peer's worker    FastAPI, a pydantic body, an async handler: one INSERT and its commit

Both workers stay up, take turns and share the server; the peer has the better of a pool as small
as ours and a large one. Our requests carry a bearer token and no Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import orjson
import psutil
import psycopg
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

from application.collecting import settle, uncollected
from bench.measuring import Cost, Server, median
from bench.peers import drop
from bench.places import MASTER_KEY, Place, tell
from bench.report import Goal, Line
from bench.workload import District, fresh_schema
from infrastructure.accounts import Accounts
from infrastructure.evidence_folder import EvidencePlaces
from infrastructure.office import Office
from interface.app import make_app

CONNECTIONS = 64
POOLS = (6, 24)
ROUNDS = 5
PASSWORD = "correct horse 7"  # noqa: S105  (of an account that lives as long as a measurement)
CREATED = 201


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    schema = fresh_schema("serving")
    with ExitStack() as stack:
        office = stack.enter_context(place.office("office"))
        token = _account(office)
        district = District(office, 200)
        ours = Site(stack.enter_context(worker(serve_office, place.url, office.database.schema)))
        stack.callback(drop, place.url, schema)
        _make_table(place.url, schema)
        peers = [
            Site(stack.enter_context(worker(_bare, place.url, schema, pool))) for pool in POOLS
        ]
        server = Server(place.url)
        for n in range(-1, ROUNDS):
            many = place.size(4_000, 200) if n >= 0 else 200
            bodies = [_filing(one, token) for one in district.entering(many)]
            turns = [(ours, bodies), *((peer, [_BARE] * many) for peer in peers)]
            tell(f"serving: round {n + 1} of {ROUNDS}")
            for site, requests in turns if n % 2 else reversed(turns):
                site.turn(server, requests, counted=n >= 0)
    peer = max(peers, key=lambda site: site.rate)
    pool = POOLS[peers.index(peer)]
    return [
        Line(
            f"commands over HTTP, 64 connections / bare FastAPI + INSERT, pool {pool}",
            "/s",
            ours.rate,
            peer.rate,
            Goal.times_at_least(0.7, ours.rate, peer.rate),
            (ours.cost, peer.cost),
        ),
        Line("… answered within, median", "ms", ours.middle, peer.middle),
    ]


class Site:
    """A worker that is asked, and what asking it has taken so far."""

    def __init__(self, worker: tuple[int, int], status: int = CREATED) -> None:
        """Ask the worker with this port and process id; ``status`` is what it has to answer."""
        self.port, self.process = worker[0], psutil.Process(worker[1])
        self.status = status
        self.cost, self.rates, self.waits = Cost(), list[float](), list[float]()

    @property
    def rate(self) -> float:
        """Requests per second: the median of all rounds."""
        return median(self.rates)

    @property
    def middle(self) -> float:
        """Milliseconds from request to answer: the median of all."""
        return median(self.waits)

    def turn(self, server: Server, requests: Sequence[bytes], *, counted: bool) -> None:
        """Send all requests over all connections; the asking itself is not counted as CPU."""
        once, before = Cost(), self._cpu()
        with uncollected(), server.measured(once, len(requests)):
            waits = uvloop.run(_ask_all(self.port, requests, self.status))
        once.client_cpu = self._cpu() - before
        if counted:
            self.cost.add(once)
            self.rates.append(once.rate)
            self.waits += waits

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


# ── asking ───────────────────────────────────────────────────────────────────────────────────


def _request(path: str, body: bytes, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _filing(command: Any, token: str) -> bytes:
    body = orjson.dumps(command.model_dump(mode="json", exclude_none=True))
    return _request("/api/staffing/enter", body, f"Authorization: Bearer {token}\r\n")


_BARE = _request(
    "/enter",
    orjson.dumps(
        {
            "person": "p1",
            "institution": "i1",
            "kind": "20",
            "effective_on": "2021-06-30",
            "name": "示例甲",
            "id_no": "110105194912310029",
            "post_title": "示范岗位",
            "note": "按规定办理入编手续",
        }
    ),
)


async def _ask_all(port: int, requests: Sequence[bytes], status: int) -> list[float]:
    """Work the requests off over all connections; return how long each took, in ms."""
    waits: list[float] = []
    shares = [requests[n::CONNECTIONS] for n in range(CONNECTIONS)]
    await asyncio.gather(*(_ask(port, share, waits, status) for share in shares))
    return waits


async def _ask(port: int, requests: Sequence[bytes], waits: list[float], status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if not head.startswith(f"HTTP/1.1 {status}".encode()):
            raise RuntimeError(f"{head!r} {body.decode()}")
        waits.append((time.perf_counter() - start) * 1e3)
    writer.close()


# ── workers ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def worker(work: Any, *args: Any) -> Iterator[tuple[int, int]]:
    """Lend port and process id of a worker that serves until the block ends."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=work, args=(its, *args), daemon=True)
    process.start()
    its.close()
    try:
        yield mine.recv(), process.pid or 0
    finally:
        mine.send("stop")
        process.join(20)
        if process.is_alive():
            process.terminate()


def serve_office(line: Connection, url: str, schema: str) -> None:
    """Serve our application as ``taizhang serve`` does, requests logged as there but not shown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        places = EvidencePlaces(Path(folder) / "evidence.key", Path(folder) / "evidence")
        with Office(url, MASTER_KEY, schema=schema, evidence=places) as office:
            serve(line, make_app(office))


class _Entering(BaseModel):
    person: Annotated[str, Field(max_length=40)]
    institution: Annotated[str, Field(max_length=40)]
    kind: str
    effective_on: str
    name: str
    id_no: str
    post_title: str | None = None
    note: str | None = None


def _bare(line: Connection, url: str, schema: str, size: int) -> None:
    """Serve the peer: what a FastAPI programmer would write first, without rules or ledgers."""
    options = {"options": f"-c search_path={schema}"}
    pool = AsyncConnectionPool(url, min_size=size, max_size=size, open=False, kwargs=options)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/enter", status_code=CREATED)
    async def enter(entering: _Entering) -> dict[str, int]:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "INSERT INTO entered (person, institution, kind, effective_on, data)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                (
                    *(entering.person, entering.institution, entering.kind),
                    *(entering.effective_on, entering.model_dump_json()),
                ),
                prepare=True,
            )
            row = await cursor.fetchone()
        return {"id": row[0] if row else 0}

    serve(line, app)


def serve(line: Connection, app: FastAPI) -> None:
    """Serve an application as ``taizhang serve`` does, tell its port, and stop when told to."""
    settle()
    config = uvicorn.Config(
        *(app, "127.0.0.1", 0),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  (uvicorn sets a flag and no event)
            await asyncio.sleep(0.02)
        line.send(server.servers[0].sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, line.recv)
        server.should_exit = True
        await serving

    uvloop.run(run())


# ── setting up ───────────────────────────────────────────────────────────────────────────────


def _account(office: Office) -> str:
    accounts = Accounts(office.database)
    accounts.add("clerk", "示范", PASSWORD, ["clerk"], by="bench", must_change=False)
    return accounts.login("clerk", PASSWORD, "127.0.0.1")[0]


def _make_table(url: str, schema: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(
            f"CREATE TABLE {schema}.entered (id bigserial PRIMARY KEY, person text NOT NULL,"
            " institution text NOT NULL, kind text NOT NULL, effective_on date NOT NULL,"
            " data jsonb NOT NULL)"
        )
