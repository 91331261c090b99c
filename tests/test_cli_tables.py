"""What the command line shows at 80 columns, on a wide screen and in a pipe: nothing cut off."""

from __future__ import annotations

import argparse

import pytest
from rich.cells import cell_len

from application.books import LEDGERS
from interface.cli import EXIT_CODES, make_parser
from interface.cli_tables import Field, fields_of, show

NAMES = ("institution", "kind", "approved", "occupied", "reserved", "vacant", "usable", "over")
TITLES = ("机构（系统内编号）", "编制类型", "核定编制数", "在编数", "已核准未入编数", "空编数",
          "可用编制数", "超编数")  # fmt: skip
ROW = ("7Q2M4K8T0V6X1Z3B", "行政编制", "31", "25", "0", "6", "6", "0")
UNIT = "示范区人力资源和社会保障局"


def printed(capsys: pytest.CaptureFixture[str], *fields: Field) -> list[str]:
    """Return the lines that a page is printed as."""
    show("台账", fields)
    return capsys.readouterr().out.splitlines()


def quota_book() -> list[Field]:
    """One line of the widest book that still fits a screen."""
    return fields_of(LEDGERS["quota_book"], (*NAMES, "name"), (*TITLES, "机构名称"), [(*ROW, UNIT)])


def test_a_name_stands_before_the_id_it_was_found_by() -> None:
    """A clerk reads names; ids are for programs."""
    first, second, *_ = quota_book()
    assert (first.title, first.cells, first.spare) == ("机构名称", (UNIT,), False)
    assert (second.title, second.spare) == ("机构（系统内编号）", True)


def test_at_eighty_columns_ids_go_and_figures_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every figure and every word of the quota book is there, in lines that fit."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, *quota_book())
    assert all(cell_len(line) <= 80 for line in lines)
    assert "7Q2M4K8T0V6X1Z3B" not in "".join(lines)
    rule = next(n for n, line in enumerate(lines) if line.startswith("──"))
    row, *rest = (line.split() for line in lines[rule + 1 :])
    assert row[1:] == list(ROW[1:])
    assert "".join([row[0], *(words[0] for words in rest)]) == UNIT


def test_in_a_pipe_one_row_is_one_line_and_everything_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs cut lines by themselves."""
    monkeypatch.delenv("COLUMNS", raising=False)
    (row,) = (line for line in printed(capsys, *quota_book()) if UNIT in line)
    assert row.split() == [UNIT, *ROW]


def test_what_no_screen_holds_is_listed_row_by_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty columns become twenty lines a row; empty ones are left out; long texts wrap."""
    monkeypatch.setenv("COLUMNS", "60")
    fields = [Field(f"第{n}列", (f"甲{n}" + "很长" * 10, f"乙{n}" * (n != 7))) for n in range(20)]
    lines = printed(capsys, *fields)
    assert all(cell_len(line) <= 60 for line in lines)
    assert sum(line.startswith("  第") for line in lines) == 39
    assert "  第12列  乙12" in lines
    assert not any("第7列" in line and "乙" in line for line in lines)


def test_nothing_is_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table looks like a fault."""
    assert printed(capsys, Field("甲", ())) == ["台账：没有内容。"]


def test_every_help_fits_the_screen_and_says_what_each_word_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All commands, at 80 columns: aligned for characters that are two columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    helps = list(_helps(make_parser()))
    assert len(helps) > 20
    for text in helps:
        lines = text.partition(EXIT_CODES)[0].splitlines()
        assert lines[0].startswith("用法：taizhang")
        assert all(cell_len(line) <= 80 for line in text.splitlines()[1:]), text
        typed = [n for n, line in enumerate(lines) if line.startswith("  ") and line[2] != " "]
        assert typed
        for n in typed:
            assert cell_len(lines[n]) > 26 or lines[n + 1].startswith(" " * 26), lines[n]


def test_what_may_be_left_out_is_in_brackets() -> None:
    """As it is typed: some ledgers or all, one checkpoint or two."""
    first = [text.partition("\n")[0] for text in _helps(make_parser())]
    assert "用法：taizhang ledgers verify [选项] [台账 …]" in first
    assert "用法：taizhang evidence consistency [选项] 较早的条数 [较晚的条数]" in first


def _helps(parser: argparse.ArgumentParser) -> list[str]:
    found = [parser.format_help()]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += _helps(below)
    return found
