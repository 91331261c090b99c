"""Mutation testing of domain/ (`make mutate`): mutmut, told that a rule is a function like others.

mutmut leaves decorated functions alone, as it cannot know what their decorators do. Here that would
leave out the rules (`@rule`), the very sentences the tests are to hold. The decorator stays on the
function that the program sees; the mutants behind it go without, so that no rule is entered twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import libcst as cst
from mutmut.mutation import file_mutation

Statements = Sequence[file_mutation.MODULE_STATEMENT]


def is_rule(node: cst.CSTNode) -> bool:
    """Tell whether a node is a function with `@rule` or `@rule(…)` as its only decorator."""
    if not isinstance(node, cst.FunctionDef) or len(node.decorators) != 1:
        return False
    decorator = node.decorators[0].decorator
    named = decorator.func if isinstance(decorator, cst.Call) else decorator
    return isinstance(named, cst.Name) and named.value == "rule"


class _Visitor(file_mutation.MutationVisitor):
    """Finds what may be mutated, rules included."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not is_rule(node) and super()._skip_node_and_children(node)


_arranged = file_mutation.function_trampoline_arrangement


def _arrange(
    function: cst.FunctionDef, mutants: Iterable[file_mutation.Mutation], class_name: str | None
) -> tuple[Statements, Statements, Statements, Sequence[str]]:
    """Arrange a function and its mutants behind one another; of a rule only the first is one."""
    if not is_rule(function):
        return _arranged(function, mutants, class_name)
    bare = function.with_changes(decorators=())
    declared, (seen, *hidden), assigned, names = _arranged(bare, mutants, class_name)
    if not isinstance(seen, cst.FunctionDef):
        raise TypeError(seen)
    rule = seen.with_changes(decorators=(*function.decorators, *seen.decorators))
    return declared, (rule, *hidden), assigned, names


@contextmanager
def rules_included() -> Iterator[None]:
    """Let mutmut mutate the rules within."""
    with (
        patch.object(file_mutation, "MutationVisitor", _Visitor),
        patch.object(file_mutation, "function_trampoline_arrangement", _arrange),
    ):
        yield


def main() -> None:
    """Run mutmut's own command line."""
    from mutmut.__main__ import cli  # noqa: PLC0415  (loading it settles how processes start)

    with rules_included():
        cli()


if __name__ == "__main__":
    main()
