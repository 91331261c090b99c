"""Proposals on PostgreSQL: commands that wait for a second person, sealed until decided."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from application.proposals import KeyTaken, Proposal, State
from domain.deciding import COMMANDS, Command
from infrastructure.database import Database
from infrastructure.keys import KeyRing, Randomness, seal, unseal

_COLUMNS = (
    "id, command AS kind, state, prepared_by, prepared_at, decided_by, decided_at, reason, position"
)


class ProposalTable:
    """The table of proposals; see `application.proposals.ProposalStore`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Keep them in ``database``, sealed with the office's own key for them."""
        self._database = database
        self._ring = ring

    def add(self, command: Command, prepared_by: str, key: str | None) -> Proposal:
        """See `application.proposals.ProposalStore.add`."""
        randomness = Randomness()  # one of its own: the ring's belongs to the writer's thread
        identity = randomness.take(10).hex()
        body = command.model_dump_json().encode()
        sealed = seal(self._ring.office("proposals"), body, identity.encode(), randomness)
        with self._database.pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO proposals (id, command, body, prepared_by, key, fingerprint)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (prepared_by, key) DO NOTHING"
                " RETURNING prepared_at",
                (identity, command.kind, sealed, prepared_by, key, self._fingerprint(command)),
            ).fetchone()
        if row is not None:
            return Proposal(
                identity, command.kind, State.WAITING, prepared_by, row[0], command=command
            )
        known = self.sent(command, prepared_by, key or "")
        if known is None:
            raise KeyTaken(key)
        return known

    def sent(self, command: Command, prepared_by: str, key: str) -> Proposal | None:
        """See `application.proposals.ProposalStore.sent`."""
        with self._database.pool.connection() as connection:
            row = connection.execute(
                "SELECT id, fingerprint FROM proposals WHERE prepared_by = %s AND key = %s",
                (prepared_by, key),
            ).fetchone()
        if row is None:
            return None
        if bytes(row[1]) != self._fingerprint(command):
            raise KeyTaken(key)
        return self.get(row[0])

    def _fingerprint(self, command: Command) -> bytes:
        return self._ring.digest("fingerprint", command.kind, command.model_dump_json())

    def get(self, identity: str) -> Proposal | None:
        """See `application.proposals.ProposalStore.get`."""
        with self._database.pool.connection() as connection:
            row = (
                connection.cursor(row_factory=dict_row)
                .execute(f"SELECT {_COLUMNS}, body FROM proposals WHERE id = %s", (identity,))  # noqa: S608  (fixed columns)
                .fetchone()
            )
        if row is None:
            return None
        sealed = row.pop("body")
        if sealed is None:
            return _made(row)
        body = unseal(self._ring.office("proposals"), bytes(sealed), identity.encode())
        return _made(row, COMMANDS[row["kind"]].model_validate_json(body))

    def page(
        self, *, state: State | None, prepared_by: str | None, before: str | None, limit: int
    ) -> list[Proposal]:
        """See `application.proposals.ProposalStore.page`."""
        with self._database.pool.connection() as connection:
            rows = (
                connection.cursor(row_factory=dict_row)
                .execute(
                    f"SELECT {_COLUMNS} FROM proposals"  # noqa: S608  (fixed columns)
                    " WHERE state = coalesce(%(state)s, state)"
                    " AND prepared_by = coalesce(%(prepared_by)s, prepared_by)"
                    " AND (%(before)s::text IS NULL OR (prepared_at, id) <"
                    " (SELECT prepared_at, id FROM proposals WHERE id = %(before)s))"
                    " ORDER BY prepared_at DESC, id DESC LIMIT %(limit)s",
                    {"state": state, "prepared_by": prepared_by, "before": before, "limit": limit},
                )
                .fetchall()
            )
        return [_made(row) for row in rows]

    def close(self, identity: str, state: State, by: str, reason: str | None) -> bool:
        """See `application.proposals.ProposalStore.close`."""
        with self._database.pool.connection() as connection:
            done = connection.execute(
                "UPDATE proposals SET state = %s, decided_by = %s, decided_at = clock_timestamp(),"
                " reason = %s, body = NULL WHERE id = %s AND state = 'waiting' RETURNING 1",
                (state, by, reason, identity),
            ).fetchone()
        return done is not None


def _made(row: dict[str, Any], command: Command | None = None) -> Proposal:
    return Proposal(**{**row, "state": State(row["state"])}, command=command)
