"""The server's folder (数据文件夹): whose it is, what stands in it, who is in it now.

    <folder>/                       made by us, 0700; a folder that was there keeps its modes
        TAIZHANG-SERVER.txt         the marker: this folder is ours, and please leave it alone
        state.json                  under which account the server runs, where its home is
        password                    0600, the database owner's
        keeper.lock                 held while a keeper lives (or someone starts one)
        owner.lock                  held by the program whose server it is, while that lives
        running.json                where the running server listens
        start.log                   what PostgreSQL said while it started
        cluster/ log/ run/ …        the home (see server_cluster), unless it must be elsewhere

Locks are kernel locks on open files: they vanish with the process that holds them, however it
ended. No process id is ever trusted to mean what it once meant.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from infrastructure import server_problems as problem
from infrastructure.durable import sync

MARKER = "TAIZHANG-SERVER.txt"
_MARKER_TEXT = """\
本文件夹是台账程序的数据库，请勿移动、改动或删除其中任何文件。
备份请使用程序的备份功能，不要直接复制本文件夹。
This folder is the database of Taizhang. Do not move, change or delete anything in it.
"""


class State(BaseModel):
    """What must be remembered to find the data again."""

    way: str
    home: Path
    made: bool = False


class Running(BaseModel):
    """Where the running server listens; says nothing about whether it still runs."""

    sockets: Path


class Lock:
    """A kernel lock on a file, taken at once or not at all."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def try_take(cls, path: Path, *, shared: bool = False) -> Self | None:
        """Take the lock (``shared``: beside others who share it), or return None if it is held."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def let_go(self) -> None:
        """Close our handle; the lock itself lives on in processes that inherited it."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()


class Folder:
    """A folder that was seen to be ours, to be writable, and to be closed to others."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keeper_lock = path / "keeper.lock"
        self.owner_lock = path / "owner.lock"
        self.start_log = path / "start.log"
        self._state = path / "state.json"
        self._running = path / "running.json"
        self._password = path / "password"

    @property
    def state(self) -> State | None:
        """What is remembered of an earlier start."""
        text = _read(self._state)
        try:
            return None if text is None else State.model_validate_json(text)
        except ValidationError:  # it is written whole or not at all: somebody changed it
            raise problem.data_missing(self.path) from None

    @state.setter
    def state(self, state: State) -> None:
        write_private(self._state, state.model_dump_json())

    @property
    def running(self) -> Running | None:
        """Where the present (or a past) server listens (or listened)."""
        text = _read(self._running)
        return None if text is None else Running.model_validate_json(text)

    @running.setter
    def running(self, running: Running) -> None:
        write_private(self._running, running.model_dump_json())

    def has_owner(self) -> bool:
        """Tell whether the program lives whose server this is."""
        nobody = Lock.try_take(self.owner_lock, shared=True)
        if nobody is not None:
            nobody.let_go()
        return nobody is None

    @property
    def running_file(self) -> Path:
        """The notice that the keeper takes down when the server has stopped."""
        return self._running

    @property
    def password(self) -> str | None:
        """The database owner's password; None where the file is missing."""
        return _read(self._password)

    def keep_password(self, password: str) -> None:
        """Write the password down, for us only."""
        write_private(self._password, password)


def enter(path: Path, *, traversable: bool) -> Folder:
    """Make the folder or check the one that is there; nothing that was there is changed.

    ``traversable`` makes new folders passable (0711) for the account that PostgreSQL runs under;
    the data inside stay 0700 and 0600.

    Raises:
        ServerProblem: it is no folder, not ours, someone else's, or open to others.
    """
    _make(path, 0o711 if traversable else 0o700)
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise problem.not_a_folder(path)
    if found.st_uid != os.geteuid():
        raise problem.other_owner(path, _name_of(found.st_uid))
    if found.st_mode & 0o022:
        raise problem.open_to_others(path)
    _mark(path)
    return Folder(path)


def _make(path: Path, mode: int) -> None:
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for highest in missing[-1:]:
        if highest.is_symlink():  # that leads nowhere
            raise problem.not_a_folder(highest)
        if not highest.parent.is_dir():
            raise problem.not_a_folder(highest.parent)
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another program starts at the same time
            folder.mkdir(mode)


def _mark(path: Path) -> None:
    marker = path / MARKER
    if marker.exists():
        return
    if any(entry.name != MARKER for entry in path.iterdir()):
        # A second program may have marked the folder, and gone on, between the two looks.
        if marker.exists():
            return
        raise problem.not_ours(path)
    write_private(marker, _MARKER_TEXT, aside=False)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"编号 {uid}"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write_private(path: Path, text: str, *, aside: bool = True) -> None:
    """Write a file that only we may read, whole or not at all.

    ``aside`` writes beside the target and renames; without it the file itself may be seen while
    it is still empty.
    """
    target = path.with_name(f"{path.name}.new") if aside else path
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if aside:
        target.rename(path)
    sync(path.parent)
