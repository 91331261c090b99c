"""A program that owns an embedded server, for tests to watch, to kill and to run as others.

    python server_program.py FOLDER serve     start, report, wait until standard input ends, stop
    python server_program.py FOLDER insert    … and commit one numbered row after the other
    python server_program.py FOLDER fork      … and leave a forked child that holds every handle
    python server_program.py FOLDER fill      … until the disk is full, then start anew twice

Each line of output is JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from infrastructure.server import EmbeddedServer, ServerProblem

TABLE = "CREATE TABLE IF NOT EXISTS filed (id bigint PRIMARY KEY, text text)"


def say(**report: Any) -> None:
    """Report to whoever watches."""
    print(json.dumps(report, ensure_ascii=False), flush=True)  # noqa: T201 - its very purpose


def insert(url: str) -> None:
    """Commit rows for ever, saying each id once it is acknowledged; survive a server's crash."""
    number = 0
    while True:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url, autocommit=True, connect_timeout=10) as connection,
        ):
            connection.execute(TABLE)
            row = connection.execute("SELECT coalesce(max(id), 0) FROM filed").fetchone()
            number = max(number, row[0] if row else 0)
            while True:
                number += 1
                connection.execute("INSERT INTO filed VALUES (%s, 'x')", (number,))
                say(id=number)
        time.sleep(0.01)


def fill(server: EmbeddedServer) -> None:
    """Commit until the disk is full; start again while it is full, and after making room."""
    number = 0
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(TABLE)
            while True:
                number += 1
                text = os.urandom(500_000).hex()
                connection.execute("INSERT INTO filed VALUES (%s, %s)", (number, text))
                say(id=number)
    except psycopg.Error as error:
        say(error=type(error).__name__)
    server.stop()
    report_start(server)
    server.stop()
    (server.data_dir.parent / "ballast").unlink()
    if report_start(server):
        with psycopg.connect(server.url) as connection:
            say(stored=[row[0] for row in connection.execute("SELECT id FROM filed ORDER BY id")])


def report_start(server: EmbeddedServer) -> bool:
    """Start and say how that went."""
    try:
        server.start()
    except ServerProblem as problem:
        say(problem=problem.code, message=str(problem))
        return False
    say(url=server.url, attached=server.attached, uid=os.geteuid())
    return True


def main(folder: str, mode: str) -> None:
    """Do what the docstring says."""
    server = EmbeddedServer(Path(folder), progress=lambda text: say(progress=text))
    if not report_start(server):
        sys.exit(1)
    if mode == "insert":
        insert(server.url)
    if mode == "fill":
        fill(server)
        server.stop()
        return
    if mode == "fork" and os.fork() == 0:
        say(child=os.getpid())
        time.sleep(600)
        os._exit(0)
    sys.stdin.read()
    server.stop()
    say(stopped=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
