"""The office's database: one schema, one small pool, two roles, numbered migrations.

The **owner** is who the connection URL logs in as; it migrates and rebuilds. The **writer** files:
it may read and add to the journal and maintain what is derived from it, and nothing else. Every
connection takes the writer's role; only `Database.as_owner` keeps the login's own.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

MIGRATION_LOCK = 0x7461697A68616E67  # "taizhang": one migrating program at a time
OLDEST_SERVER = 15_00_00
TRUSTED = 1.0
"""Seconds for which a connection that has answered is taken to live."""

T = TypeVar("T")
_MIGRATION = re.compile(r"^(\d{4})_\w+\.sql$")


class DatabaseProblem(Exception):
    """The database cannot be used as it is; the message says why, in Chinese."""


class Database:
    """One office's schema in a PostgreSQL database (15 or later)."""

    def __init__(self, url: str, *, schema: str = "office", pool_size: int = 8) -> None:
        """Prepare a pool of at most ``pool_size`` connections; nothing is opened yet."""
        self.url = url
        self.schema = schema
        self.writer = f"{schema}_writer"
        self.pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            open=False,
            configure=self._configure,
            check=self._check,
            name=f"taizhang-{schema}",
        )
        self._checked: WeakKeyDictionary[Connection[Any], float] = WeakKeyDictionary()
        self._filing: Connection[Any] | None = None
        self._one_files = threading.Lock()

    def open(self) -> None:
        """Migrate the schema to this program's version, then open the pool."""
        migrate(self)
        self.pool.open(wait=True, timeout=30)

    def close(self) -> None:
        """Close every connection."""
        with self._one_files:
            if self._filing is not None:
                self._filing.close()
                self._filing = None
        self.pool.close()

    def _check(self, connection: Connection[Any]) -> None:
        """Ask a connection whether it still lives, unless it has answered just now.

        The question costs as much as what most readers want to know.
        """
        now = time.monotonic()
        if now - self._checked.get(connection, -TRUSTED) >= TRUSTED:
            ConnectionPool.check_connection(connection)
            self._checked[connection] = now

    def _configure(self, connection: Connection[Any]) -> None:
        connection.autocommit = True  # whoever needs a transaction says so
        self._enter_schema(connection)
        connection.execute(SQL("SET ROLE {}").format(Identifier(self.writer)))

    def _enter_schema(self, connection: Connection[Any]) -> None:
        connection.execute(SQL("SET search_path = {}, pg_temp").format(Identifier(self.schema)))
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET jit = off")

    @contextmanager
    def changing(self) -> Iterator[Connection[Any]]:
        """Lend a connection for one change: all of it or, where the block ends badly, nothing."""
        with self.pool.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def filing(self, begin: Callable[[Connection[Any]], T]) -> Iterator[tuple[Connection[Any], T]]:
        """Lend the one connection kept for filing, in a transaction, with what ``begin`` returned.

        It is not asked beforehand whether it still lives: where it was lost meanwhile, ``begin``,
        which only takes the lock, is carried out again on another.
        """
        with self._one_files:
            connection, known = self._filing, True
            if connection is None or connection.closed:
                connection, known = self._connect(), False
            try:
                begun = _begin(connection, begin)
            except psycopg.OperationalError:
                if not known or not connection.closed:
                    raise
                connection = self._connect()
                begun = _begin(connection, begin)
            try:
                yield connection, begun
                _commit(connection)
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                raise

    def _connect(self) -> Connection[Any]:
        connection = psycopg.connect(self.url)
        try:
            self._configure(connection)
        except BaseException:
            connection.close()
            raise
        self._filing = connection
        return connection

    @contextmanager
    def reading(self) -> Iterator[Connection[Any]]:
        """Lend a connection for one consistent look: all its statements see the same moment."""
        with self.pool.connection() as connection:
            connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            connection.set_read_only(True)
            try:
                with connection.transaction():
                    yield connection
            finally:
                if not connection.closed:
                    connection.set_isolation_level(None)
                    connection.set_read_only(None)

    @contextmanager
    def as_owner(self) -> Iterator[Connection[Any]]:
        """Lend a connection of its own with the owner's rights, in one transaction."""
        with psycopg.connect(self.url) as connection:
            self._enter_schema(connection)
            yield connection


def _begin(connection: Connection[Any], begin: Callable[[Connection[Any]], T]) -> T:
    connection.execute("BEGIN")
    try:
        return begin(connection)
    except BaseException:
        if not connection.closed:
            connection.execute("ROLLBACK")
        raise


def _commit(connection: Connection[Any]) -> None:
    if connection.execute("COMMIT").statusmessage != "COMMIT":
        # The server rolls back, without an error, what an earlier error has spoilt.
        msg = "the transaction could not be committed"
        raise psycopg.InternalError(msg)


# ── migrations ───────────────────────────────────────────────────────────────────────────────


def migrations() -> dict[int, str]:
    """Return this program's migrations by number."""
    folder = resources.files("infrastructure") / "sql"
    found = {m[1]: item for item in folder.iterdir() if (m := _MIGRATION.match(item.name))}
    return {int(number): item.read_text("utf-8") for number, item in sorted(found.items())}


def migrate(database: Database) -> None:
    """Bring the schema to this program's version, once, whoever starts first.

    Raises `DatabaseProblem` where the database is newer than the program or too old a PostgreSQL.
    """
    with psycopg.connect(database.url) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            msg = "数据库版本过低：需要 PostgreSQL 15 以上。请升级后再启动，数据未作任何改动。"
            raise DatabaseProblem(msg)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        _found(database, connection)
        done = {
            row[0] for row in connection.execute("SELECT number FROM schema_migrations").fetchall()
        }
        ours = migrations()
        if done - set(ours):
            msg = (
                f"数据库结构版本（{max(done)}）比本程序（{max(ours)}）新。"
                "请使用较新版本的程序打开；数据未作任何改动。"
            )
            raise DatabaseProblem(msg)
        for number, text in ours.items():
            if number not in done:
                statement = _filled(text, database)
                connection.execute(statement, prepare=False)
                connection.execute("INSERT INTO schema_migrations (number) VALUES (%s)", (number,))


def _filled(text: str, database: Database) -> Composed:
    names = {"schema": Identifier(database.schema), "writer": Identifier(database.writer)}
    parts = re.split(r"\{(schema|writer)\}", text)
    return Composed([names[p] if i % 2 else SQL(p) for i, p in enumerate(parts)])


def _found(database: Database, connection: Connection[Any]) -> None:
    """Make the schema, the writer's role and the list of migrations where they are missing."""
    schema, writer = Identifier(database.schema), Identifier(database.writer)
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    known = connection.execute(
        "SELECT 1 FROM pg_roles WHERE rolname = %s", (database.writer,)
    ).fetchone()
    if known is None:
        try:
            with connection.transaction():
                connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(writer))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            known = (1,)  # roles are the cluster's: another office's program was faster
        except psycopg.errors.InsufficientPrivilege as error:
            msg = (
                f"数据库账号无权建立写入角色“{database.writer}”。请管理员先执行："
                f"CREATE ROLE {database.writer} NOLOGIN; 并把它授予本程序的登录账号。"
            )
            raise DatabaseProblem(msg) from error
    connection.execute(SQL("GRANT {} TO CURRENT_USER").format(writer))
    connection.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, writer))
    connection.execute(SQL("SET LOCAL search_path = {}, pg_temp").format(schema))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        "number int PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
