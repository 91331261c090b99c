"""What the routes work with: one office's parts, handed over by the composition root.

The protocols name what the routes ask of parts that live below ``application``; the parts
themselves are put together in ``app.py``.
"""

# What each method of a protocol does is said where it is done.
# ruff: noqa: D102

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any, ParamSpec, Protocol, TypeVar, cast

from application.access import Account, Reading, Session, Slowed
from application.evidence import Evidence
from application.filing import Filing, Receipt
from application.in_force import SUBJECT, InForce
from application.journal import Writer
from application.proposals import Proposals
from application.rights_differences import Differences
from application.rights_importing import Plan, Wanted
from application.rights_reading import RightsRead
from domain.vocabulary import Entry

K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")
T = TypeVar("T")

READERS = 6
"""Threads that wait for the database on behalf of readers."""

TOGETHER = 32
"""Keys that are asked for at once: more would keep the first of them waiting for the last."""

LOGINS_AT_ONCE = 2
"""Passwords checked at the same time: each costs 64 MiB and a tenth of a second of one core."""

LOGINS_WAITING = 30
"""Logins that may wait for that; further ones are asked to come back."""

EXPORTS_WAITING = 20
"""Exports that may wait for the one being written."""

IMPORTS_WAITING = 5
"""Imports that may wait for the one being carried out; each holds its files on disk."""


class Busy(Exception):
    """Too many wait for the same thing already; the message names it in Chinese."""


class Accounts(Protocol):
    """The office's accounts (see ``infrastructure/accounts.py``)."""

    @property
    def endings(self) -> int: ...
    def add(  # noqa: PLR0913
        self,
        name: str,
        display_name: str,
        password: str,
        roles: Iterable[str],
        *,
        by: str,
        must_change: bool = True,
        institution: str | None = None,
    ) -> Account: ...
    def all(self) -> list[Account]: ...
    def change(  # noqa: PLR0913
        self,
        name: str,
        *,
        by: str,
        display_name: str | None = None,
        roles: Iterable[str] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        institution: str | None = None,
    ) -> Account: ...
    def change_password(self, name: str, old: str, new: str, token: str) -> None: ...
    def events(self, *, before: int | None, limit: int) -> list[dict[str, Any]]: ...
    def login(self, name: str, password: str, address: str) -> tuple[str, Session]: ...
    def remembered(self, token: str) -> Session | None: ...
    def session(self, token: str) -> Session | None: ...
    def logout(self, token: str) -> None: ...


class AccessLog(Protocol):
    """Who read what (see ``infrastructure/access_log.py``)."""

    def note(self, reading: Reading) -> None: ...
    def readings(
        self, *, actor: str | None, exports: bool, before: int | None, limit: int
    ) -> list[dict[str, Any]]: ...


class Journal(Protocol):
    """Questions to the journal (see ``infrastructure/journal_reading.py``)."""

    def head(self) -> tuple[int, datetime | None]: ...
    def position_at(self, moment: datetime) -> int: ...
    def entry(self, position: int) -> Entry | None: ...
    def voided_by(self, position: int) -> int | None: ...


