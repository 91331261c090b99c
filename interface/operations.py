"""A route, declared once: who may, what it takes, what it answers, and how OpenAPI shows it.

    Api.add("POST", "/api/staffing/enter", handler, Operation(summary="入编", right=Right.FILE, …))

Every route is guarded here: without ``right=`` (or ``open_to_all=True``) it cannot be declared.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from application.access import Right, Session
from interface.asking import Param, Query
from interface.problems import MEDIA_TYPE, TITLES, Problem, ProblemShown
from interface.routing import Endpoint, Routes
from interface.services import Services

REF: Final = "#/components/schemas/"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Answer:
    """One answer of a route: its status, its JSON model, or the media types of a file."""

    status: int
    description: str
    model: type[BaseModel] | None = None
    files: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the answer as OpenAPI shows it."""
        content: dict[str, Any] = {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in self.files
        }
        if self.model is not None:
            content["application/json"] = {"schema": _ref(self.model)}
        shown: dict[str, Any] = {"description": self.description}
        if content:
            shown["content"] = content
        if self.headers:
            shown["headers"] = {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in self.headers
            }
        return shown


@dataclass(frozen=True)
class Operation:
    """What a route is. ``problems`` are codes of `interface.problems.TITLES`.

    ``own`` is the right that suffices for what belongs to the caller's own institution; the
    route's handler must then keep to `Asked.within`.
    A ``form``'s fields that were left empty count as not given.
    It takes a ``body``, or files: ``upload`` is the name of their field, and what they are.
    """

    summary: str
    tag: str
    answers: tuple[Answer, ...]
    description: str = ""
    right: Right | None = None
    own: Right | None = None
    open_to_all: bool = False
    before_password: bool = False
    hidden: bool = False
    form: bool = False
    body: type[BaseModel] | None = None
    upload: tuple[str, str] | None = None
    example: Any = None
    params: tuple[Param, ...] = ()
    problems: tuple[str, ...] = ()

    def all_problems(self) -> list[str]:
        """Return the codes of every problem the route may answer with."""
        codes = [*self.problems, "server.fault", "server.database"]
        if not self.open_to_all:
            codes.append("access.login-needed")
            if not self.before_password:
                codes.append("access.password-first")
            if self.right is not None:
                codes.append("access.denied")
        codes.append("request.parameters")
        if self.body is not None:
            codes += ["request.not-json", "request.fields", "request.characters"]
            codes += ["request.media-type", "request.too-large"]
        if self.upload is not None:
            codes += ["request.fields", "request.media-type", "request.too-large"]
        return list(dict.fromkeys(codes))

    def shown(self) -> dict[str, Any]:
        """Return what FastAPI's own description of the route lacks."""
        shown: dict[str, Any] = {
            "parameters": [param.schema() for param in self.params],
            "responses": {str(one.status): one.shown() for one in self.answers},
        }
        by_status: dict[int, list[str]] = {}
        for code in self.all_problems():
            by_status.setdefault(TITLES[code][0], []).append(code)
        for status, codes in sorted(by_status.items()):
            shown["responses"][str(status)] = {
                "description": "；".join(f"{TITLES[code][1]}({code})" for code in codes),
                "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}}},
            }
        if not self.open_to_all:
            shown["security"] = [{"token": []}]
        if self.body is not None:
            content: dict[str, Any] = {"schema": _ref(self.body)}
            if self.example is not None:
                content["example"] = self.example
            shown["requestBody"] = {"required": True, "content": {"application/json": content}}
        if self.upload is not None:
            shown["requestBody"] = _files(*self.upload)
        return shown


def _files(field: str, description: str) -> dict[str, Any]:
    """Return how OpenAPI shows that files are taken."""
    files = {
        "type": "array",
        "minItems": 1,
        "title": description,
        "items": {"type": "string", "format": "binary"},
    }
    schema = {
        "type": "object",
        "required": [field],
        "properties": {field: files},
        "additionalProperties": False,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"{REF}{model.__name__}"}


@dataclass(frozen=True)
class Asked:
    """A request that may be answered: its conditions are read, its caller is known and allowed.

    ``within``: the institution to whose own affairs the answer must keep; None for those who may
    see all.
    """

    request: Request
    query: dict[str, Any]
    session: Session
    within: str | None = None


Handler = Callable[[Asked], Awaitable[Response]]

NOBODY: Final[Any] = None
"""The session of a request to a route that is open to all."""


