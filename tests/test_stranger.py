"""A client written from /openapi.json alone: paths, fields, examples; nobody told it anything else.

It finds operations by their Chinese summaries, starts from each one's example, and puts in the ids
that earlier answers gave. Where it gets stuck, a description or an example is to be mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.http_office import PASSWORD, HttpOffice, http_office


class Stranger:
    """Somebody who has the address of the document, an account, and nothing else."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.document = client.get("/openapi.json").raise_for_status().json()
        self.header: dict[str, str] = {}
        self.ids: dict[str, str] = {}

    def operation(self, summary: str) -> tuple[str, str, dict[str, Any]]:
        """Return method, path and description of the one operation of that summary."""
        ((method, path, shown),) = [
            (method.upper(), path, shown)
            for path, methods in self.document["paths"].items()
            for method, shown in methods.items()
            if shown["summary"] == summary
        ]
        return method, path, shown

    def schema(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference within the document."""
        found: dict[str, Any] = self.document["components"]["schemas"][
            shown["$ref"].rpartition("/")[2]
        ]
        return found

    def example(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return the example of a body; every field in it is one that the schema describes."""
        content = shown["requestBody"]["content"]["application/json"]
        body: dict[str, Any] = content["example"]
        assert set(body) <= set(self.schema(content["schema"])["properties"])
        return body

    def log_in(self, name: str, password: str) -> None:
        """Log in, and carry the token as the document's security scheme says."""
        method, path, shown = self.operation("登录")
        assert set(self.example(shown)) == {"name", "password"}
        answer = self.client.request(method, path, json={"name": name, "password": password})
        scheme = self.document["components"]["securitySchemes"]["token"]
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
        self.header = {"Authorization": f"Bearer {answer.json()['token']}"}

    def file(self, summary: str, **changes: Any) -> dict[str, Any]:
        """File the example of an operation, with known ids and some changes; return the receipt."""
        method, path, shown = self.operation(summary)
        body = self.with_ids({**self.example(shown), **changes})
        answer = self.client.request(method, path, json=body, headers=self.header)
        assert answer.status_code == 201, (summary, answer.text)
        assert str(answer.status_code) in shown["responses"]
        receipt: dict[str, Any] = answer.json()
        for entry in receipt["entries"]:
            self.ids |= {kind: ids[0] for kind, ids in entry["subjects"].items()}
        return receipt

    def with_ids(self, body: Any) -> Any:
        """Replace the example's ids, which are fields called like the kind of what they name."""
        if isinstance(body, list):
            return [self.with_ids(one) for one in body]
        if not isinstance(body, dict):
            return body
        return {
            name: self.ids.get(name, value) if isinstance(value, str) else self.with_ids(value)
            for name, value in body.items()
        }

    def ask(self, summary: str, **conditions: str) -> list[dict[str, Any]]:
        """Ask a ledger by conditions that the document lists; return the values of its rows."""
        method, path, shown = self.operation(summary)
        assert set(conditions) <= {one["name"] for one in shown["parameters"]}
        answer = self.client.request(method, path, params=conditions, headers=self.header)
        assert answer.status_code == 200, answer.text
        return [row["values"] for row in answer.json()["rows"]]


@pytest.fixture
def house(empty_database: str) -> Iterator[HttpOffice]:
    """A new office over HTTP with its accounts, its journal not opened yet."""
    with http_office(empty_database) as opened:
        yield opened


def test_a_stranger_does_an_afternoons_work(house: HttpOffice) -> None:
    """Opens the journal, has a unit set up, quota granted, somebody entered; asks on both clocks.

    The examples tell one story: filed in this order, with the ids of earlier answers, none of them
    is refused.
    """
    stranger = Stranger(house.client)
    stranger.log_in("clerk", PASSWORD)
    opened = stranger.file("建账")
    day = opened["entries"][0]["effective_on"]
    stranger.file("登记文件")
    unit = stranger.file("设立机构")
    stranger.file("下达编制总量")
    before = stranger.file("核增编制")
    stranger.file("用编核准")
    entered = stranger.file("入编")
    institution = unit["entries"][0]["subjects"]["institution"][0]
    now = stranger.ask("编制台账", institution=institution, valid_on=day)
    assert [(row["approved"], row["occupied"]) for row in now] == [(3, 1)]
    then = stranger.ask(
        "编制台账", institution=institution, valid_on=day, known_at=before["recorded_at"]
    )
    assert [(row["approved"], row["occupied"]) for row in then] == [(3, 0)]
    (person,) = stranger.ask("实名制人员台账", institution=institution, valid_on=day)
    assert person["name"] == "张**"
    assert entered["entries"][-1]["title"] == "入编"


def test_a_stranger_is_told_what_a_refusal_means(house: HttpOffice) -> None:
    """The status is described, and the problem says rule, basis and entries in the way."""
    stranger = Stranger(house.client)
    stranger.log_in("clerk", PASSWORD)
    stranger.file("建账")
    method, path, shown = stranger.operation("建账")
    answer = stranger.client.request(
        method, path, json=stranger.example(shown), headers=stranger.header
    )
    assert answer.status_code == 409
    described = shown["responses"]["409"]
    problem = stranger.schema(described["content"]["application/problem+json"]["schema"])
    told = answer.json()
    assert set(told) <= set(problem["properties"])
    assert told["code"] in described["description"]
    assert told["rule"]["basis"]
    assert [one["position"] for one in told["entries"]] == [1]
