"""Reading a request: its query, its headers and its body, or saying clearly what is wrong.

Nothing is guessed and nothing is passed over: a misspelt condition, one given twice, or a
character that nobody can see would otherwise answer another question than the one asked.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from domain.codes import only, told
from domain.vocabulary import FIRST_DAY, LAST_DAY
from interface.problems import Problem, faulty
from interface.wording import Fault, faults

BODY_LIMIT: Final = 1024 * 1024
"""Longest body of a command in bytes: a correction of 1,000 entries fits in easily."""

TEXT_LIMIT: Final = 200
"""Longest text of a query condition."""

POSITION_LIMIT: Final = 2**53 - 1
"""Highest journal position that canonical JSON can say."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Param:
    """One condition of a query (or path, or header): how it is read and how OpenAPI shows it.

    ``kind`` is ``text``, ``id`` (digits and letters), ``subject`` (``person:…``), ``date``,
    ``moment``, ``integer``, ``boolean`` or ``choice`` (of ``choices``, which are told with their
    names where a mapping gives them).
    """

    name: str
    title: str
    kind: str = "text"
    choices: Collection[str] = ()
    default: Any = None
    minimum: int = 1
    maximum: int = POSITION_LIMIT
    longest: int = TEXT_LIMIT
    place: str = "query"
    example: Any = None

    @property
    def name_shown(self) -> str:
        """What the parameter is called where it is complained of: its title without explanation."""
        return re.split("[：，（]", self.title, maxsplit=1)[0]

    def schema(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI shows it."""
        schema: dict[str, Any] = dict(_SCHEMAS[self.kind])
        if "maxLength" in schema:
            schema["maxLength"] = self.longest
        if self.kind == "choice":
            schema["enum"] = [str(one) for one in self.choices]
        if self.kind == "integer":
            schema |= {"minimum": self.minimum, "maximum": self.maximum}
        if self.default is not None:
            schema["default"] = self.default
        shown: dict[str, Any] = {
            "name": self.name,
            "in": self.place,
            "required": self.place == "path",
            "description": self.title,
            "schema": schema,
        }
        return shown if self.example is None else {**shown, "example": self.example}

    def read(self, text: str) -> Any:
        """Return the value; raises `ValueError` with a Chinese sentence where it is none."""
        if len(text) > self.longest:
            raise ValueError(f"过长，最多 {self.longest} 个字。")
        if _UNSEEN.search(text):
            raise ValueError("含有看不见的控制字符。")
        if self.kind == "choice" and text not in self.choices:
            raise ValueError(only(self.choices))
        value = _READERS[self.kind](text)
        if self.kind == "integer" and not self.minimum <= value <= self.maximum:
            raise ValueError(f"应为 {self.minimum} 至 {self.maximum} 的整数。")
        return value


_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ID = re.compile(r"[0-9A-Za-z_.:-]+")
_SUBJECT = re.compile(r"[a-z]+:[0-9A-Za-z_.:-]+")

_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT},
    "id": {"type": "string", "pattern": "^[0-9A-Za-z_.:-]+$", "maxLength": TEXT_LIMIT},
    "subject": {
        "type": "string",
        "pattern": "^[a-z]+:[0-9A-Za-z_.:-]+$",
        "maxLength": TEXT_LIMIT,
    },
    "date": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "choice": {"type": "string"},
}


def _text(text: str) -> str:
    if not text:
        raise ValueError("不能为空。")
    return text


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("应为编号，由数字和字母组成。")
    return text


def _subject(text: str) -> str:
    if not _SUBJECT.fullmatch(text):
        raise ValueError("应写作 种类:系统内编号，如 person:… 或 institution:…。")
    return text


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("应为整数。")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("应为 true（是）或 false（否）。")
    return text == "true"


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("不是有效的日期，应写作 2024-05-01。")
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"日期应在 {FIRST_DAY} 至 {LAST_DAY} 之间。")
    return day


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.upper()) if _MOMENT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not FIRST_DAY.year < moment.year <= LAST_DAY.year:
        raise ValueError(
            "不是有效的时刻，应写作 2024-05-01T09:30:00+08:00（地址中的加号须写作 %2B）。"
        )
    return moment


_READERS: Final[Mapping[str, Any]] = {
    "text": _text,
    "id": _id,
    "subject": _subject,
    "date": _date,
    "moment": _moment,
    "integer": _integer,
    "boolean": _boolean,
    "choice": _text,
}


class Query:
    """The conditions that a route takes."""

    def __init__(self, params: Iterable[Param], *, form: bool = False) -> None:
        """Take these, path parameters included.

        A ``form`` sends fields that were left empty, and whoever passes a page's address on may
        add to it: both are passed over.
        """
        self._form = form
        self._known = {param.name: param for param in params}
        self._defaults = {n: p.default for n, p in self._known.items() if p.place == "query"}

    def read(self, request: Request) -> dict[str, Any]:
        """Return the request's conditions by name, defaults filled in.

        Raises a 422 `Problem` naming every condition that is unknown, given twice or unreadable.
        """
        values = dict(self._defaults)
        if not request.scope["query_string"] and not request.path_params:
            return values
        wrong: list[Fault] = []
        seen: set[str] = set()
        for name, text in _given(request):
            param = self._known.get(name)
            if self._form and (not text or param is None):
                continue
            if param is None:
                usable = told({n: self._known[n].name_shown for n in self._defaults}) or "无"
                wrong.append(
                    Fault(name[:TEXT_LIMIT], None, f"没有这个条件；可用的条件：{usable}。")
                )
            elif name in seen:
                wrong.append(Fault(name, param.name_shown, "只能写一次。"))
            else:
                seen.add(name)
                try:
                    values[name] = param.read(text)
                except ValueError as error:
                    wrong.append(Fault(name, param.name_shown, str(error)))
        if wrong:
            raise faulty(wrong, "request.parameters")
        return values


def _given(request: Request) -> list[tuple[str, str]]:
    """Return path and query conditions as given, in order."""
    given = [(name, str(value)) for name, value in request.path_params.items()]
    raw: bytes = request.scope["query_string"]
    if not raw:
        return given
    try:
        return given + parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:  # not ASCII, not UTF-8 behind the percent signs, or too many
        raise Problem(
            "request.parameters", "查询条件无法识别：应为 UTF-8 编码的网址，不超过 100 个条件。"
        ) from None


async def body(request: Request, model: type[M], *, limit: int = BODY_LIMIT) -> M:
    """Return the body as a model; raises the `Problem` that says what is wrong with it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            "request.media-type",
            "请求内容应为 JSON:请在请求头中写明 Content-Type: application/json。",
        )
    data = await _read(request, limit)
    try:
        made = model.model_validate_json(data, strict=True)  # 0 is no date, 1 is no 是
    except ValidationError as error:
        raise _unreadable(error, data, model) from None
    if b"\\" in data or b"\x7f" in data:
        _refuse_unseen(data)
    return made


