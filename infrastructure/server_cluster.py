"""The database cluster (数据库实例): made whole or not at all, entered only when nobody is in it.

<home>/
    cluster/              PostgreSQL's data, 0700
    cluster.new-…/        one in the making; becomes `cluster` by a rename, or is removed
    cluster.lock          inherited by every process of the server: held while one of them lives
    log/                  PostgreSQL's log, 30 days; without statements, without their values
    run/                  the socket, 0700 (or a short folder for temporary files, see below)
    belongs-to            the data folder, where that is somewhere else
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from infrastructure import server_accounts as accounts
from infrastructure import server_problems as problem
from infrastructure.durable import sync
from infrastructure.server_folder import Folder, Lock, State, write_private

MAJOR = "18"
ADMIN = "taizhang_admin"  # PostgreSQL's superuser: has no password, so nobody can log in as it
OWNER = "taizhang"  # owns the database; may create roles and databases, nothing more
DATABASE = "taizhang"
PORT = 5432  # only a part of the socket's name: there is no TCP
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103  # bytes; Linux allows 107, macOS 103
ROOM_NEEDED = 160 << 20  # bytes: an empty cluster, its first log segments, copied programs
LEAST_SHARED, MOST_SHARED = 128, 1024  # MB
_LOG_DAYS = 30

_HBA = "# Only through the socket, only with a password.\nlocal all all scram-sha-256\n"

# What must hold, whatever postgresql.conf says: given on the command line.
_PROMISES = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "cluster_name": "taizhang",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # No personal data in the log: errors quote values, so only the server's own life is logged,
    # tersely (DETAIL lines may quote the statement that a crashed backend was running).
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_lock_waits": "off",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "on",
    "log_filename": "postgresql-%Y-%m-%d.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_file_mode": "0600",
}

# What suits a small office: written to postgresql.conf once, where an operator may change it.
_TUNING = {
    "max_connections": "60",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # One server, no replicas: less write-ahead log, and bulk loads into new tables skip it.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "wal_buffers": "16MB",
    "min_wal_size": "64MB",
    "max_wal_size": "1GB",
    "commit_delay": "0",  # the writer groups commits itself
    "checkpoint_timeout": "10min",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def shared_buffers(memory: int) -> str:
    """Return what the server keeps of its tables in memory, of a machine that has so many bytes.

    An eighth, for the machine has other work; what is read once from a file stays in the system's
    own memory too, but is ten times as slow to come by.
    """
    eighth = memory // 8 >> 20
    return f"{min(max(eighth, LEAST_SHARED), MOST_SHARED)}MB"


class Patience:
    """Waits in small steps and says once a second what for."""

    STEP = 0.02

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._since = self._sign_of_life = time.monotonic()
        self._told = 0

    @property
    def seconds(self) -> float:
        """How long it has been, in seconds."""
        return time.monotonic() - self._since

    @property
    def silence(self) -> float:
        """How long it has been since the last sign of life, in seconds."""
        return time.monotonic() - self._sign_of_life

    def forgive(self) -> None:
        """Note a sign of life."""
        self._sign_of_life = time.monotonic()

    def wait(self, what: str) -> None:
        """Wait a step."""
        time.sleep(self.STEP)
        if int(self.seconds) > self._told:
            self._told = int(self.seconds)
            self._progress(f"{what}，已等待 {self._told} 秒……")


class Cluster:
    """One cluster in its home, run by one account."""

    def __init__(self, folder: Folder, state: State) -> None:
        self.folder = folder
        self.state = state
        self.way = state.way
        self.home = state.home
        self.path = state.home / "cluster"
        self.log = state.home / "log"
        self._lock = state.home / "cluster.lock"
        self._started = 0.0

    @classmethod
    def at(cls, folder: Folder) -> Cluster:
        """Find the folder's cluster, or decide where and under whom it is going to be.

        To be called under the keeper's lock.
        """
        state = folder.state
        if state is None:
            way = accounts.choose_way(folder.path)
            state = State(way=way, home=accounts.choose_home(folder.path, way))
            if state.home != folder.path:
                write_private(state.home / "belongs-to", str(folder.path))
            folder.state = state
        cluster = cls(folder, state)
        cluster._refuse_copies()
        return cluster

    def _refuse_copies(self) -> None:
        if self.home == self.folder.path:
            return
        if not self.home.is_dir():
            raise problem.data_missing(self.home)
        owner = self.home / "belongs-to"
        former = owner.read_text(encoding="utf-8")
        if former == str(self.folder.path):
            return
        claimed = Folder(Path(former)).state if Path(former).is_dir() else None
        if claimed is not None and claimed.home == self.home:
            raise problem.moved(self.folder.path, self.home, former)
        write_private(owner, str(self.folder.path))  # the folder was moved, not copied

    def take(self, patience: Patience) -> Lock:
        """Wait until no process of an earlier server is left, and lock the cluster.

        Raises:
            ServerProblem: a server that is not ours runs on it, or leftovers do not go.
        """
        told: set[int] = set()
        while (lock := Lock.try_take(self._lock)) is None:
            self._press_leftovers(patience.seconds, told)
            patience.wait("上一次运行的数据库正在收尾")
        try:
            self._forget_dead_postmaster()
        except BaseException:
            lock.let_go()
            raise
        return lock

    def _forget_dead_postmaster(self) -> None:
        """Remove its note, once proven dead: PostgreSQL would heed a stranger's process id."""
        note = self.path / "postmaster.pid"
        if not note.exists():
            return
        for stranger in self._inhabitants():
            raise problem.in_use(self.folder.path, f"另一个数据库进程（编号 {stranger.pid}）")
        note.unlink()

    def _press_leftovers(self, waited: float, told: set[int]) -> None:
        """Ask a postmaster without keeper to stop; end backends without postmaster."""
        leftovers = list(self._inhabitants())
        heads = [each for each in leftovers if _is_postmaster(each)]
        for head in heads:
            if head.pid not in told:
                told.add(head.pid)
                _send(head, signal.SIGINT)
        gentle, hard = (60, 75) if heads else (1, 5)
        if waited > hard + 60:
            raise problem.in_use(self.folder.path, "另一个程序")
        if waited > gentle:
            for each in leftovers:
                _send(each, signal.SIGKILL if waited > hard else signal.SIGQUIT)

    def _inhabitants(self) -> Iterator[psutil.Process]:
        """Yield the processes that are PostgreSQL's and stand in this very cluster."""
        for process in psutil.process_iter(["name", "cwd", "cmdline"]):
            if process.info["cwd"] == str(self.path) and process.info["name"] == "postgres":
                yield process

    def make_ready(self, lock: Lock) -> None:
        """Make the cluster if there never was one; check it if there is.

        Raises:
            ServerProblem: it is gone, or of another version, or could not be made.
        """
        for half_made in self.home.glob("cluster.new-*"):
            shutil.rmtree(half_made)
        if not self.path.exists():
            if self.state.made:
                raise problem.data_missing(self.path)
            self._make(lock)
        if not self.state.made:
            self.state = self.state.model_copy(update={"made": True})
            self.folder.state = self.state
        self._check_version()
        if self.folder.password is None:
            password = secrets.token_urlsafe(32)
            self._single_user(self.path, lock, f"ALTER ROLE {OWNER} PASSWORD '{password}'")
            self.folder.keep_password(password)

    def _check_version(self) -> None:
        try:
            found = (self.path / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise problem.data_missing(self.path) from None
        if found != MAJOR:
            raise problem.wrong_version(self.path, found, MAJOR)

    def _make(self, lock: Lock) -> None:
        free = shutil.disk_usage(self.home).free
        if free < ROOM_NEEDED:
            raise problem.too_little_room(self.home, ROOM_NEEDED, free)
        password = secrets.token_urlsafe(32)
        fresh = self.home / f"cluster.new-{secrets.token_hex(4)}"
        fresh.mkdir(0o700)
        try:
            accounts.give(fresh, self.way)
            self._initialise(fresh, lock, password)
            self.folder.keep_password(password)
            fresh.rename(self.path)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)  # the next start sweeps what stays
            raise
        sync(self.home)

    def _initialise(self, fresh: Path, lock: Lock, password: str) -> None:
        # Trust is only on paper here: nothing listens before pg_hba.conf is replaced.
        arguments = [
            *("--pgdata", str(fresh), "--username", ADMIN, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--data-checksums", "--no-instructions"),
        ]
        tuning = {**_TUNING, "shared_buffers": shared_buffers(psutil.virtual_memory().total)}
        for name, value in tuning.items():
            arguments += ["--set", f"{name}={value}"]
        self._run(lock, "initdb", *arguments)
        (fresh / "pg_hba.conf").write_text(_HBA, encoding="ascii")
        self._single_user(
            fresh,
            lock,
            f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'",
            f"GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {OWNER}",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
        )

    def _single_user(self, cluster: Path, lock: Lock, *statements: str) -> None:
        """Run statements as the superuser without a server that anyone could connect to."""
        script = "".join(f"{statement};\n\n" for statement in statements)
        arguments = ("--single", "-j", "-D", str(cluster), "-c", "log_min_error_statement=panic")
        said = self._run(lock, "postgres", *arguments, "postgres", feed=script)
        if "ERROR:" in said:  # which single-user mode reports and then goes on
            raise problem.from_output(said, self.folder.path)

    def _run(self, lock: Lock, program: str, *arguments: str, feed: str = "") -> str:
        """Run one of PostgreSQL's programs under the server's account; return what it said."""
        path = accounts.programs_for(self.way, self.home) / program
        answer = subprocess.run(  # noqa: S603 - our own file and the wheel's program
            accounts.keeper_command("exec", self.way, str(path), *arguments),
            check=False,
            cwd="/",
            env=accounts.ENVIRONMENT,
            input=feed,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.descriptor],
        )
        if answer.returncode != 0:
            raise problem.from_output(answer.stdout, self.folder.path)
        return answer.stdout

    def prepare_sockets(self) -> Path:
        """Return an empty folder for the socket, closed to others and with a short path."""
        former = self.folder.running
        if former is not None:
            _clear_sockets(former.sockets)
        sockets = self.home / "run"
        too_long = len(os.fsencode(sockets / SOCKET)) > SOCKET_PATH_LIMIT
        if too_long or "," in str(sockets):  # which clients take for a list of hosts
            return self._short_sockets()
        sockets.mkdir(0o700, exist_ok=True)
        accounts.give(sockets, self.way)
        _clear_sockets(sockets)
        return sockets

    def _short_sockets(self) -> Path:
        for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it safe
            if len(os.fsencode(f"{place}/taizhang-12345678/{SOCKET}")) <= SOCKET_PATH_LIMIT:
                break
        sockets = Path(tempfile.mkdtemp(prefix="taizhang-", dir=place))
        accounts.give(sockets, self.way)
        return sockets

    def command(self, sockets: Path) -> list[str]:
        """Return the command that runs the server."""
        self.log.mkdir(0o700, exist_ok=True)
        accounts.give(self.log, self.way)
        self._forget_old_logs()
        self._started = time.time()
        quoted = str(sockets).replace('"', '""')
        places = {"unix_socket_directories": f'"{quoted}"', "log_directory": str(self.log)}
        program = accounts.programs_for(self.way, self.home) / "postgres"
        command = [str(program), "-D", str(self.path)]
        for name, value in (_PROMISES | places).items():
            command += ["-c", f"{name}={value}"]
        return command

    def _forget_old_logs(self) -> None:
        oldest = time.time() - _LOG_DAYS * 86400
        for log in self.log.glob("postgresql-*.log"):
            if log.stat().st_mtime < oldest:
                log.unlink()

    def status(self) -> str:
        """Return what PostgreSQL says of itself: starting, ready, stopping; or nothing."""
        try:
            lines = (self.path / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ""
        return lines[7].strip() if len(lines) > 7 else "starting"  # noqa: PLR2004 - its format

    def last_words(self) -> str:
        """Return what PostgreSQL said last: while starting, and at the end of its log."""
        logs = sorted(self.log.glob("postgresql-*.log"))[-1:]
        fresh = [log for log in logs if log.stat().st_mtime >= self._started]
        sources = [path for path in (self.folder.start_log, *fresh) if path.exists()]
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in sources)
        return "\n".join(text[-4000:] for text in texts)


def _is_postmaster(process: psutil.Process) -> bool:
    """Backends retitle themselves ``postgres: …``; the postmaster keeps its command line."""
    return "-D" in (process.info["cmdline"] or ())


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # it went by itself; psutil checks that it is the same
        process.send_signal(number)


def _clear_sockets(folder: Path) -> None:
    """Remove a dead server's socket, and the folder if it was made for that socket alone."""
    for name in (SOCKET, f"{SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)
    if folder.name.startswith("taizhang-") and folder.is_dir():
        folder.rmdir()
