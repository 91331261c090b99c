"""Staff of a department (部门人员): they draft and read what is their own, and nothing else.

Every route of the OpenAPI document is walked as such an account. Whatever was filed about others
bears a mark, and no answer may hold it.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from application.access import AccountProblem
from infrastructure.accounts import Accounts
from infrastructure.database import Database
from interface.examples import EXAMPLES
from interface.within import OWN_COMMANDS, OWN_LEDGERS
from tests.http_office import PASSWORD, HttpOffice, http_office

MARK = "别部门的秘密"
ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{16}\b")


class Others(NamedTuple):
    """What others have, by the names of the fields that could ask for it."""

    institution: str
    document: str
    person: str
    item: str
    draft: str
    compile: str
    adjustment: str
    township: str
    matter: str
    admission: str
    proposal: str


class Shared(NamedTuple):
    """An office that two departments draft in, and what is whose."""

    house: HttpOffice
    own: str
    own_item: str
    others: Others


def content(name: str, **more: Any) -> dict[str, Any]:
    """A licence with everything that it must have."""
    return {
        "category": "01",
        "name": name,
        "bases": [{"title": "中华人民共和国种子法", "level": "law", "articles": ["第三十一条"]}],
        "duties": [{"text": f"{name}的责任"}],
        "liabilities": [f"{name}的追责"],
        **more,
    }


@pytest.fixture(scope="module")
def shared(module_database: str) -> Iterator[Shared]:
    """Both departments have an item, a draft, an application; a person and a township stand by."""
    with http_office(module_database) as house:
        house.open_journal()
        paper = house.document(
            f"关于{MARK}的批复", number="示编〔2021〕1号", issuer_level="province"
        )
        own = house.institution("示范区档案局", paper, 2)
        other = house.institution(f"示范区{MARK}局", paper, 2)
        kinds: dict[str, Any] = {
            "category": "township",
            "rank": "40",
            "basis": [{"document": paper}],
        }
        town_body = {**house.on(), "name": f"{MARK}镇人民政府", **kinds}
        town = house.only(house.file("/api/institutions/set-up", town_body), "institution")
        house.accounts.add(
            "staff",
            "部门人员",
            PASSWORD,
            ["department"],
            by="t",
            must_change=False,
            institution=own,
        )
        person = house.entered(other, paper, 1, f"{MARK[:2]}人")
        items = {
            who: house.only(
                house.file(
                    "/api/rights/take-over",
                    {**house.on(), "department": who, "content": content(name)},
                ),
                "item",
            )
            for who, name in ((own, "本部门的许可"), (other, f"{MARK}许可"))
        }
        others = _others(house, paper, other, town, items[other], person)
        yield Shared(house, own, items[own], others)


def _others(house: HttpOffice, paper: str, other: str, town: str, item: str, person: str) -> Others:
    on = house.on()
    basis: dict[str, Any] = {"basis": [{"document": paper}]}
    own = house.get("/api/ledgers/institutions", name="示范区档案局")["rows"][0]["key"]
    plan = {**on, "name": "2021年版", "departments": [own, other], **basis}
    compiling = house.only(house.file("/api/rights/start-compile", plan), "compile")
    part = {**on, "compiling": compiling, "department": other}
    drafted = {**part, "content": content(f"{MARK}草稿")}
    draft = house.only(house.file("/api/rights/draft-item", drafted), "draft")
    house.file("/api/rights/submit-drafts", part, "second")
    comments = [{"item": draft, "comment": f"{MARK}意见"}]
    house.file("/api/rights/return-drafts", {**part, "reviewed_by": town, "comments": comments})
    change = {"kind": "cancel", "reason": "can-1", "items": [item], "supervision": MARK}
    applied: dict[str, Any] = {**on, "department": other, "trigger_on": "2021-07-01", **basis}
    applied["changes"] = [change]
    adjustment = house.only(house.file("/api/rights/apply", applied), "adjustment")
    review = {**on, "adjustment": adjustment, "stage": "office", "passed": False, "opinion": MARK}
    house.file("/api/rights/review", review, "second")
    opinion = {"township": town, "agrees": True, "opinion": MARK}
    asked: dict[str, Any] = {**on, "department": other, "townships": [town], **basis}
    asked |= {"matters": [f"{MARK}检查"], "reason": MARK, "opinions": [opinion]}
    admission = house.only(house.file("/api/rights/apply-admission", asked), "admission")
    matter = {**on, "township": town, "name": f"{MARK}事项", "duty": "basic", "acting": "township"}
    listed = house.only(house.file("/api/rights/take-over-matter", matter), "matter")
    two = {**on, "name": "four_eyes", "value": ["institutions.rename"]}
    house.file("/api/settings/change", two)
    rename = {**on, "institution": other, "name": f"{MARK}新局", **basis}
    waiting = house.ask("POST", "/api/institutions/rename", json=rename)
    assert waiting.status_code == 202, waiting.text
    return Others(
        institution=other,
        document=paper,
        person=person,
        item=item,
        draft=draft,
        compile=compiling,
        adjustment=adjustment,
        township=town,
        matter=listed,
        admission=admission,
        proposal=waiting.json()["id"],
    )


# ── walking every route ──────────────────────────────────────────────────────────────────────

ALLOWED = {
    ("GET", "/api/session"),
    ("GET", "/api/ledgers"),
    ("GET", "/api/proposals"),
    *(
        ("GET", f"/api/ledgers/{name}{suffix}")
        for name in OWN_LEDGERS
        for suffix in ("", ".{format}", "/{key}")
    ),
    ("GET", "/api/proposals/{proposal}"),
    ("POST", "/api/proposals/{proposal}/withdraw"),
    *(("POST", f"/api/{command.kind.replace('.', '/')}") for command in OWN_COMMANDS),
}
"""What is not refused to staff of a department before anything is looked at; nothing else is."""

ENDING = {"/api/logout", "/api/password"}
"""Routes about one's own session alone; walking them would end it."""


