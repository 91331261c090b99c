"""An office's work over HTTP: filing, refusals, reading ledgers and the journal, exports."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from domain.deciding import RULES
from tests.district import id_number
from tests.http_office import OPENING, HttpOffice, http_office

NAME, MASKED_NAME = "张示范", "张**"
ACCEPTS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
}


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP that this module's tests share."""
    with http_office(module_database) as opened:
        early = opened.ask("GET", "/api/ledgers/roster")
        assert (early.status_code, early.json()["code"]) == (404, "ledger.not-opened")
        assert "未建账" in early.json()["detail"]
        opened.open_journal()
        yield opened


@pytest.fixture(scope="module")
def paper(house: HttpOffice) -> str:
    """A city's document on file."""
    return house.document()


@pytest.fixture
def unit(house: HttpOffice, paper: str) -> str:
    """An institution of this test's own with five administrative posts, all vacant."""
    return house.institution(f"示范{uuid.uuid4().hex[:8]}办公室", paper, 5)


# ── filing ───────────────────────────────────────────────────────────────────────────────────


def test_what_is_filed_is_answered_with_its_entries_and_where_they_are(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """201, positions without a gap, links that lead somewhere, personal values masked."""
    answer = house.ask("POST", "/api/staffing/enter", json=house.entering(unit, paper, 1))
    receipt = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/journal/{receipt['position']}"
    assert receipt["title"] == "入编"
    assert [one["fact"] for one in receipt["entries"]] == [
        "staffing.person-registered",
        "staffing.entered",
    ]
    assert [one["position"] for one in receipt["entries"]] == [house.head() - 1, house.head()]
    assert receipt["recorded_at"].endswith("+08:00")
    assert NAME not in answer.text
    assert id_number(1) not in answer.text
    registered = receipt["entries"][0]
    assert registered["body"]["name"] == MASKED_NAME
    shown = house.get(registered["links"]["self"])
    assert shown["id"] == registered["id"]
    assert shown["actor"] == shown["prepared_by"] == "clerk"
    assert shown["basis"] == [
        {"document": paper, "item": None, "link": f"/api/ledgers/documents/{paper}"}
    ]
    assert house.get(shown["basis"][0]["link"])["row"]["key"] == paper


def test_a_dry_run_says_what_would_be_recorded_and_records_nothing(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """The same body filed afterwards does just that."""
    body = house.entering(unit, paper, 2)
    with house.nothing_recorded():
        tried = house.ask("POST", "/api/staffing/enter?dry_run=true", json=body)
    assert tried.status_code == 200
    assert tried.json()["dry_run"] is True
    filed = house.file("/api/staffing/enter", body)
    would = [one["fact"] for one in tried.json()["would_file"]]
    assert would == [one["fact"] for one in filed["entries"]]


def test_the_same_request_sent_again_is_recorded_once(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """Eight at once and one later: one filing, nine times the same answer."""
    body, key = house.entering(unit, paper, 3), uuid.uuid4().hex
    before = house.head()
    answers: list[Any] = []

    def send() -> None:
        answers.append(
            house.ask("POST", "/api/staffing/enter", json=body, headers={"Idempotency-Key": key})
        )

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send()
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["position"] for answer in answers} == {before + 1}
    assert sum(not answer.json()["replayed"] for answer in answers) == 1
    assert house.head() == before + 2


def test_a_key_used_for_another_body_is_refused(house: HttpOffice) -> None:
    """And nothing was recorded."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"issuer": "示范市委编委", "issuer_level": "city", "issued_on": "2021-06-01"}
    house.file("/api/documents/register", {**body, "document_title": "甲"}, **key)
    with house.nothing_recorded():
        answer = house.ask(
            "POST", "/api/documents/register", json={**body, "document_title": "乙"}, headers=key
        )
    assert (answer.status_code, answer.json()["code"]) == (409, "filing.key-reused")


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
def test_an_unusable_key_is_said_to_be_so(house: HttpOffice, key: str) -> None:
    """Instead of being passed over, which would record the filing twice some day."""
    with house.nothing_recorded():
        answer = house.ask(
            "POST", "/api/documents/register", json={}, headers={"Idempotency-Key": key}
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameters")


def test_what_is_on_record_already_is_answered_as_such(house: HttpOffice) -> None:
    """An opening line filed twice is recorded once; the second answer says so with 200."""
    line = {"effective_on": "2021-06-30", "name": "示范区气象台", "category": "institution"}
    body = {**line, "rank": "40", "quotas": [{"quota_kind": "20", "number": 3}]}
    house.file("/api/opening/institution", body)
    with house.nothing_recorded():
        again = house.ask("POST", "/api/opening/institution", json=body)
    assert again.status_code == 200
    assert again.json()["already_recorded"] is True
    assert again.json()["dry_run"] is False


# ── refusals ─────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_names_the_rule_its_basis_and_the_entries_in_the_way(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """Somebody in an establishment cannot enter another; and nothing was recorded."""
    person = house.entered(unit, paper, 4)
    body = house.entering(unit, paper, 4)
    del body["new_person"]
    with house.nothing_recorded():
        answer = house.ask("POST", "/api/staffing/enter", json={**body, "person": person})
    problem = answer.json()
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "rule.refused"
    assert problem["type"] == "urn:taizhang:problem:rule.refused"
    rule = RULES[problem["rule"]["name"]]
    assert problem["rule"]["basis"] == rule.basis
    assert problem["entries"]
    for entry in problem["entries"]:
        assert person in house.get(entry["link"])["subjects"]["person"]


def test_clerks_who_race_for_five_vacancies_fill_five(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """64 at once: five receipts, 59 refusals by the vacancy rule that name the five; it closes."""
    house.token("clerk")
    answers: list[Any] = []

    def enter(n: int) -> None:
        body = house.entering(unit, paper, 100 + n)
        answers.append(house.ask("POST", "/api/staffing/enter", json=body))

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 59
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["rule"]["name"] for problem in refusals} == {"quota_has_a_vacancy"}
    receipts = [answer.json() for answer in answers if answer.status_code == 201]
    holders = {entry["position"] for receipt in receipts for entry in receipt["entries"]}
    for problem in refusals:
        in_the_way = {entry["position"] for entry in problem["entries"]}
        assert len(in_the_way) == 5
        assert in_the_way <= holders
    row = house.get(f"/api/ledgers/quota_book/{unit}:10", valid_on="2021-07-01")["row"]["values"]
    assert (row["approved"], row["occupied"], row["vacant"]) == (5, 5, 0)


def test_the_rule_book_lists_every_rule(house: HttpOffice) -> None:
    """With its sentence and its legal basis, as refusals name them."""
    listed = {one["name"]: one for one in house.get("/api/rules")["rules"]}
    assert set(listed) == set(RULES)
    assert listed["quota_has_a_vacancy"]["basis"]


# ── voiding and correcting ───────────────────────────────────────────────────────────────────


def test_a_voided_entry_says_so_and_the_ledger_forgets_it(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """What was known before stays known as of before."""
    receipt = house.file("/api/staffing/enter", house.entering(unit, paper, 5))
    entered = receipt["entries"][1]
    (person,) = entered["subjects"]["person"]
    row = f"/api/ledgers/roster/{person}"
    assert house.get(row)["row"]["values"]["institution"] == unit
    position = entered["position"]
    void = house.file("/api/journal/void", {"positions": [position], "reason": "重复登记"})
    assert house.get(f"/api/journal/{position}")["voided_by"] == void["position"]
    gone = house.ask("GET", row)
    assert (gone.status_code, gone.json()["code"]) == (404, "ledger.row-unknown")
    assert house.get(row, known=position)["row"]["values"]["institution"] == unit
    (version,) = house.get(f"{row}/history")["versions"]
    assert version["taken_back_by"] == void["position"]
    with house.nothing_recorded():
        again = house.ask(
            "POST", "/api/journal/void", json={"positions": [position], "reason": "再次"}
        )
    assert again.json()["rule"]["name"] == "entry_still_stands"


# ── the journal ──────────────────────────────────────────────────────────────────────────────


def test_the_journal_is_found_by_what_is_asked(house: HttpOffice, paper: str, unit: str) -> None:
    """By subject, fact, actor, document and period; the newest first, page by page."""
    person = house.entered(unit, paper, 6)
    about = house.get("/api/journal", subject=f"person:{person}")
    assert [one["fact"] for one in about["entries"]] == [
        "staffing.entered",
        "staffing.person-registered",
    ]
    assert about["position"] == house.head()
    by_fact = house.get("/api/journal", fact="staffing.entered", subject=f"person:{person}")
    assert len(by_fact["entries"]) == 1
    assert house.get("/api/journal", actor="reviewer")["entries"] == []
    cited = house.get("/api/journal", document=paper, limit=500)["entries"]
    assert all(paper in str(one["subjects"]) for one in cited)
    assert house.get("/api/journal", effective_to="2021-06-30")["entries"]
    seen: list[int] = []
    following: str | None = "/api/journal?limit=7"
    while following:
        page = house.get(following)
        seen += [one["position"] for one in page["entries"]]
        following = page["next"]
    assert seen == list(range(house.head(), 0, -1))


def test_an_unknown_entry_is_not_found(house: HttpOffice) -> None:
    """As a problem document."""
    answer = house.ask("GET", "/api/journal/999999")
    assert (answer.status_code, answer.json()["code"]) == (404, "journal.unknown")


# ── ledgers ──────────────────────────────────────────────────────────────────────────────────


def test_a_ledger_answers_on_both_clocks(house: HttpOffice, paper: str, unit: str) -> None:
    """A late entry changes what is said of the past, but not what was known of it then."""
    known = house.head()
    person = house.entered(unit, paper, 7)
    row = f"/api/ledgers/roster/{person}"
    assert house.ask("GET", row, params={"valid_on": "2021-06-30"}).status_code == 404
    assert house.ask("GET", row, params={"known": known}).status_code == 404
    now = house.get(row, valid_on="2021-07-01")
    assert (now["valid_on"], now["position"]) == ("2021-07-01", house.head())
    then = house.get(row, known_at=now["known_at"])
    assert then["position"] == now["position"]
    far = house.get(row, known_at="2150-01-01T00:00:00Z")
    assert far["position"] == house.head()
    early = house.ask("GET", row, params={"valid_on": "2021-06-29"})
    assert (early.status_code, early.json()["code"]) == (404, "ledger.not-opened")


def test_pages_belong_together_whatever_is_filed_meanwhile(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """Every person once, nobody who came later; the answer says where it stands."""
    people = {house.entered(unit, paper, 20 + n) for n in range(4)}
    first = house.get("/api/ledgers/roster", institution=unit, limit=2, valid_on="2021-07-01")
    house.entered(unit, paper, 24)
    second = house.get(first["next"])
    assert second["position"] == first["position"]
    assert second["next"] is None
    keys = [row["key"] for row in [*first["rows"], *second["rows"]]]
    assert set(keys) == people
    assert len(keys) == 4
    other = house.ask("GET", "/api/ledgers/roster", params={"cursor": first["cursor"]})
    assert (other.status_code, other.json()["code"]) == (422, "ledger.cursor")
    assert house.get(first["rows"][0]["link"])["row"]["key"] == first["rows"][0]["key"]


def test_the_list_of_ledgers_says_how_each_may_be_asked(house: HttpOffice) -> None:
    """Columns with their Chinese names; what is declared filterable can be asked by."""
    listed = house.get("/api/ledgers")["ledgers"]
    assert {"roster", "quota_book", "institutions", "documents"} <= {one["name"] for one in listed}
    for ledger in listed:
        page = house.get(ledger["link"], limit=1)
        assert page["title"] == ledger["title"]
        names = [column["name"] for column in ledger["columns"]]
        assert all(list(row["values"]) == names for row in page["rows"])
        for column in ledger["columns"]:
            if column["sort"]:
                house.get(ledger["link"], limit=1, sort=f"-{column['name']}")


def test_an_unknown_ledger_is_answered_with_those_there_are(house: HttpOffice) -> None:
    """So that a misspelt name is put right at a glance."""
    answer = house.ask("GET", "/api/ledgers/rooster")
    assert (answer.status_code, answer.json()["code"]) == (404, "ledger.unknown")
    assert "roster（实名制人员台账）" in answer.json()["detail"]


def test_history_tells_every_version_and_what_is_behind_it(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """The transfer's version says what changed, by which entry and document."""
    person = house.entered(unit, paper, 8)
    other = house.institution("示范区史志办公室", paper, 2)
    body = {
        **house.on("2021-07-02"),
        "person": person,
        "institution": other,
        "quota_kind": "10",
        "entry_mode": "appointment",
        "basis": [{"document": paper}],
    }
    receipt = house.file("/api/staffing/transfer", body)
    history = house.get(f"/api/ledgers/roster/{person}/history")
    latest, first = history["versions"]
    assert latest["position"] == receipt["position"]
    assert latest["basis"][0]["document"] == paper
    assert first["valid_to"] == "2021-07-02"
    changed = {one["field"]: (one["before"], one["after"]) for one in latest["changes"]}
    assert changed["institution"] == (unit, other)


# ── personal data ────────────────────────────────────────────────────────────────────────────


def readings(house: HttpOffice, **asked: Any) -> list[dict[str, Any]]:
    """Return the newest lines of the access log."""
    found: list[dict[str, Any]] = house.get("/api/logs/readings", "auditor", **asked)["lines"]
    return found


def test_personal_values_are_masked_unless_asked_and_each_asking_is_kept(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """Ledger page, row, history and journal; the log says who, what, how many, never the values."""
    person = house.entered(unit, paper, 9)
    row = f"/api/ledgers/roster/{person}"
    places = [
        row,
        f"/api/ledgers/roster?institution={unit}",
        f"{row}/history",
        f"/api/journal?subject=person:{person}",
        f"/api/journal/{house.head() - 1}",
    ]
    for path in places:
        newest = readings(house, limit=1)[:1]
        masked = house.ask("GET", path).text
        assert MASKED_NAME in masked
        assert NAME not in masked
        assert id_number(9) not in masked
        assert f"{id_number(9)[:4]}**********{id_number(9)[-4:]}" in masked
        assert readings(house, limit=1) == newest
        joint = "&" if "?" in path else "?"
        whole = house.ask("GET", f"{path}{joint}unmasked=true").text
        assert NAME in whole
        assert id_number(9) in whole
        (line,) = readings(house, limit=1)
        assert line not in newest
        assert (line["actor"], line["unmasked"]) == ("clerk", True)
        assert line["rows"] >= 1
        assert line["what"] in {"roster", "journal"}
        assert NAME not in str(line)
        assert id_number(9) not in str(line)


def test_who_may_not_see_whole_values_cannot_ask_by_them_either(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """An administrator reads masked ledgers, but finds nobody by an ID number."""
    house.entered(unit, paper, 10)
    assert MASKED_NAME in house.ask("GET", "/api/ledgers/roster", "administrator").text
    for params in (
        {"unmasked": "true"},
        {"id_no": id_number(10)},
        {"id_no.contains": id_number(10)[:8]},
        {"sort": "-birth_date"},
    ):
        answer = house.ask("GET", "/api/ledgers/roster", "administrator", params=params)
        assert (answer.status_code, answer.json()["code"]) == (403, "access.denied")


def test_asking_by_a_personal_value_is_kept_without_the_value(
    house: HttpOffice, paper: str, unit: str
) -> None:
    """Who was looked for stays out of the log; that somebody looked does not."""
    person = house.entered(unit, paper, 11)
    found = house.get("/api/ledgers/roster", id_no=id_number(11))
    assert [row["key"] for row in found["rows"]] == [person]
    (line,) = readings(house, limit=1)
    assert (line["rows"], line["unmasked"]) == (1, False)
    assert id_number(11) not in str(line)
    assert "**********" in line["question"]["id_no"]


# ── exports ──────────────────────────────────────────────────────────────────────────────────


def table_of(form: str, content: bytes) -> list[list[str]]:
    """Return a file's cells as texts."""
    if form == "csv":
        assert content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    if form == "xlsx":
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        return [[str(cell) for cell in row] for row in sheet.to_python()]
    lines = [json.loads(line) for line in content.splitlines()]
    return [[str(cell) for cell in line.values()] for line in lines]


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("by_accept", [False, True], ids=["suffix", "accept"])
def test_a_ledger_is_exported_whole_graded_and_noted(
    house: HttpOffice, paper: str, unit: str, form: str, *, by_accept: bool
) -> None:
    """By address or by Accept; masked; with its secrecy grade, and one line in the log."""
    for _ in range(3):
        house.entered(unit, paper, house.fresh())
    path = "/api/ledgers/roster" if by_accept else f"/api/ledgers/roster.{form}"
    answer = house.ask(
        "GET",
        path,
        params={"institution": unit},
        headers={"Accept": ACCEPTS[form] if by_accept else "*/*"},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == ACCEPTS[form]
    assert answer.headers["content-disposition"].endswith(f"_{house.head()}.{form}")
    table = table_of(form, answer.content)
    cells = [cell for row in table for cell in row]
    assert "内部" in cells
    assert cells.count(MASKED_NAME) == 3
    assert NAME not in cells
    assert ("行政编制" in cells) == (form != "ndjson")
    (line,) = house.get("/api/logs/exports", "auditor", limit=1)["lines"]
    assert (line["rows"], line["format"], line["secrecy"]) == (3, form, "internal")
    assert (line["unmasked"], line["what"], line["actor"]) == (False, "roster", "clerk")


def test_who_has_left_is_still_named(house: HttpOffice, paper: str, unit: str) -> None:
    """Off the roster, in the register of persons, and by name in the list of movements."""
    person = house.entered(unit, paper, house.fresh(), "李示范")
    gone = {**house.on("2021-08-02"), "person": person, "reason": "retired"}
    house.file("/api/staffing/leave", {**gone, "basis": [{"document": paper}]})
    assert house.ask("GET", f"/api/ledgers/roster/{person}").status_code == 404
    known = house.get(f"/api/ledgers/persons/{person}", unmasked="true")["row"]["values"]
    assert known["name"] == "李示范"
    moved = house.get("/api/ledgers/movements", person=person, unmasked="true")["rows"]
    assert sorted(one["values"]["movement"] for one in moved) == ["entered", "left"]
    assert {one["values"]["name"] for one in moved} == {"李示范"}


def test_an_unmasked_export_is_never_public(house: HttpOffice, paper: str, unit: str) -> None:
    """Nor is it anything an administrator may fetch."""
    house.entered(unit, paper, 12)
    asked = {"institution": unit, "unmasked": "true"}
    whole = house.ask("GET", "/api/ledgers/roster.csv", params={**asked, "secrecy": "secret"})
    assert NAME in whole.content.decode("utf-8-sig")
    assert "秘密" in whole.content.decode("utf-8-sig")
    public = house.ask("GET", "/api/ledgers/roster.csv", params={**asked, "secrecy": "public"})
    assert (public.status_code, public.json()["code"]) == (422, "export.public")
    other = house.ask("GET", "/api/ledgers/roster.csv", "administrator", params=asked)
    assert other.status_code == 403
    paged = house.ask(
        "GET", "/api/ledgers/roster", params={"limit": 5}, headers={"Accept": "text/csv"}
    )
    assert (paged.status_code, paged.json()["code"]) == (422, "request.parameters")
    unknown = house.ask("GET", "/api/ledgers/roster.pdf")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "request.parameters")


def test_opening_the_journal_again_is_refused(house: HttpOffice) -> None:
    """One office, one journal; the entry in the way is the first."""
    with house.nothing_recorded():
        answer = house.ask("POST", "/api/journal/open", json=OPENING)
    assert answer.json()["rule"]["name"] == "journal_is_opened_once"
    assert answer.json()["entries"] == [{"position": 1, "link": "/api/journal/1"}]
