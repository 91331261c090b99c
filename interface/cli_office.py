"""How every command comes by its office: settings, server, master key; and how it speaks.

The embedded server is started (or joined) unless ``TAIZHANG_DATABASE_URL`` names another. The
master key's file is made when an office is opened for the first time, and never again: a database
that has keys needs the key it was opened with.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from application.books import LEDGERS
from application.filing import OFFICE_ZONE
from domain.codes import only
from infrastructure.evidence import StoredEvidence
from infrastructure.key_rotation import master_key
from infrastructure.keys import KeyRing, load_master_key
from infrastructure.office import Office
from infrastructure.rebuilding import RebuildRunning, TablesInUse, rebuild
from infrastructure.server import EmbeddedServer
from infrastructure.settings import Settings, read_settings
from infrastructure.system_words import why

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  (it has no public name)
else:
    Commands = Any

out: Final = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
"""What a command answers."""

err: Final = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""What it says besides: progress, problems."""


class CannotDo(Exception):
    """A command cannot be carried out; the message says why, in Chinese."""


def complain(message: str) -> None:
    """Tell a person what is wrong."""
    err.print(message, style="red" if err.is_terminal else "")


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """Lend the owner's URL of the office's database, starting the embedded server if need be."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedServer(settings.server_dir, progress=_say) as server:
        yield server.url


@contextmanager
def opened_office(settings: Settings | None = None) -> Iterator[Office]:
    """Lend the office, opened; everything is closed at the end."""
    settings = settings or read_settings()
    with (
        database_url(settings) as url,
        Office(
            url,
            key_for(settings, url),
            schema=settings.office_schema,
            pool_size=settings.pool_size,
            evidence=settings.evidence_places,
        ) as office,
    ):
        yield office


@contextmanager
def opened_office_and_ring() -> Iterator[tuple[Office, KeyRing]]:
    """Lend the office with a key ring beside its own, for long work over all entries."""
    settings = read_settings()
    with opened_office(settings) as office:
        ring = KeyRing(load_master_key(settings.key_file))
        with office.database.as_owner() as connection:
            ring.open(connection)
        yield office, ring


@contextmanager
def working_office(settings: Settings | None = None) -> Iterator[Office]:
    """Lend the office for filing and serving: its ledgers are those that this program keeps.

    What another version of the program made is made anew first, from the journal.

    Raises:
        CannotDo: they cannot be made anew now.
    """
    settings = settings or read_settings()
    with opened_office(settings) as office:
        _renew(office, settings)
        yield office


def _renew(office: Office, settings: Settings) -> None:
    with office.database.as_owner() as connection:
        stale = [LEDGERS[name] for name in office.tables.stale(connection)]
        if not stale:
            return
        ring = KeyRing(load_master_key(settings.key_file))
        ring.open(connection)
    titles = "、".join(one.title for one in stale)
    _say(f"程序已升级，{len(stale)} 本台账须由流水重新生成：{titles}。")
    with progress() as report:
        try:
            rebuild(office.database, ring, stale, report)
        except (RebuildRunning, TablesInUse) as problem:
            raise CannotDo(str(problem)) from None
    _say("台账已重新生成。")


def key_for(settings: Settings, url: str) -> bytes:
    """Return the master key, made now if this is the office's first start."""
    key, is_new = master_key(settings.key_file, url, settings.office_schema)
    if is_new:
        _say(
            f"已生成主密钥：{settings.key_file}\n"
            "请立即另存一份到安全的地方：没有它，个人信息无法读取。"
        )
    return key


def evidence_of(office: Office, settings: Settings) -> StoredEvidence:
    """Return an office's evidence, telling of a signing key that was made just now."""
    evidence = office.evidence
    if office.signing_key_is_new:
        _say(
            f"已生成检查点签名密钥：{settings.evidence_places.key_file}\n"
            "请另存一份到安全的地方，并公布公钥（taizhang evidence key show）。"
        )
    return evidence


def _say(message: str) -> None:
    err.print(message)


UNBUILT: Final = 6
"""Exit code: what was compared agrees, but ledgers wait to be rebuilt and were not compared."""


UNBUILT_ADVICE: Final = (
    "程序升级后属正常：请执行 taizhang ledgers rebuild，再核对一次"
    "（启动服务、导入时也会自动重建）。近期没有升级过程序的，请先报告负责人。"
)


def unbuilt_told(titles: Sequence[str]) -> str:
    """Say which ledgers were not compared, and why."""
    return f"有 {len(titles)} 本台账不是由本版程序生成的，没有核对：{'、'.join(titles)}。"


# ── what commands share ──────────────────────────────────────────────────────────────────────


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Lend a function that shows what is being done, how much of it is done, and of how much."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield report


def plain_table(title: str | None = None) -> Table:
    """Return an empty table as all of ours look: few lines, so that more words fit."""
    return Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )


def table_of(*headings: str, title: str | None = None) -> Table:
    """Return an empty table that wraps what is too wide, and cuts nothing off."""
    table = plain_table(title)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def day(text: str) -> date:
    """Read a day from the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CannotDo(f"“{text}”不是有效的日期，应写作 2024-05-01。") from None


def instant(text: str) -> datetime:
    """Read a moment from the command line, in the office's time unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CannotDo(f"“{text}”不是有效的时刻，应写作 2024-05-01T09:30。") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=OFFICE_ZONE)


def shown(value: Any, choices: dict[str, str] | None = None) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    return (choices or {}).get(str(value), str(value))


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Lend a file that appears under its name, readable by its owner only, once it is complete."""
    if path.exists() and not force:
        raise CannotDo(f"{path} 已存在；要覆盖请加 --force。")
    try:
        file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False)  # noqa: SIM115  (renamed below)
    except OSError as error:
        raise CannotDo(f"不能写入 {path.parent}（{why(error)}）。") from error
    try:
        with file:
            yield file
        Path(file.name).replace(path)
    except BaseException:
        Path(file.name).unlink()
        raise


def code_of(value: str, choices: Mapping[str, str], title: str) -> str:
    """Return the code that a value is or names; without choices any value will do.

    Raises:
        CannotDo: there is no such choice; names those there are.
    """
    if not choices or value in choices:
        return value
    codes = {name: code for code, name in choices.items()}
    if value not in codes:
        raise CannotDo(f"“{title}”没有“{value}”这一项，{only(choices)}")
    return codes[value]


def is_interactive() -> bool:
    """Whether somebody sits in front of it who can be asked."""
    return sys.stdin.isatty()


def operator() -> str:
    """Return how the logs name whoever works on the command line."""
    return f"命令行：{getpass.getuser()}"
