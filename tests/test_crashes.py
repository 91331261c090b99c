"""Killed in the middle: what was acknowledged is there, once, and the ledgers fit the journal."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from application.ledgers import LEDGERS
from infrastructure.keys import KeyRing
from infrastructure.office import Office
from infrastructure.server import EmbeddedServer
from infrastructure.verifying import verify
from tests.databases import MASTER_KEY

ROOT = Path(__file__).parents[1]


def run_and_kill(folder: Path, round_: int, seconds: float, *, server_too: bool) -> list[Any]:
    """Let the program file for a while, kill it, and return what it had acknowledged."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "filing_program.py"), str(folder), str(round_)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline()
        assert json.loads(first) == {"ready": True}
        time.sleep(seconds)
        victims = [psutil.Process(program.pid)]
        if server_too:
            victims += psutil.Process(program.pid).children(recursive=True)
        for victim in victims:
            with suppress(psutil.NoSuchProcess):  # the server may have noticed by itself
                victim.kill()
        said = program.stdout.read()
    whole = [line for line in said.splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line) for line in whole]


def check(folder: Path, acknowledged: list[dict[str, Any]]) -> int:
    """Reopen and hold the books to what was acknowledged; return the journal's head."""
    with EmbeddedServer(folder) as server, Office(server.url, MASTER_KEY) as office:
        with office.database.pool.connection() as connection:
            rows = connection.execute(
                "SELECT actor, key, first_position, last_position FROM filings"
            ).fetchall()
            filed = {(actor, key): (first, last) for actor, key, first, last in rows}
            spans = sorted(filed.values())
            assert all(a[1] < b[0] for a, b in itertools.pairwise(spans)), "doubled"
        for said in acknowledged:
            if "key" in said:
                kept = filed[f"caller-{said['caller']}", said["key"]]
                assert kept == (said["first"], said["last"]), "lost or changed"
        ring = KeyRing(MASTER_KEY)
        with office.database.as_owner() as connection:
            ring.open(connection)
        verdict = verify(office.database, ring, LEDGERS.values())
        assert verdict.sound, verdict
        return office.journal.head()[0]


def crash(folder: Path, rounds: int) -> None:
    """Kill again and again, program or program and server, at moments nobody chose."""
    chance = random.Random(20210630)  # noqa: S311  (moments, not secrets)
    acknowledged: list[dict[str, Any]] = []
    head = 0
    for round_ in range(rounds):
        said = run_and_kill(
            folder, round_, chance.uniform(0.05, 1.0), server_too=chance.random() < 0.5
        )
        acknowledged += said
        if round_ % 10 == 9 or round_ == rounds - 1:
            now = check(folder, acknowledged)
            assert now >= head
            head = now
    assert sum("key" in one for one in acknowledged) > 10 * rounds
    assert any("refused" in one for one in acknowledged)


def test_nothing_acknowledged_is_lost_or_doubled_when_killed(tmp_path: Path) -> None:
    """Three kills under load; `make soak` has a hundred."""
    crash(tmp_path / "server", 3)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_or_doubled_in_a_hundred_kills(tmp_path: Path) -> None:
    """A hundred kills of the program, half of them with the server's processes."""
    crash(tmp_path / "server", 100)
