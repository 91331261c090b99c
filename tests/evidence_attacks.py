"""What somebody may do to an office's evidence who may do anything with its database.

The clumsy change one thing; the careful (`rewrite`, `closed_up`, `cut_off`, `grown_anew`) adjust
bytes, leaves, extracts, tags and the stored tree, so that everything in the database fits together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from psycopg import Connection

from application.evidence import Examination, Kind
from domain.evidence import CompactRange, Node
from infrastructure.entries import canonical, leaf_hash
from tests.evidence_journal import Witnessed, tampering

Attack = Callable[[Connection[Any]], object]


def attacked(office: Witnessed, *attacks: Attack) -> Examination:
    """Tamper and verify."""
    with tampering(office.database) as connection:
        for attack in attacks:
            attack(connection)
    return office.verify()


def sql(statement: str, *values: Any) -> Attack:
    """An attack in SQL."""
    return lambda connection: connection.execute(statement.encode(), values)


def rewrite(at: int, **changes: Any) -> Attack:
    """Change an entry in all its places: bytes, leaf, extracts and tags all fit together."""

    def attack(connection: Connection[Any]) -> None:
        row: Any = connection.execute(
            "SELECT data FROM journal WHERE position = %s", (at,)
        ).fetchone()
        said = orjson.loads(bytes(row[0])) | changes
        data = canonical(said)
        connection.execute(
            "UPDATE journal SET data = %s, leaf = %s, id = %s, recorded_at = %s, effective_on = %s,"
            " actor = %s WHERE position = %s",
            (
                *(data, leaf_hash(data), said["id"], said["recorded_at"], said["effective_on"]),
                *(said["actor"], at),
            ),
        )

    return attack


def grown_anew(connection: Connection[Any]) -> None:
    """Rewrite the stored tree so that it fits the leaves that are there now."""
    nodes: dict[Node, bytes] = {}
    leaves = [
        bytes(leaf) for (leaf,) in connection.execute("SELECT leaf FROM journal ORDER BY position")
    ]
    connection.execute("DELETE FROM tree_nodes")
    CompactRange().grown(leaves, nodes.__setitem__)
    for node, hash_ in nodes.items():
        connection.execute(
            "INSERT INTO tree_nodes VALUES (%s, %s, %s)", (node.height // 8, node.number, hash_)
        )
    for (size,) in connection.execute("SELECT size FROM checkpoints").fetchall():
        grown = CompactRange().grown(leaves[:size])
        if grown.size == size:
            connection.execute(
                "UPDATE checkpoints SET range = %s WHERE size = %s", (grown.to_bytes(), size)
            )


def told(found: Examination) -> tuple[Kind, int | None]:
    """The first finding: what, and where."""
    assert found.first is not None
    return found.first.kind, found.first.position


def closed_up(position: int, by: int) -> Attack:
    """Move everything from a position on, in the columns and in the bytes."""

    def attack(connection: Connection[Any]) -> None:
        rows = connection.execute(
            "SELECT position, data FROM journal WHERE position >= %s ORDER BY position", (position,)
        ).fetchall()
        connection.execute("DELETE FROM journal_tags WHERE position >= %s", (position,))
        connection.execute("DELETE FROM journal WHERE position >= %s", (position,))
        for old, stored in rows:
            said = orjson.loads(bytes(stored))
            said["position"] = said["place"] = old + by
            data = canonical(said)
            connection.execute(
                "INSERT INTO journal VALUES (%s, %s, %s, %s, %s, %s, %s, NULL, %s, %s, %s)",
                (
                    *(old + by, said["id"], said["fact"], said["recorded_at"]),
                    *(said["effective_on"], old + by, said["actor"], said["tags"]),
                    *(data, leaf_hash(data)),
                ),
            )
            for tag in said["tags"]:
                connection.execute("INSERT INTO journal_tags VALUES (%s, %s)", (tag, old + by))

    return attack


def cut_off(last: int, *, thoroughly: bool) -> Attack:
    """Take away what comes after a position, and every trace of it in the database."""

    def attack(connection: Connection[Any]) -> None:
        connection.execute("DELETE FROM journal WHERE position > %s", (last,))
        connection.execute("DELETE FROM journal_tags WHERE position > %s", (last,))
        connection.execute("DELETE FROM identities WHERE person > %s", (f"{last:016}",))
        if thoroughly:
            connection.execute("DELETE FROM checkpoints WHERE size > %s", (last,))
            connection.execute("DELETE FROM tree_nodes WHERE (number + 1) * 256 > %s", (last,))

    return attack


def kinds(found: Examination) -> set[Kind]:
    """What kinds of faults were found."""
    return {one.kind for one in found.findings}
