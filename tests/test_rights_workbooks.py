"""The 16 rights lists that departments published, against the clean tables read from them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.rights_agreement import REASONS, Agreement, agreement, lines, workbooks
from tests.shared_data import shared

ROW_REASONS = {"职权类型空白，按工作表名补上"}
"""The one reason for which a row may differ: the table leaves the category blank."""


@pytest.fixture(scope="module")
def results() -> list[Agreement]:
    """Read every workbook and compare it with the tables."""
    shared("data/rights/workbooks")
    return [agreement(path) for path in workbooks()]


def test_every_row_is_read_once(results: list[Agreement]) -> None:
    """No row of the tables is missed, and nothing else is taken for an item."""
    assert len(results) == 16
    assert sum(one.rows for one in results) > 2500
    for one in results:
        assert one.items == one.rows, one.file


def test_department_category_and_name_agree(results: list[Agreement]) -> None:
    """At least 99 in 100 rows agree; the others differ for a reason that holds for any list.

    The department is found by name; a list may give it for short (市农业农村局), which is the same
    department as `domain.rights_departments.same_department` has it.
    """
    rows, found = sum(one.rows for one in results), sum(one.found for one in results)
    assert found / rows >= 0.99
    missed = sum((one.missed for one in results), Counter[str]())
    assert {why for why in missed if missed[why]} <= ROW_REASONS | REASONS.keys()


def test_bases_agree(results: list[Agreement]) -> None:
    """At least 95 in 100 rows cite the same documents and articles; each other one has a reason."""
    rows, bases = sum(one.rows for one in results), sum(one.bases for one in results)
    assert bases / rows >= 0.95
    assert [one.unexplained for one in results if one.unexplained] == []


def test_reasons_explain_few_rows(results: list[Agreement]) -> None:
    """A reason that explained half a list would hide a fault of the reading."""
    missed = sum((one.missed for one in results), Counter[str]())
    assert all(0 < missed[why] <= 12 for why in REASONS)


def test_the_agreement_can_be_printed(results: list[Agreement]) -> None:
    """``python -m tests.rights_agreement`` shows a line for every workbook."""
    shown = "\n".join(lines(results))
    assert all(one.file in shown for one in results)
    assert "没有解释" not in shown


def test_no_code_knows_these_files() -> None:
    """Neither the place nor the departments of the sample stand in the code that reads them."""
    root = Path(__file__).parents[1]
    files = [*root.glob("domain/*rights*.py"), *root.glob("application/rights_reading.py")]
    assert len(files) > 5
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "克拉玛依" not in text, file
        assert "新疆" not in text, file
