"""Starting the program as a user does: ``taizhang serve`` on its own database, to first answer.

Cold is a folder that was never used (the database cluster is made); warm is the second start.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from bench.measuring import median
from bench.places import Place, tell
from bench.report import Goal, Line

ROUNDS = 3
GIVE_UP = 120.0


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    cold, warm = [], []
    for n in range(ROUNDS):
        tell(f"starting: round {n + 1} of {ROUNDS}")
        folder = place.folder / f"started-{n}"
        cold.append(_start(folder))
        warm.append(_start(folder))
    return [
        Line("cold start to first answer", "s", median(cold), goal=Goal.at_most(10, median(cold))),
        Line("warm start to first answer", "s", median(warm), goal=Goal.at_most(3, median(warm))),
    ]


def _start(folder: Path) -> float:
    """Return the seconds from the command to the first answer; then stop the program."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"TAIZHANG_DATA_DIR": str(folder), "TAIZHANG_PORT": str(port)}
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TAIZHANG_")}
    taizhang = Path(sys.executable).with_name("taizhang")
    asking = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [str(taizhang), "serve"],
        env=plain | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(asking):
            assert process.poll() is None, "the program ended"
            assert time.perf_counter() - start < GIVE_UP, "the program does not answer"
            time.sleep(0.02)
        return time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        asking.close()


def _answers(asking: httpx.Client) -> bool:
    try:
        return asking.get("/health").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