@dataclass(frozen=True)
class Services:
    """One office's parts, and the threads that wait for its database."""

    writer: Writer
    accounts: Accounts
    access_log: AccessLog
    journal: Journal
    find: Callable[..., Sequence[Entry]]
    ledgers: Any
    ledger_question: Callable[..., Any]
    write_file: Callable[..., Any]
    files: Callable[..., Any]
    distinct_names: Callable[[Sequence[str]], list[str]]
    copy_names: Callable[[Sequence[str]], dict[str, str]]
    read_lists: Callable[..., list[RightsRead]]
    plan_lists: Callable[[Sequence[RightsRead], Wanted], Plan]
    write_differences: Callable[[Differences, Sequence[tuple[str, str]], IO[bytes]], int]
    write_report: Callable[[Sequence[RightsRead], IO[bytes]], None]
    evidence: Evidence
    proposals: Proposals
    in_force: InForce
    version: str
    readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(READERS, "taizhang-reader")
    )
    passwords: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(LOGINS_AT_ONCE, "taizhang-login")
    )
    exporters: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "taizhang-export")
    )
    importers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "taizhang-import")
    )
    questions: dict[Hashable, asyncio.Future[Any]] = field(default_factory=dict)
    gathered: dict[Hashable, dict[Any, asyncio.Future[Any]]] = field(default_factory=dict)
    answering: set[asyncio.Task[None]] = field(default_factory=set)
    logins: list[None] = field(default_factory=list)
    exports: list[None] = field(default_factory=list)
    imports: list[None] = field(default_factory=list)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that waits for the database in a reader's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.readers, lambda: function(*args, **kwargs))

    async def run_once(
        self, key: Hashable, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call like `run`; whoever asks for the same ``key`` meanwhile gets the same answer.

        What many requests need to know is forgotten for all of them at the same moment.
        """
        underway = self.questions.get(key)
        if underway is None:
            underway = asyncio.ensure_future(self.run(function, *args, **kwargs))
            self.questions[key] = underway
            underway.add_done_callback(lambda _: self.questions.pop(key, None))
        return cast("T", await asyncio.shield(underway))

    async def run_together(
        self, group: Hashable, key: K, function: Callable[[Sequence[K]], Mapping[K, T]]
    ) -> T:
        """Return what a function that waits for the database finds for a key.

        It is asked for many keys at once: those that come while it is answering others of the same
        ``group`` wait and go in together. Who comes alone does not wait for company.
        """
        waiting = self.gathered.get(group)
        if waiting is None:
            waiting = self.gathered[group] = {}
            task = asyncio.ensure_future(self._answer_all(group, function))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)
        if key not in waiting:
            waiting[key] = asyncio.get_running_loop().create_future()
        return cast("T", await asyncio.shield(waiting[key]))

    async def _answer_all(
        self, group: Hashable, function: Callable[..., Mapping[Any, Any]]
    ) -> None:
        """Answer all who wait, and those who come meanwhile, until nobody does."""
        while waiting := self.gathered[group]:
            now = dict(islice(waiting.items(), TOGETHER))
            self.gathered[group] = dict(islice(waiting.items(), TOGETHER, None))
            try:
                found = await self.run(function, tuple(now))
                answers = [found[key] for key in now]
            except Exception as error:  # noqa: BLE001  (whoever asked is told)
                for future in now.values():
                    future.set_exception(error)
                    future.exception()  # seen, even if whoever asked has gone away
            else:
                for future, answer in zip(now.values(), answers, strict=True):
                    future.set_result(answer)
        del self.gathered[group]

    async def run_slowly(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that hashes passwords; raises `Slowed` where too many wait for it."""
        if len(self.logins) >= LOGINS_AT_ONCE + LOGINS_WAITING:
            raise Slowed(2)
        with _counted(self.logins):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.passwords, lambda: function(*args, **kwargs))

    async def run_export(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that writes a file, one at a time; raises `Busy` where too many wait."""
        if len(self.exports) > EXPORTS_WAITING:
            raise Busy("导出")
        with _counted(self.exports):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.exporters, lambda: function(*args, **kwargs))

    async def run_import(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that imports, one at a time; raises `Busy` where too many wait."""
        if len(self.imports) > IMPORTS_WAITING:
            raise Busy("导入")
        with _counted(self.imports):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.importers, lambda: function(*args, **kwargs))

    async def file(self, filing: Filing) -> Receipt:
        """File and wait without holding a thread; raises what the writer answers.

        Shielded: a caller who goes away does not take back what has been handed in.
        """
        return await asyncio.shield(asyncio.wrap_future(self.writer.submit(filing)))

    async def setting(self, name: str) -> Any:
        """Return a setting's value today."""
        known = self.in_force.remembered(name)
        if known is not None:
            return known
        key = ("setting", name, self.in_force.forgotten)
        return await self.run_once(key, self.in_force.value, name)

    def heed(self, receipt: Receipt) -> None:
        """Notice what a filing changes for the routes themselves."""
        if not receipt.dry_run and any(SUBJECT in entry.tags for entry in receipt.entries):
            self.in_force.forget()

    def close(self) -> None:
        """End the threads."""
        self.readers.shutdown(cancel_futures=True)
        self.passwords.shutdown(cancel_futures=True)
        self.exporters.shutdown(cancel_futures=True)
        self.importers.shutdown(cancel_futures=True)


@contextmanager
def _counted(waiting: list[None]) -> Iterator[None]:
    """Count one more who waits, for as long as he does; only the event loop's thread counts."""
    waiting.append(None)
    try:
        yield
    finally:
        waiting.pop()
