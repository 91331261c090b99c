"""What many requests ask at once is asked once, and what has ended meanwhile is not remembered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from application.access import Session
from infrastructure import accounts as accounts_module
from infrastructure.accounts import Accounts
from infrastructure.office import Office
from interface.app import services_of
from interface.services import TOGETHER, Services
from tests.http_office import PASSWORD, HttpOffice, http_office

LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP that this module's tests share; its journal is open."""
    with http_office(module_database) as opened:
        opened.open_journal()
        yield opened


@pytest.fixture
def services(house: HttpOffice) -> Iterator[Services]:
    """Services beside those that the house is served with."""
    made = services_of(house.office)
    yield made
    made.close()


class _Question:
    """A question that is answered when told to, and counts how often it is asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.go = threading.Event()
        self.error = error

    def __call__(self, what: str) -> str:
        self.asked += 1
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return what.upper()


async def _all(services: Services, question: _Question, keys: str) -> list[Any]:
    asking = [asyncio.ensure_future(services.run_once(key, question, key)) for key in keys]
    await asyncio.sleep(0.05)
    asking[0].cancel()
    question.go.set()
    return await asyncio.gather(*asking, return_exceptions=True)


def test_many_who_ask_the_same_at_once_are_answered_by_one_question(services: Services) -> None:
    """Whoever goes away takes nothing from the others; another key is another question."""
    question = _Question()
    gone, *found = asyncio.run(_all(services, question, "aaaaab"))
    assert isinstance(gone, asyncio.CancelledError)
    assert found == ["A", "A", "A", "A", "B"]
    assert question.asked == 2
    assert not services.questions


def test_an_error_reaches_all_who_asked_and_the_next_asks_again(services: Services) -> None:
    """A database that was away for a moment is not away for ever."""
    error = ConnectionError("away")
    _, *found = asyncio.run(_all(services, _Question(error), "aaa"))
    assert found == [error, error]
    again = _Question()
    again.go.set()
    assert asyncio.run(services.run_once("a", again, "a")) == "A"


def test_a_session_that_ends_while_it_is_looked_up_is_not_remembered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has logged out must be out at once, whatever was being asked at that moment."""
    accounts = Accounts(office.database)
    accounts.add("clerk", "示例", PASSWORD, ["clerk"], by="test", must_change=False)
    token, _ = accounts.login("clerk", PASSWORD, LOCAL)
    made = Session

    def leaving(**values: Any) -> Any:
        accounts.logout(token)
        return made(**values)

    monkeypatch.setattr(accounts_module, "Session", leaving)
    assert accounts.session(token) is not None
    assert accounts.remembered(token) is None
    assert accounts.session(token) is None


class _Answers:
    """A question about many keys; the first is answered when told to. Tells what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.go = threading.Event()

    def __call__(self, keys: Sequence[str]) -> dict[str, str]:
        self.asked.append(tuple(keys))
        if len(self.asked) == 1:
            assert self.go.wait(10)
        if "!" in keys:
            raise ConnectionError("away")
        return {key: key.upper() for key in keys}


async def _together(services: Services, answers: _Answers, keys: str) -> list[Any]:
    first = asyncio.ensure_future(services.run_together("letters", keys[0], answers))
    await asyncio.sleep(0.05)
    rest = [
        asyncio.ensure_future(services.run_together("letters", key, answers)) for key in keys[1:]
    ]
    await asyncio.sleep(0.05)
    rest[0].cancel()
    answers.go.set()
    found = await asyncio.gather(first, *rest, return_exceptions=True)
    assert not services.gathered
    return found


def test_who_waits_while_others_are_answered_is_asked_for_together(services: Services) -> None:
    """Who comes first does not wait for company; each key is asked for once, and not too many."""
    answers = _Answers()
    keys = [chr(ord("a") + n % 26) + "x" * (n // 26) for n in range(40)]
    gone = _together(services, answers, "abbcd")
    a, cancelled, *others = asyncio.run(gone)
    assert (a, others) == ("A", ["B", "C", "D"])
    assert isinstance(cancelled, asyncio.CancelledError)
    assert answers.asked == [("a",), ("b", "c", "d")]

    async def all_of_them() -> list[str]:
        again = (services.run_together("letters", key, answers) for key in keys)
        return await asyncio.gather(*again)

    answers.asked = [()]
    assert asyncio.run(all_of_them()) == [key.upper() for key in keys]
    assert [len(one) for one in answers.asked] == [0, TOGETHER, len(keys) - TOGETHER]


def test_an_error_reaches_those_it_was_asked_for_and_nobody_else(services: Services) -> None:
    """Who comes later asks anew."""
    answers = _Answers()
    a, _, *failed = asyncio.run(_together(services, answers, "ab!c"))
    assert a == "A"
    assert [type(one) for one in failed] == [ConnectionError, ConnectionError]
    assert asyncio.run(services.run_together("letters", "c", answers)) == "C"
    with pytest.raises(KeyError):  # one that is left out is a fault, and keeps nobody waiting
        asyncio.run(services.run_together("letters", "d", lambda _: {}))
    assert asyncio.run(services.run_together("letters", "d", answers)) == "D"


def test_a_setting_that_is_filed_while_it_is_read_is_not_remembered(services: Services) -> None:
    """What was read before the filing may be the old value."""
    in_force = services.in_force
    find = in_force._find

    def filing(**question: Any) -> Any:
        found = find(**question)
        in_force.forget()
        return found

    in_force._find = filing
    assert in_force.value("four_eyes") is not None
    assert in_force.remembered("four_eyes") is None
    in_force._find = find
    assert in_force.value("four_eyes") is not None
    assert in_force.remembered("four_eyes") is not None


def test_a_filing_while_the_database_is_away_is_told_so_and_succeeds_afterwards(
    house: HttpOffice,
) -> None:
    """503 and not 500: nothing is wrong with the filing, and nothing of it was recorded."""
    database = house.office.database
    name = str(psycopg.conninfo.conninfo_to_dict(database.url)["dbname"])
    may = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
    elsewhere = psycopg.conninfo.make_conninfo(database.url, dbname="postgres")
    body = {"year": 2027, "holidays": ["2027-01-01"], "notices": ["示范通知"]}
    token = {"Authorization": f"Bearer {house.token('clerk')}"}
    tried = house.client.post("/api/calendar/announce?dry_run=true", json=body, headers=token)
    assert tried.status_code == 200, tried.text  # who asks, and the settings, are known from now on
    with psycopg.connect(elsewhere, autocommit=True) as owner:
        owner.execute(SQL(may).format(Identifier(name), SQL("false")))
        try:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            answer = house.client.post("/api/calendar/announce", json=body, headers=token)
        finally:
            owner.execute(SQL(may).format(Identifier(name), SQL("true")))
    assert (answer.status_code, answer.json()["code"]) == (503, "server.database")
    again = house.client.post("/api/calendar/announce", json=body, headers=token)
    assert again.status_code == 201, again.text
    with database.as_owner() as reader:
        filed = reader.execute(
            "SELECT count(*) FROM journal WHERE fact = 'calendar.announced'"
        ).fetchone()
    assert filed == (1,)
