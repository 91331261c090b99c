"""What is answered when something is wrong: always a problem document a clerk understands."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import psycopg
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import core_schema
from structlog.testing import capture_logs

from application.books import COMMANDS
from domain.journal import CorrectEntries
from domain.settings import SETTINGS, ChangeSetting
from domain.vocabulary import ERASED
from interface.asking import BODY_LIMIT
from interface.masking import HIDDEN, masked
from interface.problems import TITLES
from interface.wording import SENTENCES, faults
from tests.http_office import HttpOffice, http_office

CHINESE = re.compile(r"[\u4e00-\u9fff]")
DOCUMENT = "/api/documents/register"
BODY = {"document_title": "甲", "issuer": "乙", "issuer_level": "city", "issued_on": "2021-06-01"}


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP that this module's tests share."""
    with http_office(module_database) as opened:
        opened.open_journal()
        yield opened


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Hold that a response is this problem, complete and in Chinese; return the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    assert document["status"] == status == TITLES[code][0]
    assert document["type"] == f"urn:taizhang:problem:{code}"
    assert CHINESE.search(document["title"])
    assert CHINESE.search(document["detail"])
    assert "Traceback" not in answer.text
    return document


# ── bodies ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "没有内容"),
        (b"{", "第 1 行"),
        (b'{"a": 1,}', "第 1 行"),
        (b"\xff\xfe", "第 1 行"),
        (b'{"a": "\x00"}', "第 1 行"),
        (b'{"a": "\\ud800"}', "第 1 行"),
        (b"[" * 100_000, "第 1 行"),
        (b'{"a": NaN', "第 1 行"),
    ],
)
def test_what_is_no_json_is_said_to_be_none(house: HttpOffice, content: bytes, says: str) -> None:
    """With the place where it goes wrong; and nothing was recorded."""
    with house.nothing_recorded():
        answer = house.ask(
            "POST", DOCUMENT, content=content, headers={"Content-Type": "application/json"}
        )
    assert says in problem(answer, 422, "request.not-json")["detail"]


