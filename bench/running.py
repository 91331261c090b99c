"""``python -m bench``: all measurements, one table. ``python -m bench filing pages``: some of them.

``--scale 0.1`` shrinks every size, so that a change can be tried within a minute; the goals are
meant for the full sizes. Each measurement runs in a process of its own, on one embedded server
(``--url`` names another, whose login may create schemas and roles).
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import psycopg
import structlog

from bench.places import Place, tell
from bench.report import Line, table
from infrastructure.server import EmbeddedServer

MEASUREMENTS = {
    "filing": "commands in process: 64 callers, 8 callers, all on one institution",
    "serving": "commands over HTTP: one worker, 64 connections",
    "bulk": "50,000 entries in one transaction",
    "importing": "a roster of 50,000 rows in Excel: dry run and commit",
    "deciding": "the cost of a decision as histories grow",
    "pages": "ledger pages as of any day on both clocks, 500,000 entries",
    "rebuilding": "rebuilding ledgers from 1,000,000 entries: speed, memory, growth",
    "evidence": "verifying, signing and proving 1,000,000 entries; what signing costs filing",
    "rights": "rights lists of 200,000 items: pages, searches, import",
    "starting": "cold and warm start of the embedded default",
}


def main() -> int:
    """Measure what is asked for; 1 where a measurement failed."""
    options = _options()
    chosen = options.names or list(MEASUREMENTS)
    lines: list[Line] = []
    failed: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder,
        _server(options.url, Path(folder)) as url,
    ):
        place = Place(url, Path(folder), options.scale)
        print(_setting(url, options.scale), flush=True)
        for name in chosen:
            found = _alone(name, place)
            if found is None:
                failed.append(name)
            else:
                lines += found
    print("\n" + table(lines), flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    listed = "\n".join(f"  {name:10} {what}" for name, what in MEASUREMENTS.items())
    parser = argparse.ArgumentParser(
        "python -m bench",
        description=f"measurements:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure (all)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes (1)")
    parser.add_argument("--url", help="a PostgreSQL server other than the embedded one")
    parser.add_argument("--folder", type=Path, help="where to keep data meanwhile, on a real disk")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"no measurement is called {', '.join(unknown)}")
    return options


@contextmanager
def _server(url: str | None, folder: Path) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with EmbeddedServer(folder / "server") as server:
        yield server.url


def _setting(url: str, scale: float) -> str:
    with psycopg.connect(url) as connection:
        version = connection.info.server_version
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return (
        f"{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()},"
        f" PostgreSQL {version // 10_000}.{version % 10_000}, scale {scale:g}"
    )


def _alone(name: str, place: Place) -> list[Line] | None:
    """Run a measurement in a fresh process; None where it failed."""
    tell(f"{name}: {MEASUREMENTS[name]}")
    start = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        try:
            found = pool.submit(_measure, name, place).result()
        except Exception:  # noqa: BLE001  (told; the other measurements are still worth taking)
            traceback.print_exc()
            return None
    tell(f"{name}: done in {time.monotonic() - start:.0f} s")
    print("\n" + table(found) + "\n", file=sys.stderr, flush=True)
    return found


def _measure(name: str, place: Place) -> list[Line]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    measure: Callable[[Place], list[Line]] = import_module(f"bench.{name}").measure
    return measure(place)
