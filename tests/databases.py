"""PostgreSQL servers for tests: one of each kind for all workers, gone when the last has ended.

`embedded` is the program's own; `wheel16` and `external` stand for the servers an operator may
bring. All three are used as an operator's login would use them: an owner who may create roles and
databases and is no superuser.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from infrastructure import server_accounts as accounts
from infrastructure.server import EmbeddedServer

MASTER_KEY = b"only-for-tests-" + b"." * 17
KINDS = ("embedded", "wheel16", "external")
EXTERNAL_URL = "TAIZHANG_TEST_DATABASE_URL"
_PASSWORD = "only-for-tests"  # noqa: S105 - guards a socket in a folder that is closed to others


@contextmanager
def shared_server(kind: str, folder: Path) -> Iterator[str]:
    """Lend the URL of the session's server of this kind; `folder` is common to all workers.

    Each user holds a shared lock. Whoever started the server asks for the exclusive one before
    stopping it, and so waits for the others.
    """
    if kind == "external" and (url := os.environ.get(EXTERNAL_URL)):
        yield url
        return
    server = _server(kind, folder / kind)
    (folder / kind).mkdir(mode=0o700, exist_ok=True)
    with (folder / f"{kind}.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield server.start()
        fcntl.flock(users, fcntl.LOCK_UN)
        if not server.attached:
            fcntl.flock(users, fcntl.LOCK_EX)
            server.stop()


def _server(kind: str, folder: Path) -> EmbeddedServer | OtherServer:
    if kind == "embedded":
        return EmbeddedServer(folder / "server")
    if kind == "wheel16":
        return OtherServer(folder, accounts.carried_programs().parents[1] / "pginstall/bin")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip(
            f"no external PostgreSQL: none below /usr/lib/postgresql and no {EXTERNAL_URL} set"
        )
    return OtherServer(folder, programs[0].parent)


class OtherServer:
    """A PostgreSQL that is not the program's own, set up as a careful operator would."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.cluster = folder / "cluster"
        self.way = accounts.choose_way(folder.parent)
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def attached(self) -> bool:
        """True if another worker started it."""
        return self._keeper is None

    @property
    def url(self) -> str:
        """The URL of the login that an office would be given."""
        return f"postgresql://office:{_PASSWORD}@/office?host={quote(str(self.folder), safe='')}"

    def start(self) -> str:
        """Start it, or find it started."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not self._answers():
                self._make()
                self._launch()
        return self.url

    def stop(self) -> None:
        """Stop it."""
        if self._keeper is not None:
            self._keeper.communicate()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        if self.cluster.exists():
            return
        half_made = self.folder / "half-made"
        options = ["-U", "admin", "-A", "trust", "-E", "UTF8", "--locale", "C", "-N"]
        self._run("initdb", "-D", str(half_made), *options)
        (half_made / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="ascii")
        self._run(
            *("postgres", "--single", "-j", "-D", str(half_made), "postgres"),
            feed=f"CREATE ROLE office LOGIN CREATEROLE CREATEDB PASSWORD '{_PASSWORD}';\n\n"
            "CREATE DATABASE office OWNER office;\n\n",
        )
        half_made.rename(self.cluster)

    def _run(self, program: str, *arguments: str, feed: str = "") -> None:
        command = accounts.keeper_command("exec", self.way, str(self.programs / program))
        subprocess.run(
            [*command, *arguments], check=True, input=feed.encode(), capture_output=True, cwd="/"
        )

    def _launch(self) -> None:
        command = [str(self.programs / "postgres"), "-D", str(self.cluster), "-k", str(self.folder)]
        command += ["-c", "listen_addresses=", "-c", "log_min_messages=fatal"]
        with (self.folder / "server.log").open("ab") as log:
            plan = {
                "way": self.way,
                "program": command,
                "keeper_lock": log.fileno(),  # any open file: nobody else waits for this keeper
                "remove_files": [],
                "remove_folders": [],
            }
            self._keeper = subprocess.Popen(
                accounts.keeper_command("keep", json.dumps(plan)),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[log.fileno()],
            )
        while not self._answers():
            assert self._keeper.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.02)


def with_database(url: str, name: str) -> str:
    """Return the same URL for another database of the server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def drop(url: str, name: str) -> None:
    """Drop a database of the server behind an owner's URL, whoever is still connected to it.

    Its own vacuum an owner may not end, and has to wait for.
    """
    with psycopg.connect(url, autocommit=True) as owner:
        for last in (*[False] * 100, True):
            try:
                owner.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            except psycopg.errors.InsufficientPrivilege:
                if last:
                    raise
                time.sleep(0.1)
            else:
                return