@pytest.mark.parametrize("content", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_a_body_that_is_no_object_is_said_to_be_none(house: HttpOffice, content: bytes) -> None:
    """Valid JSON, but not what a form is."""
    answer = house.ask(
        "POST", DOCUMENT, content=content, headers={"Content-Type": "application/json"}
    )
    assert "对象" in problem(answer, 422, "request.fields")["detail"]


def test_every_wrong_field_is_named_with_its_chinese_title(house: HttpOffice) -> None:
    """All at once, not one after the other; and nothing was recorded."""
    body = {
        "document_title": "",
        "issuer_level": "village",
        "issued_on": "2021-02-30",
        "grants": [{"measure": "approved", "kind": "10", "number": 0}],
        "colour": "red",
    }
    with house.nothing_recorded():
        document = problem(house.ask("POST", DOCUMENT, json=body), 422, "request.fields")
    told = {one["field"]: (one["title"], one["message"]) for one in document["errors"]}
    assert told == {
        "document_title": ("文件标题", "不能为空，至少 1 个字。"),
        "issuer": ("发文单位", "必须填写。"),
        "issuer_level": (
            "发文单位层级",
            "只能填写：district（区级）、city（市级）、province（省级）、state（国家级）。",
        ),
        "issued_on": ("发文日期", "不是有效的日期，应写作 2024-05-01。"),
        "grants[0].number": ("批准的数量 → 第1项 → 数量", "不能小于 1。"),
        "colour": ("colour", "没有这一项，请删去或检查拼写。"),
    }
    assert "共 6 处" in document["detail"]


@pytest.mark.parametrize(
    ("name", "value", "field", "says"),
    [
        ("late_filing_workdays", None, "value", "应为整数。"),
        ("late_filing_workdays", -1, "value", "不能小于 0。"),
        ("four_eyes", ["quotas.grant", "x"], "value[1]", "没有名为“x”的业务；只能填写（共"),
        ("authority_by_rank", {}, "value", "缺少机构规格"),
        ("authority_by_rank", {"x": "city"}, "value.x", "只能填写：11（正厅）、"),
        ("authority_by_rank", {"11": "x"}, "value.11", "只能填写：district（区级）、"),
        ("rights_approval_by_kind", {}, "value", "缺少调整类型：add（新增）、"),
        ("unmasked_roles", 7, "value", "应为列表"),
        ("unmasked_roles", ["x"], "value[0]", "只能填写：clerk（经办人）、"),
    ],
)
def test_a_value_of_a_setting_is_told_what_it_should_be(
    name: str, value: Any, field: str, says: str
) -> None:
    """In the clerk's words: what is wanted, not how the program writes what it got."""
    with pytest.raises(ValidationError) as caught:
        ChangeSetting.model_validate({"effective_on": "2024-05-06", "name": name, "value": value})
    found = faults(caught.value, ChangeSetting)
    assert found[0].field == field
    assert SETTINGS[name].title in str(found[0].title)
    assert found[0].message.startswith(says)


def test_faults_inside_a_correction_are_told_as_if_filed_alone() -> None:
    """The nested command's own fields, with their path from the top and in Chinese."""
    body = {"number": 0, "effective_on": "2024-05-06", "institution": "x", "quota_kind": "10"}
    item = {"position": 3, "command": {"kind": "quotas.grant", "body": body}}
    with pytest.raises(ValidationError) as caught:
        CorrectEntries.model_validate({"items": [item], "reason": "更正"})
    found = {one.field: one.message for one in faults(caught.value, CorrectEntries)}
    assert found["items[0].command.body.number"] == "不能小于 1。"
    assert "系统内编号" in found["items[0].command.body.institution"]
    assert len(found) == 2


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f"])
def test_characters_that_nobody_sees_are_refused(house: HttpOffice, character: str) -> None:
    """Written as escapes they would pass as JSON; PostgreSQL and spreadsheets choke on them."""
    with house.nothing_recorded():
        answer = house.ask("POST", DOCUMENT, json={**BODY, "issuer": f"示范{character}市"})
    document = problem(answer, 422, "request.characters")
    assert document["errors"][0]["field"] == "issuer"


def test_line_breaks_and_backslashes_are_no_such_characters(house: HttpOffice) -> None:
    """A literal backslash-u is text like any other."""
    note = "第一行\n第二行\t\\u0000"
    receipt = house.file(DOCUMENT, {**BODY, "note": note})
    assert house.get(receipt["links"]["self"])["note"] == note


def test_other_media_types_are_told_what_is_wanted(house: HttpOffice) -> None:
    """The usual mistake with curl: no Content-Type."""
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": ""}):
        answer = house.ask("POST", DOCUMENT, content=json.dumps(BODY), headers=headers)
        assert (
            "Content-Type: application/json" in problem(answer, 415, "request.media-type")["detail"]
        )
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert house.ask("POST", DOCUMENT, content=json.dumps(BODY), headers=charset).status_code == 201


@pytest.mark.parametrize("announced", [True, False])
def test_a_huge_body_is_turned_away(house: HttpOffice, *, announced: bool) -> None:
    """By its announced length before it is read, else as soon as it is too long."""
    piece = b" " * 65536

    def pieces() -> Iterator[bytes]:
        yield from [piece] * (BODY_LIMIT // len(piece) + 2)

    content = b"".join(pieces()) if announced else pieces()
    with house.nothing_recorded():
        answer = house.ask(
            "POST", DOCUMENT, content=content, headers={"Content-Type": "application/json"}
        )
    assert "KB" in problem(answer, 413, "request.too-large")["detail"]


# ── addresses and queries ────────────────────────────────────────────────────────────────────


def test_unknown_addresses_and_methods(house: HttpOffice) -> None:
    """404 and 405, the latter with what is allowed; a stray slash is another address."""
    problem(house.client.get("/api/nothing"), 404, "request.path")
    problem(house.client.get("/api/journal/"), 404, "request.path")
    problem(house.client.get("/%00"), 404, "request.path")
    answer = house.client.put("/api/journal")
    assert answer.headers["allow"] == "GET"
    problem(answer, 405, "request.method")
    problem(house.client.delete(DOCUMENT), 405, "request.method")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("nam=x", "没有这个条件；可用的条件：valid_on（业务日期）、"),
        ("limit=1&limit=2", "只能写一次"),
        ("limit=0", "1 至 1000"),
        ("limit=ten", "整数"),
        ("limit=99999999999999999999", "整数"),
        ("valid_on=2021-2-3", "日期"),
        ("valid_on=2021-02-30", "日期"),
        ("valid_on=1066-10-14", "1900"),
        ("known_at=2021-01-01T00:00:00", "时刻"),
        ("known_at=2021-01-01T00:00:00+08:00", "%2B"),
        ("known=0", "1 至"),
        ("known=1&known_at=2021-01-01T00:00:00%2B08:00", "只填一项"),
        ("unmasked=yes", "true"),
        ("institution=%00", "控制字符"),
        ("institution=%ff", "UTF-8"),
        ("quota_kind=99", "只能填写：10（行政编制）、"),
        ("entered_on.from=soon", "日期"),
        ("sort=phone", "排序"),
        ("sort=nothing", "排序"),
        ("cursor=%21", "数字和字母"),
        ("institution=" + "x" * 201, "过长"),
        ("institution=", "不能为空"),
        ("&".join(f"a{n}=1" for n in range(101)), "100 个条件"),
    ],
)
def test_a_query_that_would_ask_something_else_is_refused(
    house: HttpOffice, query: str, says: str
) -> None:
    """Nothing is guessed and nothing passed over."""
    answer = house.ask("GET", f"/api/ledgers/roster?{query}")
    document = problem(answer, 422, "request.parameters")
    assert says in document["detail"] + str(document.get("errors"))


