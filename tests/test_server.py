"""The embedded server: started, shared, stopped, and what it promises about itself."""

from __future__ import annotations

import fcntl
import json
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from infrastructure import server as server_module
from infrastructure.server import EmbeddedServer, ServerProblem
from infrastructure.server_cluster import shared_buffers
from tests.server_harness import (
    Program,
    eventually,
    home_of,
    kill_each,
    postmaster_of,
    wait_until_nobody_is_in,
)

GUARDED = (
    "password",
    "state.json",
    "running.json",
    "start.log",
    "keeper.lock",
    "cluster.lock",
    "owner.lock",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a place with a short name for a server that does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="taizhang-test-") as place:
        folder = Path(place) / "office" / "postgresql"
        yield folder
        wait_until_nobody_is_in(folder)


def test_only_its_owner_can_reach_it(folder: Path) -> None:
    """Folders 0700, files 0600, no TCP, a password for the owner, no way in for the superuser."""
    with EmbeddedServer(folder) as server:
        for part in (folder.parent, folder, folder / "cluster", folder / "run", folder / "log"):
            assert stat.S_IMODE(part.stat().st_mode) == 0o700, part
        for name in GUARDED:
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
        head = postmaster_of(folder)
        listening = {each.family.name for each in head.net_connections("all")}
        assert listening == {"AF_UNIX"}
        password = urlsplit(server.url).password
        assert password
        refused = (
            server.url.replace(password, "wrong"),
            server.url.replace("taizhang:", "taizhang_admin:"),
        )
        for url in refused:
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(url)


def test_it_is_set_up_as_promised(folder: Path) -> None:
    """UTF-8, the builtin C.UTF-8 locale, checksums, durable commits, an owner with few rights."""
    asked = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "",
        "jit": "off",
        "max_connections": "60",
    }
    shared = shared_buffers(psutil.virtual_memory().total).removesuffix("MB")
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        shown = {name: _one(connection, f"SHOW {name}") for name in asked}
        assert shown == asked
        pages = _one(connection, "SELECT setting FROM pg_settings WHERE name = 'shared_buffers'")
        assert int(str(pages)) * 8 == int(shared) * 1024
        locale = "SELECT concat(datlocprovider, ' ', datlocale) FROM pg_database WHERE datname = %s"
        assert _one(connection, locale, "taizhang") == "b C.UTF-8"
        rights = "SELECT rolsuper::text || rolreplication::text FROM pg_roles WHERE rolname = %s"
        assert _one(connection, rights, "taizhang") == "falsefalse"
        assert _one(connection, "SELECT current_user") == "taizhang"


def test_it_keeps_an_eighth_of_the_memory_for_its_tables() -> None:
    """On a small machine enough to work with, on a large one no more than an office needs."""
    sizes = {1 << 29: "128MB", 1 << 31: "256MB", 1 << 32: "512MB", 1 << 35: "1024MB"}
    assert {memory: shared_buffers(memory) for memory in sizes} == sizes


def test_it_stops_without_a_trace_and_keeps_the_data(folder: Path) -> None:
    """After `stop` no process, no socket and no notice is left; the next start finds the rows."""
    with EmbeddedServer(folder) as server:
        head = postmaster_of(folder)
        family = [head, *head.children(), head.parent()]
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT '台账' AS text")
    assert not [each for each in family if each and each.is_running()]
    assert not list((folder / "run").iterdir())
    assert not (folder / "running.json").exists()
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        assert _one(connection, "SELECT text FROM kept") == "台账"


def test_it_outlives_the_thread_that_started_it(folder: Path) -> None:
    """Only the owner's end stops the server, not that of the thread that called `start`."""
    server = EmbeddedServer(folder)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    try:
        for _ in range(3):
            psycopg.connect(server.url).close()
        assert postmaster_of(folder).is_running()
    finally:
        server.stop()


def test_a_second_program_attaches_for_as_long_as_the_first_lives(folder: Path) -> None:
    """It gets the same URL, a normal connection error once the owner is gone, and may then lead."""
    with Program(folder) as owner:
        url = owner.hear("url")
        with EmbeddedServer(folder) as guest:
            assert guest.attached
            assert guest.url == url
            connection = psycopg.connect(guest.url)
        assert postmaster_of(folder).is_running(), "the guest's end stopped the owner's server"
        url = guest.start()
        owner.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        connection.close()
    with EmbeddedServer(folder) as successor:
        assert not successor.attached


def test_of_programs_that_start_at_the_same_moment_one_leads(folder: Path) -> None:
    """Four at once on a folder that does not exist: one server, one owner, one URL."""
    programs = [Program(folder) for _ in range(4)]
    try:
        reports = [(each.hear("attached"), each) for each in programs]
        assert sorted(attached for attached, _ in reports) == [False, True, True, True]
        heads = [each for each in psutil.process_iter(["cmdline"]) if _serves(each, folder)]
        assert len(heads) == 1
    finally:
        for each in programs:
            each.__exit__()


