"""The keeper (看护进程): holds PostgreSQL by the hand for as long as its owner lives.

    program (owner) ──pipe──► keeper ──child──► postgres ──► its backends

The pipe is the owner's sign of life: it closes however the owner ends, SIGKILL included, and the
keeper then shuts PostgreSQL down cleanly. Should the keeper itself be killed, the kernel tells
PostgreSQL (parent-death signal, Linux). Should PostgreSQL be killed, the keeper sees to it that no
backend of the dead server is left and starts it again, which recovers every acknowledged commit.

This file runs by itself (``python -I -S server_keeper.py …``) with the standard library only, in a
session of its own and with a single thread, so that it may fork and change accounts safely:

    keep PLAN                 start PostgreSQL as the JSON plan says and keep it
    exec WAY PROGRAM ARGS…    become the account that WAY names and run PROGRAM
    probe WAY FOLDER ACCESS PROGRAM
                              can that account run PROGRAM and access FOLDER? (exit status 0: yes)

A *way* is the account PostgreSQL runs under, for it refuses to run as root:

    own                 the caller's own
    namespace:UID:GID   the caller's own, which a user namespace shows to the program as UID
    account:UID:GID     another account of the machine (only root can)
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

FAILED_TO_START = 3

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform == "linux"

# How long a shutdown may take before it is pressed harder: fast (checkpoint, seconds), then
# immediate (loses nothing: the next start recovers from the log), then by force.
_SHUTDOWN = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_ORPHANS = ((None, 1.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 10.0))
_RESTART_PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_HEALTHY_AFTER = 60.0


def _libc(call: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def become(way: str) -> None:
    """Turn the calling (single-threaded) process into the account that ``way`` names.

    Raises:
        OSError: the kernel does not allow it.
    """
    kind, _, account = way.partition(":")
    if kind == "own":
        return
    uid, gid = (int(number) for number in account.split(":"))
    if kind == "account":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        return
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _libc("unshare", _CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    _write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _die_with(parent: int, by: signal.Signals) -> None:
    """Ask the kernel to send us ``by`` when our parent ends, also if it just has."""
    if _LINUX:
        _libc("prctl", _PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(FAILED_TO_START)


class Keeper:
    """Keeps one PostgreSQL running until told to stop, or until the owner is gone."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.owner = os.getppid()
        self.stopping = False
        self.was_ready = False
        self.child = 0
        self.restarts = 0
        self.wake_in, wake_out = os.pipe()
        os.set_blocking(wake_out, False)
        os.set_blocking(self.wake_in, False)
        signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for told_to_stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(told_to_stop, self._stop)
        # Whoever inherits this lock shows that a keeper lives: the keeper alone may.
        os.set_inheritable(plan["keeper_lock"], False)  # noqa: FBT003 - the library's signature
        if _LINUX:
            _libc("prctl", _PR_SET_CHILD_SUBREAPER, 1)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def run(self) -> int:
        """Start, watch, start again; return the exit status."""
        while True:
            started = time.monotonic()
            self.child = self._launch()
            self._wait_until(lambda: self.child == 0 or self.stopping)
            if self.stopping:
                self._shut_down()
                return 0
            self._quell_orphans()
            if not self.was_ready:
                return FAILED_TO_START
            if time.monotonic() - started > _HEALTHY_AFTER:
                self.restarts = 0
            pause = _RESTART_PAUSES[min(self.restarts, len(_RESTART_PAUSES) - 1)]
            self.restarts += 1
            if self._wait_until(lambda: self.stopping, pause):
                self._tidy()
                return 0

    def _launch(self) -> int:
        keeper = os.getpid()
        child = os.fork()
        if child:
            return child
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            become(self.plan["way"])
            _die_with(keeper, signal.SIGINT)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            program = self.plan["program"]
            os.execv(program[0], program)  # noqa: S606 - no shell is wanted
        except OSError as error:
            print(f"FATAL:  keeper: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the log
        os._exit(FAILED_TO_START)

    def _wait_until(self, done: Callable[[], bool], patience: float | None = None) -> bool:
        """Look after signals, the owner and dead children until ``done``; False: in vain."""
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            self._reap()
            if done():
                return True
            left = 1.0 if deadline is None else min(1.0, deadline - time.monotonic())
            if left <= 0:
                return False
            sources = [self.wake_in] if self.stopping else [self.wake_in, 0]
            readable, _, _ = select.select(sources, [], [], left)
            if self.wake_in in readable:
                os.read(self.wake_in, 4096)
            if 0 in readable:
                self._hear_owner()
            # A forked child of the owner may hold the pipe open: the parent's id tells as well.
            if os.getppid() != self.owner:
                self.stopping = True

    def _hear_owner(self) -> None:
        word = os.read(0, 64)
        self.was_ready = self.was_ready or b"r" in word
        self.stopping = self.stopping or not word

    def _reap(self) -> None:
        while True:
            try:
                gone, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.child = 0
                return
            if gone == 0:
                return
            if gone == self.child:
                self.child = 0

    def _shut_down(self) -> None:
        for number, patience in _SHUTDOWN:
            deadline = time.monotonic() + patience
            # Said again and again: a child that is just becoming PostgreSQL may not hear it once.
            while self.child and time.monotonic() < deadline:
                os.kill(self.child, number)
                self._wait_until(lambda: self.child == 0, 0.5)
        self._quell_orphans()
        self._tidy()

    def _quell_orphans(self) -> None:
        """End backends that outlived their server: PostgreSQL cannot start beside them."""
        for number, patience in _ORPHANS:
            for orphan in _children():
                if number is not None:
                    os.kill(orphan, number)
            if self._wait_until(lambda: not _children(), patience):
                return

    def _tidy(self) -> None:
        """Leave no socket and no notice behind of a server that is gone."""
        for path in self.plan["remove_files"]:
            if os.path.lexists(path):
                os.unlink(path)  # noqa: PTH108 - keeps this file's imports to the minimum
        for folder in self.plan["remove_folders"]:
            if os.path.isdir(folder):  # noqa: PTH112
                os.rmdir(folder)  # noqa: PTH106


def _children() -> list[int]:
    """Return the keeper's children; orphaned grandchildren count, for it adopts them (Linux)."""
    if not _LINUX:
        return []
    me = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == me]  # noqa: PTH208


def _parent(process: str) -> int:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:  # it ended while we looked
        return 0


def _probe(way: str, folder: str, access: str, program: str) -> None:
    become(way)
    wanted = {"cross": os.X_OK, "write": os.R_OK | os.W_OK | os.X_OK}[access]
    if not os.access(folder, wanted):
        sys.exit(1)
    os.execv(program, [program, "--version"])  # noqa: S606 - no shell is wanted


def main(arguments: list[str]) -> None:
    """Do what the module's docstring says; returns never."""
    os.umask(0o077)
    match arguments:
        case ["keep", plan]:
            sys.exit(Keeper(json.loads(plan)).run())
        case ["exec", way, *program]:
            parent = os.getppid()
            become(way)
            _die_with(parent, signal.SIGTERM)
            os.execv(program[0], program)  # noqa: S606 - no shell is wanted
        case ["probe", way, folder, access, program]:
            _probe(way, folder, access, program)
        case _:
            sys.exit("usage: see the docstring")


if __name__ == "__main__":
    main(sys.argv[1:])
