"""The program's own PostgreSQL (内嵌数据库): started with the program, gone with it, data kept.

An office that has no database server runs this one. Its binaries come in a wheel; this module
takes them through their whole life:

    start    the folder is made or checked; the first start makes the cluster; a later one waits
             until nothing of the last run is left, then starts, recovering if that was killed
    attach   a second program on the same folder uses the first one's server while that lasts
    stop     cleanly, and by itself when the owner ends, SIGKILL included

    server.py           this story
    server_folder.py    the data folder: whose it is, who is in it
    server_cluster.py   the database cluster: made, checked, cleared of leftovers
    server_accounts.py  under which account PostgreSQL runs (it refuses root)
    server_keeper.py    the process between us and PostgreSQL that watches both
    server_problems.py  everything that can be wrong, in the clerk's words
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from infrastructure import server_accounts as accounts
from infrastructure import server_problems as problem
from infrastructure.server_cluster import DATABASE, OWNER, PORT, SOCKET, Cluster, Patience
from infrastructure.server_folder import Folder, Lock, Running, enter
from infrastructure.server_problems import ServerProblem

__all__ = ["EmbeddedServer", "ServerProblem"]

_PASSING = re.compile(
    "starting up|shutting down|recovery mode|not yet accepting|Connection refused|"
    "No such file|server closed the connection|too many clients|Connection reset"
)
_SIGN_OF_LIFE_WITHIN = 60.0  # seconds a holder of the folder may take before it answers
_STOP_WITHIN = 120.0  # seconds; the keeper presses PostgreSQL harder and harder until then


def _say_nothing(_: str) -> None:
    pass


class EmbeddedServer:
    """The program's own PostgreSQL with its data in a folder of its own.

    Args:
        data_dir: the server's folder; it is made if it does not exist, and must be ours if it
            does. Nothing but the server's own files belongs there.
        progress: is told in Chinese, once a second, what a long wait is for.
    """

    def __init__(self, data_dir: Path, progress: Callable[[str], None] = _say_nothing) -> None:
        self.data_dir = Path(os.path.realpath(Path(data_dir).expanduser()))
        self._progress = progress
        self._keeper: subprocess.Popen[bytes] | None = None
        self._ownership: Lock | None = None
        self._owner = 0
        self._url = ""

    @property
    def url(self) -> str:
        """The connection URL of the database's owner, with the password: never log it."""
        return self._url

    @property
    def attached(self) -> bool:
        """True if the server was started, and will be stopped, by another program."""
        return bool(self._url) and self._keeper is None

    def start(self) -> str:
        """Start the server or attach to the one that runs; return the owner's connection URL.

        Waits as long as a crash recovery takes. Calling it again is harmless, and starts the
        server again if its keeper was killed.

        Raises:
            ServerProblem: it cannot be used now; nothing was lost and nothing was deleted.
        """
        if self._keeper is not None and self._keeper.poll() is None:
            return self._url
        self._forget()
        try:
            self._url = self._start()
        except OSError as error:
            raise problem.from_os_error(error, self.data_dir) from error
        return self._url

    def stop(self) -> None:
        """Stop the server cleanly if it is ours; leave it to its owner if it is not.

        Raises:
            ServerProblem: it did not stop in time; nothing is lost.
        """
        keeper = self._keeper
        try:
            if keeper is not None and self._owner == os.getpid():  # a forked child owns nothing
                _dismiss(keeper)
        except subprocess.TimeoutExpired:
            raise problem.did_not_stop(self.data_dir) from None
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._ownership is not None:
            self._ownership.let_go()
        self._keeper, self._ownership, self._url = None, None, ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> str:
        fresh = not self.data_dir.exists()
        way = accounts.choose_way(self.data_dir) if fresh else "own"
        folder = enter(self.data_dir, traversable=way.startswith("account"))
        patience = Patience(self._progress)
        while True:
            lock = Lock.try_take(folder.keeper_lock)
            if lock is not None:
                with lock:
                    return self._lead(folder, lock)
            if folder.has_owner() and (url := _connect(folder)):
                return url
            cluster = _known_cluster(folder)
            if cluster and cluster.status() == "starting":  # a recovery takes what it takes
                patience.forgive()
            if patience.silence > _SIGN_OF_LIFE_WITHIN:
                last_words = cluster.last_words() if cluster else ""
                raise problem.from_silence(last_words, folder.path)
            patience.wait("另一个程序正在启动或关闭这里的数据库")

    def _lead(self, folder: Folder, keeper_lock: Lock) -> str:
        cluster = Cluster.at(folder)
        with cluster.take(Patience(self._progress)) as cluster_lock:
            cluster.make_ready(cluster_lock)
            sockets = cluster.prepare_sockets()
            folder.running = Running(sockets=sockets)
            self._ownership = _own(folder)
            self._keeper = _employ(cluster, sockets, keeper_lock, cluster_lock)
            self._owner = os.getpid()
        try:
            return self._await_ready(cluster, self._keeper)
        except BaseException:
            self.stop()
            raise

    def _await_ready(self, cluster: Cluster, keeper: subprocess.Popen[bytes]) -> str:
        patience = Patience(self._progress)
        while True:
            if keeper.poll() is not None:
                raise problem.from_output(cluster.last_words(), cluster.folder.path)
            if cluster.status() != "ready":
                patience.forgive()  # a recovery takes what it takes
            elif url := _connect(cluster.folder):
                _tell_ready(keeper)
                return url
            if patience.silence > _SIGN_OF_LIFE_WITHIN:
                raise problem.from_output(cluster.last_words(), cluster.folder.path)
            patience.wait("数据库正在启动（若上次未正常关闭，正在恢复数据）")


