"""Answers stand where they say on both clocks, whatever is filed, swapped or locked meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from application.ledgers import Ledger, SumLedger
from infrastructure.ledger_looking import Looks
from infrastructure.ledger_reading import Asked, Page
from infrastructure.rebuilding import rebuild
from tests import toy_office as toys
from tests.test_ledger_reading import FOREVER, Library, found_in
from tests.toy_office import LEDGERS, ToyOffice, dice_of

toy_facts, toy_office = toys.toy_facts, toys.toy_office


@pytest.fixture
def library(toy_office: ToyOffice) -> Library:
    """A small library whose story goes on."""
    return Library(toy_office, 7, 40)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note of every question whether it was answered in one exchange."""
    noted: list[bool] = []
    at_once = Looks.at_once

    def noting(self: Looks, *question: Any) -> Any:
        found = at_once(self, *question)
        noted.append(found is not None)
        return found

    monkeypatch.setattr(Looks, "at_once", noting)
    return noted


def test_answers_in_one_exchange_say_what_the_law_says(library: Library, tried: list[bool]) -> None:
    """While somebody files: each answer is right at the very position that it names."""
    story, stop = library.story, threading.Event()
    answers: list[tuple[Ledger | SumLedger, Page]] = []
    errors: list[Exception] = []

    def ask(seed: int) -> None:
        dice = dice_of(seed)
        while not stop.is_set():
            ledger = dice.choice(LEDGERS)
            asked = Asked(valid_on=dice.choice([FOREVER, toys.OPENED + timedelta(days=400)]))
            try:
                answers.append((ledger, library.reader.page(ledger.name, asked, limit=None)))
            except Exception as error:  # noqa: BLE001  (to be looked at by the test)
                errors.append(error)

    askers = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
    for asker in askers:
        asker.start()
    story.go_on(60)
    for append in [one for one in story.appends if one[0].position > library.office.filed]:
        library.office.file([append])
        time.sleep(library.dice.choice([0, 0.002, 0.03]))
    stop.set()
    for asker in askers:
        asker.join()
    assert not errors
    assert len({page.seen.position for _, page in answers}) > 20
    assert tried.count(True) > 20
    assert tried.count(False) > 20
    for ledger, page in library.dice.sample(answers, min(len(answers), 120)):
        at = Asked(valid_on=page.seen.valid_on, known=page.seen.position)
        assert found_in([page]) == library.lawful(ledger, at)


def test_a_quiet_journal_is_asked_once_and_a_new_day_is_noticed(
    library: Library, tried: list[bool]
) -> None:
    """Two looks find out that nothing is filed; what they found holds until midnight."""
    reader = library.reader
    pages = [reader.page("toy_people") for _ in range(4)]
    assert tried == [False, False, True, True]
    assert pages[0] == pages[3]
    assert reader.one("toy_people", pages[0].lines[0].key).lines == pages[0].lines[:1]
    assert tried.pop()
    steady = reader._looks._steady
    assert steady is not None
    reader._looks._steady = steady._replace(today=steady.today - timedelta(days=1))
    assert reader.page("toy_people").seen.valid_on == steady.today
    assert not tried[-1]


def test_a_rebuild_that_waits_for_its_turn_does_not_keep_readers_waiting(library: Library) -> None:
    """It gives way before the server would look for who waits in a circle, and ends one of them."""
    reader, office = library.reader, library.office
    seen = reader.page("toy_people").seen
    with psycopg.connect(office.database.url) as slow:
        slow.execute(f"SET search_path = {office.database.schema}".encode())
        slow.execute("LOCK TABLE ledger_toy_units IN ACCESS SHARE MODE")
        rebuilding = threading.Thread(
            target=rebuild, args=(office.database, office.ring, LEDGERS), daemon=True
        )
        rebuilding.start()
        waited: list[float] = []
        while sum(one > 0.2 for one in waited) < 3:
            start = time.monotonic()
            assert reader.page("toy_people", Asked(seen=seen)).seen == seen
            waited.append(time.monotonic() - start)
            assert len(waited) < 100_000
        assert max(waited) < 0.9
    rebuilding.join(60)
    assert not rebuilding.is_alive()


def _locked(url: str, schema: str, tables: list[str], go: Callable[[], None]) -> None:
    """Lock tables one after the other, as no rebuild would: the last ones first."""
    with psycopg.connect(url, options=f"-c search_path={schema}") as connection:
        connection.execute(f"LOCK TABLE {tables[0]} IN ACCESS EXCLUSIVE MODE".encode())
        go()
        connection.execute(f"LOCK TABLE {tables[1]} IN ACCESS EXCLUSIVE MODE".encode())


def test_who_waits_in_a_circle_with_a_rebuild_looks_again(
    library: Library, tried: list[bool]
) -> None:
    """The server ends one of the two who wait for each other: the reader, here."""
    reader, database = library.reader, library.office.database
    expected = [reader.page("toy_people", Asked(valid_on=date(2022, 1, 1))) for _ in range(3)][2]
    assert tried[-1]
    found: list[Page] = []

    def ask() -> None:
        found.append(reader.page("toy_people", Asked(valid_on=date(2022, 1, 1))))

    asker = threading.Thread(target=ask)

    def begin() -> None:
        asker.start()
        time.sleep(0.4)

    _locked(database.url, database.schema, ["ledger_toy_units", "ledger_toy_people"], begin)
    asker.join()
    assert found == [expected]
    assert not tried[-1]