def test_a_made_up_cursor_is_refused(house: HttpOffice) -> None:
    """Whatever is inside it."""
    for cursor in ("AAAA", "W10", "eyJhIjoxfQ"):
        answer = house.ask("GET", "/api/ledgers/roster", params={"cursor": cursor})
        problem(answer, 422, "ledger.cursor")


def test_a_wrong_key_of_a_running_book_is_told_how_keys_look(house: HttpOffice) -> None:
    """Its parts are named."""
    answer = house.ask("GET", "/api/ledgers/quota_book/nothing")
    assert "编制类型" in problem(answer, 422, "request.parameters")["detail"]


# ── faults of the program and of the database ────────────────────────────────────────────────


def test_a_fault_is_answered_with_a_number_and_nothing_else(
    house: HttpOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the number and the place in the code, not the message, which may quote a name."""
    secret = "张三 130102199001010015"  # noqa: S105  (what must not get out)

    def fail(_: object) -> None:
        raise ZeroDivisionError(secret)

    monkeypatch.setattr(house.office.journal, "entry", fail)
    with capture_logs() as logs:
        answer = house.ask("GET", "/api/journal/1")
    document = problem(answer, 500, "server.fault")
    (line,) = [line for line in logs if line["event"] == "fault"]
    assert line["reference"] == document["reference"]
    assert line["error"] == "ZeroDivisionError"
    assert any(place.endswith("fail") for place in line["places"])
    assert "张三" not in answer.text + str(logs)


def test_a_database_that_is_away_is_said_to_be_away(
    house: HttpOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After, and how to send a filing again safely."""

    def fail() -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(house.office.journal, "head", fail)
    answer = house.client.get("/health")
    assert "Idempotency-Key" in problem(answer, 503, "server.database")["detail"]
    assert answer.headers["retry-after"] == "5"


def test_requests_are_logged_without_what_they_ask(house: HttpOffice) -> None:
    """Route, status and account; never the query or a key in the path."""
    with capture_logs() as logs:
        house.ask("GET", "/api/ledgers/roster", params={"name": "张三"})
        house.ask("GET", "/api/ledgers/roster/SECRETKEY")
        house.client.get("/api/no/such/SECRETKEY")
    told = [line for line in logs if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in told] == [
        ("/api/ledgers/roster", 200),
        ("/api/ledgers/roster/{key}", 404),
        (None, 404),
    ]
    assert {line["actor"] for line in told} == {"clerk", None}
    assert "张三" not in str(logs)
    assert "SECRETKEY" not in str(logs)


def test_what_is_no_http_is_answered_and_harms_nobody(house: HttpOffice) -> None:
    """The server goes on."""
    host, port = house.client.base_url.host, house.client.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=5) as line:
        line.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400")
    assert house.client.get("/health").status_code == 200


# ── wording ──────────────────────────────────────────────────────────────────────────────────


def test_every_sentence_belongs_to_a_complaint_that_there_is() -> None:
    """A kind that pydantic no longer knows would be dead wording."""
    known = set(core_schema.ErrorType.__args__)  # type: ignore[attr-defined]  # a Literal
    assert set(SENTENCES) <= known
    assert len(SENTENCES) > 30