def text_of(answer: Any) -> str:
    """Return all an answer says, its headers and the parts of a workbook included."""
    said = str(dict(answer.headers))
    if answer.content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            parts = (book.read(one).decode("utf-8", "replace") for one in book.namelist())
            return said + "".join(parts)
    return f"{said}{answer.text}"


def addresses(path: str, others: Others, positions: range) -> Iterator[str]:
    """Yield a path with whatever could stand in it: everybody else's ids, every position."""
    values = {
        "position": map(str, positions),
        **dict.fromkeys(("size", "level", "number"), ("0", "1", "2")),
        "format": ("csv", "xlsx", "ndjson"),
        "proposal": (others.proposal,),
        "key": (*others, f"{others.institution}:district:01", f"{others.township}::basic"),
    }
    name = re.search(r"\{(\w+)\}", path)
    if name is None:
        yield path
        return
    for value in values.get(name[1], (*others, "1")):
        yield from addresses(path.replace(name[0], value), others, positions)


def body_for(path: str, shared: Shared) -> Any:
    """Return the example of a command, every id in it replaced by another department's."""
    example = EXAMPLES.get(path.removeprefix("/api/").replace("/", "."))
    if example is None:
        return {}
    fields = {**shared.others._asdict(), "department": shared.others.institution}
    fields |= {"compiling": shared.others.compile, "approval": shared.others.item}

    def replaced(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {one: replaced(one, inner) for one, inner in value.items()}
        if isinstance(value, list):
            return [replaced(name.rstrip("s"), inner) for inner in value]
        return fields.get(name, value) if isinstance(value, str) and ID.fullmatch(value) else value

    return replaced("", example)


def walk(shared: Shared) -> Iterator[tuple[str, str, str, Any]]:
    """Yield method, route, address and answer of every guarded route, asked for others' things."""
    house, others = shared.house, shared.others
    paths = house.client.get("/openapi.json").json()["paths"]
    positions = range(1, house.head() + 1)
    for path, methods in paths.items():
        for method, operation in methods.items():
            if "security" not in operation or path in ENDING:
                continue
            for address in addresses(path, others, positions):
                sent = {"json": body_for(path, shared)} if method == "post" else {}
                yield method.upper(), path, address, house.ask(method, address, "staff", **sent)


def test_no_route_shows_staff_what_others_have(shared: Shared) -> None:
    """All of them, with others' ids in every place; nothing is filed, nothing is told."""
    house, walked, open_to_them = shared.house, 0, set()
    strange = set(shared.others) - {shared.others.compile, shared.others.document}
    before = house.head()
    for method, route, address, answer in walk(shared):
        walked += 1
        denied = answer.status_code == 403 and answer.json()["code"] == "access.denied"
        if not denied or "没有“" not in answer.json()["detail"]:
            open_to_them.add((method, route))
        said = text_of(answer)
        assert MARK not in said, (method, address, said)
        told = set(ID.findall(said)) & strange
        asked_for = {one for one in strange if one in address or method == "POST"}
        assert told <= asked_for, (method, address, told)
        assert method != "POST" or answer.status_code >= 400, (address, said)
    assert walked > 400
    assert open_to_them == ALLOWED
    assert house.head() == before


@pytest.mark.parametrize("ledger", OWN_LEDGERS)
def test_conditions_do_not_lead_out_of_ones_own(shared: Shared, ledger: str) -> None:
    """Asked for another institution in any way: by its id, by its name, with a cursor of others."""
    house, other, column = shared.house, shared.others.institution, OWN_LEDGERS[ledger]
    path = f"/api/ledgers/{ledger}"
    for form in ("", ".csv"):
        asked = house.ask("GET", path + form, "staff", params={column: other})
        assert (asked.status_code, asked.json()["code"]) == (403, "access.denied")
        twice = house.ask(
            "GET", path + form, "staff", params=[(column, shared.own), (column, other)]
        )
        assert twice.status_code == 422
    for params in ({f"{column}.contains": other}, {"valid_on": "2199-12-31"}, {"known": "9999"}):
        page = house.ask("GET", path, "staff", params=params)
        assert page.status_code == 200, page.text
        assert {row["values"][column] for row in page.json()["rows"]} <= {shared.own}
    first = house.ask("GET", path, "clerk", params={"limit": 1, "sort": "key"}).json()
    if first["cursor"]:
        foreign = {"limit": 1, "sort": "key", "cursor": first["cursor"]}
        assert house.ask("GET", path, "staff", params=foreign).status_code == 422
    csv = house.ask("GET", path, "staff", headers={"Accept": "text/csv"})
    assert csv.status_code == 200
    assert MARK not in csv.text


# ── what they may ────────────────────────────────────────────────────────────────────────────


def test_staff_draft_submit_and_read_their_own(shared: Shared) -> None:
    """The whole way of a department, by its own account."""
    house, own, compiling = shared.house, shared.own, shared.others.compile
    part = {**house.on(), "compiling": compiling, "department": own}
    drafted = house.file(
        "/api/rights/draft-item", {**part, "content": content("新的许可")}, "staff"
    )
    draft = house.only(drafted, "draft")
    text = content("本部门的许可", handler="一科")
    revised = {**part, "item": shared.own_item, "content": text}
    house.file("/api/rights/draft-item", revised, "staff")
    rows = house.get("/api/ledgers/rights_drafts", "staff")["rows"]
    assert sorted(row["values"]["name"] for row in rows) == ["新的许可", "本部门的许可"]
    one = house.get(f"/api/ledgers/rights_drafts/{draft}", "staff")["row"]
    assert one["values"]["department_name"] == "示范区档案局"
    house.file("/api/rights/withdraw-draft", {**part, "item": draft}, "staff")
    house.file("/api/rights/submit-drafts", part, "staff")
    progress = house.get("/api/ledgers/rights_progress", "staff")["rows"]
    assert [row["values"]["state"] for row in progress] == ["submitted"]
    change = {"kind": "change", "reason": "chg-5", "items": [shared.own_item], "contents": [text]}
    asked = {**house.on(), "department": own, "trigger_on": "2021-07-01", "changes": [change]}
    house.file("/api/rights/apply", asked, "staff")
    csv = house.ask("GET", "/api/ledgers/rights_items.csv", "staff").text
    assert "本部门的许可" in csv
    names = {one["name"] for one in house.get("/api/ledgers", "staff")["ledgers"]}
    assert names == set(OWN_LEDGERS)
    assert house.get("/api/session", "staff")["institution"] == own


def test_staff_file_for_nobody_else_and_name_nothing_of_others(shared: Shared) -> None:
    """Another's department, item, application; each is refused before a rule could tell of it."""
    house, own, others = shared.house, shared.own, shared.others
    part = {**house.on(), "compiling": others.compile}
    for_another = {**part, "department": others.institution, "content": content("甲")}
    change = {"kind": "cancel", "reason": "can-1", "items": [others.item], "supervision": "抽查"}
    mine = {**house.on(), "department": own, "trigger_on": "2021-07-01"}
    add = {"kind": "add", "reason": "add-1", "contents": [content("乙")]}
    wanted = [
        ("/api/rights/draft-item", for_another),
        ("/api/rights/draft-item", {**for_another, "department": own, "item": others.item}),
        ("/api/rights/apply", {**mine, "changes": [change]}),
        ("/api/rights/apply", {**mine, "changes": [add], "adjustment": others.adjustment}),
    ]
    for dry in ("", "?dry_run=true"):
        for path, body in wanted:
            with house.nothing_recorded():
                refused = house.ask("POST", path + dry, "staff", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "access.denied"), body
            assert MARK not in refused.text
    strange = {**for_another, "department": own, "item": others.draft}
    refused = house.ask("POST", "/api/rights/draft-item", "staff", json=strange)
    assert refused.status_code == 409
    assert MARK not in refused.text


def test_a_proposal_of_ones_own_is_seen_and_withdrawn(shared: Shared) -> None:
    """Where the office wants two people, the department sees its own waiting, no other."""
    house, own = shared.house, shared.own
    kinds = {**house.on(), "name": "four_eyes", "value": ["rights.apply"]}
    house.file("/api/settings/change", kinds)
    add = {"kind": "add", "reason": "add-1", "contents": [content("丙")]}
    body = {**house.on(), "department": own, "trigger_on": "2021-07-01", "changes": [add]}
    waiting = house.ask("POST", "/api/rights/apply", "staff", json=body)
    assert waiting.status_code == 202, waiting.text
    found = house.get("/api/proposals", "staff", prepared_by="clerk")["proposals"]
    assert [one["id"] for one in found] == [waiting.json()["id"]]
    link = waiting.headers["location"]
    assert house.get(link, "staff")["command"]["department"] == own
    assert house.ask("POST", f"{link}/withdraw", "staff").status_code == 200


# ── the account ──────────────────────────────────────────────────────────────────────────────


def test_such_an_account_belongs_to_an_institution(shared: Shared) -> None:
    """One that stands in the register; other accounts belong to none."""
    house = shared.house
    account = {"name": "guest", "display_name": "某某", "password": "correct horse 7"}
    account["roles"] = ["department"]  # type: ignore[assignment]
    for more, code in (
        ({}, "account.institution"),
        ({"institution": "9" * 16}, "account.institution"),
        ({"institution": shared.own, "roles": ["clerk"]}, "account.institution"),
        ({"institution": shared.own, "roles": ["department", "clerk"]}, "account.roles"),
    ):
        answer = house.ask("POST", "/api/users", "administrator", json={**account, **more})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    made = house.ask(
        "POST", "/api/users", "administrator", json={**account, "institution": shared.own}
    )
    assert made.status_code == 201
    assert made.json()["institution"] == shared.own
    moved = {"institution": shared.others.township}
    changed = house.ask("POST", "/api/users/guest", "administrator", json=moved)
    assert changed.json()["institution"] == shared.others.township
    lines = house.get("/api/logs/accounts", "auditor")["lines"]
    assert ("institution", shared.others.township) in {(x["event"], x["detail"]) for x in lines}
    clerk = house.ask("POST", "/api/users/guest", "administrator", json={"roles": ["clerk"]})
    assert clerk.json()["institution"] is None


def test_the_database_holds_to_it_as_well(office_database: Database) -> None:
    """A session of such a role without an institution cannot come about."""
    accounts = Accounts(office_database)
    with pytest.raises(AccountProblem, match="须写明所属机构"):
        accounts.add("guest", "某某", PASSWORD, ["department"], by="test")
    accounts.add("guest", "某某", PASSWORD, ["department"], by="test", institution="A" * 16)
    with pytest.raises(psycopg.errors.CheckViolation), office_database.as_owner() as connection:
        connection.execute("UPDATE accounts SET institution = NULL")
    with pytest.raises(psycopg.errors.CheckViolation), office_database.as_owner() as connection:
        connection.execute("UPDATE accounts SET roles = ARRAY['department', 'clerk']")


def test_the_walk_would_find_a_leak(shared: Shared) -> None:
    """A clerk who walks the same way meets the mark: the walk is not blind."""
    house, others = shared.house, shared.others
    met = [
        house.ask("GET", address, "clerk")
        for route in ("/api/journal/{position}", "/api/ledgers/rights_drafts/{key}")
        for address in addresses(route, others, range(1, house.head() + 1))
    ]
    assert any(MARK in text_of(answer) for answer in met)
    assert json.dumps(body_for("/api/rights/apply", shared)).count(others.item) == 1
