"""What tests of the embedded server share: programs to kill, and looks at what is left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from infrastructure.server_folder import Lock

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds before a test gives up waiting; no test is about speed

# Started by root, this makes a program an ordinary user who owns root's files ("daemon", 1).
ORDINARY = ("unshare", "--user", "--map-user=1", "--map-group=1") if os.geteuid() == 0 else ()


class Program:
    """A running tests/server_program.py."""

    def __init__(
        self,
        folder: Path,
        mode: str = "serve",
        *,
        prefix: Sequence[str] = (),
        python: str = sys.executable,
        path: Sequence[Path] = (ROOT,),
    ) -> None:
        environment = dict(os.environ, PYTHONPATH=":".join(str(each) for each in path))
        script = str(path[0] / "tests" / "server_program.py")
        self.process = subprocess.Popen(
            [*prefix, python, script, str(folder), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd="/",
        )

    def hear(self, word: str) -> Any:
        """Return the value of the next line that says ``word``."""
        assert self.process.stdout is not None
        line = ""
        for line in self.process.stdout:
            said = json.loads(line)
            if word in said:
                return said[word]
        raise AssertionError(f"ended without saying {word}: {line}{self._complaint()}")

    def _complaint(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def rest(self) -> list[dict[str, Any]]:
        """Return what else it said, whole lines only, after its end."""
        assert self.process.stdout is not None
        lines = self.process.stdout.read().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def kill(self) -> None:
        """Kill it without warning."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Let it end in order."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0, self._complaint()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def home_of(folder: Path) -> Path:
    """Return where the folder's cluster is."""
    return Path(json.loads((folder / "state.json").read_text())["home"])


def postmaster_of(folder: Path) -> psutil.Process:
    """Return the running server's first process."""
    pid = (home_of(folder) / "cluster/postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def acknowledged(program: Program, at_least: int) -> list[int]:
    """Return the ids that an inserting program reported, once there are enough."""
    ids: list[int] = []
    while len(ids) < at_least:
        ids.append(program.hear("id"))
    return ids


def stored(url: str) -> set[int]:
    """Return the ids in the database."""
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM filed")}


def kill_each(*processes: psutil.Process | None) -> None:
    """Kill processes without warning."""
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # the one before took it along
            if each is not None:
                each.kill()


def eventually(true: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def wait_until_nobody_is_in(folder: Path) -> None:
    """Wait until killed programs' keepers have ended, so that the folder can be removed."""

    def free() -> bool:
        locks = [Lock.try_take(folder / name) for name in ("keeper.lock", "cluster.lock")]
        for lock in locks:
            if lock is not None:
                lock.let_go()
        return None not in locks

    eventually(lambda: not folder.exists() or free(), f"nobody is in {folder}")


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the modes and the hashes of all that is in a folder, itself included."""
    return {str(path): (path.lstat().st_mode, _hash(path)) for path in (folder, *folder.rglob("*"))}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
