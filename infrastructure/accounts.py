"""Accounts, sessions and slowed logins on PostgreSQL.

    login ──► too many failures lately? ──► argon2id ──► token: 256 random bits, stored as SHA-256
    token ──► session, remembered here for a moment so that a filing does not wait for a look-up

All of it blocks; the interface calls it from its threads.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from psycopg import Connection
from psycopg.rows import dict_row

from application.access import (
    Account,
    AccountProblem,
    Role,
    Session,
    Slowed,
    WrongLogin,
    check_institution,
    checked_password,
    checked_roles,
)
from infrastructure.database import Database

TOKEN_LIFE: Final = timedelta(hours=12)
"""A working day and some overtime; the next day starts with a login."""

TRUSTED_SECONDS: Final = 2.0
"""How long a session is believed without asking the database again: an account disabled by
another process is shut out after so long at the latest, one disabled here at once."""

REMEMBERED: Final = 10_000
"""Most sessions remembered."""

FREE_FAILURES: Final = {"account": 3, "address": 20}
"""Wrong logins that cost no waiting; an address may be a whole office's."""

LONGEST_WAIT: Final = 300
"""Seconds that a further wrong login can cost at the most; it doubles up to here."""

FORGIVEN_AFTER: Final = timedelta(hours=1)
"""Failures are forgotten after so long without another."""

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_hasher: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