class Api:
    """All routes, and the models that OpenAPI has to describe."""

    def __init__(self, services: Services) -> None:
        """Answer for one office."""
        self.services = services
        self.router = APIRouter(redirect_slashes=False)
        self.routes = Routes()
        self.inputs: dict[type[BaseModel], None] = {}
        self.outputs: dict[type[BaseModel], None] = {ProblemShown: None}

    def add(self, method: str, path: str, handler: Handler, operation: Operation) -> None:
        """Add a route."""
        if operation.right is None and not operation.open_to_all and not operation.before_password:
            raise TypeError(f"{method} {path}: say who may")
        if operation.body is not None:
            self.inputs[operation.body] = None
        self.outputs.update({a.model: None for a in operation.answers if a.model is not None})
        guarded = self._guarded(handler, operation)
        operation_id = f"{method.lower()}_{_words(path)}"
        for param in operation.params:
            if param.place == "path" and param.kind == "integer":
                # Words in its place belong to another route, such as /api/journal/open.
                path = path.replace(f"{{{param.name}}}", f"{{{param.name}:int}}")
        self.routes.add(method, path, guarded)
        self.router.add_api_route(
            path,
            guarded,
            methods=[method],
            response_class=Response,
            status_code=operation.answers[0].status,
            summary=operation.summary,
            description=operation.description,
            tags=[operation.tag],
            operation_id=operation_id,
            include_in_schema=not operation.hidden,
            openapi_extra=operation.shown(),
        )

    def _guarded(self, handler: Handler, operation: Operation) -> Endpoint:
        query = Query(operation.params, form=operation.form)

        async def answer(request: Request) -> Response:
            if operation.open_to_all:
                return await handler(Asked(request, query.read(request), NOBODY))
            session = await self._caller(request, operation)
            within = _within(session, operation)
            return await handler(Asked(request, query.read(request), session, within))

        return answer

    async def _caller(self, request: Request, operation: Operation) -> Session:
        """Return who asks; raises a 401 or 403 `Problem`."""
        token = token_of(request)
        accounts = self.services.accounts
        session = accounts.remembered(token)
        if session is None:
            key = ("session", token, accounts.endings)
            session = await self.services.run_once(key, accounts.session, token)
        if session is None:
            raise _login_needed("登录已过期或已退出，请重新登录。")
        if session.must_change and not operation.before_password:
            raise Problem(
                "access.password-first",
                "密码由他人设置，请先修改密码（POST /api/password）再使用。",
            )
        right = operation.right
        if right is not None and not (session.may(right) or _within(session, operation)):
            raise Problem("access.denied", f"您的账号没有“{right.value}”的权限。")
        request.state.actor = session.name
        return session


def _within(session: Session, operation: Operation) -> str | None:
    """Return the institution to which a caller is confined on this route, if to any."""
    if operation.right is None or operation.own is None or session.may(operation.right):
        return None
    return session.institution if session.may(operation.own) else None


def token_of(request: Request) -> str:
    """Return the bearer token of a request; raises a 401 `Problem` where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _login_needed(
            "请先登录（POST /api/login），并在请求头中带上 Authorization: Bearer 令牌。"
        )
    return token.strip()


def _login_needed(detail: str) -> Problem:
    return Problem("access.login-needed", detail, headers={"WWW-Authenticate": "Bearer"})


def _words(path: str) -> str:
    text = path.removeprefix("/api/")
    return "".join(c if c.isalnum() else "_" for c in text).strip("_").replace("__", "_")


# ── OpenAPI ──────────────────────────────────────────────────────────────────────────────────


def describe(app: FastAPI, api: Api, introduction: str) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=introduction,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    inputs = [(model, "validation") for model in api.inputs]
    outputs = [(model, "serialization") for model in api.outputs]
    _, definitions = models_json_schema(
        [*inputs, *outputs],  # type: ignore[list-item]  # the literal's type is lost in the list
        ref_template=REF + "{model}",
    )
    components = document.setdefault("components", {})
    components["schemas"] = _named(definitions["$defs"])
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "POST /api/login 取得的令牌"}
    }
    return document


def _named(definitions: dict[str, Any]) -> dict[str, Any]:
    """Show the problem document under its plain name, and to clerks only what is Chinese.

    A model's docstring is for developers; its title, where it is just its name, says nothing.
    """
    shown: dict[str, Any] = {}
    for name, schema in definitions.items():
        for word in ("title", "description"):
            if not _CHINESE.search(schema.get(word, "")):
                schema.pop(word, None)
        shown["Problem" if name == "ProblemShown" else name] = schema
    return shown
