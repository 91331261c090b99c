"""`make mutate` changes the rules too, not only the functions around them."""

from __future__ import annotations

from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

from domain import rights_adjusting
from domain.deciding import Rule
from tests.mutation_program import rules_included

SAMPLE = '''
@rule
def figure_is_positive(n: int) -> bool:
    """数应为正。依据：测试。"""
    return n > 0


@rule(held_by_the_net=True)
def figure_is_small(n: int) -> bool:
    """数应不大。依据：测试。"""
    return n < 10


@cache
def twice(n: int) -> int:
    return n * 2
'''


def test_a_rule_is_mutated_and_entered_once() -> None:
    """Every mutant stands behind the one function that bears the decorator."""
    with rules_included():
        mutated = mutate_file_contents("sample.py", SAMPLE)
    of = [name.partition("__mutmut_")[0] for name in mutated.mutant_names]
    assert {*of} == {"x_figure_is_positive", "x_figure_is_small"}
    assert mutated.code.count("@rule") == 2
    assert "n >= 0" in mutated.code
    assert "n <= 10" in mutated.code


def test_every_rule_of_a_file_is_mutated() -> None:
    """By the names under which `make mutate MUTANTS=…` takes them."""
    file = Path(rights_adjusting.__file__)
    with rules_included():
        mutated = mutate_file_contents(str(file), file.read_text("utf-8"))
    of = {name.partition("__mutmut_")[0].removeprefix("x_") for name in mutated.mutant_names}
    own = {one.name for one in vars(rights_adjusting).values() if isinstance(one, Rule)}
    assert len(own) > 4
    assert own <= of
