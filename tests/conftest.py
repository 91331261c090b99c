"""Databases for tests: a fresh one each time, on the program's own server and on others.

A test that asks for `empty_database` gets one on the embedded server. Marked with
`@pytest.mark.servers` it runs on each kind of server in turn: the embedded PostgreSQL 18, the
wheel's PostgreSQL 16, and an external one: at `TAIZHANG_TEST_DATABASE_URL` (a login that may
create databases and roles), else the machine's own below /usr/lib/postgresql; skipped where there
is neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.sql import SQL, Identifier

from domain.vocabulary import FACTS
from infrastructure.database import Database
from infrastructure.keys import KeyRing
from infrastructure.office import Office
from tests import databases
from tests.databases import MASTER_KEY
from tests.evidence_journal import Witnessed, the_facts, witnessed

_numbers = itertools.count(1)

# How fast examples are made says something about the machine, nothing about the program.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


STARTING_THEIR_OWN = ("test_server", "test_crashes")  # test files without a database fixture


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the fast part of the tests, for mutation testing of the domain."""
    parser.addoption(
        "--without-servers", action="store_true", help="leave out tests that need a database"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a database, if asked to."""
    if not config.getoption("--without-servers"):
        return
    slow = [item for item in items if _needs_a_server(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def _needs_a_server(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & {"server_url", "_embedded"}) or item.path.name.startswith(
        STARTING_THEIR_OWN
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `servers` once on each kind of server."""
    marked = metafunc.definition.get_closest_marker("servers") is not None
    if "server_kind" in metafunc.fixturenames:
        kinds = databases.KINDS if marked else databases.KINDS[:1]
        metafunc.parametrize("server_kind", kinds)
    elif marked:
        pytest.fail(f"{metafunc.definition.nodeid} is marked `servers` but asks for no database")


@pytest.fixture(scope="session")
def _servers_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "servers"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def _embedded(_servers_folder: Path) -> Iterator[str]:
    with databases.shared_server("embedded", _servers_folder) as url:
        yield url


@pytest.fixture(scope="session")
def _wheel16(_servers_folder: Path) -> Iterator[str]:
    with databases.shared_server("wheel16", _servers_folder) as url:
        yield url


@pytest.fixture(scope="session")
def _external(_servers_folder: Path) -> Iterator[str]:
    with databases.shared_server("external", _servers_folder) as url:
        yield url


@pytest.fixture
def server_url(server_kind: str, request: pytest.FixtureRequest) -> str:
    """The URL of a server's owner: who may create databases and roles there."""
    return str(request.getfixturevalue(f"_{server_kind}"))


@pytest.fixture
def empty_database(server_url: str, worker_id: str) -> Iterator[str]:
    """The owner's URL of a database that was made for this test and is dropped after it."""
    name = f"test_{worker_id}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as owner:
        owner.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        owner.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield databases.with_database(server_url, name)
    databases.drop(server_url, name)


@pytest.fixture(scope="module")
def module_database(
    request: pytest.FixtureRequest, worker_id: str, _embedded: str
) -> Iterator[str]:
    """The owner's URL of a database on the embedded server that a module's tests share."""
    del request
    name = f"module_{worker_id}_{next(_numbers)}"
    with psycopg.connect(_embedded, autocommit=True) as owner:
        owner.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield databases.with_database(_embedded, name)
    databases.drop(_embedded, name)


@pytest.fixture
def office_database(empty_database: str) -> Iterator[Database]:
    """An office's schema, migrated and opened, with an empty journal and no ledgers."""
    database = Database(empty_database, schema="office")
    database.open()
    yield database
    database.close()


@pytest.fixture
def evidence_facts() -> Iterator[None]:
    """The facts of `tests.evidence_journal` are known; afterwards those that were before."""
    known = dict(FACTS)
    the_facts()
    yield
    FACTS.clear()
    FACTS.update(known)


@pytest.fixture
def journal(evidence_facts: None, office_database: Database, tmp_path: Path) -> Witnessed:
    """An empty journal under evidence, its folder outside below ``tmp_path``."""
    del evidence_facts
    return witnessed(office_database, KeyRing(MASTER_KEY), None, tmp_path / "outside")


@pytest.fixture
def office(empty_database: str) -> Iterator[Office]:
    """A whole office with nothing filed yet, its writer running."""
    with Office(empty_database, MASTER_KEY) as opened:
        yield opened
