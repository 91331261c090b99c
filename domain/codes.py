"""Codes and their names (代码和名称), told side by side: ``10（行政编制）、20（事业编制）``.

What is stored and sent is the code, what a clerk knows is the name. Whoever sends a code that is
not on the list is told all of them with their names, by whichever door he came: fields of commands
and facts through `Named` and `domain.code_sets.CodeList`, conditions and options through `told`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

NOT_ON_THE_LIST: Final = "not_on_the_list"
"""The type of the error that validation raises for a code that is not on its list."""

MANY: Final = 20
"""From so many codes on, their number is told before them."""


def told(choices: Iterable[str]) -> str:
    """Return every code with its name in brackets; a list without names (a mapping has them) bare.

    A code that nobody can type, the empty one, is left out.
    """
    names: Mapping[str, str] = choices if isinstance(choices, Mapping) else {}
    written = {str(code): names.get(code, "") for code in choices}
    return "、".join(
        f"{code}（{name}）" if name and name != code else code
        for code, name in written.items()
        if code
    )


def only(choices: Iterable[str]) -> str:
    """Return the sentence that says what may be filled in, all of it."""
    listed = [code for code in choices if code]
    number = f"（共 {len(listed)} 项）" if len(listed) > MANY else ""
    return f"只能填写{number}：{told(choices)}。"


def with_names(schema: CoreSchema, names: Mapping[str, str]) -> CoreSchema:
    """Let validation answer with the codes and their names, in place of the bare codes.

    A name that pydantic gave the schema goes over to the outer one: OpenAPI shows it once, by name.
    """
    inner: dict[str, Any] = {**schema}
    return core_schema.custom_error_schema(
        cast("CoreSchema", {key: value for key, value in inner.items() if key != "ref"}),
        custom_error_type=NOT_ON_THE_LIST,
        custom_error_message=only(names),
        custom_error_context={"names": {str(code): name for code, name in names.items()}},
        ref=inner.get("ref"),
    )


@dataclass(frozen=True, eq=False)
class Named:
    """Marks a ``Literal`` with the names of its codes.

    As in ``Annotated[Level, Named(LEVELS)]``. OpenAPI then shows them too, unless the field has a
    description of its own.
    """

    names: Mapping[Any, str]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Answer a wrong code with `NOT_ON_THE_LIST`."""
        return with_names(handler(source), self.names)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say in the OpenAPI document what each code means."""
        return {**handler(schema), "description": told(self.names)}
