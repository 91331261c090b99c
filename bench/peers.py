"""What a user would run instead: the same staffing event in a plain table, or in stock DCB."""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg
from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBRecorder,
)
from eventsourcing.dcb.postgres_tt import PostgresTTDCBFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

PAYLOAD: dict[str, Any] = {
    "kind": "20",
    "person_class": "90",
    "entry_mode": "40",
    "title": "示范岗位",
    "notice": "示编通〔2026〕128号",
    "basis": "示编发〔2026〕12号",
    "actor": "lin",
    "name": "示范甲",
    "id_no": "110105194912310029",
    "note": "按规定办理入编手续" * 3,
}


class CrudWithAudit:
    """A roster table with a current headcount and an audit trigger, by psycopg: one commit each."""

    def __init__(self, url: str, callers: int) -> None:
        """Make the tables in a schema of their own and one connection a caller."""
        self.schema = f"crud_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {self.schema}")
            connection.execute(f"SET search_path = {self.schema}")
            connection.execute(_CRUD)
        self.connections = [
            psycopg.connect(url, autocommit=True, options=f"-c search_path={self.schema}")
            for _ in range(callers)
        ]

    def enter(self, caller: int, work: tuple[str, str]) -> None:
        """One person enters one institution's establishment."""
        person, institution = work
        connection = self.connections[caller]
        with connection.transaction():
            connection.execute(
                "INSERT INTO roster VALUES (%s, %s, %s, current_date, %s)",
                (person, institution, "20", json.dumps(PAYLOAD)),
                prepare=True,
            )
            connection.execute(
                "UPDATE headcount SET n = n + 1 WHERE institution = %s AND n < 1000000",
                (institution,),
                prepare=True,
            )

    def close(self, url: str) -> None:
        """Close the connections and drop the tables."""
        for connection in self.connections:
            connection.close()
        drop(url, self.schema)


_CRUD = """
CREATE TABLE roster (person text PRIMARY KEY, institution text NOT NULL, kind text NOT NULL,
                     entered date NOT NULL, data jsonb NOT NULL);
CREATE INDEX ON roster (institution);
CREATE TABLE headcount (institution text PRIMARY KEY, n int NOT NULL);
CREATE TABLE audit (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
                    what text NOT NULL, old jsonb, new jsonb);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (what, old, new) VALUES (TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NEW;
END $$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE ON roster FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO headcount SELECT 'i' || n, 0 FROM generate_series(0, 999) n;
"""


class StockDcb:
    """The library's own DCB recorder: read what matters, append if nothing has changed."""

    def __init__(self, url: str, pool: int) -> None:
        """Make its tables in a schema of their own."""
        self.schema = f"dcb_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {self.schema}")
        settings = library_settings(url, self.schema, "eventsourcing.dcb.postgres_tt", pool)
        factory = PostgresTTDCBFactory(Environment("dcb", settings))
        datastore = factory.datastore
        datastore.pool.kwargs["options"] = f"-c search_path={self.schema}"  # type: ignore[index]
        self.recorder: DCBRecorder = factory.dcb_recorder()
        self._datastore = datastore

    def enter(self, _caller: int, work: tuple[str, str]) -> None:
        """One person enters one institution's establishment, guarded by both histories."""
        person, institution = work
        query = DCBQuery([DCBQueryItem(tags=[f"person:{person}"])])
        head = self.recorder.read(query).head
        tags = [f"person:{person}", f"institution:{institution}", f"name:{person}", "year:2026"]
        event = DCBEvent("entered", json.dumps(PAYLOAD).encode(), tags)
        self.recorder.append([event], DCBAppendCondition(query, after=head))

    def close(self, url: str) -> None:
        """Close the pool and drop the tables."""
        self._datastore.close()
        drop(url, self.schema)


def library_settings(url: str, schema: str, module: str, pool: int) -> dict[str, str]:
    """Return how the library is told to use a server."""
    parts = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": module,
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts.get("password", "x")),
        "POSTGRES_POOL_SIZE": str(pool),
        "POSTGRES_MAX_OVERFLOW": "0",
        "POSTGRES_SCHEMA": schema,
    }


def drop(url: str, schema: str) -> None:
    """Drop a contestant's schema."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
