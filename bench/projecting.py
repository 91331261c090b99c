"""The library's way to a ledger: a ProjectionRunner that keeps a current roster and headcounts."""

from __future__ import annotations

import itertools
import uuid
from typing import Any, Final

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from bench.measuring import Cost, Server
from bench.peers import PAYLOAD, drop, library_settings
from bench.workload import fresh_schema

BATCH = 100


_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS {}.roster (person text PRIMARY KEY, institution text NOT NULL,
                                              title text)""",
    "CREATE TABLE IF NOT EXISTS {}.headcount (institution text PRIMARY KEY, n int NOT NULL)",
)
_ROWS: Final = (
    "INSERT INTO {}.roster VALUES (%s, %s, %s)",
    """INSERT INTO {}.headcount AS h VALUES (%s, 1)
       ON CONFLICT (institution) DO UPDATE SET n = h.n + 1""",
)


class Entering(Aggregate):
    """A person enters an institution's establishment."""

    def __init__(self, person: str, institution: str, payload: dict[str, Any]) -> None:
        """File the entering."""
        self.person = person
        self.institution = institution
        self.payload = payload


class Establishment(Application[uuid.UUID]):
    """The journal of enterings."""


class RosterView(PostgresTrackingRecorder):
    """A current roster and headcounts, in the transaction that tracks the event."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        """Add the two tables to those the library makes."""
        super().__init__(datastore, **kwargs)
        schema = Identifier(datastore.schema)
        self.sql_create_statements += [SQL(text).format(schema) for text in _TABLES]
        self._insert, self._count = (SQL(text).format(schema) for text in _ROWS)

    def enter(self, event: Entering.Created, tracking: Tracking) -> None:
        """Take one event in."""
        said = event.__dict__
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            row = (said["person"], said["institution"], said["payload"]["title"])
            cursor.execute(self._insert, row, prepare=True)
            cursor.execute(self._count, (said["institution"],), prepare=True)


class RosterProjection(Projection[RosterView]):
    """Hands each event to the view."""

    name = "rosterview"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Process one event."""
        if isinstance(domain_event, Entering.Created):
            self.view.enter(domain_event, tracking)


def projected(url: str, events: int) -> Cost:
    """Let the runner work off so many events; return what it took."""
    schema, cost = fresh_schema("projected"), Cost()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    settings = library_settings(url, schema, "eventsourcing.postgres", 4)
    try:
        with Establishment(settings) as journal:
            numbers = iter(range(events))
            while batch := list(itertools.islice(numbers, BATCH)):
                made = (Entering(f"p{n}", f"i{n % 200}", PAYLOAD) for n in batch)
                recorded = journal.save(*made)
            last = recorded[-1].notification.id
        with Server(url).measured(cost, events):
            runner = ProjectionRunner(
                application_class=Establishment,
                projection_class=RosterProjection,
                view_class=RosterView,
                env=settings,
            )
            with runner:
                runner.wait(last, timeout=600)
    finally:
        drop(url, schema)
    return cost
