"""What is wrong with a request, field by field, as a clerk reads it.

pydantic speaks English and of types; a clerk fills in fields. Every kind of complaint it can make
about JSON gets a Chinese sentence here, with the field's path and its Chinese title.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from domain.codes import NOT_ON_THE_LIST, only
from domain.deciding import COMMANDS
from domain.settings import SETTINGS, ChangeSetting
from domain.vocabulary import ID_LENGTH

MOST: Final = 100
"""So many faults are listed; the rest is counted."""


class Fault(NamedTuple):
    """One thing wrong with one field: its path, its Chinese title where it has one, and what."""

    field: str
    title: str | None
    message: str


SENTENCES: Final[dict[str, str]] = {
    "missing": "必须填写。",
    "extra_forbidden": "没有这一项，请删去或检查拼写。",
    "json_invalid": "不是完整的 JSON。",
    "model_type": "应为对象，即 {{ }} 括起来的若干项。",
    "model_attributes_type": "应为对象，即 {{ }} 括起来的若干项。",
    "dict_type": "应为对象，即 {{ }} 括起来的若干项。",
    "mapping_type": "应为对象，即 {{ }} 括起来的若干项。",
    "list_type": "应为列表，即 [ ] 括起来的若干项。",
    "tuple_type": "应为列表，即 [ ] 括起来的若干项。",
    "set_type": "应为列表，即 [ ] 括起来的若干项。",
    "frozen_set_type": "应为列表，即 [ ] 括起来的若干项。",
    "too_short": "至少要有 {min_length} 项，现有 {actual_length} 项。",
    "too_long": "最多只能有 {max_length} 项。",
    "string_type": "应为文字。",
    "string_unicode": "含有无法识别的字符。",
    "string_too_short": "不能为空，至少 {min_length} 个字。",
    "string_too_long": "过长，最多 {max_length} 个字。",
    "string_pattern_mismatch": "格式不对，请核对。",
    "int_type": "应为整数。",
    "int_parsing": "应为整数。",
    "int_from_float": "应为整数，不能带小数。",
    "int_parsing_size": "数字过大。",
    "float_type": "应为数字。",
    "float_parsing": "应为数字。",
    "bool_type": "应为 true（是）或 false（否）。",
    "bool_parsing": "应为 true（是）或 false（否）。",
    "date_type": "应为日期，写作 2024-05-01。",
    "date_parsing": "不是有效的日期，应写作 2024-05-01。",
    "date_from_datetime_parsing": "不是有效的日期，应写作 2024-05-01。",
    "date_from_datetime_inexact": "应为日期，不要带时刻，写作 2024-05-01。",
    "datetime_type": "应为时刻，写作 2024-05-01T09:30:00+08:00。",
    "datetime_parsing": "不是有效的时刻，应写作 2024-05-01T09:30:00+08:00。",
    "datetime_from_date_parsing": "不是有效的时刻，应写作 2024-05-01T09:30:00+08:00。",
    "timezone_naive": "时刻要带时区，写作 2024-05-01T09:30:00+08:00。",
    "greater_than": "应大于 {gt}。",
    "greater_than_equal": "不能小于 {ge}。",
    "less_than": "应小于 {lt}。",
    "less_than_equal": "不能大于 {le}。",
    "multiple_of": "应为 {multiple_of} 的倍数。",
    "finite_number": "应为有限的数字。",
    "none_required": "应为空（null）。",
    "recursion_loop": "层次过深。",
    "union_tag_invalid": "类别“{tag}”不在可选范围内。",
    "union_tag_not_found": "没有写明类别（{discriminator}）。",
}
"""By pydantic's kind of error. What is not here cannot arise from JSON and our models' fields."""


def faults(error: ValidationError, model: type[BaseModel] | None) -> list[Fault]:
    """Return what is wrong, in the order of the fields; at most `MOST`."""
    found = list(_faults(error, model, ()))
    if len(found) > MOST:
        more = Fault("", None, f"另有 {len(found) - MOST} 处未列出，请先改正以上各处。")
        return [*found[:MOST], more]
    return found


def _faults(
    error: ValidationError, model: type[BaseModel] | None, before: tuple[str | int, ...]
) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    complaints = error.errors(include_url=False)
    for one in complaints:
        loc = tuple(one["loc"])
        if one["type"] == "too_short" and any(
            o["loc"][: len(loc)] == loc for o in complaints if o is not one
        ):
            continue  # pydantic counts only the sound items; what is wrong with the others is told
        nested = _nested(one, model, before + loc)
        if nested is not None:
            yield from nested
            continue
        path, titles = _walk(model, loc)
        fault = Fault(
            _written((*before, *path)), " → ".join(titles) or None, _sentence(one, len(path))
        )
        if (fault.field, fault.message) not in seen:
            seen.add((fault.field, fault.message))
            yield fault


def _nested(
    one: Mapping[str, Any], model: type[BaseModel] | None, loc: tuple[str | int, ...]
) -> Iterator[Fault] | None:
    """Return the faults of what is inside a command, which say more than its outside's.

    That is a command in a correction (更正), or the value of a setting (更改设置).
    """
    given = one["input"]
    if one["type"] != "value_error" or not isinstance(given, dict):
        return None
    if model is ChangeSetting:
        return _of_a_value(given, loc)
    command = COMMANDS.get(str(given.get("kind")))
    if command is None or "body" not in given or set(given) != {"kind", "body"}:
        return None
    try:
        command.model_validate(given["body"])
    except ValidationError as inner:
        return _faults(inner, command, (*loc, "body"))
    return None


def _of_a_value(given: Mapping[str, Any], loc: tuple[str | int, ...]) -> Iterator[Fault] | None:
    setting = SETTINGS.get(str(given.get("name")))
    if setting is None or "value" not in given:
        return None
    try:
        setting.values.validate_python(given["value"])
    except ValidationError as inner:
        titled = f"设置值（{setting.title}）"
        found = _faults(inner, None, (*loc, "value"))
        return (one._replace(title=" → ".join(filter(None, (titled, one.title)))) for one in found)
    return None


def _sentence(one: Mapping[str, Any], depth: int) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind in {"value_error", "assertion_error"}:
        text = str(context["error"]).rstrip("。.")
        return f"{text}。"
    if kind == NOT_ON_THE_LIST:
        return only(context["names"])
    if kind == "model_type" and depth == 0:
        return "请求内容应为对象，即 { } 括起来的若干项。"
    if kind == "string_pattern_mismatch" and f"{{{ID_LENGTH}}}" in context["pattern"]:
        return f"应为系统内编号（{ID_LENGTH} 位数字和大写字母），可在台账中查到。"
    template = SENTENCES.get(kind)
    if template is None:
        return "填写有误，请核对。"
    return template.format_map({name: _plain(value) for name, value in context.items()})


def _plain(value: object) -> str:
    return str(value)


def _written(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_A_KEY: Final = "[key]"
"""How pydantic marks that it is the key of a table that is wrong, not the value under it."""


# ── titles ───────────────────────────────────────────────────────────────────────────────────


def _walk(
    model: type[BaseModel] | None, loc: tuple[str | int, ...]
) -> tuple[tuple[str | int, ...], list[str]]:
    """Return the path without pydantic's own marks (members of a union), and the titles on it."""
    path: list[str | int] = []
    titles: list[str] = []
    at: Any = model
    for part in loc[:-1] if loc[-1:] == (_A_KEY,) else loc:
        fields = _fields(at)
        if isinstance(part, int):
            path.append(part)
            titles.append(f"第{part + 1}项")
            at = _item(at)
        elif fields is not None and part in fields:
            info = fields[part]
            path.append(part)
            titles.append(info.title or part)
            at = info.annotation
        elif fields is not None or at is None or _is_mapping(at):
            path.append(part)
            titles.append(part)
            at = None
        # else: the name of a union's member, which the person who typed never saw
    return tuple(path), titles


def _fields(annotation: Any) -> dict[str, FieldInfo] | None:
    for one in _members(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one.model_fields
    return None


def _item(annotation: Any) -> Any:
    for one in _members(annotation):
        if get_origin(one) in {list, tuple, set, frozenset} and get_args(one):
            return get_args(one)[0]
    return None


def _is_mapping(annotation: Any) -> bool:
    return any(get_origin(one) is dict or one is dict for one in _members(annotation))


def _members(annotation: Any) -> Iterator[Any]:
    """Return what an annotation may be, without ``Annotated`` and ``None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for one in get_args(annotation):
            yield from _members(one)
    elif annotation is not NoneType and origin is not Literal:
        yield annotation
