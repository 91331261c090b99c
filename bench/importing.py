"""A large district's books in Excel go in: 50,000 rows of which 2 % are dirty.

The dry run and the commit each read the files anew, decide every row on the live rules and answer
row by row; the commit stores entries, ledgers, leaf hashes and sealed boxes too. The peer is
calamine, which does nothing but read the same roster.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

from python_calamine import CalamineWorkbook

from application import importing
from application.importing import Order
from bench import roster_book
from bench.places import MASTER_KEY, Place, tell
from bench.report import Goal, Line
from domain.journal import OpenJournal
from infrastructure.importing import Files
from infrastructure.office import Office

ROWS = 50_000
OPENING: date = roster_book.OPENING
FILES = ("机构.xlsx", "人员.xlsx")
MOST_SECONDS, MOST_MEGABYTES = 15.0, 400.0


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    rows = place.size(ROWS)
    folder = place.folder / "books"
    folder.mkdir()
    tell(f"importing: writing a roster of {rows:,} rows")
    dirty = sum(roster_book.write(folder, rows).values())
    with place.office("importing") as office:
        schema = office.database.schema
        tell("importing: dry run")
        dry, tried, dry_rss = _alone(place.url, schema, folder, dry_run=True)
        tell("importing: commit")
        commit, done, commit_rss = _alone(place.url, schema, folder, dry_run=False)
    assert tried == done
    tell("importing: calamine alone")
    peer = _read(folder / FILES[1])
    what, most = f"import of {rows:,} rows, {dirty:,} dirty", max(dry_rss, commit_rss)
    return [
        Line(f"{what}: dry run", "s", dry, peer, Goal.at_most(MOST_SECONDS, dry), rss=dry_rss),
        Line(f"{what}: commit", "s", commit, peer, Goal.at_most(MOST_SECONDS, commit),
             rss=commit_rss),
        Line(f"{what}: peak memory", "MB", most, None, Goal.at_most(MOST_MEGABYTES, most)),
    ]  # fmt: skip


def _alone(url: str, schema: str, folder: Path, *, dry_run: bool) -> tuple[float, list[str], float]:
    """Import in a program of its own, as the command does; see `_import`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_import, url, schema, folder, dry_run=dry_run).result()


def _import(
    url: str, schema: str, folder: Path, *, dry_run: bool
) -> tuple[float, list[str], float]:
    """Return the seconds, what became of each row, and the peak memory in MB."""
    opens = OpenJournal(effective_on=OPENING, office="示范区委编办", purpose="demonstration")
    order = Order(OPENING, "bench", dry_run=dry_run, opens=opens)
    with Office(url, MASTER_KEY, schema=schema) as office:
        start, cpu = time.perf_counter(), time.process_time()
        with Files({name: folder / name for name in FILES}) as files:
            books, unread = files.books()
            ready = importing.prepare(books, OPENING, unread=unread)
            books.clear()
            files.close()
            read = time.perf_counter() - start
            imported = importing.file(office.writer, ready, order)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time() - cpu
    tell(f"importing: {seconds:.1f} s, of which reading {read:.1f} s; CPU {cpu:.1f} s")
    return seconds, [row.result for row in imported.rows], peak


def _read(path: Path) -> float:
    """Return the seconds in which calamine reads a workbook from end to end."""
    start = time.perf_counter()
    for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows():
        pass
    return time.perf_counter() - start
