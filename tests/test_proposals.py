"""Prepared by one, approved by another: filings that wait for a second person."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from application.deciding import kinds_in
from domain.deciding import COMMANDS
from tests.http_office import HttpOffice, http_office

REASON = "缺少主管部门意见"


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """An office whose document filings need a second person from 2021-07-01 on."""
    with http_office(module_database) as opened:
        opened.open_journal()
        setting = {"name": "four_eyes", "value": ["documents.register"]}
        opened.file("/api/settings/change", {**opened.on(), **setting})
        yield opened


def body(title: str = "关于机构编制事项的批复") -> dict[str, Any]:
    """Return a document's registration."""
    return {
        "document_title": title,
        "issuer": "示范市委编委",
        "issuer_level": "city",
        "issued_on": "2021-06-01",
    }


def prepared(house: HttpOffice, who: str = "clerk", **headers: str) -> Any:
    """Prepare a registration as ``who``; return the proposal."""
    with house.nothing_recorded():
        answer = house.ask("POST", "/api/documents/register", who, json=body(), headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/proposals/{answer.json()['id']}"
    return answer.json()


def approve(house: HttpOffice, proposal: Any, who: str = "reviewer", query: str = "") -> Any:
    """Approve as ``who``; return the response."""
    return house.ask("POST", f"/api/proposals/{proposal['id']}/approve{query}", who)


def test_a_setting_makes_filings_wait_at_once(house: HttpOffice) -> None:
    """What is prepared waits, others file as before, and a dry run says that it would wait."""
    proposal = prepared(house)
    assert (proposal["state"], proposal["state_title"]) == ("waiting", "待核准")
    assert (proposal["prepared_by"], proposal["title"]) == ("clerk", "登记文件")
    tried = house.ask("POST", "/api/documents/register?dry_run=true", json=body())
    assert (tried.status_code, tried.json()["needs_approval"]) == (200, True)


def test_the_approval_files_it_under_both_names(house: HttpOffice) -> None:
    """One append: who approved is the actor, who prepared is named; the proposal says where."""
    proposal = prepared(house)
    tried = approve(house, proposal, query="?dry_run=true")
    assert (tried.status_code, tried.json()["dry_run"]) == (200, True)
    answer = approve(house, proposal)
    assert answer.status_code == 201
    entry = house.get(answer.headers["location"])
    assert (entry["actor"], entry["prepared_by"]) == ("reviewer", "clerk")
    assert entry["approved_by"] == "reviewer"
    decided = house.get(f"/api/proposals/{proposal['id']}")
    assert (decided["state"], decided["decided_by"]) == ("approved", "reviewer")
    assert decided["position"] == entry["position"]
    assert decided["command"] is None


def test_nobody_approves_or_returns_his_own_work(house: HttpOffice) -> None:
    """Not even who may do both; and nothing was recorded."""
    proposal = prepared(house, "second")
    with house.nothing_recorded():
        own = approve(house, proposal, "second")
        back = house.ask(
            "POST",
            f"/api/proposals/{proposal['id']}/return",
            "second",
            json={"reason": REASON},
        )
    assert (own.status_code, own.json()["code"]) == (403, "proposal.own")
    assert (back.status_code, back.json()["code"]) == (403, "proposal.own")
    assert approve(house, proposal).status_code == 201


def test_the_database_itself_keeps_the_two_apart(house: HttpOffice) -> None:
    """The second line: a row that says otherwise cannot be written."""
    proposal = prepared(house)
    with (
        pytest.raises(Exception, match="proposals_check"),
        house.office.database.as_owner() as connection,
    ):
        connection.execute(
            "UPDATE proposals SET state = 'approved', decided_by = prepared_by WHERE id = %s",
            (proposal["id"],),
        )


def test_two_reviewers_at_once_file_it_once(house: HttpOffice) -> None:
    """One approves, the other is told that it was decided."""
    house.accounts.add(
        "other", "审核人", "correct horse 7", ["reviewer"], by="t", must_change=False
    )
    for who in ("reviewer", "other"):
        house.token(who)
    for _ in range(5):
        proposal, before = prepared(house), house.head()
        answers: list[Any] = []

        def decide(who: str, proposal: Any = proposal, answers: list[Any] = answers) -> None:
            answers.append(approve(house, proposal, who))

        threads = [threading.Thread(target=decide, args=(who,)) for who in ("reviewer", "other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert {a.json().get("code") for a in answers} == {None, "proposal.decided"}
        assert house.head() == before + 1


def test_returned_with_a_reason_and_withdrawn_by_its_preparer(house: HttpOffice) -> None:
    """Both end it; nothing was recorded, and nothing of its contents is kept."""
    first, second = prepared(house), prepared(house)
    with house.nothing_recorded():
        returned = house.ask(
            "POST", f"/api/proposals/{first['id']}/return", "reviewer", json={"reason": REASON}
        )
        foreign = house.ask("POST", f"/api/proposals/{second['id']}/withdraw", "second")
        withdrawn = house.ask("POST", f"/api/proposals/{second['id']}/withdraw")
        late = approve(house, first)
    assert (returned.json()["state"], returned.json()["reason"]) == ("returned", REASON)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "proposal.not-yours")
    assert withdrawn.json()["state"] == "withdrawn"
    assert (late.status_code, late.json()["code"]) == (409, "proposal.decided")
    with house.office.database.as_owner() as connection:
        rows = connection.execute(
            "SELECT body FROM proposals WHERE id = ANY(%s)", ([first["id"], second["id"]],)
        ).fetchall()
    assert rows == [(None,), (None,)]


def test_what_could_not_be_filed_now_is_refused_when_prepared(house: HttpOffice) -> None:
    """A clerk hears of it at once, not from the reviewer; and no proposal is made."""
    numbered = {**body(), "number": "示编〔2021〕7号"}
    first = house.ask("POST", "/api/documents/register", json=numbered).json()
    twin = house.ask("POST", "/api/documents/register", json=numbered).json()
    assert approve(house, first).status_code == 201
    waiting = house.get("/api/proposals", state="waiting", limit=500)["proposals"]
    with house.nothing_recorded():
        answer = house.ask("POST", "/api/documents/register", json=numbered)
        assert answer.json()["rule"]["name"] == "document_number_is_free"
        beaten = approve(house, twin)
    assert beaten.json()["rule"]["name"] == "document_number_is_free"
    assert house.get("/api/proposals", state="waiting", limit=500)["proposals"] == waiting
    assert house.get(f"/api/proposals/{twin['id']}")["state"] == "waiting"


def test_the_same_request_sent_again_is_one_proposal(house: HttpOffice) -> None:
    """Also after it was approved; the same key with another body is refused."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = prepared(house, **key)
    assert prepared(house, **key)["id"] == first["id"]
    assert approve(house, first).status_code == 201
    assert prepared(house, **key)["id"] == first["id"]
    other = house.ask("POST", "/api/documents/register", json=body("另一份"), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "filing.key-reused")


def test_contents_are_sealed_and_shown_only_to_those_two(house: HttpOffice) -> None:
    """The database holds no word of them; a reviewer's looking is kept, an auditor may not."""
    proposal = prepared(house)
    with house.office.database.as_owner() as connection:
        row = connection.execute(
            "SELECT p::text FROM proposals p WHERE id = %s", (proposal["id"],)
        ).fetchone()
    assert row is not None
    assert body()["document_title"].encode().hex() not in row[0]
    path = f"/api/proposals/{proposal['id']}"
    assert house.get(path)["command"]["document_title"] == body()["document_title"]
    assert house.get(path, "reviewer")["command"]["document_title"] == body()["document_title"]
    (line,) = house.get("/api/logs/readings", "auditor", limit=1)["lines"]
    assert (line["actor"], line["what"], line["unmasked"]) == ("reviewer", "proposals", True)
    assert house.ask("GET", path, "auditor").status_code == 403
    listed = house.get("/api/proposals", "auditor", limit=1)["proposals"]
    assert listed[0]["id"] == proposal["id"]
    assert "command" not in listed[0]


def test_proposals_are_listed_page_by_page(house: HttpOffice) -> None:
    """Every one once, the newest first, by state and by who prepared them."""
    for _ in range(3):
        prepared(house, "second")
    seen: list[str] = []
    following: str | None = "/api/proposals?prepared_by=second&state=waiting&limit=2"
    while following:
        page = house.get(following)
        seen += [one["id"] for one in page["proposals"]]
        assert all(one["prepared_by"] == "second" for one in page["proposals"])
        following = page["next"]
    assert len(seen) == len(set(seen)) >= 3
    unknown = house.ask("GET", "/api/proposals/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "proposal.unknown")


def test_a_correction_waits_as_what_it_carries_does(house: HttpOffice) -> None:
    """Nobody gets round the second person by filing the same within a correction."""
    refiled = {"kind": "documents.register", "body": body()}
    correction = {"items": [{"command": refiled}], "reason": "补录"}
    command = COMMANDS["journal.correct"].model_validate(correction)
    assert kinds_in(command) == {"journal.correct", "documents.register"}
    with house.nothing_recorded():
        answer = house.ask("POST", "/api/journal/correct", json=correction)
    assert answer.status_code == 202


def test_a_disabled_reviewer_approves_nothing(house: HttpOffice) -> None:
    """Though he was logged in when he was disabled."""
    proposal = prepared(house)
    house.accounts.add("gone", "离任", "correct horse 7", ["reviewer"], by="t", must_change=False)
    house.token("gone")
    done = house.ask("POST", "/api/users/gone", "administrator", json={"disabled": True})
    assert done.status_code == 200
    assert approve(house, proposal, "gone").status_code == 401