class Accounts:
    """The accounts of one office."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._sessions: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()
        self.endings = 0
        self._nobody = ""

    # ── accounts ─────────────────────────────────────────────────────────────────────────────

    def add(  # noqa: PLR0913  (what an account consists of)
        self,
        name: str,
        display_name: str,
        password: str,
        roles: Iterable[str],
        *,
        by: str,
        must_change: bool = True,
        institution: str | None = None,
    ) -> Account:
        """Open an account; raises `AccountProblem` where it cannot be opened so.

        ``institution`` is the internal id of the institution whose staff it is for.
        """
        if not _NAME.fullmatch(name):
            raise AccountProblem(
                "account.name",
                "账号名须以小写字母开头，由 2 至 32 个小写字母、数字、点、下划线或连字符组成。",
            )
        wanted = checked_roles(roles)
        check_institution(wanted, institution)
        digest = _hasher.hash(checked_password(password, name))
        values = (name, display_name, list(wanted), digest, must_change, institution)
        with self._database.changing() as connection:
            try:
                connection.execute(
                    "INSERT INTO accounts (name, display_name, roles, password_hash, must_change,"
                    " institution) VALUES (%s, %s, %s, %s, %s, %s)",
                    values,
                )
            except psycopg.errors.UniqueViolation:
                raise AccountProblem("account.exists", f"账号“{name}”已存在。") from None
            _log(connection, by, name, "added", ",".join([*wanted, *filter(None, [institution])]))
            return _account(connection, name)

    def all(self) -> list[Account]:
        """Return every account, disabled ones included, by name."""
        with self._database.pool.connection() as connection:
            return _accounts(connection, "true ORDER BY name", ())

    def change(  # noqa: PLR0913  (what an account consists of)
        self,
        name: str,
        *,
        by: str,
        display_name: str | None = None,
        roles: Iterable[str] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        institution: str | None = None,
    ) -> Account:
        """Change what is given, all of it or nothing; raises `AccountProblem`.

        Other roles than those of a department's staff leave the ``institution`` behind.

        A disabled account's sessions end at once, and so do those of one whose password somebody
        else has set: it must change that first.
        """
        wanted = None if roles is None else checked_roles(roles)
        digest = None if password is None else _hasher.hash(checked_password(password, name))
        with self._database.changing() as connection:
            before = _account(connection, name, lock=True)
            kept = wanted or before.roles
            own = institution or (before.institution if Role.DEPARTMENT in kept else None)
            check_institution(kept, own)
            connection.execute(
                "UPDATE accounts SET display_name = coalesce(%(display_name)s, display_name),"
                " roles = %(roles)s, institution = %(institution)s, disabled_at = CASE"
                " WHEN %(disabled)s::boolean IS NULL THEN disabled_at WHEN %(disabled)s"
                " THEN coalesce(disabled_at, clock_timestamp()) END WHERE name = %(name)s",
                {
                    "display_name": display_name,
                    "roles": list(kept),
                    "institution": own,
                    "disabled": disabled,
                    "name": name,
                },
            )
            _keep_an_administrator(connection, before)
            if digest is not None:
                self._store_password(connection, name, digest, must_change=True)
            if disabled or digest is not None:
                connection.execute("DELETE FROM tokens WHERE account = %s", (name,))
            if disabled is False or digest is not None:
                self._forgive(connection, _subject("account", name))
            for event, detail in (
                ("renamed", None if display_name is None else ""),
                ("roles", None if wanted is None else ",".join(wanted)),
                ("institution", None if own == before.institution else own or ""),
                ("password-set", None if digest is None else ""),
                ("disabled" if disabled else "enabled", None if disabled is None else ""),
            ):
                if detail is not None:
                    _log(connection, by, name, event, detail or None)
            after = _account(connection, name)
        self._end_sessions()
        return after

    def change_password(self, name: str, old: str, new: str, token: str) -> None:
        """Change one's own password; every other session of the account ends.

        Raises `WrongLogin` or `Slowed` where the old one is wrong, as a login does.
        """
        self._check(name, old, address=None)
        wanted = checked_password(new, name)
        if wanted == unicodedata.normalize("NFC", old):
            raise AccountProblem("account.password", "新密码不能与原密码相同。")
        digest = _hasher.hash(wanted)
        with self._database.changing() as connection:
            self._store_password(connection, name, digest, must_change=False)
            connection.execute(
                "DELETE FROM tokens WHERE account = %s AND digest <> %s", (name, _digest(token))
            )
            _log(connection, name, name, "password-changed", None)
        self._end_sessions()

    @staticmethod
    def _store_password(
        connection: Connection[Any], name: str, digest: str, *, must_change: bool
    ) -> None:
        connection.execute(
            "UPDATE accounts SET password_hash = %s, must_change = %s WHERE name = %s",
            (digest, must_change, name),
        )

    def events(self, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Return what happened to accounts, newest first, below id ``before``."""
        with self._database.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(
                "SELECT * FROM account_log WHERE id < %s ORDER BY id DESC LIMIT %s",
                (before or 2**62, limit),
            ).fetchall()

    # ── sessions ─────────────────────────────────────────────────────────────────────────────

    def login(self, name: str, password: str, address: str) -> tuple[str, Session]:
        """Return a token and its session; raises `WrongLogin` or `Slowed`."""
        self._check(name, password, address)
        token = secrets.token_urlsafe(32)
        with self._database.changing() as connection:
            connection.execute("DELETE FROM tokens WHERE expires_at < clock_timestamp()")
            connection.execute(
                "INSERT INTO tokens (digest, account, expires_at)"
                " VALUES (%s, %s, clock_timestamp() + %s)",
                (_digest(token), name, TOKEN_LIFE),
            )
            connection.execute(
                "UPDATE accounts SET last_login_at = clock_timestamp() WHERE name = %s", (name,)
            )
            _log(connection, name, name, "login", address)
        session = self.session(token)
        if session is None:  # disabled between the two transactions
            raise WrongLogin
        return token, session

    def remembered(self, token: str) -> Session | None:
        """Return the token's session if it was confirmed a moment ago; never blocks."""
        known = self._sessions.get(_digest(token))
        if known is None or time.monotonic() - known[0] > TRUSTED_SECONDS:
            return None
        return known[1] if known[1].expires_at > datetime.now(UTC) else None

    def session(self, token: str) -> Session | None:
        """Return the token's session if it is valid now."""
        digest, endings = _digest(token), self.endings
        with self._database.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            row = cursor.execute(
                "SELECT name, display_name, roles, expires_at, must_change, institution"
                " FROM tokens JOIN accounts ON name = account WHERE digest = %s"
                " AND expires_at > clock_timestamp() AND disabled_at IS NULL",
                (digest,),
                prepare=True,
            ).fetchone()
        if row is None:
            self._sessions.pop(digest, None)
            return None
        session = Session(**{**row, "roles": tuple(map(Role, row["roles"]))})
        if endings != self.endings:  # ended while it was looked up, perhaps this one
            return session
        self._sessions[digest] = (time.monotonic(), session)
        while len(self._sessions) > REMEMBERED:
            with suppress(KeyError):  # another thread may have been quicker
                self._sessions.popitem(last=False)
        return session

    def logout(self, token: str) -> None:
        """End the token's session."""
        digest = _digest(token)
        with self._database.changing() as connection:
            row = connection.execute(
                "DELETE FROM tokens WHERE digest = %s RETURNING account", (digest,)
            ).fetchone()
            if row is not None:
                _log(connection, row[0], row[0], "logout", None)
        self._end_sessions()

    def _end_sessions(self) -> None:
        """Some session has ended: all are looked up anew, and what is underway is not kept.

        ``endings`` counts it.
        """
        self.endings += 1
        self._sessions.clear()

    # ── passwords ────────────────────────────────────────────────────────────────────────────

    def _check(self, name: str, password: str, address: str | None) -> None:
        """Check a password, slowing down whoever guesses.

        An unknown or disabled account costs the same time and answers the same as a wrong
        password, so nobody learns which accounts there are.
        """
        subjects = [_subject("account", name)]
        if address is not None:
            subjects.append(_subject("address", address))
        with self._database.pool.connection() as connection:
            _refuse_blocked(connection, subjects)
            row = connection.execute(
                "SELECT password_hash FROM accounts WHERE name = %s AND disabled_at IS NULL",
                (name,),
            ).fetchone()
        text = unicodedata.normalize("NFC", password)
        if not self._fits(text, row[0] if row else None):
            with self._database.changing() as connection:
                for subject in subjects:
                    _count_failure(connection, subject)
                if row is not None:
                    _log(connection, name, name, "login-failed", address)
            raise WrongLogin
        with self._database.changing() as connection:
            self._forgive(connection, subjects[0])
            if _hasher.check_needs_rehash(row[0] if row else ""):
                connection.execute(
                    "UPDATE accounts SET password_hash = %s WHERE name = %s",
                    (_hasher.hash(text), name),
                )

    def _fits(self, password: str, digest: str | None) -> bool:
        if digest is None and not self._nobody:
            self._nobody = _hasher.hash(secrets.token_urlsafe(32))
        try:
            _hasher.verify(digest or self._nobody, password)
        except VerifyMismatchError:
            return False
        return digest is not None

    @staticmethod
    def _forgive(connection: Connection[Any], subject: str) -> None:
        connection.execute("DELETE FROM login_attempts WHERE subject = %s", (subject,))


