"""Words within texts: pairs are exact, both ways to find rows agree, and what is stored is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.filing import Filing
from application.ledgers import LEDGERS, Ledger, Searched
from application.rights import RIGHTS_ITEMS
from domain.rights import TakeOverItem
from domain.rights_catalogue import text_of
from domain.rights_content import Duty
from infrastructure import ledger_searching
from infrastructure.ledger_questions import Asked, BadQuestion
from infrastructure.ledger_searching import STEP, walked
from infrastructure.ledger_tables import statements
from infrastructure.ledger_words import mark, pairs_in, pairs_of, split_words
from infrastructure.office import Office
from tests.district import DAY
from tests.rights_district import content
from tests.test_cli import Shell
from tests.test_cli import shell as shell  # noqa: PLC0414  (pytest finds the fixture by this name)
from tests.test_rights_stored import file

SIGNS = st.text(st.sampled_from('许可证ab"\\𠮷\n'), max_size=8)
TEXTS = (
    "林木采伐许可",
    '标有"甲\\乙"的许可',
    "name和title以外的许可（GB/T 2260）",
    "𠮷林许可",
    "草种经营许可",
)
ITEMS = "rights_items"
WORDS = (
    *("许可", "林木", "采伐许可", "林许", "𠮷林", '"甲', "甲\\乙", '"甲\\乙"'),
    *("GB/T", "60", "name", "me和", "title", "公示 林木", "公示 林木 草种", "采许", "01", "t和"),
)


@given(SIGNS, SIGNS)
def test_a_word_of_two_units_is_found_by_its_pair_alone(text: str, word: str) -> None:
    """And a longer one has all of its pairs wherever it stands."""
    if len(word.encode("utf-16-le")) == 4:
        assert (pairs_in(word) <= pairs_in(text)) == (word in text)
    elif word in text:
        assert pairs_in(word) <= pairs_in(text)


def test_pairs_are_those_of_texts_only() -> None:
    """Neither names of fields, nor codes, nor what stands across two texts."""
    said = content("甲乙", sub_name="丙丁", duties=(Duty(stage="戊己", text="庚辛"),))
    assert isinstance(RIGHTS_ITEMS, Ledger)
    assert RIGHTS_ITEMS.searched is not None
    row = {"content": text_of(said), "department": "d1", "category": "01"}
    found = set(pairs_of(RIGHTS_ITEMS.searched, row))
    assert {mark("department", "d1"), mark("category", "01")} <= found
    assert mark("department", "d2") not in found
    for word in ("甲乙", "丙丁", "戊己", "庚辛", "种子"):
        assert pairs_in(word) <= found
    for word in ("乙丙", "name", "01", '甲乙"', "su"):
        assert not pairs_in(word) <= found


@given(SIGNS, st.text(max_size=8), st.text(max_size=8))
def test_no_text_holds_a_mark(text: str, column: str, value: str) -> None:
    """Marks are no pairs of units that a text could have."""
    assert mark(column, value) not in pairs_in(text + column + value)


def test_words_have_a_reasonable_length_and_number() -> None:
    """What is asked for is told back where it cannot be looked for."""
    assert split_words("  公示　林木 公示\n") == ("公示", "林木")
    for said, why in (("税", "“税”太短"), ("甲乙 " + "丙" * 101, "不要超过100个字")):
        with pytest.raises(ValueError, match=why):
            split_words(said)
    with pytest.raises(ValueError, match="最多查10个"):
        split_words(" ".join(f"第{n}" for n in range(11)))


def test_personal_texts_are_never_searched() -> None:
    """What is erased must be gone: pairs of characters would tell it for ever."""
    for ledger in LEDGERS.values():
        if isinstance(ledger, Ledger) and ledger.searched is not None:
            assert not any(column.personal for column in ledger.columns.values())
    people = LEDGERS["roster"]
    assert isinstance(people, Ledger)
    secret = Ledger("secret", "秘", "person", people.row, people.fold, people.facts,
                    searched=Searched("name"))  # fmt: skip
    with pytest.raises(TypeError, match="with personal columns"):
        statements(secret, "secret")
    assert isinstance(RIGHTS_ITEMS, Ledger)
    for searched in (Searched("code"), Searched("content", beside=("sub_name",)), Searched("none")):
        with pytest.raises(TypeError, match="texts that are never empty"):
            statements(replace(RIGHTS_ITEMS, searched=searched), "items")


# ── along the order ──────────────────────────────────────────────────────────────────────────


@given(st.lists(st.integers(0, 40)), st.integers(1, 60))
def test_a_walk_finds_the_first_rows_or_gives_up_early(numbers: list[int], most: int) -> None:
    """Some departments have many rows, some have none; it never looks at many for little."""
    rows = [(who, n) for who, number in enumerate(numbers) for n in range(number)]
    looked: list[int] = []

    def among(values: Sequence[int]) -> list[tuple[int, int]]:
        looked.extend(values)
        return [one for one in rows if one[0] in values][:most]

    found = walked(most, list(range(len(numbers))), among)
    assert looked == list(range(len(looked)))
    if found is None:
        first = sum(numbers[: len(looked)])
        assert len(looked) < len(numbers)
        assert first < most
        assert (most - first) * len(looked) > STEP * first
    else:
        assert found[:most] == rows[:most]


# ── on a database ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def listed(shell: Shell) -> Shell:
    """An office with one item for each of `TEXTS`, the first of a department of its own."""
    assert shell.run("user", "list") == 0
    with shell.office() as office:
        file(office, "journal.open", effective_on=str(DAY), office="编办", purpose="demonstration")
        units = [
            file(
                office,
                "institutions.take-over",
                effective_on=str(DAY),
                name=f"{name}林业局",
                category="department",
                rank="31",
            ).institution
            for name in ("区", "县")
        ]
        commands = tuple(
            TakeOverItem(effective_on=DAY, department=units[n > 0], content=content(name))
            for n, name in enumerate(TEXTS)
        )
        office.writer.do(Filing(commands, "clerk"))
    return shell


def found(office: Office, words: str, **more: object) -> list[str]:
    """The names of the items with these words, read page by page in the ledger's own order."""
    asked = Asked(words=words, only=("name",), **more)  # type: ignore[arg-type]
    names, cursor, total = [], None, None
    while True:
        page = office.ledgers.page("rights_items", asked, cursor=cursor, limit=2)
        total = page.total if cursor is None else total
        assert [one.name for one in page.columns] == ["name"]
        names += [line.values[0] for line in page.lines]
        if page.cursor is None:
            assert office.ledgers.count("rights_items", asked)[0] == len(names)
            assert total in (None, len(names))
            return names
        cursor = page.cursor