async def _read(request: Request, limit: int) -> bytes:
    """Return the whole body, giving up as soon as it is longer than ``limit`` bytes."""
    too_large = f"请求内容不能超过 {limit // 1024} KB，请分批办理。"
    return b"".join([piece async for piece in limited(request, limit, too_large)])


async def limited(request: Request, limit: int, too_large: str) -> AsyncGenerator[bytes]:
    """Yield the body piece by piece; answers ``too_large`` once it is longer than ``limit``."""
    announced = request.headers.get("content-length", "0")
    size = int(announced) if announced.isdecimal() else 0
    if size <= limit:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                break
            yield piece
    if size > limit:
        raise Problem("request.too-large", too_large, headers={"Connection": "close"})


def _unreadable(error: ValidationError, data: bytes, model: type[BaseModel]) -> Problem:
    first = error.errors(include_url=False)[0]
    if first["type"] != "json_invalid":
        return faulty(faults(error, model))
    if not data.strip():
        return Problem("request.not-json", "请求没有内容；应为一个 JSON 对象。")
    place = re.search(r"at line (\d+) column (\d+)", str(first.get("ctx", {}).get("error", "")))
    where = f"第 {place[1]} 行第 {place[2]} 个字符附近有误" if place else "格式有误"
    return Problem("request.not-json", f"请求内容{where}，请检查引号、逗号和括号。")


def _refuse_unseen(data: bytes) -> None:
    """Refuse control characters that were smuggled in as escapes; PostgreSQL cannot hold NUL."""
    wrong = [
        Fault(path, None, "含有看不见的控制字符，请删去后重新输入。")
        for path, text in _texts(from_json(data), "")
        if _UNSEEN.search(text)
    ]
    if wrong:
        raise faulty(wrong, "request.characters")


def _texts(value: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield path, name
            yield from _texts(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _texts(one, f"{path}[{place}]")