def _employ(
    cluster: Cluster, sockets: Path, keeper_lock: Lock, cluster_lock: Lock
) -> subprocess.Popen[bytes]:
    """Start the keeper, which inherits both locks and starts PostgreSQL."""
    own_folder = [] if sockets.is_relative_to(cluster.home) else [str(sockets)]
    files = [sockets / SOCKET, sockets / f"{SOCKET}.lock", cluster.folder.running_file]
    plan = {
        "way": cluster.way,
        "program": cluster.command(sockets),
        "keeper_lock": keeper_lock.descriptor,
        "remove_files": [str(path) for path in files],
        "remove_folders": own_folder,
    }
    with cluster.folder.start_log.open("wb") as log:
        cluster.folder.start_log.chmod(0o600)
        return subprocess.Popen(  # noqa: S603 - our own file
            accounts.keeper_command("keep", json.dumps(plan)),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env=accounts.ENVIRONMENT,
            start_new_session=True,  # a Ctrl-C is the owner's to handle
            pass_fds=[keeper_lock.descriptor, cluster_lock.descriptor],
        )


def _own(folder: Folder) -> Lock:
    # A new file each time: an old one may still be held by a child that a dead owner forked.
    folder.owner_lock.unlink(missing_ok=True)
    while (lock := Lock.try_take(folder.owner_lock)) is None:
        time.sleep(Patience.STEP)  # somebody is just looking whether there is an owner
    return lock


def _dismiss(keeper: subprocess.Popen[bytes]) -> None:
    if keeper.stdin is not None:
        keeper.stdin.close()
    keeper.wait(_STOP_WITHIN)


def _tell_ready(keeper: subprocess.Popen[bytes]) -> None:
    if keeper.stdin is not None:
        keeper.stdin.write(b"r")
        keeper.stdin.flush()


def _known_cluster(folder: Folder) -> Cluster | None:
    state = folder.state
    return Cluster(folder, state) if state else None


def _connect(folder: Folder) -> str | None:
    """Return the URL of the server that runs in the folder, if it answers."""
    running, password = folder.running, folder.password
    if running is None or password is None:
        return None
    host = quote(str(running.sockets), safe="")
    url = f"postgresql://{OWNER}:{password}@/{DATABASE}?host={host}&port={PORT}"
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        if _PASSING.search(str(error)):
            return None
        raise problem.from_output(str(error), folder.path) from error
    return url