def _serves(process: psutil.Process, folder: Path) -> bool:
    command = process.info["cmdline"] or [""]
    return command[0].endswith("/postgres") and str(folder / "cluster") in command


def test_it_waits_for_another_program_and_says_so(folder: Path) -> None:
    """While somebody else starts or stops a server there, the clerk is told, then served."""
    EmbeddedServer(folder).__enter__().stop()
    said: list[str] = []
    waiting = EmbeddedServer(folder, said.append)
    with _holding(folder / "keeper.lock", seconds=2.5), waiting as server:
        psycopg.connect(server.url).close()
    assert said
    assert all("另一个程序" in text and "秒" in text for text in said)


def test_it_does_not_wait_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder of the folder that shows no sign of life is named, and left alone."""
    EmbeddedServer(folder).__enter__().stop()
    monkeypatch.setattr(server_module, "_SIGN_OF_LIFE_WITHIN", 0.5)
    refusal = pytest.raises(ServerProblem, match="正被另一个程序使用")
    with _holding(folder / "keeper.lock", seconds=30), refusal as refused:
        EmbeddedServer(folder).start()
    assert refused.value.code == "in-use"


class _holding:  # noqa: N801 - reads as a verb
    """Another process that holds a lock for a while."""

    def __init__(self, path: Path, seconds: float) -> None:
        script = (
            "import fcntl, sys, time; file = open(sys.argv[1], 'a');"
            "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True);"
            "time.sleep(float(sys.argv[2]))"
        )
        self.holder = subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(seconds)], stdout=subprocess.PIPE
        )

    def __enter__(self) -> None:
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"held\n"

    def __exit__(self, *_: object) -> None:
        self.holder.kill()
        self.holder.communicate()


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """The socket moves to a short place, still closed to others, and is swept from there."""
    folder = tmp_path / ("很长的文件夹名" * 5) / "postgresql"
    assert len(bytes(folder)) > 107
    with EmbeddedServer(folder) as server:
        psycopg.connect(server.url).close()
        sockets = _sockets(folder)
        assert len(bytes(sockets)) < 90
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()
    with Program(folder) as program:
        program.hear("url")
        left_behind = _sockets(folder)
        head = postmaster_of(folder)
        kill_each(head.parent(), head, *head.children())
    assert left_behind.exists()
    with EmbeddedServer(folder):
        assert _sockets(folder) != left_behind
        assert not left_behind.exists()


def _sockets(folder: Path) -> Path:
    return Path(json.loads((folder / "running.json").read_text())["sockets"])


def test_a_path_may_hold_any_sign(tmp_path: Path) -> None:
    """Blanks, quotes, commas and per cent signs are parts of a name like any other."""
    folder = tmp_path / "a b,c'd\"e%f=g#h&i" / "p"
    for _ in range(2):
        with EmbeddedServer(folder) as server:
            psycopg.connect(server.url).close()


def test_a_lost_password_is_replaced(folder: Path) -> None:
    """The password is only a key to the socket: without it the data are not lost."""
    with EmbeddedServer(folder) as server:
        before = server.url
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    (folder / "password").unlink()
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        assert server.url != before
        assert _one(connection, "SELECT number FROM kept") == 7


def test_the_log_never_quotes_a_statement_or_a_value(folder: Path) -> None:
    """Neither an error nor a crash of a backend brings anybody's data into a file."""
    with EmbeddedServer(folder) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            with pytest.raises(psycopg.Error):
                connection.execute("SELECT '示范张三'::int")
            connection.execute("CREATE TABLE unique_name (name text PRIMARY KEY)")
            connection.execute("INSERT INTO unique_name VALUES ('示范李四')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO unique_name VALUES ('示范李四')")
            backend = psutil.Process(connection.info.backend_pid)
            threading.Timer(0.5, backend.send_signal, [signal.SIGKILL]).start()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(60), '示范王五'")
        eventually(lambda: _answers(server.url), "the server recovers from a backend's crash")
    written = [*(folder / "log").iterdir(), folder / "start.log"]
    texts = [path.read_text(encoding="utf-8") for path in written]
    assert any("terminated by signal 9" in text for text in texts), "the crash was not even logged"
    assert not [text for text in texts if "示范" in text]


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """The whole design leans on this: a kernel lock is gone however its holder ended."""
    path = tmp_path / "lock"
    with (
        _holding(path, seconds=60),
        path.open("a") as file,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_server_can_be_started_again(folder: Path) -> None:
    """The same object serves again after `stop`; `start` twice is once; `stop` twice is once."""
    server = EmbeddedServer(folder)
    first = server.start()
    head = postmaster_of(folder).pid
    assert server.start() == first
    assert postmaster_of(folder).pid == head
    server.stop()
    server.stop()
    assert server.start() == first
    assert home_of(folder) == folder
    server.stop()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _one(connection: psycopg.Connection, query: str, *values: object) -> object:
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]