# ── slowing down ─────────────────────────────────────────────────────────────────────────────


def _subject(kind: str, text: str) -> str:
    return f"{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _refuse_blocked(connection: Connection[Any], subjects: list[str]) -> None:
    row = connection.execute(
        "SELECT ceil(extract(epoch FROM max(blocked_until) - clock_timestamp()))::int"
        " FROM login_attempts WHERE subject = ANY(%s) AND blocked_until > clock_timestamp()",
        (subjects,),
    ).fetchone()
    if row is not None and row[0] is not None:
        raise Slowed(max(1, row[0]))


def _count_failure(connection: Connection[Any], subject: str) -> None:
    """Count one more, and wait 1, 2, 4 … seconds once the free ones are used up."""
    connection.execute(
        "DELETE FROM login_attempts WHERE last_at < clock_timestamp() - %s", (FORGIVEN_AFTER,)
    )
    connection.execute(
        "INSERT INTO login_attempts AS seen (subject, failures, last_at, blocked_until)"
        " VALUES (%(subject)s, 1, clock_timestamp(), clock_timestamp())"
        " ON CONFLICT (subject) DO UPDATE SET failures = seen.failures + 1,"
        " last_at = clock_timestamp(), blocked_until = clock_timestamp() + interval '1 second'"
        " * CASE WHEN seen.failures + 1 < %(free)s THEN 0 ELSE"
        " least(%(longest)s, 2 ^ least(seen.failures + 1 - %(free)s, 20)) END",
        {
            "subject": subject,
            "free": FREE_FAILURES[subject.partition(":")[0]],
            "longest": LONGEST_WAIT,
        },
    )


# ── rows ─────────────────────────────────────────────────────────────────────────────────────


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _accounts(connection: Connection[Any], where: str, values: tuple[Any, ...]) -> list[Account]:
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(
        "SELECT name, display_name, roles, created_at, disabled_at, must_change, last_login_at,"  # noqa: S608  (fixed words)
        " institution"
        f" FROM accounts WHERE {where}",
        values,
    ).fetchall()
    return [Account(**{**row, "roles": tuple(map(Role, row["roles"]))}) for row in rows]


def _account(connection: Connection[Any], name: str, *, lock: bool = False) -> Account:
    found = _accounts(connection, "name = %s" + (" FOR UPDATE" if lock else ""), (name,))
    if not found:
        raise AccountProblem("account.unknown", f"没有账号“{name}”。")
    return found[0]


def _keep_an_administrator(connection: Connection[Any], before: Account) -> None:
    """Refuse to leave the office without anybody who can manage accounts."""
    if Role.ADMINISTRATOR not in before.roles or before.disabled_at is not None:
        return
    # One change of administrators at a time: two could otherwise disable each other.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.administrators'))")
    if not _accounts(connection, "'administrator' = ANY(roles) AND disabled_at IS NULL", ()):
        raise AccountProblem(
            "account.last-administrator", "这是最后一个可用的系统管理员账号，不能停用或改作他用。"
        )


def _log(
    connection: Connection[Any], actor: str, account: str, event: str, detail: str | None
) -> None:
    connection.execute(
        "INSERT INTO account_log (actor, account, event, detail) VALUES (%s, %s, %s, %s)",
        (actor, account, event, detail),
    )