def lawful(office: Office, words: str) -> list[str]:
    """The same by looking into every text of every item, in the order of the list."""
    texts = {name: [name, *_common()] for name in TEXTS}
    return [
        name
        for name in _in_order(office)
        if name in texts
        and all(any(word in text for text in texts[name]) for word in words.split())
    ]


def _in_order(office: Office) -> list[str]:
    rows = office.ledgers.page(ITEMS).rows()
    rows.sort(key=lambda row: (row["department"], row["category"], row["name"]))
    return [row["name"] for row in rows]


def _common() -> list[str]:
    other = content("无")
    bases = [(one.title, *one.articles) for one in other.bases]
    duties = [(one.stage or "", one.text) for one in other.duties]
    return [*sum([*bases, *duties], ()), *other.liabilities]


@pytest.mark.parametrize(("first", "step"), [(2, 8), (1, 8), (1, 0)])
def test_rows_are_found_along_the_order_and_all_at_once_alike(
    listed: Shell, first: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether few or many rows hold the words; also as known before something changed."""
    monkeypatch.setattr(ledger_searching, "FIRST", first)
    monkeypatch.setattr(ledger_searching, "STEP", step)
    with listed.office() as office:
        before = office.journal.head()[0]
        for words in (*WORDS, *WORDS[:3]):  # what proved rare is remembered
            assert found(office, words) == lawful(office, words), words
        assert found(office, "许可", sort=("name",)) == sorted(TEXTS)
        with office.ledgers.stream("rights_items", Asked(words="林木采伐")) as stream:
            (item,) = (line.key for line in stream.lines)
        file(
            office,
            "rights.record-changed",
            effective_on=str(DAY),
            item=item,
            content=content("树木采伐许可").model_dump(mode="json", exclude_defaults=True),
            source={"file": "甲.xlsx", "sheet": "乙", "row": 3},
        )
        assert found(office, "林木") == []
        assert found(office, "树木采伐") == ["树木采伐许可"]
        assert found(office, "林木", known=before, valid_on=DAY) == ["林木采伐许可"]
        assert office.ledgers.count("rights_items", Asked(words="许可"), at_most=3)[0] == 3


def test_words_are_looked_for_beside_other_conditions(listed: Shell) -> None:
    """They are counted on the way where that costs nothing, or where all stand on the page."""
    with listed.office() as office:
        departments = office.ledgers.page("institutions")
        units = {
            row["name"]: line.key
            for line, row in zip(departments.lines, departments.rows(), strict=True)
        }
        unit = units["县林业局"]
        for wanted, n, told in (
            ({"category": "01"}, 5, None),
            ({"category": "02"}, 0, 0),
            ({"department": unit}, 4, 4),
            ({"department": unit, "category": ["01", "02"]}, 4, 4),
            ({"department": units["区林业局"]}, 1, 1),
            ({"department": "another"}, 0, 0),
        ):
            asked = Asked(words="许可", filters=wanted)
            page = office.ledgers.page(ITEMS, asked, limit=2)
            assert (page.total, office.ledgers.count(ITEMS, asked)[0]) == (told, n), wanted
        for name, n, told in (("林业", 5, None), ("区林", 1, 1), ("农业", 0, 0)):
            asked = Asked(words="许可", contains={"department_name": name})
            page = office.ledgers.page(ITEMS, asked, limit=2)
            assert (page.total, office.ledgers.count(ITEMS, asked)[0]) == (told, n), name


def test_ledgers_that_hold_no_long_texts_are_not_searched(listed: Shell) -> None:
    """And columns that there are not cannot be asked for."""
    with listed.office() as office:
        for asked, why in (
            (Asked(words="林业"), "不能按关键词"),
            (Asked(only=("age",)), "没有这些列"),
        ):
            with pytest.raises(BadQuestion, match=why):
                office.ledgers.page("institutions", asked)


def test_pairs_are_verified_and_rebuilt(listed: Shell) -> None:
    """As much as what a row says."""
    assert listed.run("ledgers", "verify", "rights_items") == 0
    with psycopg.connect(listed.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE office.ledger_rights_items SET pairs = pairs || 7 WHERE name = '草种经营许可'"
        )
    assert listed.run("ledgers", "verify", "rights_items") != 0
    assert "“关键词索引”现为“多1组、少0组”，按流水应为“一致”" in listed.out + listed.err
    assert listed.run("ledgers", "rebuild", "rights_items") == 0
    assert listed.run("ledgers", "verify", "rights_items") == 0
    assert listed.run("ledgers", "show", "rights_items", "--words", "草种 经营") == 0
    assert "草种经营许可" in listed.out
    assert "林木" not in listed.out
