"""The frame around every request: nothing leaves but an answer or a problem, and a log line.

A fault of the program is answered with a number; its place in the code is logged under that number,
its message is not, for it may quote what was being filed.
"""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Callable
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interface.problems import Problem
from interface.routing import Routes

HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
"""What an answer carries unless it says otherwise: nobody on the way keeps it, nobody guesses its
type."""

FRAMES_LOGGED: Final = 8
METHOD_NOT_ALLOWED: Final = 405

_log = structlog.get_logger("taizhang.http")


class Frame:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Routes,
        translate: Callable[[Exception], Problem | None],
        tell: Callable[[str, Problem], Response],
    ) -> None:
        """Frame ``app``; ``translate`` makes the problem of an exception that has one.

        ``tell`` makes the answer to a path that is a problem: a page where people read pages.

        What ``routes`` find is answered here. FastAPI has the routes too, for its description of
        the API and for 404 and 405, but takes several times as long to find and call one as we to
        answer it.
        """
        self._app = app
        self._routes = routes
        self._translate = translate
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                ours = (header for header in HEADERS if header[0] not in own)
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        try:
            found = self._routes.find(scope["method"], scope["path"])
            if found is None:
                await self._app(scope, receive, send_on)
            else:
                scope["direct"], scope["path_params"] = found.path, found.params
                response = await found.endpoint(Request(scope, receive))
                await response(scope, receive, send_on)
        except Exception as error:  # noqa: BLE001  (the last one to catch it: answered, or logged)
            problem = self._translate(error) or _fault(error)
            if problem.status == METHOD_NOT_ALLOWED:
                problem.headers["Allow"] = self._allowed(scope["path"], problem)
            if status:  # the answer is already under way: end the connection, do not pretend
                raise ConnectionAbortedError(problem.code) from None
            await self._tell(scope["path"], problem)(scope, receive, send_on)
        finally:
            _log_request(scope, status, started)

    def _allowed(self, path: str, problem: Problem) -> str:
        """Return every method of the path; Starlette names only its first route's."""
        return ", ".join(self._routes.methods(path)) or problem.headers.get("Allow", "")


def _fault(error: Exception) -> Problem:
    return Problem(
        "server.fault",
        "系统出现故障，本次操作没有完成。请稍后重试；如再次出现，请把故障编号告诉管理员。",
        reference=_log_fault(error),
    )


def _log_fault(error: Exception) -> str:
    reference = secrets.token_hex(6)
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-FRAMES_LOGGED:]
    ]
    _log.error("fault", reference=reference, error=type(error).__name__, places=places)
    return reference


def _log_request(scope: Scope, status: int, started: float) -> None:
    """Log method, route, status, time and account; never the query, which may hold a name."""
    route = getattr(scope.get("route"), "path", None)
    _log.info(
        "request",
        method=scope["method"],
        route=route or scope.get("direct"),
        status=status,
        ms=round((time.perf_counter() - started) * 1000, 1),
        actor=scope.get("state", {}).get("actor"),
    )


def http_problem(error: HTTPException) -> Problem:
    """Say what Starlette says by itself (404, 405 …) as a problem document."""
    code, detail = {
        404: ("request.path", "没有这个地址，请检查拼写；全部地址见 /openapi.json。"),
        405: ("request.method", "这个地址不支持该操作，请检查请求方法（GET、POST）。"),
    }.get(error.status_code, ("request.malformed", "请求无法识别。"))
    return Problem(code, detail, headers=error.headers)
