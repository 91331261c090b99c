"""The OpenAPI document: complete, in Chinese, true; tried by a program that knows nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.books import COMMANDS, LEDGERS
from interface.commands import address
from interface.examples import EXAMPLES
from interface.problems import TITLES
from tests.http_office import HttpOffice, http_office

CHINESE = re.compile(r"[\u4e00-\u9fff]")
REFUSALS = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422]
"""
"""How bad input may be refused; 413 is missing among the tool's own."""
ALIKE = tuple(set(LEDGERS) - {"documents", "quota_book"})
LEFT_OUT = f"^/api/(logout|password|login|ledgers/({'|'.join(ALIKE)})([.]|/|$))"
"""Routes that would end the session which the trial goes on with, or slow it down, and ledgers
whose routes are made as those of the others are."""


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """A small office over HTTP: something is on file that may be hit upon."""
    with http_office(module_database) as opened:
        opened.open_journal()
        paper = opened.document()
        unit = opened.institution("示范区委办公室", paper, 3)
        opened.entered(unit, paper, 1)
        yield opened


@pytest.fixture(scope="module")
def document(house: HttpOffice) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = house.client.get("/openapi.json").json()
    return found


# ── complete and in Chinese ──────────────────────────────────────────────────────────────────


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every operation by ``METHOD path``."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_command_and_every_ledger_is_described(document: dict[str, Any]) -> None:
    """Declared once: nobody has to add a route by hand."""
    for command in COMMANDS.values():
        operation = document["paths"][address(command)]["post"]
        assert operation["summary"] == command.title
    for ledger in LEDGERS.values():
        path = f"/api/ledgers/{ledger.name}"
        for suffix in ("", ".{format}", "/{key}", "/{key}/history"):
            assert document["paths"][path + suffix]["get"]["summary"].startswith(ledger.title)


def test_every_condition_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """A column called like a clock would be asked by whoever sets the clock."""
    for name, operation in operations(document):
        names = [one["name"] for one in operation.get("parameters", ())]
        assert len(names) == len(set(names)), name


def test_every_json_body_has_an_example(document: dict[str, Any]) -> None:
    """A stranger starts from it."""
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        assert "example" in content.get("application/json", {"example": None}), name


def test_everything_is_said_in_chinese(document: dict[str, Any]) -> None:
    """Summaries, parameters, answers, fields; names of operations are unique."""
    found = operations(document)
    assert len(found) > 80
    assert len({operation["operationId"] for _, operation in found}) == len(found)
    for name, operation in found:
        assert CHINESE.search(operation["summary"]), name
        for parameter in operation.get("parameters", ()):
            assert CHINESE.search(parameter["description"]), (name, parameter)
        for status, answer in operation["responses"].items():
            assert CHINESE.search(answer["description"]), (name, status)
    for name, schema in document["components"]["schemas"].items():
        for field, shown in schema.get("properties", {}).items():
            title = shown.get("title") or _title_of(document, shown)
            assert CHINESE.search(title), (name, field)


def _title_of(document: dict[str, Any], shown: dict[str, Any]) -> str:
    reference = shown.get("$ref", "").rpartition("/")[2]
    return str(document["components"]["schemas"].get(reference, {}).get("title", ""))


def test_every_problem_is_documented_with_its_code(document: dict[str, Any]) -> None:
    """Each route names the codes it answers with; every code there is belongs to some route.

    Pages for people are not in the document.
    """
    named: set[str] = set()
    for name, operation in operations(document):
        assert {"422", "500", "503"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            assert list(answer["content"]) == ["application/problem+json"]
            codes = re.findall(r"（([a-z.-]+)）|\(([a-z.-]+)\)", answer["description"])
            for code in (one or other for one, other in codes):
                assert TITLES[code][0] == int(status)
                named.add(code)
    everywhere = {"request.path", "request.method", "request.malformed", "ledger.unknown"}
    pages = {"rights.item-unknown", "rights.notice-unknown"}
    assert named | everywhere | pages == set(TITLES)


def test_every_example_is_a_body_that_would_be_read() -> None:
    """And every command has one."""
    assert set(EXAMPLES) == set(COMMANDS)
    for kind, body in EXAMPLES.items():
        COMMANDS[kind].model_validate(body)


# ── a stranger's client ──────────────────────────────────────────────────────────────────────


def test_a_client_made_from_the_document_alone_can_do_the_work(
    house: HttpOffice, document: dict[str, Any]
) -> None:
    """Finds its way by summaries, fields and links: files a document and finds it again."""
    by_summary = {
        operation["summary"]: (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    path, _, login = by_summary["登录"]
    body = login["requestBody"]["content"]["application/json"]["example"]
    assert set(body) == {"name", "password"}
    token = house.client.post(path, json={"name": "clerk", "password": "correct horse 7"}).json()
    scheme = document["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    header = {"Authorization": f"Bearer {token['token']}"}
    path, _, register = by_summary["登记文件"]
    example = register["requestBody"]["content"]["application/json"]["example"]
    filed = house.client.post(path, json=example, headers=header)
    assert str(filed.status_code) in register["responses"]
    entry = house.client.get(filed.json()["links"]["self"], headers=header).json()
    path, _, ledger = by_summary["文件台账"]
    conditions = {parameter["name"] for parameter in ledger["parameters"]}
    assert {"number", "valid_on", "known_at"} <= conditions
    page = house.client.get(path, params={"number": example["number"]}, headers=header).json()
    assert [row["position"] for row in page["rows"]] == [entry["position"]]
    assert page["rows"][0]["values"]["title"] == example["document_title"]


# ── a machine that tries everything ──────────────────────────────────────────────────────────


def test_nothing_undocumented_is_answered(house: HttpOffice, tmp_path: Path) -> None:
    """As a clerk, whatever the document allows and much that it does not: no 5xx, no surprise.

    One check is left out: that whatever fits the schema is accepted. Check digits, days within a
    year and fields that exclude each other cannot be said in a schema; they are told in Chinese.
    """
    (tmp_path / "schemathesis.toml").write_text(REFUSALS, "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "run"]
    command += [f"{house.client.base_url}/openapi.json", "--no-color", "--seed", "1"]
    command += ["-H", f"Authorization: Bearer {house.token('clerk')}"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "2"]
    command += ["--exclude-checks", "positive_data_acceptance"]
    command += ["--exclude-path-regex", LEFT_OUT, "--workers", "1"]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=600
    )
    tried = re.search(r"Tested: (\d+)", run.stdout)
    assert tried, run.stdout + run.stderr
    assert int(tried[1]) > 50
    assert run.returncode == 0, run.stdout