def test_no_command_answers_in_english(house: HttpOffice) -> None:
    """Every field of every command, given each kind of nonsense, is complained of in Chinese."""
    nonsense: list[Any] = [None, True, 1.5, -(10**30), "", "x" * 5000, [], [1] * 2000, {}, {"a": 1}]
    seen = 0
    for command in COMMANDS.values():
        for value in nonsense:
            body = dict.fromkeys(command.model_fields, value)
            with pytest.raises(ValidationError) as caught:
                command.model_validate_json(json.dumps(body))
            for fault in faults(caught.value, command):
                seen += 1
                assert CHINESE.search(fault.message), (command.kind, fault)
                assert not re.search(r"[a-z]{4,} [a-z]{2,}", fault.message), (command.kind, fault)
                assert "{" not in fault.message.replace("{ }", "")
    assert seen > 1000
    assert house.head() >= 1


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    many: Annotated[list[int], Field(title="若干", max_length=2)] = []
    either: Annotated[int | Literal["a"], Field(title="其一")] = 1
    by_name: Annotated[dict[str, int], Field(title="按名")] = {}


class _Outer(BaseModel):
    inner: Annotated[_Inner | None, Field(title="里层")] = None
    also: Annotated[tuple[_Inner, ...], Field(title="多个")] = ()


def test_paths_and_titles_follow_the_form_not_pydantics_marks() -> None:
    """Members of a union, which the clerk never saw, are left out of the path."""
    body = {
        "inner": {"either": "b"},
        "also": [{}, {"many": [1, "x"], "by_name": {"某": "y"}}],
    }
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(body)
    found = [(one.field, one.title) for one in faults(caught.value, _Outer)]
    assert set(found) == {
        ("inner.either", "里层 → 其一"),
        ("also[1].many[1]", "多个 → 第2项 → 若干 → 第2项"),
        ("also[1].by_name.某", "多个 → 第2项 → 按名 → 某"),
    }


def test_very_many_faults_are_counted() -> None:
    """The first hundred are told, the rest is not passed over in silence."""
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate({"also": [{"many": ["x", "y"]}] * 80})
    found = faults(caught.value, _Outer)
    assert len(found) == 101
    assert "另有 60 处" in found[-1].message


# ── masking ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("张伟", "张*"),
        ("欧阳海", "欧**"),
        ("阿卜杜拉·买买提", "阿*******"),
        ("130106199003071234", "1301**********1234"),
        ("13010619900307123X", "1301**********123X"),
        ("130106900307123", "1301*******7123"),
        ("13800000000", "138****0000"),
        ("0311-00000000", HIDDEN),
        ("1990-03-07", "19**-**-**"),
        (date(1990, 3, 7), "19**-**-**"),
        ("男", HIDDEN),
        ("01", HIDDEN),
        ("一段说明某人情况的较长文字", HIDDEN),
        (12, HIDDEN),
        (["张伟"], HIDDEN),
        (None, None),
        (ERASED, ERASED),
        ("", HIDDEN),
    ],
)
def test_masked_values(value: object, shown: object) -> None:
    """Enough to tell two rows apart, too little to name somebody."""
    assert masked(value) == shown


def _lists(schema: Any, known: dict[str, Any], seen: set[str]) -> Iterator[dict[str, Any]]:
    """Every closed list in a schema, and in those that it refers to."""
    if isinstance(schema, list):
        for one in schema:
            yield from _lists(one, known, seen)
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        beside = {word: told for word, told in schema.items() if word != "$ref"}
        yield from _lists({**known[name], **beside}, known, seen)
    if "enum" in schema:
        yield schema
    for one in schema.values():
        yield from _lists(one, known, seen)


def test_every_closed_list_that_can_be_sent_has_names(house: HttpOffice) -> None:
    """Otherwise a wrong code is complained of without saying which are right."""
    document = house.client.get("/openapi.json").json()
    known, seen = document["components"]["schemas"], set[str]()
    bodies = [
        operation["requestBody"]
        for path in document["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    found = list(_lists(bodies, known, seen))
    assert len(found) > 20
    for one in found:
        assert all(f"{code}（" in one.get("description", "") for code in one["enum"]), one
