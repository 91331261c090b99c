"""A large district's books in Excel go in: 50,000 rows of which 2 % are dirty.

The dry run and the commit each read the files anew, decide every row on the live rules and answer
row by row; the commit stores entries, ledgers, leaf hashes and sealed boxes too. The peer is
calamine, which does nothing but read the same roster.
"""

from __future__ import annotations

import resource
import time
from datetime import date
from pathlib import Path

from python_calamine import CalamineWorkbook

from application import importing
from application.importing import Order
from application.importing_results import Imported
from bench import roster_book
from bench.places import Place, tell
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
        tell("importing: dry run")
        dry, tried, dry_rss = _import(office, folder, dry_run=True)
        tell("importing: commit")
        commit, done, commit_rss = _import(office, folder, dry_run=False)
    assert [row.result for row in tried.rows] == [row.result for row in done.rows]
    tell("importing: calamine alone")
    peer = _read(folder / FILES[1])
    what = f"import of {rows:,} rows, {dirty:,} dirty"
    return [
        Line(f"{what}: dry run", "s", dry, peer, Goal.at_most(MOST_SECONDS, dry), rss=dry_rss),
        Line(f"{what}: commit", "s", commit, peer, Goal.at_most(MOST_SECONDS, commit),
             rss=commit_rss),
        Line(f"{what}: peak memory", "MB", commit_rss, None,
             Goal.at_most(MOST_MEGABYTES, commit_rss)),
    ]  # fmt: skip


def _import(office: Office, folder: Path, *, dry_run: bool) -> tuple[float, Imported, float]:
    """Import as the command does; return the seconds, the answer, and the peak memory in MB."""
    opens = OpenJournal(effective_on=OPENING, office="示范区委编办", purpose="demonstration")
    order = Order(OPENING, "bench", dry_run=dry_run, opens=opens)
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
    return seconds, imported, peak


def _read(path: Path) -> float:
    """Return the seconds in which calamine reads a workbook from end to end."""
    start = time.perf_counter()
    for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows():
        pass
    return time.perf_counter() - start
